//! Custom fields: definitions, a customer's values, and who may write both.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{
    CustomFieldsWrite, CustomersRead, CustomersWrite, StorefrontsRead,
};

use super::row::{NO, NO_STOREFRONT, NONE, Row, mutation_row, nested, node, query_row};
use crate::custom_fields::{field, values};
use crate::customers::patched;

const NOT_FOUND: &str = "user CUSTOMER_NOT_FOUND";
const NOT_FROM_YOU: &str = "user FORBIDDEN";
const NO_FIELD: &str = "user CUSTOM_FIELD_NOT_FOUND";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = definitions();
    rows.extend(values_of_customers());
    rows.extend(mutations());
    rows
}

fn definitions() -> Vec<Row> {
    vec![
        query_row("node", "public field", |cell| node(&cell.fields.public, ""))
            .scopes(&[StorefrontsRead], &[CustomFieldsWrite, CustomersRead])
            .public_callers(["null", "ours"])
            .backends(["null", "ours", "null"])
            .users(["ours", "ours", "null", "ours"])
            .customers(["ours", "ours", "null"]),
        query_row("nodes", "field of backends", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.fields.hidden)
        })
        .scopes(&[StorefrontsRead], &[CustomFieldsWrite, CustomersRead])
        .public_callers(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null"; 4])
        .customers(["null"; 3]),
        query_row("storefront", "custom fields", |cell| {
            let by = format!("by: {{ id: {:?} }}", cell.storefront());
            format!("{{ storefront({by}) {{ customFieldDefinitions {{ id }} }} }}")
        })
        .scopes(&[StorefrontsRead], &[CustomFieldsWrite, CustomersRead])
        .public_callers([NONE, "ours"])
        .backends([NO, "ours", "null"])
        .users(["ours", "ours", NO, "ours"])
        .customers(["ours", "ours", "null"]),
    ]
}

fn values_of_customers() -> Vec<Row> {
    vec![
        query_row("node", "customer's public field", |cell| {
            let fields = "customFields(keys: [\"public\"]) { definition { id } }";
            nested(&cell.account.id, &format!("... on Customer {{ {fields} }}"))
        })
        .scopes(&[CustomersRead, StorefrontsRead], &[CustomersRead])
        .public_callers(["null"; 2])
        .backends([NO, "ours", "null"])
        .users(["null", "null", "null", "ours"])
        .customers(["ours", "null", "null"]),
        query_row("node", "customer's value of a field of backends", |cell| {
            nested(&cell.account.id, "... on Customer { customFields { value } }")
        })
        .scopes(&[CustomersRead], &[StorefrontsRead])
        .public_callers(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null", "null", "null", "else"])
        .customers(["else", "null", "null"]),
    ]
}

fn mutations() -> Vec<Row> {
    vec![
        mutation_row("customFieldDefine", "", |cell| {
            patched(
                field(&format!("field{}", cell.number), "DATE"),
                json!({ "storefrontId": cell.storefront() }),
            )
        })
        .scopes(&[CustomFieldsWrite], &[CustomersWrite, StorefrontsRead])
        .public_callers([NONE, NO])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        mutation_row(
            "customFieldUpdate",
            "",
            |cell| json!({ "id": cell.fields.hidden, "name": format!("Name {}", cell.number) }),
        )
        .scopes(&[CustomFieldsWrite], &[CustomersWrite, StorefrontsRead])
        .public_callers([NONE, NO])
        .backends([NO, "done", NO_FIELD])
        .no_persons(),
        mutation_row("customFieldDelete", "", |cell| json!({ "id": cell.fields.spare }))
            .scopes(&[CustomFieldsWrite], &[CustomersWrite, StorefrontsRead])
            .public_callers([NONE, NO])
            .backends([NO, "done", NO_FIELD])
            .no_persons(),
        mutation_row("customerUpdate", "a field of customers", |cell| {
            patched(
                values(&[("public", json!("new"))]),
                json!({ "customerId": cell.account.id }),
            )
        })
        .scopes(&[CustomersWrite], &[CustomersRead, CustomFieldsWrite])
        .public_callers([NONE, NO])
        .backends([NO, "done", NOT_FOUND])
        .users([NO; 4])
        .customers(["done", NOT_FOUND, NOT_FOUND]),
        mutation_row("customerUpdate", "a field of backends", |cell| {
            patched(
                values(&[("hidden", json!("new"))]),
                json!({ "customerId": cell.account.id }),
            )
        })
        .scopes(&[CustomersWrite], &[CustomersRead, CustomFieldsWrite])
        .public_callers([NONE, NO])
        .backends([NO, "done", NOT_FOUND])
        .users([NO; 4])
        .customers([NOT_FROM_YOU, NOT_FOUND, NOT_FOUND]),
    ]
}
