//! Erasure and export.

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope::{CustomersAnonymize, CustomersRead, CustomersWrite};

use super::cell::Cell;
use super::row::{NO, NONE, Row, does};
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
            .anyone([NONE, NO])
            .backends([NO, NO_OWNER, NO_OWNER])
            .no_persons()
    }

    /// A customer by id, or the caller itself.
    fn somebody(self) -> Self {
        self.anyone([NONE, NO])
            .backends([NO, "done", NOT_FOUND])
            .users([NO; 4])
            .customers(["done", NOT_FOUND, NOT_FOUND])
    }

    fn only_oneself(self) -> Self {
        self.anyone([NONE, NO])
            .backends([NO, MISSING, MISSING])
            .users([NO; 4])
            .customers(["done"; 3])
    }
}

pub(super) fn mutations() -> Vec<Row> {
    let password = |_: &Cell| json!({ "password": PASSWORD });
    let (write, read) = (&[CustomersWrite], &[CustomersRead]);
    vec![
        does("customerAnonymizationRequest", "", named).on_behalf(),
        does("customerAnonymizationCancel", "", named).on_behalf(),
        does("customerAnonymize", "", password)
            .scopes(&[CustomersAnonymize], read)
            .anyone([NONE, NO])
            .backends([NO; 3])
            .users([NO; 4])
            .customers(["done"; 3]),
        does(
            "customerDelete",
            "somebody",
            |cell| json!({ "customerId": cell.account.id, "password": PASSWORD }),
        )
        .scopes(write, read)
        .somebody(),
        does("customerDelete", "oneself", password)
            .scopes(write, read)
            .only_oneself(),
        does("customerDataExport", "somebody", named)
            .scopes(read, write)
            .somebody(),
        does("customerDataExport", "oneself", |_| json!({}))
            .scopes(read, write)
            .only_oneself(),
    ]
}
