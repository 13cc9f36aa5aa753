//! Notes about customers: back ends keep them, customers do not see them, export and erasure know them (NTE-01).

use bson::doc;
use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use crate::customers::{ada, id_of, setup};
use crate::erasure::on_behalf;
use crate::kit::{Caller, Shop, redact};

/// Adds a note about the customer and returns its id.
pub(crate) async fn note(backend: &Caller, customer: &Value, text: &str) -> Value {
    let input = json!({ "customerId": customer, "text": text });
    backend.mutate_ok("customerNoteCreate", input).await["customerNote"]["id"].take()
}

async fn notes(caller: &Caller, customer: &Value) -> Value {
    let query = format!(
        "{{ node(id: {customer}) {{ ... on Customer {{ notes {{ totalCount nodes {{ text }} }} }} }} }}"
    );
    caller.query(&query).await["node"]["notes"].take()
}

async fn shop_with_ada() -> (Shop, Caller, Value) {
    let shop = setup().start().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    (shop, ada, id)
}

// NTE-01
#[tokio::test]
async fn nte_01_a_note_has_its_text_and_its_author() {
    let (shop, _, id) = shop_with_ada().await;
    let (grace, _) = on_behalf(&shop).await;
    let text = "Called about order 1001.\nPrefers e-mail.";
    let input = json!({ "customerId": id, "text": text });
    let by_owner = grace.mutate_ok("customerNoteCreate", input.clone()).await;
    insta::assert_json_snapshot!(redact(by_owner), @r#"
    {
      "customerNote": {
        "author": {
          "id": "[mem 1]",
          "kind": "MEMBER",
          "name": "Grace"
        },
        "createdAt": "[moment 1]",
        "id": "[nte 1]",
        "text": "Called about order 1001.\nPrefers e-mail."
      },
      "userErrors": []
    }
    "#);
    let by_client = shop.backend.mutate_ok("customerNoteCreate", input).await;
    let author = &by_client["customerNote"]["author"];
    assert_eq!(author["kind"], "CLIENT");
    assert_eq!(author["name"], Value::Null);
    let client = shop.backend.query("{ viewer { apiClient { id } } }").await;
    assert_eq!(author["id"], client["viewer"]["apiClient"]["id"]);
}

// NTE-01
#[tokio::test]
async fn nte_01_notes_are_listed_newest_first_and_paged() {
    let (shop, _, id) = shop_with_ada().await;
    for text in ["one", "two", "three"] {
        note(&shop.backend, &id, text).await;
    }
    assert_eq!(
        notes(&shop.backend, &id).await,
        json!({ "totalCount": 3, "nodes": [{ "text": "three" }, { "text": "two" }, { "text": "one" }] })
    );
    let page = |arguments: &str| {
        format!(
            "{{ node(id: {id}) {{ ... on Customer {{ notes({arguments}) {{ nodes {{ text }} pageInfo {{ hasNextPage \
             hasPreviousPage endCursor }} }} }} }} }}"
        )
    };
    let first = shop.backend.query(&page("first: 2")).await["node"]["notes"].take();
    assert_eq!(first["nodes"], json!([{ "text": "three" }, { "text": "two" }]));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = format!("first: 2, after: {}", first["pageInfo"]["endCursor"]);
    let second = shop.backend.query(&page(&after)).await["node"]["notes"].take();
    assert_eq!(second["nodes"], json!([{ "text": "one" }]));
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
}

// NTE-01
#[tokio::test]
async fn nte_01_notes_are_hidden_from_the_customer_and_its_user() {
    let (shop, ada, id) = shop_with_ada().await;
    let (other, _) = crate::customers::ada(&shop, "other@example.com").await;
    let other_id = id_of(&other).await;
    note(&shop.backend, &id, "secret of the staff").await;
    // With and without notes, the response is the same.
    assert_eq!(notes(&ada, &id).await, Value::Null);
    assert_eq!(notes(&other, &other_id).await, Value::Null);
    let reference =
        ada.query("{ viewer { customer { reference } } }").await["viewer"]["customer"]["reference"].take();
    let user = shop.token(reference.as_str().expect("a reference")).await;
    assert_eq!(notes(&user, &id).await, Value::Null);
    // The payload of the customer's own mutation shows none either.
    let change =
        "mutation { customerUpdate(input: { firstName: \"Ada\" }) { customer { notes { totalCount } } } }";
    assert_eq!(
        ada.query(change).await["customerUpdate"]["customer"]["notes"],
        Value::Null
    );
    let reader = shop.backend_with(&[Scope::CustomersRead]).await;
    assert_eq!(notes(&reader, &id).await["totalCount"], 1);
}

// NTE-01
#[tokio::test]
async fn nte_01_a_deleted_note_and_a_note_of_another_store_are_not_found() {
    let (shop, _, id) = shop_with_ada().await;
    let kept = note(&shop.backend, &id, "kept").await;
    let deleted = note(&shop.backend, &id, "deleted").await;
    let payload = shop
        .backend
        .mutate_ok("customerNoteDelete", json!({ "id": deleted }))
        .await;
    assert_eq!(payload["deletedCustomerNoteId"], deleted);
    let rival = shop.rival().await;
    for (caller, id) in [(&shop.backend, &deleted), (&rival.backend, &kept)] {
        assert_eq!(
            caller
                .user_errors("customerNoteDelete", json!({ "id": id }))
                .await,
            ["CUSTOMER_NOTE_NOT_FOUND id"]
        );
    }
    assert_eq!(
        notes(&shop.backend, &id).await,
        json!({ "totalCount": 1, "nodes": [{ "text": "kept" }] })
    );
}

// NTE-01
#[tokio::test]
async fn nte_01_one_of_two_concurrent_deletions_deletes_a_note() {
    let (shop, _, id) = shop_with_ada().await;
    let note = json!({ "id": note(&shop.backend, &id, "x").await });
    let delete = || shop.backend.mutate("customerNoteDelete", note.clone());
    let (one, other) = tokio::join!(delete(), delete());
    let took_effect = [one, other]
        .iter()
        .filter(|payload| payload["deletedCustomerNoteId"].is_string())
        .count();
    assert_eq!(took_effect, 1);
}

// NTE-01, ERA-04
#[tokio::test]
async fn nte_01_an_erasure_deletes_the_notes_and_prevents_new_ones() {
    let (shop, ada, id) = shop_with_ada().await;
    note(&shop.backend, &id, "gone soon").await;
    let password = json!({ "password": crate::customers::PASSWORD });
    ada.mutate_ok("customerAnonymize", password).await;
    assert_eq!(shop.gateway.store.count("customerNotes", doc! {}).await, 0);
    assert_eq!(notes(&shop.backend, &id).await["totalCount"], 0);
    let input = json!({ "customerId": id, "text": "too late" });
    assert_eq!(
        shop.backend.user_errors("customerNoteCreate", input).await,
        ["CUSTOMER_ANONYMIZED customerId"]
    );
}

// NTE-01, ERA-05
#[tokio::test]
async fn nte_01_notes_added_during_an_erasure_are_erased() {
    let (shop, ada, id) = shop_with_ada().await;
    let adding = async {
        let mut added = 0;
        loop {
            let input = json!({ "customerId": id, "text": format!("note {added}") });
            let payload = shop.backend.mutate("customerNoteCreate", input).await;
            if payload["customerNote"].is_null() {
                return added;
            }
            added += 1;
        }
    };
    let erasing = ada.mutate_ok(
        "customerAnonymize",
        json!({ "password": crate::customers::PASSWORD }),
    );
    let (added, _) = tokio::join!(adding, erasing);
    assert_eq!(
        shop.gateway.store.count("customerNotes", doc! {}).await,
        0,
        "{added} were added"
    );
}
