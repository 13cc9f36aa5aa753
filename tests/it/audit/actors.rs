//! The actor of an entry: a customer, a client, on behalf of a member, or the gateway itself.

use bson::{Document, doc};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use storefront_gateway::audit::Recorded;
use storefront_gateway::auth::client::ClientKind;
use storefront_gateway::platform::id::{CustomerId, Id};
use storefront_gateway::reach::scope::Scope;

use super::{entries_written_during, formatted, formatted_entries};
use crate::customers::{OTHER_PASSWORD, PASSWORD, ada, credentials, id_of, redeem, setup, shop, signed_in};
use crate::kit::{Caller, Shop, text};

/// The actor of an entry: kind, id, owner.
fn actor(entry: &Document) -> (&str, &str, &str) {
    let actor = entry.get_document("actor").expect("an actor");
    let part = |field: &str| actor.get_str(field).unwrap_or_default();
    (part("kind"), part("id"), part("owner"))
}

/// The id of the shop's publishable key.
async fn browsers_id(shop: &Shop) -> String {
    let public = doc! { "kind": "PUBLIC" };
    let clients = shop.gateway.store.documents("apiClients", public).await;
    text(&clients[0], "_id").to_owned()
}

async fn last_of(shop: &Shop) -> Document {
    shop.gateway.store.audit().await.pop().expect("an entry")
}

/// A backend that acts on behalf of a member.
pub(super) async fn on_behalf_of(shop: &Shop, member: &str) -> Caller {
    let client = shop
        .client(
            ClientKind::Integration,
            None,
            &[
                Scope::CustomersToken,
                Scope::CustomersWrite,
                Scope::CustomersAnonymize,
            ],
        )
        .await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret()),
        ("owner", member),
    ];
    let url = format!("{}/oauth/token", shop.gateway.url);
    let answer = shop.gateway.http.post(url).form(&form).send().await;
    let body: Value = answer.expect("an answer").json().await.expect("JSON");
    shop.unauthenticated().with(body["access_token"].as_str())
}

// TOK-08
#[tokio::test]
async fn tok_08_a_backends_entries_name_its_owner_also_for_tokens_it_issued() {
    let shop = shop().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let id = id.as_str().expect("an id");
    let browser = browsers_id(&shop).await;
    for entry in shop.gateway.store.audit().await {
        assert_eq!(actor(&entry), ("CLIENT", browser.as_str(), ""), "{entry}");
        assert_eq!(text(&entry, "customerId"), id);
        assert_eq!(text(&entry, "storefrontId"), shop.id());
    }
    ada.mutate_ok("customerUpdate", json!({ "firstName": "Augusta" }))
        .await;
    assert_eq!(actor(&last_of(&shop).await), ("CUSTOMER", id, ""));

    let member = shop.member("Ann").await;
    let backend = on_behalf_of(&shop, member.as_str()).await;
    let seen = backend.query("{ viewer { apiClient { id } } }").await;
    let client = seen["viewer"]["apiClient"]["id"].as_str().expect("an id");
    let issued = backend
        .mutate_ok("customerTokenIssue", json!({ "customerId": id }))
        .await;
    let entry = last_of(&shop).await;
    assert_eq!(formatted(&entry), "TOKEN_ISSUED by CLIENT");
    assert_eq!(actor(&entry), ("CLIENT", client, member.as_str()));
    let sessions = shop.gateway.store.documents("sessions", doc! {}).await;
    let theirs = sessions.iter().find(|session| session.contains_key("ownerId"));
    assert_eq!(
        text(&entry, "object"),
        text(theirs.expect("the issued one"), "_id")
    );
    // A caller with that token acts as the customer, on behalf of the member.
    let (through, _) = signed_in(&shop, &issued);
    through.mutate_ok("customerTokenRevoke", json!({})).await;
    let entry = last_of(&shop).await;
    assert_eq!(formatted(&entry), "SESSION_ENDED by CUSTOMER");
    assert_eq!(actor(&entry), ("CUSTOMER", id, member.as_str()));
}

// CST-02, TOK-01, SPR-90
#[tokio::test]
async fn the_holder_of_a_password_mailed_key_or_refresh_token_is_recorded_as_the_customer() {
    let shop = setup().start().await;
    shop.open_account_page().await;
    let (ada, first) = ada(&shop, "ada@example.com").await;
    let id = id_of(&ada).await;
    let id = id.as_str().expect("an id");
    let guest = shop.guest("guest").await;
    let mut signing_in = credentials("ada@example.com", PASSWORD);
    signing_in["anonymousUserToken"] = json!(guest.credential);
    let (_, entries) =
        entries_written_during(&shop, shop.browser.mutate_ok("customerTokenCreate", signing_in)).await;
    assert_eq!(
        formatted_entries(&entries),
        ["SIGNED_IN by CUSTOMER", "ANONYMOUS_MERGED by CUSTOMER"]
    );
    let guests = shop
        .gateway
        .store
        .documents("storefrontUsers", doc! { "storefrontUserId": "guest" });
    assert_eq!(text(&entries[1], "object"), text(&guests.await[0], "_id"));

    // Reuse of a refresh token: the gateway ends the session.
    let unauthenticated = shop.unauthenticated();
    let refresh = |token: &str| json!({ "refreshToken": token });
    let second = unauthenticated
        .mutate_ok("customerTokenRefresh", refresh(&first))
        .await;
    let second = second["token"]["refreshToken"].as_str().expect("a token");
    unauthenticated
        .mutate_ok("customerTokenRefresh", refresh(second))
        .await;
    let reuse = unauthenticated.user_errors("customerTokenRefresh", refresh(&first));
    let (refused, entries) = entries_written_during(&shop, reuse).await;
    assert_eq!(refused, ["TOKEN_INVALID refreshToken"]);
    assert_eq!(formatted_entries(&entries), ["REFRESH_TOKEN_REUSED by SYSTEM"]);
    assert_eq!(actor(&entries[0]), ("SYSTEM", "", ""));
    let again = unauthenticated.user_errors("customerTokenRefresh", refresh(&first));
    assert!(
        entries_written_during(&shop, again).await.1.is_empty(),
        "it has ended"
    );

    let asked = json!({ "email": "ada@example.com" });
    shop.browser
        .mutate_ok("customerPasswordResetRequest", asked)
        .await;
    shop.gateway.run_jobs().await;
    let key = shop.gateway.mails().all()[0].parameter("key");
    let reset = unauthenticated.mutate_ok("customerPasswordReset", redeem(&key, OTHER_PASSWORD));
    let (payload, entries) = entries_written_during(&shop, reset).await;
    for entry in &entries {
        assert_eq!(actor(entry), ("CUSTOMER", id, ""), "{entry}");
    }
    let token = payload["token"]["refreshToken"].as_str().expect("a token");
    let (_, entries) = entries_written_during(
        &shop,
        unauthenticated.mutate_ok("customerTokenRevoke", refresh(token)),
    )
    .await;
    assert_eq!(formatted_entries(&entries), ["SESSION_ENDED by CUSTOMER"]);
    shop.gateway.run_jobs().await;
    shop.gateway.store.assert_consistent().await;
}

#[tokio::test]
async fn a_customers_audit_entries_are_returned_newest_first() {
    // All entries have the same time.
    let shop = setup().manual_clock().start().await;
    let (ada, _) = ada(&shop, "ada@example.com").await;
    crate::customers::ada(&shop, "bob@example.com").await;
    for name in ["Grace", "Augusta"] {
        ada.mutate_ok("customerUpdate", json!({ "firstName": name }))
            .await;
    }
    ada.mutate_ok("customerTokenRevoke", json!({ "all": true })).await;
    let id = shop.gateway.store.audit().await[0].clone();
    let id = CustomerId::parse(text(&id, "customerId")).expect("an id");
    let app = shop.gateway.app.clone();
    let reading = async move { app.audit.of(&id).await?.try_collect::<Vec<Recorded>>().await };
    let trail = shop.gateway.inside(reading).await.expect("read");
    let actions: Vec<String> = trail.iter().map(|entry| format!("{:?}", entry.action)).collect();
    assert_eq!(
        actions,
        ["AllSessionsEnded", "Updated", "Updated", "SignedIn", "Registered"]
    );
}
