//! Valid GraphQL that cannot be carried out: user errors, warnings, and objects that are not found.

use std::time::Duration;

use serde_json::{Value, json};
use storefront_gateway::platform::id::Id;

use super::{Answers, SAID};
use crate::custom_fields::{define, open, values};
use crate::customers::{PASSWORD, ada, credentials, setup};
use crate::kit::{Caller, Shop};

/// A mutation, by the name of its field, its input's type, and the selection of its payload in addition to user errors.
struct Asked(&'static str, &'static str, &'static str);

impl Asked {
    fn document(&self) -> String {
        let Self(field, input, selected) = self;
        format!("mutation($i: {input}!) {{ {field}(input: $i) {{ {selected} {SAID} }} }}")
    }
}

const REGISTER: Asked = Asked(
    "customerRegister",
    "CustomerRegisterInput",
    "customer { reference }",
);
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
    async fn mutate(&mut self, mistake: &str, who: &Caller, asked: &Asked, input: Value) {
        self.ask_with(mistake, who, &asked.document(), json!({ "i": input }))
            .await;
    }
}

// ERR-02
#[tokio::test]
async fn err_02_responses_with_business_errors() {
    let shop = setup().manual_clock().start().await;
    let (ada, refresh) = ada(&shop, "ada@example.com").await;
    let mut answers = Answers::default();
    customers(&mut answers, &shop, &ada).await;
    custom_fields(&mut answers, &shop, &ada).await;
    storefronts(&mut answers, &shop).await;
    backends(&mut answers, &shop).await;
    keys(&mut answers, &shop, (&ada, &refresh)).await;
    insta::assert_snapshot!(answers.0, @r#"
    # 7b address id of nobody
    200
    userErrors ADDRESS_NOT_FOUND (404) id: The customer has no address with this id. Send one that customer.addresses lists (adr_…).
    {"customerAddressDelete":{"deletedAddressId":null}}

    # 25b future date
    200
    userErrors DATE_OF_BIRTH_INVALID dateOfBirth: A birth date lies between 1900-01-01 and today.
    {"customerUpdate":{"customer":null}}

    # 25c empty update
    200
    userErrors NO_CHANGES: The input contains no change. Send at least one field in addition to the id and expectedVersion.
    {"customerUpdate":{"customer":null}}

    # 36 email with blank and password short
    200
    userErrors EMAIL_INVALID email: This is not an e-mail address. Send one such as "ada@example.com".
    userErrors PASSWORD_TOO_SHORT password: The password needs at least 7 characters.
    userErrors PASSWORD_TOO_COMMON password: This password is one of the most common ones; please choose another.
    userErrors PASSWORDS_DO_NOT_MATCH (406) confirmPassword: The two passwords differ. Send the same new password in both fields.
    userErrors TERMS_NOT_ACCEPTED (422) acceptedTerms: The terms must be accepted. Send true once the customer has done so.
    userErrors REQUIRED firstName: This must not be empty or blank.
    userErrors REQUIRED lastName: This must not be empty or blank.
    {"customerRegister":{"customer":null}}

    # 37 custom field of unknown key
    200
    userErrors CUSTOM_FIELD_NOT_FOUND customFields.0.key: The storefront has no custom field with this key. Send one that storefront.customFieldDefinitions lists.
    userErrors CUSTOM_FIELD_VALUE_INVALID customFields.1.value: This custom field takes true or false.
    userErrors FORBIDDEN customFields.2.key: Only a backend may write this custom field.
    {"customerUpdate":{"customer":null}}

    # 9 token of another storefront as anonymousUserToken
    200
    warnings ANONYMOUS_TOKEN_INVALID anonymousUserToken: This is not the token of an anonymous user of this storefront.
    {"customerTokenCreate":{"customer":{"reference":"DE--1"}}}

    # 9b storefront by id of another one
    200
    {"storefront":null}

    # 9c storefrontId of another storefront in a mutation
    200
    userErrors STOREFRONT_NOT_FOUND storefrontId: No storefront with this id was found for this credential. Send the id of one that storefronts lists (sto_…); a credential of one storefront may leave it out.
    {"customerTokenCreate":{"customer":null}}

    # 28 storefrontId missing (backend)
    200
    userErrors STOREFRONT_REQUIRED storefrontId: This credential covers several storefronts. Send the id of one that storefronts lists (sto_…).
    {"customerGroupCreate":{"customerGroup":null}}

    # 28b customerId missing (backend)
    200
    userErrors CUSTOMER_REFERENCE_MISSING (405) customerId: The customer's id is missing. Send it as customer.id returns it (cus_…).
    {"customerUpdate":{"customer":null}}

    # 26b zero lines, negative quantity: negative
    200
    userErrors REQUIRED number: This must not be empty or blank.
    userErrors REQUIRED shippingAddress: An order without a customer needs this address in full. Send the address, or the customer's id in customerId.
    userErrors REQUIRED billingAddress: An order without a customer needs this address in full. Send the address, or the customer's id in customerId.
    userErrors REQUIRED lines.0.sku: This must not be empty or blank.
    userErrors INVALID lines.0.quantity: A line's quantity must be 1 or more.
    userErrors INVALID total.amount: The total must be 0 or more.
    {"orderRecord":{"order":null}}

    # 26b zero lines, negative quantity: zero lines
    200
    userErrors REQUIRED shippingAddress: An order without a customer needs this address in full. Send the address, or the customer's id in customerId.
    userErrors REQUIRED billingAddress: An order without a customer needs this address in full. Send the address, or the customer's id in customerId.
    userErrors REQUIRED lines: An order needs at least one line.
    {"orderRecord":{"order":null}}

    # 29 old refresh token
    200
    userErrors TOKEN_INVALID refreshToken: This refresh token is not valid: it is unknown, was used, expired or was revoked. Sign in again.
    {"customerTokenRefresh":{"customer":null}}

    # 29b access token as refresh token
    200
    userErrors TOKEN_INVALID refreshToken: This is not a refresh token: refresh tokens begin with rt_. Send the refreshToken that was returned with the access token.
    {"customerTokenRefresh":{"customer":null}}

    # 30 reset key nonsense
    200
    userErrors RESET_KEY_INVALID (415) restorePasswordKey: This key is not valid: it is unknown, was used, or was replaced by a newer one. Send the key from the newest mail, or request a new one.
    {"customerPasswordReset":{"customer":null}}
    "#);
}

/// Input of customers about themselves.
async fn customers(answers: &mut Answers, shop: &Shop, ada: &Caller) {
    let none = json!({ "id": "adr_01h00000000000000000000000" });
    let delete = Asked(
        "customerAddressDelete",
        "CustomerAddressDeleteInput",
        "deletedAddressId",
    );
    answers
        .mutate("7b address id of nobody", ada, &delete, none)
        .await;
    let future = json!({ "dateOfBirth": "2126-11-21" });
    answers.mutate("25b future date", ada, &UPDATE, future).await;
    answers.mutate("25c empty update", ada, &UPDATE, json!({})).await;
    let input = json!({
        "email": "ada lovelace@example", "password": "12345", "confirmPassword": "123456", "acceptedTerms": false,
        "firstName": " ", "lastName": "",
    });
    answers
        .mutate(
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
        .mutate("37 custom field of unknown key", ada, &UPDATE, input)
        .await;
}

/// Requests that concern another storefront, or name none.
async fn storefronts(answers: &mut Answers, shop: &Shop) {
    let other = shop.add_storefront("Prints AT", "AT").await;
    let other = other.id.as_str();
    let guest = json!({ "storefrontId": other, "storefrontUserId": "guest", "isAnonymous": true });
    let registered = shop.backend.mutate_ok("storefrontUserRegister", guest).await;
    let mut input = credentials("ada@example.com", PASSWORD);
    input["anonymousUserToken"] = registered["token"]["accessToken"].clone();
    answers
        .mutate(
            "9 token of another storefront as anonymousUserToken",
            &shop.browser,
            &SIGN_IN,
            input,
        )
        .await;
    let query = format!("{{ storefront(by: {{ id: {other:?} }}) {{ name }} }}");
    answers
        .query("9b storefront by id of another one", &shop.browser, &query)
        .await;
    let mut input = credentials("ada@example.com", PASSWORD);
    input["storefrontId"] = json!(other);
    answers
        .mutate(
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
        .mutate("28 storefrontId missing (backend)", &shop.backend, &group, vip)
        .await;
}

/// Incomplete or invalid input of a backend.
async fn backends(answers: &mut Answers, shop: &Shop) {
    let input = json!({ "firstName": "Augusta" });
    answers
        .mutate("28b customerId missing (backend)", &shop.backend, &UPDATE, input)
        .await;
    let order = Asked("orderRecord", "OrderRecordInput", "order { number }");
    let negative = json!({ "amount": "-1.00", "currencyCode": "EUR" });
    let line = json!({ "sku": "", "name": "Mug", "quantity": -1, "unitPrice": negative });
    let input = json!({ "storefrontId": shop.id(), "number": "", "lines": [line], "total": negative });
    answers
        .mutate(
            "26b zero lines, negative quantity: negative",
            &shop.backend,
            &order,
            input,
        )
        .await;
    let total = json!({ "amount": "1.00", "currencyCode": "EUR" });
    let input = json!({ "storefrontId": shop.id(), "number": "1001", "lines": [], "total": total });
    answers
        .mutate(
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
    shop.unauthenticated()
        .mutate_ok("customerTokenRefresh", token(refresh))
        .await;
    // Before that, a retry gets the same response again.
    shop.gateway.advance(Duration::from_secs(11));
    answers
        .mutate("29 old refresh token", &shop.browser, &REFRESH, token(refresh))
        .await;
    let access = ada.credential.as_deref().expect("a token");
    answers
        .mutate(
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
        .mutate("30 reset key nonsense", &shop.browser, &reset, input)
        .await;
}
