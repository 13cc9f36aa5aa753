//! One mutation of each kind; all of them succeed concurrently and in any order.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::addresses::home;
use crate::custom_fields::{define, field, open, values};
use crate::customer_notes::note;
use crate::customers::{
    OTHER_PASSWORD, PASSWORD, ada, but, credentials, id_of, person, redeem, with_password,
};
use crate::erasure::on_behalf;
use crate::kit::{Answer, Caller, Shop, faults, mutation};
use crate::markets::{self, group, market};
use crate::oidc::{WITH_OIDC, back_with, open as open_provider};
use crate::orders::{by_default, guests, in_storefront};

/// A mutation that is ready to be sent.
pub(crate) struct Wish {
    by: Caller,
    pub(crate) field: &'static str,
    input: Value,
    /// The legacy code of SAVE_FAILED; None where the schema does not define SAVE_FAILED for the mutation.
    pub(super) legacy_code: Option<u16>,
    /// Whether it is written in one transaction.
    pub(super) in_transaction: bool,
}

impl Wish {
    pub(super) async fn send(&self) -> Answer {
        let input = json!({ "input": self.input });
        self.by.send(&mutation(self.field), input).await
    }

    /// Sends the mutation, which must succeed.
    pub(crate) async fn come_true(&self) {
        let payload = self.by.change(self.field, self.input.clone()).await;
        assert_eq!(faults(&payload), [""; 0], "{}", self.field);
    }
}

/// Prepares the mutations with the callers and records that they need.
pub(crate) async fn wishes(shop: &Shop) -> Vec<Wish> {
    shop.open_account_page().await;
    let mut wishes = account_wishes(shop).await;
    wishes.extend(session_wishes(shop).await);
    wishes.extend(key_wishes(shop).await);
    wishes.extend(address_wishes(shop).await);
    wishes.extend(order_wishes(shop).await);
    wishes.extend(custom_field_wishes(shop).await);
    wishes.extend(group_wishes(shop).await);
    wishes.extend(market_wishes(shop).await);
    wishes.extend(note_wishes(shop).await);
    wishes.extend(erasure_wishes(shop).await);
    wishes.extend(oidc_wishes(shop).await);
    wishes
}

pub(crate) fn wish(by: &Caller, field: &'static str, input: Value, legacy_code: Option<u16>) -> Wish {
    Wish {
        by: by.clone(),
        field,
        input,
        legacy_code,
        in_transaction: true,
    }
}

/// Marks a mutation as written by a single command.
fn single(wish: Wish) -> Wish {
    Wish {
        in_transaction: false,
        ..wish
    }
}

/// Registers a customer without a password and returns their id.
async fn without_password(shop: &Shop, email: &str) -> Value {
    let payload = shop.browser.done("customerRegister", person(email)).await;
    payload["customer"]["id"].clone()
}

async fn account_wishes(shop: &Shop) -> Vec<Wish> {
    let (updates, _) = ada(shop, "updates@example.com").await;
    let (changes, _) = ada(shop, "changes@example.com").await;
    let bob = without_password(shop, "bob@example.com").await;
    let change = json!({
        "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD,
    });
    let set = json!({ "customerId": bob, "newPassword": PASSWORD, "confirmPassword": PASSWORD });
    let name = json!({ "firstName": "Augusta" });
    vec![
        wish(
            &shop.browser,
            "customerRegister",
            with_password("new@example.com"),
            Some(410),
        ),
        wish(&changes, "customerPasswordChange", change, Some(407)),
        wish(&updates, "customerUpdate", name, Some(410)),
        wish(&shop.backend, "customerPasswordSet", set, Some(407)),
    ]
}

async fn session_wishes(shop: &Shop) -> Vec<Wish> {
    let nobody = shop.nobody();
    let (_, refreshes) = ada(shop, "refreshes@example.com").await;
    let (_, leaves) = ada(shop, "leaves@example.com").await;
    let (leaves_all, _) = ada(shop, "leaves-all@example.com").await;
    ada(shop, "returns@example.com").await;
    let returns = credentials("returns@example.com", PASSWORD);
    let carl = json!({ "customerId": without_password(shop, "carl@example.com").await });
    let token = |token: &str| json!({ "refreshToken": token });
    vec![
        wish(&shop.browser, "customerTokenCreate", returns, Some(410)),
        wish(&shop.backend, "customerTokenIssue", carl, Some(410)),
        wish(
            &leaves_all,
            "customerTokenRevoke",
            json!({ "all": true }),
            Some(410),
        ),
        wish(&nobody, "customerTokenRevoke", token(&leaves), Some(410)),
        single(wish(&nobody, "customerTokenRefresh", token(&refreshes), None)),
    ]
}

async fn key_wishes(shop: &Shop) -> Vec<Wish> {
    let (browser, nobody) = (&shop.browser, shop.nobody());
    let to = |address: &str| json!({ "email": address });
    let (moves, _) = ada(shop, "moves@example.com").await;
    let (wants, _) = ada(shop, "wants@example.com").await;
    for address in ["asks", "forgot", "verifies"] {
        ada(shop, &format!("{address}@example.com")).await;
    }
    let new = |address: &str| json!({ "newEmail": address, "password": PASSWORD });
    browser
        .done("customerPasswordResetRequest", to("forgot@example.com"))
        .await;
    browser
        .done("customerEmailVerificationRequest", to("verifies@example.com"))
        .await;
    moves
        .done("customerEmailChangeRequest", new("moved@example.com"))
        .await;
    shop.gateway.run_jobs().await;
    let mails = shop.gateway.mails().all();
    let mailed = |address: &str, name: &str| {
        let mail = mails.iter().find(|mail| mail.to == address);
        mail.expect("a mail").parameter(name)
    };
    let redemption = redeem(&mailed("forgot@example.com", "key"), OTHER_PASSWORD);
    let token = |address: &str| json!({ "token": mailed(address, "token") });
    let asks = || to("asks@example.com");
    vec![
        wish(browser, "customerPasswordResetRequest", asks(), Some(410)),
        wish(&nobody, "customerPasswordReset", redemption, Some(407)),
        wish(browser, "customerEmailVerificationRequest", asks(), Some(410)),
        wish(
            &nobody,
            "customerEmailVerify",
            token("verifies@example.com"),
            Some(410),
        ),
        wish(
            &wants,
            "customerEmailChangeRequest",
            new("wanted@example.com"),
            Some(410),
        ),
        wish(
            &nobody,
            "customerEmailChangeConfirm",
            token("moved@example.com"),
            Some(410),
        ),
    ]
}

async fn address_wishes(shop: &Shop) -> Vec<Wish> {
    let fields = [
        "customerAddressCreate",
        "customerAddressUpdate",
        "customerAddressDelete",
    ];
    join_all(fields.map(async |field| {
        let (ada, _) = ada(shop, &format!("{field}@example.com")).await;
        let mut ids = Vec::new();
        for _ in 0..2 {
            let payload = ada.done("customerAddressCreate", home()).await;
            ids.push(payload["address"]["id"].clone());
        }
        let input = match field {
            "customerAddressCreate" => home(),
            "customerAddressUpdate" => json!({ "id": ids[0], "city": "Leipzig", "isDefaultShipping": true }),
            _ => json!({ "id": ids[1] }),
        };
        wish(&ada, field, input, Some(409))
    }))
    .await
}

async fn order_wishes(shop: &Shop) -> Vec<Wish> {
    let (buys, _) = ada(shop, "buys@example.com").await;
    buys.done("customerAddressCreate", home()).await;
    let customer = json!({ "customerId": id_of(&buys).await });
    let order = |number: &str| but(in_storefront(shop, by_default(number)), customer.clone());
    let first = shop.backend.done("orderRecord", order("first")).await;
    vec![
        wish(&shop.backend, "orderRecord", order("second"), None),
        wish(
            &shop.backend,
            "orderRecord",
            in_storefront(shop, guests("guest's")),
            None,
        ),
        wish(
            &shop.backend,
            "orderCancel",
            json!({ "id": first["order"]["id"] }),
            None,
        ),
    ]
}

async fn custom_field_wishes(shop: &Shop) -> Vec<Wish> {
    let tier = define(shop, "tier", "SELECT", json!({ "options": ["a", "b"] })).await;
    let spare = define(shop, "spare", "STRING", json!({})).await;
    define(shop, "score", "INTEGER", open()).await;
    let (scores, _) = ada(shop, "scores@example.com").await;
    let new = but(field("new", "DATE"), json!({ "storefrontId": shop.id() }));
    let fewer = json!({ "id": tier["id"], "options": ["a"] });
    let newcomer = but(
        with_password("scored@example.com"),
        values(&[("score", json!(1))]),
    );
    vec![
        wish(&shop.backend, "customFieldDefine", new, None),
        wish(&shop.backend, "customFieldUpdate", fewer, None),
        wish(
            &shop.backend,
            "customFieldDelete",
            json!({ "id": spare["id"] }),
            None,
        ),
        wish(&shop.browser, "customerRegister", newcomer, Some(410)),
        wish(
            &scores,
            "customerUpdate",
            values(&[("score", json!(2))]),
            Some(410),
        ),
    ]
}

async fn group_wishes(shop: &Shop) -> Vec<Wish> {
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
        wish(backend, "customerGroupCreate", new, None),
        single(wish(backend, "customerGroupUpdate", rename, None)),
        wish(backend, "customerGroupDelete", json!({ "id": deleted }), None),
        wish(backend, "customerGroupAddCustomers", members(joined), None),
        wish(backend, "customerGroupRemoveCustomers", members(left), None),
    ]
}

async fn market_wishes(shop: &Shop) -> Vec<Wish> {
    let backend = &shop.backend;
    let opens = group(shop, "opens").await;
    let (changed, deleted) = (
        market(shop, "changed", &[]).await,
        market(shop, "deleted", &[]).await,
    );
    let new = json!({ "storefrontId": shop.id(), "name": "new", "groupIds": [opens] });
    let change = json!({ "id": changed, "groupIds": [opens] });
    vec![
        wish(backend, "marketCreate", new, None),
        wish(backend, "marketUpdate", change, None),
        wish(backend, "marketDelete", json!({ "id": deleted }), None),
    ]
}

async fn note_wishes(shop: &Shop) -> Vec<Wish> {
    let emil = without_password(shop, "emil@example.com").await;
    let old = note(&shop.backend, &emil, "old").await;
    vec![
        wish(
            &shop.backend,
            "customerNoteCreate",
            json!({ "customerId": emil, "text": "new" }),
            None,
        ),
        wish(&shop.backend, "customerNoteDelete", json!({ "id": old }), None),
    ]
}

async fn erasure_wishes(shop: &Shop) -> Vec<Wish> {
    let (backend, _) = on_behalf(shop).await;
    let mut wishes = Vec::new();
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
            backend.done("customerAnonymizationRequest", of.clone()).await;
        }
        let (by, input) = match field {
            "customerAnonymize" => (&person, json!({ "password": PASSWORD })),
            "customerDelete" | "customerDataExport" => (&shop.backend, of),
            _ => (&backend, of),
        };
        let wish = wish(by, field, input, None);
        wishes.push(match field {
            // They begin with a single command, and continue in the background if what follows fails.
            "customerAnonymize" | "customerDelete" => single(wish),
            _ => wish,
        });
    }
    wishes
}

/// Prepares sign-ons of a new customer, a known one, and one whose identity is to be linked.
async fn oidc_wishes(shop: &Shop) -> Vec<Wish> {
    // The provider ends with the test, and accepts the same code repeatedly.
    open_provider(shop).await;
    shop.browser.done(WITH_OIDC, back_with("known")).await;
    shop.browser.done(WITH_OIDC, back_with("linked")).await;
    let another = back_with("another {\"email\": \"linked@example.com\"}");
    [back_with("newcomer"), back_with("known"), another]
        .map(|input| wish(&shop.browser, WITH_OIDC, input, Some(410)))
        .into()
}
