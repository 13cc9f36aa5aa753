//! Notes about customers: back ends only.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{CustomersRead, CustomersWrite};

use super::row::{NO, NONE, Row, mutation_row, nested, node, query_row};

pub(super) fn queries() -> Vec<Row> {
    vec![
        query_row("node", "note", |cell| node(&cell.note, ""))
            .scopes(&[CustomersRead], &[CustomersWrite])
            .public_callers(["null"; 2])
            .backends(["null", "ours", "null"])
            .users(["null"; 4])
            .customers(["null"; 3]),
        query_row("node", "customer's notes", |cell| {
            nested(
                &cell.account.id,
                "... on Customer { notes { nodes { id } totalCount } }",
            )
        })
        .scopes(&[CustomersRead], &[CustomersWrite])
        .public_callers(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null", "null", "null", "else"])
        .customers(["else", "null", "null"]),
    ]
}

pub(super) fn mutations() -> Vec<Row> {
    vec![
        mutation_row(
            "customerNoteCreate",
            "",
            |cell| json!({ "customerId": cell.account.id, "text": "Called back." }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .public_callers([NONE, NO])
        .backends([NO, "done", "user CUSTOMER_NOT_FOUND"])
        .no_persons(),
        mutation_row("customerNoteDelete", "", |cell| json!({ "id": cell.note }))
            .scopes(&[CustomersWrite], &[CustomersRead])
            .public_callers([NONE, NO])
            .backends([NO, "done", "user CUSTOMER_NOTE_NOT_FOUND"])
            .no_persons(),
    ]
}
