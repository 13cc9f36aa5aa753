//! Invalid input for the erasure mutations and the export.

use serde_json::json;

use super::ValidInput;
use super::customers::{MISSING, bad_customers, check, shops};
use crate::customers::{OTHER_PASSWORD, PASSWORD, ada, id_of};
use crate::erasure::on_behalf;
use crate::kit::Shop;

/// Every one of these mutations with an input that would succeed.
pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    let (backend, _) = on_behalf(shop).await;
    let mut valid_inputs = Vec::new();
    for (name, field) in [
        ("asked", "customerAnonymizationRequest"),
        ("cancelled", "customerAnonymizationCancel"),
        ("deleted", "customerDelete"),
        ("exported", "customerDataExport"),
        ("erased", "customerAnonymize"),
    ] {
        let (person, _) = ada(shop, &format!("{name}@example.com")).await;
        let of = json!({ "customerId": id_of(&person).await });
        if field == "customerAnonymizationCancel" {
            backend
                .mutate_ok("customerAnonymizationRequest", of.clone())
                .await;
        }
        let (caller, input, optional): (_, _, &[&str]) = match field {
            "customerAnonymize" => (&person, json!({ "password": PASSWORD }), &["password"]),
            "customerDelete" | "customerDataExport" => (&shop.backend, of, &["customerId"]),
            _ => (&backend, of, &[]),
        };
        valid_inputs.push(ValidInput {
            field,
            input,
            optional,
            caller: caller.clone(),
        });
    }
    valid_inputs
}

// ERR-01, SPR-31, SPR-32
#[tokio::test]
async fn err_01_erasure_and_export_accept_only_the_callers_own_customers() {
    let (shop, _, theirs) = shops().await;
    let (backend, _) = on_behalf(&shop).await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let good = json!({ "customerId": id_of(&ada).await });
    for (caller, field) in [
        (&backend, "customerAnonymizationRequest"),
        (&backend, "customerAnonymizationCancel"),
        (&shop.backend, "customerDelete"),
        (&shop.backend, "customerDataExport"),
    ] {
        check(&shop, caller, field, &good, bad_customers(&theirs, MISSING)).await;
    }
    let wrong = ["", " ", "\u{0}", OTHER_PASSWORD];
    let wrong = super::customers::each("password", &wrong, "PASSWORD_INVALID password (408)");
    check(
        &shop,
        &ada,
        "customerAnonymize",
        &json!({ "password": PASSWORD }),
        wrong,
    )
    .await;
}
