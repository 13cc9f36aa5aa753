//! Invalid input for the mutations of groups and markets; for their members see markets/members.rs.

use serde_json::{Value, json};

use super::customers::{InvalidCase, bad_storefronts, check, each};
use super::{MARK, ValidInput};
use crate::addresses::customer;
use crate::customers::patched;
use crate::kit::{self, Shop};
use crate::markets::{group, market};

/// Every mutation of groups and markets with an input that would succeed.
pub(super) async fn all(shop: &Shop) -> Vec<ValidInput> {
    let (ada, _) = customer(shop, "member@example.com").await;
    let (printers, sale) = (group(shop, "Printers").await, market(shop, "Sale", &[]).await);
    let good = |field, input, optional| ValidInput {
        field,
        input,
        optional,
        caller: shop.backend.clone(),
    };
    let storefront = &["storefrontId"];
    let members = || json!({ "id": printers, "customerIds": [ada] });
    vec![
        good(
            "customerGroupCreate",
            json!({ "storefrontId": shop.id(), "name": "New" }),
            storefront,
        ),
        good(
            "customerGroupUpdate",
            json!({ "id": printers, "name": "Makers" }),
            &[],
        ),
        good("customerGroupAddCustomers", members(), &[]),
        good("customerGroupRemoveCustomers", members(), &[]),
        good("customerGroupDelete", json!({ "id": printers }), &[]),
        good(
            "marketCreate",
            json!({ "storefrontId": shop.id(), "name": "New", "groupIds": [printers] }),
            &["storefrontId", "groupIds"],
        ),
        good(
            "marketUpdate",
            json!({ "id": sale, "name": "Sold", "groupIds": [printers] }),
            &["name", "groupIds"],
        ),
        good("marketDelete", json!({ "id": sale }), &[]),
    ]
}

fn bad_names(taken: &'static str) -> Vec<InvalidCase> {
    let long = MARK.repeat(37);
    let mut invalid_cases = each("name", &["", "  ", "\t", "\u{a0}"], "REQUIRED name");
    invalid_cases.extend(each("name", &[&long], "TOO_LONG name"));
    let control = ["hunter2\u{0}", "hun\nter2", "hunter2\u{7f}", "hunter2\u{85}"];
    invalid_cases.extend(each("name", &control, "INVALID name"));
    invalid_cases.extend(each("name", &["taken", "TAKEN", " Taken "], taken));
    invalid_cases
}

/// Values that are not the id of an object of the caller; `theirs` is the id of another organization's object.
fn bad_ids(kind: &str, theirs: &Value, fault: &'static str) -> Vec<InvalidCase> {
    let unknown = format!("{kind}_01h00000000000000000000000");
    let theirs = theirs.as_str().expect("an id");
    let bad = [
        "",
        " ",
        MARK,
        &unknown,
        "sto_01h00000000000000000000000",
        "\u{0}",
        "$gt",
        theirs,
    ];
    each("id", &bad, fault)
}

fn bad_groups(own: &Value, theirs: &Value) -> Vec<InvalidCase> {
    let unknown = "grp_01h00000000000000000000000";
    let places = [
        "CUSTOMER_GROUP_NOT_FOUND groupIds.0",
        "CUSTOMER_GROUP_NOT_FOUND groupIds.2",
    ];
    vec![
        (json!({ "groupIds": [unknown, own, theirs] }), places.to_vec()),
        (json!({ "groupIds": ["", own, MARK, own] }), places.to_vec()),
        (
            json!({ "groupIds": [unknown], "name": "" }),
            vec!["REQUIRED name", places[0]],
        ),
        (
            json!({ "groupIds": ["\u{0}"], "name": "taken" }),
            vec![places[0], "MARKET_NAME_TAKEN name"],
        ),
        (json!({ "groupIds": vec![own; 101] }), vec!["TOO_LONG groupIds"]),
    ]
}

const NO_GROUP: &str = "CUSTOMER_GROUP_NOT_FOUND id";
const NO_MARKET: &str = "MARKET_NOT_FOUND id";
const NO_FIRST: &str = "CUSTOMER_GROUP_NOT_FOUND groupIds.0";
const ELSEWHERE: &str = "STOREFRONT_NOT_FOUND storefrontId";

// ERR-01, SFR-01
#[tokio::test]
async fn err_01_each_invalid_group_value_is_reported() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let (own, theirs) = (group(&shop, "Own").await, group(&rival, "Theirs").await);
    group(&shop, "Taken").await;
    let taken = "CUSTOMER_GROUP_NAME_TAKEN name";
    let mut create = bad_storefronts(&rival);
    create.extend(bad_names(taken));
    let both = json!({ "storefrontId": rival.id(), "name": "" });
    create.push((both, vec![ELSEWHERE, "REQUIRED name"]));
    let mut update = bad_ids("grp", &theirs, NO_GROUP);
    update.extend(bad_names(taken));
    update.push((
        json!({ "id": "", "name": "a\u{1}" }),
        vec![NO_GROUP, "INVALID name"],
    ));
    let new = json!({ "storefrontId": shop.id(), "name": "New" });
    check(&shop, &shop.backend, "customerGroupCreate", &new, create).await;
    let rename = json!({ "id": own, "name": "New" });
    check(&shop, &shop.backend, "customerGroupUpdate", &rename, update).await;
    let delete = bad_ids("grp", &theirs, NO_GROUP);
    check(
        &shop,
        &shop.backend,
        "customerGroupDelete",
        &json!({ "id": own }),
        delete,
    )
    .await;
}

// ERR-01, SFR-01
#[tokio::test]
async fn err_01_each_invalid_market_value_is_reported() {
    let shop = kit::shop().await;
    let rival = shop.rival().await;
    let own = group(&shop, "Own").await;
    let sale = market(&shop, "Sale", &[&own]).await;
    market(&shop, "Taken", &[]).await;
    let their_group = group(&rival, "Theirs").await;
    let theirs = market(&rival, "Theirs", &[]).await;
    let taken = "MARKET_NAME_TAKEN name";
    let mut create = bad_storefronts(&rival);
    create.extend(bad_names(taken));
    create.extend(bad_groups(&own, &their_group));
    let all = json!({ "storefrontId": rival.id(), "name": "", "groupIds": [""] });
    create.push((all, vec![ELSEWHERE, "REQUIRED name", NO_FIRST]));
    let mut update = bad_ids("mkt", &theirs, NO_MARKET);
    update.extend(bad_names(taken));
    update.extend(bad_groups(&own, &their_group));
    update.push((json!({ "name": null }), vec!["REQUIRED name"]));
    let all = json!({ "id": theirs, "name": "", "groupIds": [their_group] });
    update.push((all, vec![NO_MARKET, "REQUIRED name", NO_FIRST]));
    let new = json!({ "storefrontId": shop.id(), "name": "New" });
    check(&shop, &shop.backend, "marketCreate", &new, create).await;
    let change = json!({ "id": sale, "name": "Sold", "groupIds": [own] });
    check(&shop, &shop.backend, "marketUpdate", &change, update).await;
    let delete = bad_ids("mkt", &theirs, NO_MARKET);
    check(
        &shop,
        &shop.backend,
        "marketDelete",
        &json!({ "id": sale }),
        delete,
    )
    .await;
}

// ERR-01, SFR-01
#[tokio::test]
async fn err_01_another_storefronts_groups_are_not_found_and_an_ambiguous_storefront_is_rejected() {
    let shop = kit::shop().await;
    let austria = shop.add_storefront("Prints AT", "AT").await;
    let there = json!({ "storefrontId": austria.id, "name": "There" });
    let there = shop.backend.mutate_ok("customerGroupCreate", there).await["customerGroup"]["id"].take();
    let here = group(&shop, "Here").await;
    let sale = market(&shop, "Sale", &[]).await;
    let before = shop.gateway.store.dump().await;
    let new = json!({ "storefrontId": shop.id(), "name": "New", "groupIds": [here, there] });
    let change = json!({ "id": sale, "groupIds": [here, there] });
    for (field, input) in [("marketCreate", new.clone()), ("marketUpdate", change)] {
        let refused = shop.backend.user_errors(field, input).await;
        assert_eq!(refused, ["CUSTOMER_GROUP_NOT_FOUND groupIds.1"], "{field}");
    }
    let unnamed = patched(new, json!({ "storefrontId": null, "groupIds": [] }));
    let refused = shop.backend.user_errors("marketCreate", unnamed).await;
    assert_eq!(refused, ["STOREFRONT_REQUIRED storefrontId"]);
    let refused = shop
        .backend
        .user_errors("customerGroupCreate", json!({ "name": "" }))
        .await;
    assert_eq!(refused, ["STOREFRONT_REQUIRED storefrontId", "REQUIRED name"]);
    assert_eq!(shop.gateway.store.dump().await, before, "nothing changed");
}
