//! Notes about customers: back ends only.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{CustomersRead, CustomersWrite};

use super::row::{NO, NONE, Row, asks, behind, does, node};

pub(super) fn queries() -> Vec<Row> {
    vec![
        asks("node", "note", |cell| node(&cell.note, ""))
            .scopes(&[CustomersRead], &[CustomersWrite])
            .anyone(["null"; 2])
            .backends(["null", "ours", "null"])
            .users(["null"; 4])
            .customers(["null"; 3]),
        asks("node", "customer's notes", |cell| {
            behind(
                &cell.account.id,
                "... on Customer { notes { nodes { id } totalCount } }",
            )
        })
        .scopes(&[CustomersRead], &[CustomersWrite])
        .anyone(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null", "null", "null", "else"])
        .customers(["else", "null", "null"]),
    ]
}

pub(super) fn mutations() -> Vec<Row> {
    vec![
        does(
            "customerNoteCreate",
            "",
            |cell| json!({ "customerId": cell.account.id, "text": "Called back." }),
        )
        .scopes(&[CustomersWrite], &[CustomersRead])
        .anyone([NONE, NO])
        .backends([NO, "done", "user CUSTOMER_NOT_FOUND"])
        .no_persons(),
        does("customerNoteDelete", "", |cell| json!({ "id": cell.note }))
            .scopes(&[CustomersWrite], &[CustomersRead])
            .anyone([NONE, NO])
            .backends([NO, "done", "user CUSTOMER_NOTE_NOT_FOUND"])
            .no_persons(),
    ]
}
