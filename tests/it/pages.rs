//! Pagination: forward and backward over the same list, and errors instead of guesses for invalid arguments.

use bson::doc;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::kit::{self, Caller, Shop, png};

async fn shop_of(users: usize) -> Shop {
    let shop = kit::shop().await;
    for number in 0..users {
        let input = shop.user(&format!("user {number}"), number % 2 == 0);
        shop.backend.mutate_ok("storefrontUserRegister", input).await;
    }
    shop
}

fn query(arguments: &str) -> String {
    format!(
        "{{ storefront {{ users({arguments}) {{ edges {{ cursor node {{ storefrontUserId }} }} \
         nodes {{ storefrontUserId }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
    )
}

async fn page(backend: &Caller, arguments: &str) -> Value {
    backend.query(&query(arguments)).await["storefront"]["users"].take()
}

fn ids(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .filter_map(|node| node["storefrontUserId"].as_str())
        .collect()
}

fn around(page: &Value) -> (bool, bool) {
    let info = &page["pageInfo"];
    let flag = |name: &str| info[name].as_bool().expect("a flag");
    (flag("hasPreviousPage"), flag("hasNextPage"))
}

#[tokio::test]
async fn forward_and_backward_pagination_return_the_same_list() {
    let shop = shop_of(7).await;
    let first = page(&shop.backend, "first: 3").await;
    assert_eq!(
        (ids(&first), around(&first)),
        (vec!["user 0", "user 1", "user 2"], (false, true))
    );
    assert_eq!(first["edges"][0]["cursor"], first["pageInfo"]["startCursor"]);
    assert_eq!(first["edges"][2]["cursor"], first["pageInfo"]["endCursor"]);
    let second = page(
        &shop.backend,
        &format!("first: 3, after: {}", first["pageInfo"]["endCursor"]),
    )
    .await;
    assert_eq!(
        (ids(&second), around(&second)),
        (vec!["user 3", "user 4", "user 5"], (true, true))
    );
    let third = page(
        &shop.backend,
        &format!("first: 3, after: {}", second["pageInfo"]["endCursor"]),
    )
    .await;
    assert_eq!((ids(&third), around(&third)), (vec!["user 6"], (true, false)));

    let last = page(&shop.backend, "last: 3").await;
    assert_eq!(
        (ids(&last), around(&last)),
        (vec!["user 4", "user 5", "user 6"], (true, false))
    );
    let before = page(
        &shop.backend,
        &format!("last: 3, before: {}", last["pageInfo"]["startCursor"]),
    )
    .await;
    assert_eq!(
        (ids(&before), around(&before)),
        (vec!["user 1", "user 2", "user 3"], (true, true))
    );
    let begin = page(
        &shop.backend,
        &format!("last: 3, before: {}", before["pageInfo"]["startCursor"]),
    )
    .await;
    assert_eq!((ids(&begin), around(&begin)), (vec!["user 0"], (false, true)));
    // When the page ends exactly at the last item, there is no next page.
    assert_eq!(around(&page(&shop.backend, "first: 7").await), (false, false));
}

#[tokio::test]
async fn the_default_page_size_is_25_and_no_item_is_skipped_or_repeated() {
    let shop = shop_of(60).await;
    let (mut seen, mut arguments) = (Vec::new(), "filter: {}".to_owned());
    let mut sizes = Vec::new();
    loop {
        let page = page(&shop.backend, &arguments).await;
        sizes.push(ids(&page).len());
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        if !around(&page).1 {
            break;
        }
        arguments = format!("after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(sizes, [25, 25, 10]);
    let expected: Vec<String> = (0..60).map(|number| format!("user {number}")).collect();
    assert_eq!(seen, expected, "oldest first");
}

#[tokio::test]
async fn pagination_of_a_changing_list_skips_nothing() {
    let shop = shop_of(6).await;
    let first = page(&shop.backend, "first: 3").await;
    shop.backend
        .mutate_ok("storefrontUserDelete", shop.named("user 2"))
        .await;
    shop.ann("late").await;
    let second = page(
        &shop.backend,
        &format!("first: 10, after: {}", first["pageInfo"]["endCursor"]),
    )
    .await;
    assert_eq!(ids(&second), ["user 3", "user 4", "user 5", "late"]);
}

#[tokio::test]
async fn an_invalid_page_is_an_error() {
    let shop = shop_of(3).await;
    let cursor = page(&shop.backend, "first: 1").await["pageInfo"]["endCursor"].take();
    for arguments in [
        "first: 0".to_owned(),
        "first: -1".to_owned(),
        "first: 101".to_owned(),
        "last: 0".to_owned(),
        "last: 101".to_owned(),
        "first: 1, last: 1".to_owned(),
        format!("first: 1, before: {cursor}"),
        format!("last: 1, after: {cursor}"),
        format!("after: {cursor}, before: {cursor}"),
        "after: \"nonsense\"".to_owned(),
        "after: \"\"".to_owned(),
        "before: \"AAAAAAAA\"".to_owned(),
    ] {
        let answer = shop.backend.send(&query(&arguments), json!({})).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (200, vec!["BAD_USER_INPUT"]),
            "{arguments}"
        );
        let message = answer.body["errors"][0]["message"].as_str().expect("a message");
        assert!(!message.contains("nonsense"), "{message}");
    }
}

// DEF-01
#[tokio::test]
async fn def_01_only_cursors_created_by_the_gateway_are_accepted() {
    let shop = shop_of(2).await;
    let cursor = page(&shop.backend, "first: 1").await["pageInfo"]["endCursor"].take();
    let cursor = cursor.as_str().expect("a cursor");
    // Nested deeply enough to overflow the stack of the library's decoder.
    let mut bson = vec![5, 0, 0, 0, 0];
    for _ in 0..1_500 {
        let length = u32::try_from(bson.len() + 8).expect("small").to_le_bytes();
        bson = [&length, &[3, b'a', 0][..], &bson, &[0]].concat();
    }
    let real = BASE64URL_NOPAD.decode(cursor.as_bytes()).expect("base64");
    for tag in [0, 4, 16] {
        let forged = BASE64URL_NOPAD.encode(&[&real[..tag], &bson].concat());
        let answer = shop
            .backend
            .send(&query(&format!("first: 1, after: {forged:?}")), json!({}))
            .await;
        assert_eq!(
            (answer.status, answer.codes()),
            (200, vec!["BAD_USER_INPUT"]),
            "{tag}"
        );
    }
    for at in 0..cursor.len() {
        let change = |(place, own): (usize, char)| match (place == at, own) {
            (false, own) => own,
            (true, 'A') => 'B',
            (true, _) => 'A',
        };
        let changed: String = cursor.chars().enumerate().map(change).collect();
        for (argument, size) in [("after", "first"), ("before", "last")] {
            let sent = query(&format!("{size}: 1, {argument}: {changed:?}"));
            let answer = shop.backend.send(&sent, json!({})).await;
            assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{changed}");
            let message = answer.body["errors"][0]["message"].as_str().expect("a message");
            assert!(message.contains(argument), "{message}");
        }
    }
    assert_eq!(ids(&page(&shop.backend, "first: 2").await).len(), 2);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_and_tenant() {
    let shop = shop_of(2).await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    let rival = shop.rival().await;
    rival.ann("x").await;
    let named = |id: &str, arguments: &str| {
        query(arguments).replace("storefront {", &format!("storefront(by: {{ id: {id:?} }}) {{"))
    };
    let mine = shop.backend.query(&named(shop.id(), "first: 1")).await;
    let cursor = &mine["storefront"]["users"]["pageInfo"]["endCursor"];
    let after = format!("after: {cursor}");
    for (caller, query) in [
        (&shop.backend, named(fr.id.to_string().as_str(), &after)),
        (&rival.backend, named(rival.id(), &after)),
        (
            &shop.backend,
            format!("{{ storefronts({after}) {{ nodes {{ id }} }} }}"),
        ),
    ] {
        let answer = caller.send(&query, json!({})).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{query}");
    }
    let own = shop.backend.query(&named(shop.id(), &after)).await;
    assert_eq!(ids(&own["storefront"]["users"]), ["user 1"]);
}

#[tokio::test]
async fn the_total_is_counted_only_if_selected() {
    let shop = shop_of(3).await;
    let ann = shop.ann("ann").await;
    ann.upload("cat.png", &png(1)).await;
    let users = "{ storefront { users(first: 2) { nodes { id } TOTAL } } }";
    let items = "{ storefront { users(first: 4) { nodes { privateStorage { items(first: 1) { nodes { id } TOTAL } } } } } }";
    for query in [users, items] {
        let commands = &shop.gateway.commands;
        let (_, without) = commands
            .during(shop.backend.query(&query.replace("TOTAL", "")))
            .await;
        let (seen, with) = commands
            .during(shop.backend.query(&query.replace("TOTAL", "totalCount")))
            .await;
        assert_eq!(with.len(), without.len() + 1, "{without:?} {with:?}");
        if query == users {
            assert_eq!(seen["storefront"]["users"]["totalCount"], 4);
        }
    }
    let filtered = "{ storefront { users(first: 1, filter: { isAnonymous: true }) { totalCount } } }";
    assert_eq!(
        shop.backend.query(filtered).await["storefront"]["users"]["totalCount"],
        2
    );
}

#[tokio::test]
async fn items_are_paginated_across_merged_storages() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for number in 0..3 {
        let id = format!("guest {number}");
        shop.guest(&id).await.upload("guest.png", &png(number)).await;
        ann.upload("own.png", &png(10 + number)).await;
        shop.merge(&id, "ann").await;
    }
    assert_eq!(shop.gateway.store.count("privateStorages", doc! {}).await, 4);
    let all = kit::item_ids(&ann).await;
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!(
            "{{ viewer {{ storefrontUser {{ privateStorage {{ items(first: 2, after: {after}) \
             {{ totalCount nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }} }} }} }}"
        );
        let page = ann.query(&query).await["viewer"]["storefrontUser"]["privateStorage"]["items"].take();
        assert_eq!(page["totalCount"], 6);
        let nodes = page["nodes"].as_array().expect("nodes");
        seen.extend(
            nodes
                .iter()
                .filter_map(|node| node["id"].as_str().map(str::to_owned)),
        );
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, all);
    assert_eq!(seen.len(), 6);
}
