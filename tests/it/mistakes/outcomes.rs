//! What is GraphQL and cannot be done: user errors, warnings, and what is not found.

use std::time::Duration;

use serde_json::{Value, json};
use storefront_gateway::platform::id::Id;

use super::{Answers, SAID};
use crate::custom_fields::{define, open, values};
use crate::customers::{PASSWORD, ada, credentials, setup};
use crate::kit::{Caller, Shop};

/// A mutation, by the name of its field, its input's type, and what is asked of its payload beside user errors.
struct Asked(&'static str, &'static str, &'static str);

impl Asked {
    fn document(&self) -> String {
        let Self(field, input, selected) = self;
        format!("mutation($i: {input}!) {{ {field}(input: $i) {{ {selected} {SAID} }} }}")
    }
}

const REGISTER: Asked = Asked("customerRegister", "CustomerRegisterInput", "customer { reference }");
const UPDATE: Asked = Asked("customerUpdate", "CustomerUpdateInput", "customer { reference }");
const SIGN_IN: Asked = Asked(
    "customerTokenCreate",
    "CustomerTokenCreateInput",
    "customer { reference } warnings { code field message legacyCode }",
);
const REFRESH: Asked = Asked(
    "customerTokenRefresh",
    "CustomerTokenRefreshInput",
    "customer { reference }",
);

impl Answers {
    async fn change(&mut self, mistake: &str, who: &Caller, asked: &Asked, input: Value) {
        self.ask_with(mistake, who, &asked.document(), json!({ "i": input }))
            .await;
    }
}

// ERR-02
#[tokio::test]
async fn err_02_mistakes_that_are_business_outcomes() {
    let shop = setup().manual_clock().start().await;
    let (ada, refresh) = ada(&shop, "ada@example.com").await;
    let mut answers = Answers::default();
    customers(&mut answers, &shop, &ada).await;
    custom_fields(&mut answers, &shop, &ada).await;
    storefronts(&mut answers, &shop).await;
    backends(&mut answers, &shop).await;
    keys(&mut answers, &shop, (&ada, &refresh)).await;
    insta::assert_snapshot!(answers.0, @"");
}

/// What customers say of themselves.
async fn customers(answers: &mut Answers, shop: &Shop, ada: &Caller) {
    let none = json!({ "id": "adr_01h00000000000000000000000" });
    let delete = Asked(
        "customerAddressDelete",
        "CustomerAddressDeleteInput",
        "deletedAddressId",
    );
    answers
        .change("7b address id of nobody", ada, &delete, none)
        .await;
    let future = json!({ "dateOfBirth": "2126-11-21" });
    answers.change("25b future date", ada, &UPDATE, future).await;
    answers.change("25c empty update", ada, &UPDATE, json!({})).await;
    let input = json!({
        "email": "ada lovelace@example", "password": "12345", "confirmPassword": "123456", "acceptedTerms": false,
        "firstName": " ", "lastName": "",
    });
    answers
        .change(
            "36 email with blank and password short",
            &shop.browser,
            &REGISTER,
            input,
        )
        .await;
}

async fn custom_fields(answers: &mut Answers, shop: &Shop, ada: &Caller) {
    define(shop, "newsletter", "BOOLEAN", open()).await;
    define(shop, "rating", "INTEGER", json!({ "isPublic": true })).await;
    let input = values(&[
        ("shoeSize", json!(38)),
        ("newsletter", json!("yes")),
        ("rating", json!(5)),
    ]);
    answers
        .change("37 custom field of unknown key", ada, &UPDATE, input)
        .await;
}

/// Which storefront is meant.
async fn storefronts(answers: &mut Answers, shop: &Shop) {
    let other = shop.add_storefront("Prints AT", "AT").await;
    let other = other.id.as_str();
    let guest = json!({ "storefrontId": other, "storefrontUserId": "guest", "isAnonymous": true });
    let registered = shop.backend.done("storefrontUserRegister", guest).await;
    let mut input = credentials("ada@example.com", PASSWORD);
    input["anonymousUserToken"] = registered["token"]["accessToken"].clone();
    answers
        .change(
            "9 token of another storefront as anonymousUserToken",
            &shop.browser,
            &SIGN_IN,
            input,
        )
        .await;
    let query = format!("{{ storefront(by: {{ id: {other:?} }}) {{ name }} }}");
    answers
        .ask("9b storefront by id of another one", &shop.browser, &query)
        .await;
    let mut input = credentials("ada@example.com", PASSWORD);
    input["storefrontId"] = json!(other);
    answers
        .change(
            "9c storefrontId of another storefront in a mutation",
            &shop.browser,
            &SIGN_IN,
            input,
        )
        .await;
    let group = Asked(
        "customerGroupCreate",
        "CustomerGroupCreateInput",
        "customerGroup { name }",
    );
    let vip = json!({ "name": "VIP" });
    answers
        .change("28 storefrontId missing (backend)", &shop.backend, &group, vip)
        .await;
}

/// What a backend leaves out.
async fn backends(answers: &mut Answers, shop: &Shop) {
    let input = json!({ "firstName": "Augusta" });
    answers
        .change("28b customerId missing (backend)", &shop.backend, &UPDATE, input)
        .await;
    let order = Asked("orderRecord", "OrderRecordInput", "order { number }");
    let negative = json!({ "amount": "-1.00", "currencyCode": "EUR" });
    let line = json!({ "sku": "", "name": "Mug", "quantity": -1, "unitPrice": negative });
    let input = json!({ "storefrontId": shop.id(), "number": "", "lines": [line], "total": negative });
    answers
        .change(
            "26b zero lines, negative quantity: negative",
            &shop.backend,
            &order,
            input,
        )
        .await;
    let total = json!({ "amount": "1.00", "currencyCode": "EUR" });
    let input = json!({ "storefrontId": shop.id(), "number": "1001", "lines": [], "total": total });
    answers
        .change(
            "26b zero lines, negative quantity: zero lines",
            &shop.backend,
            &order,
            input,
        )
        .await;
}

/// Refresh tokens and mailed keys.
async fn keys(answers: &mut Answers, shop: &Shop, (ada, refresh): (&Caller, &str)) {
    let token = |token: &str| json!({ "refreshToken": token });
    shop.nobody().done("customerTokenRefresh", token(refresh)).await;
    // Until then a retry gets the same answer again.
    shop.gateway.advance(Duration::from_secs(11));
    answers
        .change("29 old refresh token", &shop.browser, &REFRESH, token(refresh))
        .await;
    let access = ada.credential.as_deref().expect("a token");
    answers
        .change(
            "29b access token as refresh token",
            &shop.browser,
            &REFRESH,
            token(access),
        )
        .await;
    let reset = Asked(
        "customerPasswordReset",
        "CustomerPasswordResetInput",
        "customer { reference }",
    );
    let input =
        json!({ "restorePasswordKey": "nonsense", "password": PASSWORD, "confirmPassword": PASSWORD });
    answers
        .change("30 reset key nonsense", &shop.browser, &reset, input)
        .await;
}
