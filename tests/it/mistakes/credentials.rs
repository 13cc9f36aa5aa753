//! No credential, a bad one, and one of the wrong kind.

use std::time::Duration;

use serde_json::json;

use super::{Answers, SAID};
use crate::addresses::home;
use crate::customers::{ada, setup, with_password};
use crate::kit::Shop;

const VIEWER: &str = "{ viewer { kind } }";

// GQL-07
#[tokio::test]
async fn gql_07_mistakes_with_credentials() {
    let shop = setup().manual_clock().start().await;
    let mut answers = Answers::default();
    headers(&mut answers, &shop).await;
    kinds(&mut answers, &shop).await;
    tokens(&mut answers, &shop).await;
    insta::assert_snapshot!(answers.0, @"");
}

/// What stands in the Authorization header.
async fn headers(answers: &mut Answers, shop: &Shop) {
    let nobody = shop.nobody();
    answers
        .ask("1 no header", &nobody, "{ storefront { name } }")
        .await;
    answers.ask("1b no header, viewer", &nobody, VIEWER).await;
    let key = shop.browser.credential.as_deref().expect("a key");
    for (mistake, header) in [
        ("2 key without Bearer", key),
        ("2b Basic", "Basic c2hvcDpzZWNyZXQ="),
        ("2c bearer twice", &format!("Bearer Bearer {key}")),
        ("2d lower-case bearer", &format!("bearer {key}")),
        ("2e Bearer undefined", "Bearer undefined"),
        ("2f Bearer (empty)", "Bearer "),
    ] {
        let caller = nobody.saying("authorization", header);
        answers.ask(mistake, &caller, VIEWER).await;
    }
}

/// Who may not do what.
async fn kinds(answers: &mut Answers, shop: &Shop) {
    let customers = "{ storefront { customers(first: 1) { totalCount } } }";
    answers
        .ask("3 wrong key kind: customers with pk", &shop.browser, customers)
        .await;
    let group = format!(r#"mutation {{ customerGroupCreate(input: {{ name: "VIP" }}) {{ {SAID} }} }}"#);
    answers
        .ask("3b backend mutation with pk", &shop.browser, &group)
        .await;
    let customer = "{ viewer { customer { id } } }";
    answers
        .ask(
            "3c sk in the browser for upload-like viewer",
            &shop.backend,
            customer,
        )
        .await;
    let guest = shop.guest("guest").await;
    let address = format!(
        "mutation($i: CustomerAddressCreateInput!) {{ customerAddressCreate(input: $i) {{ {SAID} }} }}"
    );
    answers
        .ask_with(
            "3d customer mutation with anonymous token",
            &guest,
            &address,
            json!({ "i": home() }),
        )
        .await;
    let (ada, _) = ada(shop, "ada@example.com").await;
    let register =
        format!("mutation($i: CustomerRegisterInput!) {{ customerRegister(input: $i) {{ {SAID} }} }}");
    let bob = json!({ "i": with_password("bob@example.com") });
    answers
        .ask_with("3e register with customer token", &ada, &register, bob)
        .await;
}

/// Tokens that were good once, or never.
async fn tokens(answers: &mut Answers, shop: &Shop) {
    let (eve, refresh) = ada(shop, "eve@example.com").await;
    let token = eve.credential.clone().expect("a token");
    for (mistake, token) in [
        ("8 expired/garbled token: a letter more", format!("{token}x")),
        ("8 expired/garbled token: a part missing", token.replace('.', "")),
        ("8 expired/garbled token: the refresh token", refresh),
    ] {
        answers.ask(mistake, &eve.with(Some(&token)), VIEWER).await;
    }
    shop.gateway.advance(Duration::from_secs(16 * 60));
    answers
        .ask("8 expired/garbled token: expired", &eve, VIEWER)
        .await;
}
