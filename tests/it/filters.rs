//! List filters: every field, nesting up to five levels, and no special meaning of characters in texts.

use serde_json::json;

use crate::kit::{self, Shop, Upload, png};

/// A shop with users whose ids contain pattern characters, and a merged guest.
async fn shop() -> Shop {
    let shop = kit::shop().await;
    for id in [
        "Ann", "ann", "a.n", "a*n", "bob (1)", "^bob", "[x]", "$gt", "Łódź",
    ] {
        shop.backend
            .mutate_ok("storefrontUserRegister", shop.user(id, false))
            .await;
    }
    for id in ["guest", "merged"] {
        shop.backend
            .mutate_ok("storefrontUserRegister", shop.user(id, true))
            .await;
    }
    shop.merge("merged", "ann").await;
    shop
}

async fn found(shop: &Shop, filter: &str) -> Vec<String> {
    let query = format!(
        "{{ storefront {{ users(filter: {filter}) {{ totalCount nodes {{ storefrontUserId }} }} }} }}"
    );
    let seen = shop.backend.query(&query).await;
    let users = &seen["storefront"]["users"];
    let nodes = users["nodes"].as_array().expect("nodes");
    assert_eq!(
        users["totalCount"],
        nodes.len(),
        "{filter}: the total is the filter's too"
    );
    let ids = nodes.iter().filter_map(|node| node["storefrontUserId"].as_str());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn each_field_filters_users() {
    let shop = shop().await;
    for (filter, expected) in [
        ("{ isAnonymous: true }", &["guest", "merged"][..]),
        ("{ isMerged: true }", &["merged"]),
        ("{ isAnonymous: true, isMerged: false }", &["guest"]),
        ("{ storefrontUserId: { eq: \"ann\" } }", &["ann"]),
        (
            "{ storefrontUserId: { in: [\"ann\", \"guest\", \"x\"] } }",
            &["ann", "guest"],
        ),
        ("{ storefrontUserId: { in: [] } }", &[]),
        ("{ storefrontUserId: { startsWith: \"b\" } }", &["bob (1)"]),
        ("{ storefrontUserId: { startsWith: \"^\" } }", &["^bob"]),
        ("{ storefrontUserId: { startsWith: \"[x\" } }", &["[x]"]),
        ("{ storefrontUserId: { startsWith: \".\" } }", &[]),
        ("{ storefrontUserId: { like: \"ANN\" } }", &["Ann", "ann"]),
        (
            "{ storefrontUserId: { like: \"a*n\" } }",
            &["Ann", "ann", "a.n", "a*n"],
        ),
        ("{ storefrontUserId: { like: \"a.n\" } }", &["a.n"]),
        ("{ storefrontUserId: { like: \"*(1)\" } }", &["bob (1)"]),
        ("{ storefrontUserId: { like: \"łó*\" } }", &["Łódź"]),
        ("{ storefrontUserId: { eq: \"$gt\" } }", &["$gt"]),
        ("{ storefrontUserId: { isNull: true } }", &[]),
        ("{ createdAt: { lt: \"2020-01-01T00:00:00Z\" } }", &[]),
        (
            "{ createdAt: { gt: \"2020-01-01T00:00:00+02:00\" }, isMerged: true }",
            &["merged"],
        ),
    ] {
        assert_eq!(found(&shop, filter).await, expected, "{filter}");
    }
    assert_eq!(
        found(&shop, "{ storefrontUserId: { ne: \"ann\" } }").await.len(),
        10
    );
    assert_eq!(found(&shop, "{}").await.len(), 11);
}

#[tokio::test]
async fn and_or_and_not_nest_up_to_five_levels() {
    let shop = shop().await;
    for (filter, expected) in [
        (
            "{ or: [{ storefrontUserId: { eq: \"ann\" } }, { isMerged: true }] }",
            &["ann", "merged"][..],
        ),
        (
            "{ and: [{ isAnonymous: true }, { not: { isMerged: true } }] }",
            &["guest"],
        ),
        ("{ or: [] }", &[]),
        ("{ isMerged: true, or: [{ isAnonymous: false }] }", &[]),
        (
            "{ not: { or: [{ isAnonymous: false }, { isMerged: true }] } }",
            &["guest"],
        ),
        (
            "{ not: { not: { not: { not: { not: { isAnonymous: false } } } } } }",
            &["guest", "merged"],
        ),
    ] {
        assert_eq!(found(&shop, filter).await, expected, "{filter}");
    }
    let six = "{ not: { not: { not: { not: { not: { not: { isAnonymous: true } } } } } } }";
    let query = format!("{{ storefront {{ users(filter: {six}) {{ totalCount }} }} }}");
    assert_eq!(
        shop.backend.send(&query, json!({})).await.codes(),
        ["BAD_USER_INPUT"]
    );
}

#[tokio::test]
async fn an_invalid_filter_is_an_error_without_its_values() {
    let shop = kit::shop().await;
    let long = "x".repeat(513);
    let many = vec!["\"y\""; 101].join(", ");
    for filter in [
        format!("{{ storefrontUserId: {{ eq: {long:?} }} }}"),
        format!("{{ storefrontUserId: {{ in: [{many}] }} }}"),
        "{ storefrontUserId: { like: \"secret\\u0000\" } }".to_owned(),
        "{ createdAt: { gt: \"secret\" } }".to_owned(),
    ] {
        let query = format!("{{ storefront {{ users(filter: {filter}) {{ totalCount }} }} }}");
        let answer = shop.backend.send(&query, json!({})).await;
        let code = answer.codes()[0];
        assert!(
            ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code),
            "{:?}",
            answer.body
        );
        let message = answer.body.to_string();
        assert!(
            !message.contains("secret") && !message.contains("xxx"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn each_field_filters_items() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for (name, folder, bytes) in [
        ("cat.png", "", png(1)),
        ("Dog.png", "pets", png(2)),
        ("card", "pets", b"{}".to_vec()),
    ] {
        let upload = Upload {
            file_name: "file",
            bytes,
            input: json!({ "name": name, "folder": folder }),
        };
        assert_eq!(kit::faults(&ann.send_upload(upload).await), [""; 0]);
    }
    for (filter, expected) in [
        ("{ kind: IMAGE }", &["cat.png", "Dog.png"][..]),
        ("{ kind: DESIGN }", &["card"]),
        ("{ kind: OTHER }", &[]),
        ("{ folder: \"pets\" }", &["Dog.png", "card"]),
        ("{ folder: \"\" }", &["cat.png"]),
        ("{ folder: \"PETS\" }", &[]),
        ("{ name: { like: \"d*\" } }", &["Dog.png"]),
        ("{ name: { startsWith: \"ca\" }, folder: \"pets\" }", &["card"]),
    ] {
        let query = format!(
            "{{ viewer {{ storefrontUser {{ privateStorage {{ items(filter: {filter}) \
             {{ totalCount nodes {{ name }} }} }} }} }} }}"
        );
        let seen = ann.query(&query).await;
        let items = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"];
        let names = items["nodes"].as_array().expect("nodes").iter();
        let names: Vec<&str> = names.filter_map(|node| node["name"].as_str()).collect();
        assert_eq!(names, expected, "{filter}");
        assert_eq!(items["totalCount"], expected.len(), "{filter}");
    }
}
