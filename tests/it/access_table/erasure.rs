//! Erasure and export.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{CustomersAnonymize, CustomersRead, CustomersWrite};

use super::cell::Cell;
use super::row::{NO, NONE, Row, mutation_row};
use crate::customers::PASSWORD;

const NOT_FOUND: &str = "user CUSTOMER_NOT_FOUND";
const MISSING: &str = "user CUSTOMER_REFERENCE_MISSING";
/// A secret has no owner; for credentials that have one see `erasure/doors.rs`.
const NO_OWNER: &str = "user OWNER_REQUIRED";

fn named(cell: &Cell) -> Value {
    json!({ "customerId": cell.account.id })
}

impl Row {
    fn on_behalf(self) -> Self {
        self.scopes(&[CustomersAnonymize], &[CustomersRead, CustomersWrite])
            .public_callers([NONE, NO])
            .backends([NO, NO_OWNER, NO_OWNER])
            .no_persons()
    }

    /// A customer by id, or the caller itself.
    fn customer_by_id_or_own(self) -> Self {
        self.public_callers([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .users([NO; 4])
            .customers(["done", NOT_FOUND, NOT_FOUND])
    }

    fn own_account_only(self) -> Self {
        self.public_callers([NONE, NO])
            .backends([NO, MISSING, MISSING])
            .users([NO; 4])
            .customers(["done"; 3])
    }
}

pub(super) fn mutations() -> Vec<Row> {
    let password = |_: &Cell| json!({ "password": PASSWORD });
    let (write, read) = (&[CustomersWrite], &[CustomersRead]);
    vec![
        mutation_row("customerAnonymizationRequest", "", named).on_behalf(),
        mutation_row("customerAnonymizationCancel", "", named).on_behalf(),
        mutation_row("customerAnonymize", "", password)
            .scopes(&[CustomersAnonymize], read)
            .public_callers([NONE, NO])
            .backends([NO; 3])
            .users([NO; 4])
            .customers(["done"; 3]),
        mutation_row(
            "customerDelete",
            "a customer",
            |cell| json!({ "customerId": cell.account.id, "password": PASSWORD }),
        )
        .scopes(write, read)
        .customer_by_id_or_own(),
        mutation_row("customerDelete", "the caller", password)
            .scopes(write, read)
            .own_account_only(),
        mutation_row("customerDataExport", "a customer", named)
            .scopes(read, write)
            .customer_by_id_or_own(),
        mutation_row("customerDataExport", "the caller", |_| json!({}))
            .scopes(read, write)
            .own_account_only(),
    ]
}
