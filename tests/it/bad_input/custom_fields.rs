//! Good input to custom fields' mutations, for the tests that take a field away or put another kind of value there. What else
//! is bad is in [`crate::custom_fields`].

use serde_json::json;

use super::Good;
use crate::custom_fields::{define, field};
use crate::customers::but;
use crate::kit::Shop;

/// Every mutation of custom fields with an input that would take effect.
pub(super) async fn all(shop: &Shop) -> Vec<Good> {
    let spare = define(shop, "spare", "STRING", json!({})).await;
    let new = json!({
        "storefrontId": shop.id(), "description": "What it is for", "isRequired": true, "isPublic": true,
        "isCustomerWritable": true,
    });
    let good = |field, input, optional| Good {
        field,
        input,
        optional,
        caller: shop.backend.clone(),
    };
    vec![
        good(
            "customFieldDefine",
            but(field("new", "STRING"), new),
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
