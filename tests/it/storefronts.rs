//! Storefronts: created by operators, visible to their organization's clients.

use serde_json::{Value, json};
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::reach::HouseReach;
use storefront_gateway::reach::scope::Scope;
use storefront_gateway::storefront::{IntegrationType, store};

use crate::kit::{self, Shop, redact};

async fn create(shop: &Shop, name: &str, code: &str) -> Result<(), store::TakenValue> {
    let new = store::NewStorefront {
        organization: shop.organization.clone(),
        name: name.to_owned(),
        code: code.to_owned(),
        integration_type: IntegrationType::default(),
        account_url: None,
        conceal_emails: false,
    };
    let app = shop.gateway.app.clone();
    let making = async move {
        let system = HouseReach::everywhere();
        store::create(&app.database, &system, &app.clock, &app.random, new).await
    };
    shop.gateway.inside(making).await.expect("an answer").map(drop)
}

fn names(answer: &Value) -> Vec<&str> {
    let nodes = answer["storefronts"]["nodes"].as_array().expect("a list");
    nodes.iter().filter_map(|node| node["name"].as_str()).collect()
}

// SFR-01
#[tokio::test]
async fn sfr_01_a_mutation_needs_a_storefront_that_its_credential_covers() {
    let shop = kit::shop().await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    let rival = shop.rival().await;
    let input = |id: Value| json!({ "storefrontId": id, "storefrontUserId": "ann", "isAnonymous": false });
    let not_found = ["STOREFRONT_NOT_FOUND storefrontId"];
    for other in [
        json!(rival.id()),
        json!("sto_01h00000000000000000000000"),
        json!("nonsense"),
        json!(""),
        json!("org_01h00000000000000000000000"),
    ] {
        for field in ["storefrontUserRegister", "storefrontUserEnsure"] {
            assert_eq!(
                shop.backend.user_errors(field, input(other.clone())).await,
                not_found,
                "{field} {other}"
            );
        }
    }
    let refused = shop
        .backend
        .user_errors("storefrontUserRegister", input(Value::Null))
        .await;
    assert_eq!(refused, ["STOREFRONT_REQUIRED storefrontId"]);

    // A backend of one storefront may omit the storefront, and may not name another.
    let one = shop
        .client(ClientKind::Integration, Some(&fr.id), Scope::ALL)
        .await
        .caller;
    one.mutate_ok(
        "storefrontUserRegister",
        json!({ "storefrontUserId": "ann", "isAnonymous": false }),
    )
    .await;
    assert_eq!(
        one.user_errors("storefrontUserRegister", input(json!(shop.id())))
            .await,
        not_found
    );
}

// SFR-01
#[tokio::test]
async fn sfr_01_a_query_returns_null_or_storefront_required() {
    let shop = kit::shop().await;
    shop.add_storefront("Prints FR", "FR").await;
    let rival = shop.rival().await;
    for by in [
        format!("{{ id: \"{}\" }}", rival.id()),
        "{ id: \"sto_01h00000000000000000000000\" }".to_owned(),
        "{ id: \"\" }".to_owned(),
        "{ name: \"Rival DE\" }".to_owned(),
    ] {
        let seen = shop
            .backend
            .query(&format!("{{ storefront(by: {by}) {{ id }} }}"))
            .await;
        assert_eq!(seen, json!({ "storefront": null }), "{by}");
    }
    let answer = shop.backend.send("{ storefront { id } }", json!({})).await;
    assert_eq!(
        (answer.status, answer.codes()),
        (200, vec!["STOREFRONT_REQUIRED"])
    );
    let query = "{ storefrontUser(by: { external: { storefrontUserId: \"x\" } }) { id } }";
    assert_eq!(
        shop.backend.send(query, json!({})).await.codes(),
        ["STOREFRONT_REQUIRED"]
    );
}

// SFR-02
#[tokio::test]
async fn sfr_02_storefronts_are_isolated_from_each_other() {
    let shop = kit::shop().await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    let fr = shop
        .client(ClientKind::Integration, Some(&fr.id), Scope::ALL)
        .await
        .caller;
    shop.backend
        .mutate_ok("storefrontUserRegister", shop.user("ann", false))
        .await;
    fr.mutate_ok(
        "storefrontUserRegister",
        json!({ "storefrontUserId": "bob", "isAnonymous": false }),
    )
    .await;

    let users = "{ storefront { users { nodes { storefrontUserId } totalCount } } }";
    let seen = fr.query(users).await;
    assert_eq!(
        seen["storefront"]["users"],
        json!({ "nodes": [{ "storefrontUserId": "bob" }], "totalCount": 1 })
    );
    let merge = json!({ "anonymousStorefrontUserId": "ann", "regularStorefrontUserId": "bob" });
    let refused = fr.user_errors("storefrontUserMergeAnonymous", merge).await;
    assert_eq!(refused, ["STOREFRONT_USER_NOT_FOUND anonymousStorefrontUserId"]);
}

// SFR-03
#[tokio::test]
async fn sfr_03_an_operator_adds_a_storefront_with_the_default_type_custom() {
    let shop = kit::shop().await;
    create(&shop, "Prints CH", "CH").await.expect("made");
    let query = "{ storefront(by: { name: \"Prints CH\" }) { id name code integrationType createdAt } }";
    insta::assert_json_snapshot!(redact(shop.backend.query(query).await), @r#"
    {
      "storefront": {
        "code": "CH",
        "createdAt": "[moment 1]",
        "id": "[sto 1]",
        "integrationType": "CUSTOM",
        "name": "Prints CH"
      }
    }
    "#);
}

// SFR-06
#[tokio::test]
async fn sfr_06_no_mutation_creates_renames_or_removes_a_storefront() {
    let shop = kit::shop().await;
    let seen = shop
        .unauthenticated()
        .query("{ __schema { mutationType { fields { name } } } }")
        .await;
    let fields = seen["__schema"]["mutationType"]["fields"]
        .as_array()
        .expect("fields");
    for field in fields.iter().filter_map(|field| field["name"].as_str()) {
        let of_users = field.starts_with("storefrontUser");
        assert!(!field.starts_with("storefront") || of_users, "{field}");
    }
}

// SFR-21
#[tokio::test]
async fn sfr_21_the_list_contains_all_storefronts_of_the_caller() {
    let shop = kit::shop().await;
    shop.add_storefront("Prints FR", "FR").await;
    shop.rival().await;
    let query = "{ storefronts { nodes { name } totalCount } }";
    let all = shop.backend.query(query).await;
    assert_eq!(names(&all), ["Prints DE", "Prints FR"]);
    assert_eq!(all["storefronts"]["totalCount"], 2);
    assert_eq!(names(&shop.browser.query(query).await), ["Prints DE"]);
    assert_eq!(names(&shop.ann("ann").await.query(query).await), ["Prints DE"]);
    let one = shop
        .client(ClientKind::Integration, Some(&shop.storefront.id), Scope::ALL)
        .await
        .caller;
    assert_eq!(names(&one.query(query).await), ["Prints DE"]);
    // A backend of all storefronts sees a new one within the cache's five seconds.
    create(&shop, "Prints CH", "CH").await.expect("made");
    kit::eventually("the new storefront is seen", || async {
        names(&shop.backend.query(query).await).contains(&"Prints CH")
    })
    .await;
}

// SFR-22
#[tokio::test]
async fn sfr_22_a_storefront_is_found_by_id_or_by_name() {
    let shop = kit::shop().await;
    let by_id = format!("{{ storefront(by: {{ id: \"{}\" }}) {{ id name }} }}", shop.id());
    let expected = json!({ "storefront": { "id": shop.id(), "name": "Prints DE" } });
    assert_eq!(shop.backend.query(&by_id).await, expected);
    let by_name = "{ storefront(by: { name: \"Prints DE\" }) { id name } }";
    assert_eq!(shop.backend.query(by_name).await, expected);
    assert_eq!(shop.browser.query("{ storefront { id name } }").await, expected);
    let both = "{ storefront(by: { name: \"Prints DE\", id: \"x\" }) { id } }";
    let answer = shop.backend.send(both, json!({})).await;
    assert!(!answer.codes().is_empty(), "{:?}", answer.body);
}

// SFR-22
#[tokio::test]
async fn sfr_22_names_and_codes_are_unique_in_the_organization() {
    let shop = kit::shop().await;
    assert_eq!(
        create(&shop, "Prints DE", "XX").await,
        Err(store::TakenValue::Name)
    );
    assert_eq!(create(&shop, "Other", "DE").await, Err(store::TakenValue::Code));
    let rival = shop.rival().await;
    create(&rival, "Prints DE", "DE2")
        .await
        .expect("another organization's names do not matter");
    let attempts = (0..10).map(|_| create(&shop, "Prints AT", "AT"));
    let made = futures_util::future::join_all(attempts).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
}
