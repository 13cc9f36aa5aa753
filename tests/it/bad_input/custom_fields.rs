//! Valid input for the custom field mutations, for the tests that omit a field or set a value of another type. Other
//! invalid input is tested in [`crate::custom_fields`].

use serde_json::json;

use super::ValidInput;
use crate::custom_fields::{define, field};
use crate::customers::patched;
use crate::kit::Shop;

/// Every custom field mutation with an input that would succeed.
pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    let spare = define(shop, "spare", "STRING", json!({})).await;
    let new = json!({
        "storefrontId": shop.id(), "description": "What it is for", "isRequired": true, "isPublic": true,
        "isCustomerWritable": true,
    });
    let good = |field, input, optional| ValidInput {
        field,
        input,
        optional,
        caller: shop.backend.clone(),
    };
    vec![
        good(
            "customFieldDefine",
            patched(field("new", "STRING"), new),
            &[
                "storefrontId",
                "description",
                "isRequired",
                "isPublic",
                "isCustomerWritable",
            ][..],
        ),
        good(
            "customFieldUpdate",
            json!({
                "id": spare["id"], "name": "Another", "description": "For nothing", "isRequired": true, "isPublic": true,
                "isCustomerWritable": true,
            }),
            &[
                "name",
                "description",
                "isRequired",
                "isPublic",
                "isCustomerWritable",
            ],
        ),
        good("customFieldDelete", json!({ "id": spare["id"] }), &[]),
    ]
}
