//! Storefront users: registration, ensuring, tokens, promotion, deletion, and expiry of unused ones.

use std::time::Duration;

use bson::doc;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::kit::{self, Caller, Setup, item_ids, png, redact, text};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The selected fields of a user.
const USER: &str = "storefrontUserId isAnonymous mergedAt expiresAt createdAt updatedAt mergedInto { id } \
                    privateStorage { isTemporary expiresAt itemCount totalBytes quotaBytes }";

fn lookup(storefront: &str, id: &str, selection: &str) -> String {
    let key = format!(
        "storefrontId: {}, storefrontUserId: {}",
        json!(storefront),
        json!(id)
    );
    format!("{{ storefrontUser(by: {{ external: {{ {key} }} }}) {{ {selection} }} }}")
}

// SFU-02, SFU-09
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the snapshots")]
async fn sfu_02_a_registration_creates_the_user_and_its_storage_together() {
    let shop = kit::shop().await;
    let payload = shop
        .backend
        .mutate_ok("storefrontUserRegister", shop.user("ann@example.com", false))
        .await;
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "storefrontUser": {
        "id": "[sfu 1]",
        "isAnonymous": false,
        "storefrontUserId": "ann@example.com"
      },
      "token": {
        "accessToken": "[token 1]",
        "expiresAt": "[moment 1]",
        "tokenType": "Bearer"
      },
      "userErrors": []
    }
    "#);
    let seen = shop
        .backend
        .query(&lookup(shop.id(), "ann@example.com", USER))
        .await;
    insta::assert_json_snapshot!(redact(seen), @r#"
    {
      "storefrontUser": {
        "createdAt": "[moment 1]",
        "expiresAt": null,
        "isAnonymous": false,
        "mergedAt": null,
        "mergedInto": null,
        "privateStorage": {
          "expiresAt": null,
          "isTemporary": false,
          "itemCount": 0,
          "quotaBytes": 1073741824.0,
          "totalBytes": 0.0
        },
        "storefrontUserId": "ann@example.com",
        "updatedAt": "[moment 1]"
      }
    }
    "#);

    shop.backend
        .mutate_ok("storefrontUserRegister", shop.user("guest", true))
        .await;
    let seen = shop.backend.query(&lookup(shop.id(), "guest", USER)).await;
    insta::assert_json_snapshot!(redact(seen), @r#"
    {
      "storefrontUser": {
        "createdAt": "[moment 1]",
        "expiresAt": "[moment 2]",
        "isAnonymous": true,
        "mergedAt": null,
        "mergedInto": null,
        "privateStorage": {
          "expiresAt": "[moment 2]",
          "isTemporary": true,
          "itemCount": 0,
          "quotaBytes": 104857600.0,
          "totalBytes": 0.0
        },
        "storefrontUserId": "guest",
        "updatedAt": "[moment 1]"
      }
    }
    "#);
    shop.gateway.store.assert_consistent().await;
}

// SFU-08
#[tokio::test]
async fn sfu_08_is_anonymous_has_no_default() {
    let shop = kit::shop().await;
    for field in ["storefrontUserRegister", "storefrontUserEnsure"] {
        for input in [
            json!({ "storefrontId": shop.id(), "storefrontUserId": "ann" }),
            json!({ "storefrontId": shop.id(), "storefrontUserId": "ann", "isAnonymous": null }),
        ] {
            let answer = shop
                .backend
                .send(&kit::mutation(field), json!({ "input": input }))
                .await;
            assert_eq!(answer.codes().len(), 1, "{:?}", answer.body);
            assert!(
                ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.codes()[0]),
                "{:?}",
                answer.body
            );
        }
    }
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 0);
}

// SFU-12, SFU-16
#[tokio::test]
async fn sfu_12_the_id_is_stored_verbatim_and_compared_exactly() {
    let shop = kit::shop().await;
    let longest = "ä".repeat(256);
    let ids = [
        "ann@example.com",
        "ANN@EXAMPLE.COM",
        "  padded  ",
        "Łódź/€ \"quoted\" $where",
        "*",
        "e\u{301}",
        "\u{e9}",
        longest.as_str(),
    ];
    for (number, id) in ids.iter().enumerate() {
        shop.backend
            .mutate_ok("storefrontUserRegister", shop.user(id, number % 2 == 0))
            .await;
    }
    for id in ids {
        let seen = shop
            .backend
            .query(&lookup(shop.id(), id, "storefrontUserId"))
            .await;
        assert_eq!(seen["storefrontUser"]["storefrontUserId"], *id);
    }
    // SFU-16: a lookup without a match returns null.
    for other in ["ann", "Ann@example.com", "padded", "", "\u{0}"] {
        let seen = shop.backend.query(&lookup(shop.id(), other, "id")).await;
        assert_eq!(seen, json!({ "storefrontUser": null }), "{other:?}");
    }
}

// SFU-14
#[tokio::test]
async fn sfu_14_a_taken_id_is_refused_and_the_stored_user_is_unchanged() {
    let shop = kit::shop().await;
    let fr = shop.add_storefront("Prints FR", "FR").await;
    shop.ann("ann").await;
    let before = shop.gateway.store.dump().await;
    for is_anonymous in [true, false] {
        let refused = shop
            .backend
            .user_errors("storefrontUserRegister", shop.user("ann", is_anonymous))
            .await;
        assert_eq!(refused, ["STOREFRONT_USER_ALREADY_EXISTS storefrontUserId (409)"]);
    }
    assert_eq!(shop.gateway.store.dump().await, before);
    // The same id in two storefronts means two users.
    let elsewhere =
        json!({ "storefrontId": fr.id.to_string(), "storefrontUserId": "ann", "isAnonymous": false });
    shop.backend.mutate_ok("storefrontUserRegister", elsewhere).await;
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 2);
}

// SFU-26
#[tokio::test]
async fn sfu_26_ensuring_a_user_twice_creates_one() {
    let shop = kit::shop().await;
    let first = shop
        .backend
        .mutate_ok("storefrontUserEnsure", shop.user("ann", false))
        .await;
    let second = shop
        .backend
        .mutate_ok("storefrontUserEnsure", shop.user("ann", false))
        .await;
    assert_eq!(
        (&first["created"], &second["created"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(first["storefrontUser"], second["storefrontUser"]);
    let refused = shop
        .backend
        .user_errors("storefrontUserEnsure", shop.user("ann", true))
        .await;
    assert_eq!(refused, ["STOREFRONT_USER_ALREADY_EXISTS storefrontUserId (409)"]);
}

// SFU-19
#[tokio::test]
async fn sfu_19_a_token_is_issued_only_for_an_existing_unexpired_unmerged_user() {
    let shop = Setup::new().manual_clock().start().await;
    let issue = "storefrontUserTokenIssue";
    let refused = shop.backend.user_errors(issue, shop.named("nobody")).await;
    assert_eq!(refused, ["STOREFRONT_USER_NOT_FOUND storefrontUserId"]);

    shop.guest("guest").await;
    shop.ann("ann").await;
    shop.merge("guest", "ann").await;
    let refused = shop.backend.user_errors(issue, shop.named("guest")).await;
    assert_eq!(refused, ["STOREFRONT_USER_ALREADY_MERGED storefrontUserId (409)"]);

    shop.guest("idle").await;
    shop.gateway.advance(31 * DAY);
    let refused = shop.backend.user_errors(issue, shop.named("idle")).await;
    assert_eq!(refused, ["STOREFRONT_USER_EXPIRED storefrontUserId"]);
    let ann = shop.token("ann").await;
    let seen = ann
        .query("{ viewer { kind storefrontUser { storefrontUserId } } }")
        .await;
    assert_eq!(seen["viewer"]["storefrontUser"]["storefrontUserId"], "ann");
}

/// The claims of a token, verified with the published keys alone.
async fn verified(person: &Caller) -> Value {
    let token = person.credential.as_deref().expect("a token");
    let header = decode_header(token).expect("a JWT");
    assert_eq!(
        (header.alg, header.typ.as_deref()),
        (Algorithm::ES256, Some("at+jwt"))
    );
    let url = format!("{}/.well-known/jwks.json", person.gateway.url);
    let keys = person.gateway.http.get(url).send().await.expect("an answer");
    let keys: JwkSet = keys.json().await.expect("a key set");
    let kid = header.kid.expect("a kid");
    let key = keys.find(&kid).expect("the key is published");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["storefront-gateway"]);
    validation.set_issuer(&[&person.gateway.url]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    let key = DecodingKey::from_jwk(key).expect("a key");
    decode::<Value>(token, &key, &validation)
        .expect("a good signature")
        .claims
}

// SFU-20
#[tokio::test]
async fn sfu_20_a_token_can_be_verified_with_the_published_keys() {
    let shop = kit::shop().await;
    let mut claims = verified(&shop.guest("guest@example.com").await).await;
    assert_eq!(
        claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat"),
        24 * 3600
    );
    for differs in ["iat", "exp", "jti", "iss"] {
        let claim = claims[differs].take();
        assert!(!claim.is_null(), "{differs}");
    }
    insta::assert_json_snapshot!(redact(claims), @r#"
    {
      "anonymous": true,
      "aud": "storefront-gateway",
      "client_id": "[cli 1]",
      "exp": null,
      "external_id": "guest@example.com",
      "iat": null,
      "iss": null,
      "jti": null,
      "kind": "STOREFRONT_USER",
      "org": "[org 1]",
      "sfu": "[sfu 1]",
      "sto": "[sto 1]",
      "sub": "[sfu 1]"
    }
    "#);
}

// SFU-20
#[tokio::test]
async fn sfu_20_a_foreign_token_is_refused() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let token = ann.credential.clone().expect("a token");
    let [header, claims, signature]: [&str; 3] = token
        .split('.')
        .collect::<Vec<_>>()
        .try_into()
        .expect("three parts");
    let base64 = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    let unsigned = base64(br#"{"alg":"none","typ":"at+jwt"}"#);
    let mut flipped = signature.to_owned().into_bytes();
    flipped[10] = if flipped[10] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).expect("text");
    for forged in [
        format!("{unsigned}.{claims}."),
        format!("{header}.{claims}.{flipped}"),
        format!("{header}.{}.{signature}", base64(br#"{"sub":"sfu_1"}"#)),
        format!("{token}x"),
        "eyJ.eyJ.x".to_owned(),
        "pk_unknown".to_owned(),
        "sk_unknown".to_owned(),
        "nonsense".to_owned(),
    ] {
        let answer = ann
            .with(Some(&forged))
            .send("{ viewer { kind } }", json!({}))
            .await;
        assert_eq!(answer.status, 401, "{forged}");
        let challenge = answer.headers["www-authenticate"].to_str().expect("text");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
}

// SFU-21
#[tokio::test]
async fn sfu_21_a_users_token_gives_no_access_to_another_users_data() {
    let shop = kit::shop().await;
    let (ann, bob) = (shop.ann("ann").await, shop.ann("bob").await);
    let photo = ann.upload("cat.png", &png(1)).await;
    let id = photo["id"].as_str().expect("an id");
    let seen = bob.query(&format!("{{ node(id: {id:?}) {{ id }} }}")).await;
    assert_eq!(seen, json!({ "node": null }));
    let seen = bob.query(&lookup(shop.id(), "ann", "id")).await;
    assert_eq!(seen, json!({ "storefrontUser": null }));
    let seen = bob
        .query("{ storefront { users { totalCount nodes { storefrontUserId } } } }")
        .await;
    assert_eq!(
        seen["storefront"]["users"],
        json!({ "totalCount": 1, "nodes": [{ "storefrontUserId": "bob" }] })
    );
    assert_eq!(item_ids(&bob).await, [""; 0]);

    let before = shop.gateway.store.dump().await;
    for (field, input) in [
        ("storageItemDelete", json!({ "id": id })),
        ("storageItemUpdate", json!({ "id": id, "name": "mine" })),
    ] {
        assert_eq!(bob.user_errors(field, input).await, ["STORAGE_ITEM_NOT_FOUND id"]);
    }
    let mut upload = kit::Upload {
        file_name: "x.png",
        bytes: png(2),
        input: json!({ "owner": { "external": { "storefrontUserId": "ann" } } }),
    };
    let payload = bob.send_upload(upload.clone()).await;
    assert_eq!(kit::faults(&payload), ["FORBIDDEN owner"]);
    upload.input = json!({ "owner": { "id": "sfu_01h00000000000000000000000" } });
    assert_eq!(kit::faults(&bob.send_upload(upload).await), ["FORBIDDEN owner"]);
    assert_eq!(shop.gateway.store.dump().await, before);
}

// SFU-36
#[tokio::test]
async fn sfu_36_promoting_keeps_token_and_items() {
    let shop = kit::shop().await;
    let guest = shop.guest("guest").await;
    guest.upload("cat.png", &png(1)).await;
    let promote = "storefrontUserPromote";
    let payload = shop.backend.mutate_ok(promote, shop.pair("guest", "ann")).await;
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "storefrontUser": {
        "expiresAt": null,
        "id": "[sfu 1]",
        "isAnonymous": false,
        "storefrontUserId": "ann"
      },
      "userErrors": []
    }
    "#);
    assert_eq!(item_ids(&guest).await.len(), 1, "the old token still works");
    assert_eq!(item_ids(&shop.token("ann").await).await.len(), 1);
    guest.upload("dog.png", &png(2)).await;

    shop.guest("other").await;
    for (pair, refused) in [
        (
            ("other", "ann"),
            "STOREFRONT_USER_ALREADY_EXISTS regularStorefrontUserId (409)",
        ),
        (
            ("guest", "x"),
            "STOREFRONT_USER_NOT_FOUND anonymousStorefrontUserId",
        ),
        (
            ("ann", "x"),
            "STOREFRONT_USER_NOT_ANONYMOUS anonymousStorefrontUserId (409)",
        ),
    ] {
        let message = shop.backend.user_errors(promote, shop.pair(pair.0, pair.1)).await;
        assert_eq!(message, [refused], "{pair:?}");
    }
    shop.merge("other", "ann").await;
    let message = shop.backend.user_errors(promote, shop.pair("other", "x")).await;
    assert_eq!(
        message,
        ["STOREFRONT_USER_ALREADY_MERGED anonymousStorefrontUserId (409)"]
    );
    shop.gateway.store.assert_consistent().await;
}

// SFU-37
#[tokio::test]
async fn sfu_37_a_browser_registers_an_anonymous_user() {
    let shop = kit::shop().await;
    let register = "storefrontUserRegister";
    let payload = shop
        .browser
        .mutate_ok(register, json!({ "isAnonymous": true }))
        .await;
    let guest = shop
        .unauthenticated()
        .with(payload["token"]["accessToken"].as_str());
    assert_eq!(verified(&guest).await["kind"], "STOREFRONT_USER");
    guest.upload("cat.png", &png(1)).await;
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "storefrontUser": {
        "id": "[sfu 1]",
        "isAnonymous": true,
        "storefrontUserId": "[chosen id 1]"
      },
      "token": {
        "accessToken": "[token 1]",
        "expiresAt": "[moment 1]",
        "tokenType": "Bearer"
      },
      "userErrors": []
    }
    "#);

    let before = shop.gateway.store.dump().await;
    let refused = shop
        .browser
        .user_errors(register, json!({ "isAnonymous": false }))
        .await;
    assert_eq!(refused, ["FORBIDDEN isAnonymous"]);
    let refused = shop
        .browser
        .user_errors(
            register,
            json!({ "isAnonymous": true, "storefrontUserId": "mine" }),
        )
        .await;
    assert_eq!(refused, ["FORBIDDEN storefrontUserId"]);
    let both = json!({ "isAnonymous": false, "storefrontUserId": "mine" });
    let refused = shop.browser.user_errors(register, both).await;
    assert_eq!(refused, ["FORBIDDEN storefrontUserId", "FORBIDDEN isAnonymous"]);
    assert_eq!(shop.gateway.store.dump().await, before);
}

#[tokio::test]
async fn deleting_a_user_removes_its_storage_and_content() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    shop.guest("guest").await.upload("dog.png", &png(9)).await;
    shop.merge("guest", "ann").await;
    for number in 0..3 {
        ann.upload("cat.png", &png(number)).await;
    }
    let payload = shop
        .backend
        .mutate_ok("storefrontUserDelete", shop.named("ann"))
        .await;
    insta::assert_json_snapshot!(payload, @r#"
    {
      "deletedItemCount": 4,
      "deletedStorefrontUserId": "ann",
      "userErrors": []
    }
    "#);
    let store = &shop.gateway.store;
    for collection in [
        "storageItems",
        "privateStorages",
        "content.files",
        "content.chunks",
        "unclaimedContent",
    ] {
        assert_eq!(store.count(collection, doc! {}).await, 0, "{collection}");
    }
    let answer = ann.send("{ viewer { kind } }", json!({})).await;
    assert_eq!(answer.status, 401, "the token is invalid without its user");
    let refused = shop
        .backend
        .user_errors("storefrontUserDelete", shop.named("ann"))
        .await;
    assert_eq!(refused, ["STOREFRONT_USER_NOT_FOUND storefrontUserId"]);
    // The tombstone of the guest that was merged into it remains; its `mergedInto` is null.
    let seen = shop
        .backend
        .query(&lookup(shop.id(), "guest", "mergedInto { id }"))
        .await;
    assert_eq!(seen, json!({ "storefrontUser": { "mergedInto": null } }));
    // The id can be registered again.
    shop.ann("ann").await;
}

// SFU-09
#[tokio::test]
async fn sfu_09_an_idle_anonymous_user_is_removed_with_its_content() {
    let shop = Setup::new().manual_clock().start().await;
    let guest = shop.guest("guest").await;
    guest.upload("cat.png", &png(1)).await;
    let ann = shop.ann("ann").await;
    ann.upload("dog.png", &png(2)).await;

    shop.gateway.advance(29 * DAY);
    shop.gateway.run_jobs().await;
    assert_eq!(shop.gateway.store.count("storefrontUsers", doc! {}).await, 2);
    shop.gateway.advance(2 * DAY);
    shop.gateway.run_jobs().await;
    let left = shop.gateway.store.documents("storefrontUsers", doc! {}).await;
    assert_eq!(
        left.iter()
            .map(|user| text(user, "storefrontUserId"))
            .collect::<Vec<_>>(),
        ["ann"]
    );
    let files = shop.gateway.store.count("content.files", doc! {}).await;
    assert_eq!(files, 1, "the guest's content is deleted, ann's is not");
    shop.gateway.store.assert_consistent().await;
}

// SFU-09
#[tokio::test]
async fn sfu_09_each_use_of_token_or_storage_postpones_the_expiry() {
    let shop = Setup::new()
        .set("GATEWAY_STOREFRONT_USER_TOKEN_TTL", "365d")
        .manual_clock()
        .start()
        .await;
    let guest = shop.guest("guest").await;
    let expiry = lookup(shop.id(), "guest", "expiresAt");
    let mut last = shop.backend.query(&expiry).await;
    let uses = ["token", "query", "upload", "issue"];
    for used in uses {
        shop.gateway.advance(20 * DAY);
        match used {
            "upload" => drop(guest.upload("cat.png", &png(1)).await),
            "issue" => drop(shop.token("guest").await),
            _ => drop(guest.query("{ viewer { kind } }").await),
        }
        shop.gateway.run_jobs().await;
        let now = shop.backend.query(&expiry).await;
        assert!(
            now["storefrontUser"]["expiresAt"].as_str() > last["storefrontUser"]["expiresAt"].as_str(),
            "{used}"
        );
        last = now;
        // This node caches the user for a few seconds; with a manual clock the entry has to be dropped explicitly.
        shop.gateway.forget("guest").await;
    }
}

// SFU-09
#[tokio::test]
async fn sfu_09_uses_in_quick_succession_cost_one_write() {
    let shop = Setup::new().manual_clock().start().await;
    let guest = shop.guest("guest").await;
    let before = shop.gateway.store.dump().await;
    for _ in 0..5 {
        shop.gateway.advance(Duration::from_secs(3600));
        shop.gateway.forget("guest").await;
        guest.query("{ viewer { kind } }").await;
    }
    assert_eq!(
        shop.gateway.store.dump().await,
        before,
        "a tenth of the time counts as the same use"
    );
}

// SFU-09
#[tokio::test]
async fn sfu_09_an_expired_users_token_is_refused_before_the_cleanup_job_runs() {
    let shop = Setup::new()
        .set("GATEWAY_STOREFRONT_USER_TOKEN_TTL", "365d")
        .set("GATEWAY_ANONYMOUS_TTL", "1h")
        .manual_clock()
        .start()
        .await;
    let guest = shop.guest("guest").await;
    shop.gateway.advance(Duration::from_secs(3601));
    assert_eq!(guest.send("{ viewer { kind } }", json!({})).await.status, 401);
    let mut upload = kit::Upload {
        file_name: "x.png",
        bytes: png(2),
        ..kit::Upload::default()
    };
    upload.input =
        json!({ "owner": { "external": { "storefrontId": shop.id(), "storefrontUserId": "guest" } } });
    let payload = shop.backend.send_upload(upload).await;
    assert_eq!(kit::faults(&payload), ["STOREFRONT_USER_EXPIRED owner"]);
}
