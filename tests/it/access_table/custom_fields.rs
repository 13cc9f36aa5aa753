//! Custom fields: definitions, a customer's values, and who may write both.

use serde_json::json;
use storefront_gateway::reach::scope::Scope::{
    CustomFieldsWrite, CustomersRead, CustomersWrite, StorefrontsRead,
};

use super::row::{NO, NO_STOREFRONT, NONE, Row, asks, behind, does, node};
use crate::custom_fields::{field, values};
use crate::customers::but;

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
        asks("node", "public field", |cell| node(&cell.fields.public, ""))
            .scopes(&[StorefrontsRead], &[CustomFieldsWrite, CustomersRead])
            .anyone(["null", "ours"])
            .backends(["null", "ours", "null"])
            .users(["ours", "ours", "null", "ours"])
            .customers(["ours", "ours", "null"]),
        asks("nodes", "field of backends", |cell| {
            format!("{{ nodes(ids: [{:?}]) {{ id }} }}", cell.fields.hidden)
        })
        .scopes(&[StorefrontsRead], &[CustomFieldsWrite, CustomersRead])
        .anyone(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null"; 4])
        .customers(["null"; 3]),
        asks("storefront", "custom fields", |cell| {
            let by = format!("by: {{ id: {:?} }}", cell.storefront());
            format!("{{ storefront({by}) {{ customFieldDefinitions {{ id }} }} }}")
        })
        .scopes(&[StorefrontsRead], &[CustomFieldsWrite, CustomersRead])
        .anyone([NONE, "ours"])
        .backends([NO, "ours", "null"])
        .users(["ours", "ours", NO, "ours"])
        .customers(["ours", "ours", "null"]),
    ]
}

fn values_of_customers() -> Vec<Row> {
    vec![
        asks("node", "customer's public field", |cell| {
            let fields = "customFields(keys: [\"public\"]) { definition { id } }";
            behind(&cell.account.id, &format!("... on Customer {{ {fields} }}"))
        })
        .scopes(&[CustomersRead, StorefrontsRead], &[CustomersRead])
        .anyone(["null"; 2])
        .backends([NO, "ours", "null"])
        .users(["null", "null", "null", "ours"])
        .customers(["ours", "null", "null"]),
        asks("node", "customer's value of a field of backends", |cell| {
            behind(&cell.account.id, "... on Customer { customFields { value } }")
        })
        .scopes(&[CustomersRead], &[StorefrontsRead])
        .anyone(["null"; 2])
        .backends(["null", "ours", "null"])
        .users(["null", "null", "null", "else"])
        .customers(["else", "null", "null"]),
    ]
}

fn mutations() -> Vec<Row> {
    vec![
        does("customFieldDefine", "", |cell| {
            but(
                field(&format!("field{}", cell.number), "DATE"),
                json!({ "storefrontId": cell.storefront() }),
            )
        })
        .scopes(&[CustomFieldsWrite], &[CustomersWrite, StorefrontsRead])
        .anyone([NONE, NO])
        .backends([NO, "done", NO_STOREFRONT])
        .no_persons(),
        does(
            "customFieldUpdate",
            "",
            |cell| json!({ "id": cell.fields.hidden, "name": format!("Name {}", cell.number) }),
        )
        .scopes(&[CustomFieldsWrite], &[CustomersWrite, StorefrontsRead])
        .anyone([NONE, NO])
        .backends([NO, "done", NO_FIELD])
        .no_persons(),
        does("customFieldDelete", "", |cell| json!({ "id": cell.fields.spare }))
            .scopes(&[CustomFieldsWrite], &[CustomersWrite, StorefrontsRead])
            .anyone([NONE, NO])
            .backends([NO, "done", NO_FIELD])
            .no_persons(),
        does("customerUpdate", "a field of customers", |cell| {
            but(
                values(&[("public", json!("new"))]),
                json!({ "customerId": cell.account.id }),
            )
        })
        .scopes(&[CustomersWrite], &[CustomersRead, CustomFieldsWrite])
        .anyone([NONE, NO])
        .backends([NO, "done", NOT_FOUND])
        .users([NO; 4])
        .customers(["done", NOT_FOUND, NOT_FOUND]),
        does("customerUpdate", "a field of backends", |cell| {
            but(
                values(&[("hidden", json!("new"))]),
                json!({ "customerId": cell.account.id }),
            )
        })
        .scopes(&[CustomersWrite], &[CustomersRead, CustomFieldsWrite])
        .anyone([NONE, NO])
        .backends([NO, "done", NOT_FOUND])
        .users([NO; 4])
        .customers([NOT_FROM_YOU, NOT_FOUND, NOT_FOUND]),
    ]
}
