//! One mutation of each kind; all of them succeed concurrently and in any order.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::addresses::home;
use crate::custom_fields::{define, field, open, values};
use crate::customer_notes::note;
use crate::customers::{
    OTHER_PASSWORD, PASSWORD, ada, credentials, id_of, patched, person, redeem, with_password,
};
use crate::erasure::on_behalf;
use crate::kit::{Answer, Caller, Shop, faults, mutation};
use crate::markets::{self, group, market};
use crate::oidc::{WITH_OIDC, callback_input, open as open_provider};
use crate::orders::{by_default, guests, in_storefront};

/// A mutation that is ready to be sent.
pub(crate) struct MutationCall {
    by: Caller,
    pub(crate) field: &'static str,
    input: Value,
    /// The legacy code of SAVE_FAILED; None where the schema does not define SAVE_FAILED for the mutation.
    pub(super) legacy_code: Option<u16>,
    /// Whether it is written in one transaction.
    pub(super) in_transaction: bool,
}

impl MutationCall {
    pub(super) async fn send(&self) -> Answer {
        let input = json!({ "input": self.input });
        self.by.send(&mutation(self.field), input).await
    }

    /// Sends the mutation, which must succeed.
    pub(crate) async fn assert_succeeds(&self) {
        let payload = self.by.mutate(self.field, self.input.clone()).await;
        assert_eq!(faults(&payload), [""; 0], "{}", self.field);
    }
}

/// Prepares the mutations with the callers and records that they need.
pub(crate) async fn mutation_calls(shop: &Shop) -> Vec<MutationCall> {
    shop.open_account_page().await;
    let mut mutation_calls = account_calls(shop).await;
    mutation_calls.extend(session_calls(shop).await);
    mutation_calls.extend(key_calls(shop).await);
    mutation_calls.extend(address_calls(shop).await);
    mutation_calls.extend(order_calls(shop).await);
    mutation_calls.extend(custom_field_calls(shop).await);
    mutation_calls.extend(group_calls(shop).await);
    mutation_calls.extend(market_calls(shop).await);
    mutation_calls.extend(note_calls(shop).await);
    mutation_calls.extend(erasure_calls(shop).await);
    mutation_calls.extend(oidc_calls(shop).await);
    mutation_calls
}

pub(crate) fn call(by: &Caller, field: &'static str, input: Value, legacy_code: Option<u16>) -> MutationCall {
    MutationCall {
        by: by.clone(),
        field,
        input,
        legacy_code,
        in_transaction: true,
    }
}

/// Marks a mutation as written by a single command.
fn single(call: MutationCall) -> MutationCall {
    MutationCall {
        in_transaction: false,
        ..call
    }
}

/// Registers a customer without a password and returns their id.
async fn without_password(shop: &Shop, email: &str) -> Value {
    let payload = shop.browser.mutate_ok("customerRegister", person(email)).await;
    payload["customer"]["id"].clone()
}

async fn account_calls(shop: &Shop) -> Vec<MutationCall> {
    let (updates, _) = ada(shop, "updates@example.com").await;
    let (changes, _) = ada(shop, "changes@example.com").await;
    let bob = without_password(shop, "bob@example.com").await;
    let change = json!({
        "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD,
    });
    let set = json!({ "customerId": bob, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
    let name = json!({ "firstName": "Augusta" });
    vec![
        call(
            &shop.browser,
            "customerRegister",
            with_password("new@example.com"),
            Some(410),
        ),
        call(&changes, "customerPasswordChange", change, Some(407)),
        call(&updates, "customerUpdate", name, Some(410)),
        call(&shop.backend, "customerPasswordSet", set, Some(407)),
    ]
}

async fn session_calls(shop: &Shop) -> Vec<MutationCall> {
    let unauthenticated = shop.unauthenticated();
    let (_, refreshes) = ada(shop, "refreshes@example.com").await;
    let (_, leaves) = ada(shop, "leaves@example.com").await;
    let (leaves_all, _) = ada(shop, "leaves-all@example.com").await;
    ada(shop, "returns@example.com").await;
    let returns = credentials("returns@example.com", PASSWORD);
    let carl = json!({ "customerId": without_password(shop, "carl@example.com").await });
    let token = |token: &str| json!({ "refreshToken": token });
    vec![
        call(&shop.browser, "customerTokenCreate", returns, Some(410)),
        call(&shop.backend, "customerTokenIssue", carl, Some(410)),
        call(
            &leaves_all,
            "customerTokenRevoke",
            json!({ "all": true }),
            Some(410),
        ),
        call(&unauthenticated, "customerTokenRevoke", token(&leaves), Some(410)),
        single(call(
            &unauthenticated,
            "customerTokenRefresh",
            token(&refreshes),
            None,
        )),
    ]
}

async fn key_calls(shop: &Shop) -> Vec<MutationCall> {
    let (browser, unauthenticated) = (&shop.browser, shop.unauthenticated());
    let to = |address: &str| json!({ "email": address });
    let (moves, _) = ada(shop, "moves@example.com").await;
    let (wants, _) = ada(shop, "wants@example.com").await;
    for address in ["asks", "forgot", "verifies"] {
        ada(shop, &format!("{address}@example.com")).await;
    }
    let new = |address: &str| json!({ "newEmail": address, "password": PASSWORD });
    browser
        .mutate_ok("customerPasswordResetRequest", to("forgot@example.com"))
        .await;
    browser
        .mutate_ok("customerEmailVerificationRequest", to("verifies@example.com"))
        .await;
    moves
        .mutate_ok("customerEmailChangeRequest", new("moved@example.com"))
        .await;
    shop.gateway.run_jobs().await;
    let mails = shop.gateway.mails().all();
    let mailed = |address: &str, name: &str| {
        let mail = mails.iter().find(|mail| mail.to == address);
        mail.expect("a mail").parameter(name)
    };
    let redemption = redeem(&mailed("forgot@example.com", "key"), OTHER_PASSWORD);
    let token = |address: &str| json!({ "token": mailed(address, "token") });
    let query_row = || to("asks@example.com");
    vec![
        call(browser, "customerPasswordResetRequest", query_row(), Some(410)),
        call(&unauthenticated, "customerPasswordReset", redemption, Some(407)),
        call(
            browser,
            "customerEmailVerificationRequest",
            query_row(),
            Some(410),
        ),
        call(
            &unauthenticated,
            "customerEmailVerify",
            token("verifies@example.com"),
            Some(410),
        ),
        call(
            &wants,
            "customerEmailChangeRequest",
            new("wanted@example.com"),
            Some(410),
        ),
        call(
            &unauthenticated,
            "customerEmailChangeConfirm",
            token("moved@example.com"),
            Some(410),
        ),
    ]
}

async fn address_calls(shop: &Shop) -> Vec<MutationCall> {
    let fields = [
        "customerAddressCreate",
        "customerAddressUpdate",
        "customerAddressDelete",
    ];
    join_all(fields.map(async |field| {
        let (ada, _) = ada(shop, &format!("{field}@example.com")).await;
        let mut ids = Vec::new();
        for _ in 0..2 {
            let payload = ada.mutate_ok("customerAddressCreate", home()).await;
            ids.push(payload["address"]["id"].clone());
        }
        let input = match field {
            "customerAddressCreate" => home(),
            "customerAddressUpdate" => json!({ "id": ids[0], "city": "Leipzig", "isDefaultShipping": true }),
            _ => json!({ "id": ids[1] }),
        };
        call(&ada, field, input, Some(409))
    }))
    .await
}

async fn order_calls(shop: &Shop) -> Vec<MutationCall> {
    let (buys, _) = ada(shop, "buys@example.com").await;
    buys.mutate_ok("customerAddressCreate", home()).await;
    let customer = json!({ "customerId": id_of(&buys).await });
    let order = |number: &str| patched(in_storefront(shop, by_default(number)), customer.clone());
    let first = shop.backend.mutate_ok("orderRecord", order("first")).await;
    vec![
        call(&shop.backend, "orderRecord", order("second"), None),
        call(
            &shop.backend,
            "orderRecord",
            in_storefront(shop, guests("guest's")),
            None,
        ),
        call(
            &shop.backend,
            "orderCancel",
            json!({ "id": first["order"]["id"] }),
            None,
        ),
    ]
}

async fn custom_field_calls(shop: &Shop) -> Vec<MutationCall> {
    let tier = define(shop, "tier", "SELECT", json!({ "options": ["a", "b"] })).await;
    let spare = define(shop, "spare", "STRING", json!({})).await;
    define(shop, "score", "INTEGER", open()).await;
    let (scores, _) = ada(shop, "scores@example.com").await;
    let new = patched(field("new", "DATE"), json!({ "storefrontId": shop.id() }));
    let fewer = json!({ "id": tier["id"], "options": ["a"] });
    let new_customer = patched(
        with_password("scored@example.com"),
        values(&[("score", json!(1))]),
    );
    vec![
        call(&shop.backend, "customFieldDefine", new, None),
        call(&shop.backend, "customFieldUpdate", fewer, None),
        call(
            &shop.backend,
            "customFieldDelete",
            json!({ "id": spare["id"] }),
            None,
        ),
        call(&shop.browser, "customerRegister", new_customer, Some(410)),
        call(
            &scores,
            "customerUpdate",
            values(&[("score", json!(2))]),
            Some(410),
        ),
    ]
}

async fn group_calls(shop: &Shop) -> Vec<MutationCall> {
    let backend = &shop.backend;
    let dora = without_password(shop, "dora@example.com").await;
    let [renamed, deleted, joined, left] =
        ["renamed", "deleted", "joined", "left"].map(async |name| group(shop, name).await);
    let (renamed, deleted, joined, left) = (renamed.await, deleted.await, joined.await, left.await);
    markets::join(shop, &deleted, &[&dora]).await;
    markets::join(shop, &left, &[&dora]).await;
    let members = |id| json!({ "id": id, "customerIds": [dora] });
    let new = json!({ "storefrontId": shop.id(), "name": "new" });
    let rename = json!({ "id": renamed, "name": "renamed again" });
    vec![
        call(backend, "customerGroupCreate", new, None),
        single(call(backend, "customerGroupUpdate", rename, None)),
        call(backend, "customerGroupDelete", json!({ "id": deleted }), None),
        call(backend, "customerGroupAddCustomers", members(joined), None),
        call(backend, "customerGroupRemoveCustomers", members(left), None),
    ]
}

async fn market_calls(shop: &Shop) -> Vec<MutationCall> {
    let backend = &shop.backend;
    let opens = group(shop, "opens").await;
    let (changed, deleted) = (
        market(shop, "changed", &[]).await,
        market(shop, "deleted", &[]).await,
    );
    let new = json!({ "storefrontId": shop.id(), "name": "new", "groupIds": [opens] });
    let change = json!({ "id": changed, "groupIds": [opens] });
    vec![
        call(backend, "marketCreate", new, None),
        call(backend, "marketUpdate", change, None),
        call(backend, "marketDelete", json!({ "id": deleted }), None),
    ]
}

async fn note_calls(shop: &Shop) -> Vec<MutationCall> {
    let emil = without_password(shop, "emil@example.com").await;
    let old = note(&shop.backend, &emil, "old").await;
    vec![
        call(
            &shop.backend,
            "customerNoteCreate",
            json!({ "customerId": emil, "text": "new" }),
            None,
        ),
        call(&shop.backend, "customerNoteDelete", json!({ "id": old }), None),
    ]
}

async fn erasure_calls(shop: &Shop) -> Vec<MutationCall> {
    let (backend, _) = on_behalf(shop).await;
    let mut mutation_calls = Vec::new();
    for (name, field) in [
        ("asked", "customerAnonymizationRequest"),
        ("kept", "customerAnonymizationCancel"),
        ("erased", "customerAnonymize"),
        ("deleted", "customerDelete"),
        ("told", "customerDataExport"),
    ] {
        let (person, _) = ada(shop, &format!("{name}@example.com")).await;
        let of = json!({ "customerId": id_of(&person).await });
        if field == "customerAnonymizationCancel" {
            backend
                .mutate_ok("customerAnonymizationRequest", of.clone())
                .await;
        }
        let (by, input) = match field {
            "customerAnonymize" => (&person, json!({ "password": PASSWORD })),
            "customerDelete" | "customerDataExport" => (&shop.backend, of),
            _ => (&backend, of),
        };
        let call = call(by, field, input, None);
        mutation_calls.push(match field {
            // They begin with a single command, and continue in the background if what follows fails.
            "customerAnonymize" | "customerDelete" => single(call),
            _ => call,
        });
    }
    mutation_calls
}

/// Prepares sign-ons of a new customer, a known one, and one whose identity is to be linked.
async fn oidc_calls(shop: &Shop) -> Vec<MutationCall> {
    // The provider ends with the test, and accepts the same code repeatedly.
    open_provider(shop).await;
    shop.browser.mutate_ok(WITH_OIDC, callback_input("known")).await;
    shop.browser.mutate_ok(WITH_OIDC, callback_input("linked")).await;
    let another = callback_input("another {\"email\": \"linked@example.com\"}");
    [callback_input("newcomer"), callback_input("known"), another]
        .map(|input| call(&shop.browser, WITH_OIDC, input, Some(410)))
        .into()
}
