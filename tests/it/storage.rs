//! Private storage: uploads, links, changes, deletions, and no content left behind.

use std::time::Duration;

use bson::doc;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use storefront_gateway::platform::blob::CHUNK;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::kit::{self, Caller, Setup, Shop, Upload, faults, item_ids, png, png_of, redact};

const MEBIBYTE: usize = 1024 * 1024;
/// The number of chunks per mebibyte.
const CHUNKS: u64 = 1024 * 1024 / CHUNK as u64;
const SVG: &[u8] =
    b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

async fn upload(person: &Caller, file_name: &str, bytes: &[u8], input: Value) -> Value {
    let upload = Upload {
        file_name,
        bytes: bytes.to_vec(),
        input,
    };
    person.send_upload(upload).await
}

/// Counts contents, chunks and ledger entries.
async fn contents(shop: &Shop) -> (u64, u64, u64) {
    let count = |name: &'static str| shop.gateway.store.count(name, doc! {});
    (
        count("content.files").await,
        count("content.chunks").await,
        count("unclaimedContent").await,
    )
}

/// Requests a link: status, headers and body.
async fn get(shop: &Shop, link: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = shop.gateway.http.get(link);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.expect("a body").to_vec())
}

async fn link(person: &Caller, item: &Value) -> String {
    let query = format!(
        "{{ node(id: {}) {{ ... on StorageItem {{ url }} }} }}",
        item["id"]
    );
    person.query(&query).await["node"]["url"]
        .as_str()
        .expect("a link")
        .to_owned()
}

// SFU-04
#[tokio::test]
async fn sfu_04_the_content_determines_the_type_and_the_kind() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for (file_name, bytes, content_type, kind) in [
        ("cat.png", &png(1)[..], "image/png", "IMAGE"),
        ("cat.pdf", &png(2), "image/png", "IMAGE"),
        ("a.svg", SVG, "image/svg+xml", "IMAGE"),
        ("a.json", b"{\"a\": [1]}", "application/json", "DESIGN"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj", "application/pdf", "OTHER"),
        ("a.zip", b"PK\x03\x04\x14\0\0\0\x08\0", "application/zip", "OTHER"),
    ] {
        let item = ann.upload(file_name, bytes).await;
        assert_eq!(
            (&item["contentType"], &item["kind"]),
            (&json!(content_type), &json!(kind)),
            "{file_name}"
        );
        assert_eq!(item["name"], *file_name);
        assert_eq!(item["folder"], "");
    }
    let sent = json!({ "name": "Ann's card", "folder": "designs/2026", "kind": "OTHER" });
    let payload = upload(&ann, "x.png", &png(3), sent).await;
    insta::assert_json_snapshot!(redact(payload), @r#"
    {
      "storageItem": {
        "byteSize": 20.0,
        "contentType": "image/png",
        "folder": "designs/2026",
        "id": "[itm 1]",
        "kind": "OTHER",
        "name": "Ann's card",
        "sha256": "703a4ff6e1373416434a39c0b49ac36de9232c1d467412cf2326fba96c88e198"
      },
      "userErrors": []
    }
    "#);
}

// SFU-04
#[tokio::test]
async fn sfu_04_content_is_stored_unchanged() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    // Sizes around the boundaries of the store's 1 MiB pieces and of the bytes read for type detection.
    for size in [
        16,
        8191,
        8192,
        8193,
        MEBIBYTE - 1,
        MEBIBYTE,
        MEBIBYTE + 1,
        3 * MEBIBYTE + 17,
    ] {
        let bytes = png_of(size);
        let item = ann.upload("cat.png", &bytes).await;
        assert_eq!(
            item["byteSize"].as_f64().map(|size| size.to_string()),
            Some(size.to_string())
        );
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        assert_eq!(item["sha256"], data_encoding::HEXLOWER.encode(digest.as_ref()));
        let (status, _, got) = get(&shop, &link(&ann, &item).await, &[]).await;
        assert_eq!((status, got == bytes), (200, true), "{size}");
    }
    shop.gateway.store.assert_consistent().await;
}

// SFU-03
#[tokio::test]
async fn sfu_03_a_backend_uploads_for_a_user_that_it_names() {
    let shop = kit::shop().await;
    shop.ann("ann").await;
    let rival = shop.rival().await;
    rival.ann("ann").await;
    let theirs = rival
        .backend
        .query("{ storefront { users { nodes { id } } } }")
        .await;
    let theirs = &theirs["storefront"]["users"]["nodes"][0]["id"];
    let external =
        |id: &str| json!({ "owner": { "external": { "storefrontId": shop.id(), "storefrontUserId": id } } });
    let payload = upload(&shop.backend, "cat.png", &png(1), external("ann")).await;
    assert_eq!(faults(&payload), [""; 0]);
    assert_eq!(item_ids(&shop.token("ann").await).await.len(), 1);
    let before = shop.gateway.store.dump().await;
    for (input, refused) in [
        (json!({}), "REQUIRED owner"),
        (external("bob"), "STOREFRONT_USER_NOT_FOUND owner"),
        (
            json!({ "owner": { "id": theirs } }),
            "STOREFRONT_USER_NOT_FOUND owner",
        ),
        (
            json!({ "owner": { "id": "nonsense" } }),
            "STOREFRONT_USER_NOT_FOUND owner",
        ),
        (
            json!({ "owner": { "external": { "storefrontId": rival.id(), "storefrontUserId": "ann" } } }),
            "STOREFRONT_NOT_FOUND owner.external.storefrontId",
        ),
    ] {
        let payload = upload(&shop.backend, "cat.png", &png(1), input).await;
        assert_eq!(faults(&payload), [refused]);
    }
    assert_eq!(shop.gateway.store.dump().await, before);
}

// STO-01
#[tokio::test]
async fn sto_01_limits_are_configurable_and_a_refused_upload_leaves_no_content() {
    let shop = Setup::new()
        .set("GATEWAY_STORAGE_MAX_FILE", "2MiB")
        .set("GATEWAY_STORAGE_QUOTA", "3MiB")
        .set("GATEWAY_STORAGE_TYPES", "image/png,application/json")
        .start()
        .await;
    let ann = shop.ann("ann").await;
    for (bytes, refused) in [
        (png_of(2 * MEBIBYTE + 1), "FILE_TOO_LARGE file"),
        (Vec::new(), "FILE_EMPTY file"),
        (b"hello".to_vec(), "FILE_TYPE_NOT_ALLOWED file"),
        (SVG.to_vec(), "FILE_TYPE_NOT_ALLOWED file"),
        (
            b"<!doctype html><html></html>".to_vec(),
            "FILE_TYPE_NOT_ALLOWED file",
        ),
    ] {
        let payload = upload(&ann, "x.png", &bytes, json!({})).await;
        assert_eq!(faults(&payload), [refused]);
    }
    assert_eq!(contents(&shop).await, (0, 0, 0));
    ann.upload("a.png", &png_of(2 * MEBIBYTE)).await;
    let payload = upload(&ann, "b.png", &png_of(MEBIBYTE + 1), json!({})).await;
    assert_eq!(faults(&payload), ["STORAGE_QUOTA_EXCEEDED file"]);
    ann.upload("c.png", &png_of(MEBIBYTE)).await;
    assert_eq!(contents(&shop).await, (2, 3 * CHUNKS, 0));
    shop.gateway.store.assert_consistent().await;
}

// STO-01
#[tokio::test]
async fn sto_01_concurrent_uploads_do_not_exceed_the_quota() {
    let shop = Setup::new()
        .set("GATEWAY_STORAGE_QUOTA", "100KiB")
        .set("GATEWAY_STORAGE_MAX_FILE", "100KiB");
    let shop = shop.start().await;
    let ann = shop.ann("ann").await;
    // After a merge the user has two storages and one quota.
    shop.guest("guest")
        .await
        .upload("a.png", &png_of(20 * 1024))
        .await;
    shop.merge("guest", "ann").await;
    let bytes = png_of(30 * 1024);
    let uploads = (0..12).map(|_| upload(&ann, "b.png", &bytes, json!({})));
    let payloads = futures_util::future::join_all(uploads).await;
    let taken = payloads
        .iter()
        .filter(|payload| faults(payload).is_empty())
        .count();
    assert_eq!(taken, 2, "20 + 2 * 30 KiB fit into 100");
    for payload in payloads.iter().filter(|payload| !faults(payload).is_empty()) {
        assert_eq!(faults(payload), ["STORAGE_QUOTA_EXCEEDED file"]);
    }
    shop.gateway.store.assert_consistent().await;
    assert_eq!(contents(&shop).await, (3, 3, 0));
}

/// Sends the head of an upload and half of its file, then closes the connection.
async fn break_off(person: &Caller, bytes: &[u8]) {
    let address = person.gateway.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let operations = json!({
        "query": kit::mutation("storageItemUpload"), "variables": { "input": { "file": null } },
    });
    let credential = person.credential.as_deref().unwrap_or_default();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {credential}\r\n\
         GraphQL-Require-Preflight: 1\r\nContent-Type: multipart/form-data; boundary=xx\r\n\
         Content-Length: {}\r\n\r\n\
         --xx\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --xx\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{{\"0\": [\"variables.input.file\"]}}\r\n\
         --xx\r\nContent-Disposition: form-data; name=\"0\"; filename=\"cat.png\"\r\n\r\n",
        bytes.len() * 2
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(bytes).await.expect("sent");
    stream.flush().await.expect("sent");
    // Wait until content is being written before the connection breaks.
    kit::eventually("the upload has begun", || async {
        person.gateway.store.count("content.chunks", doc! {}).await > 0
    })
    .await;
    stream.shutdown().await.expect("closed");
}

// STO-01
#[tokio::test]
async fn sto_01_an_aborted_upload_leaves_no_content() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    break_off(&ann, &png_of(3 * 1024 * 1024)).await;
    kit::eventually("nothing is left of the broken upload", || async {
        contents(&shop).await == (0, 0, 0)
    })
    .await;
    assert_eq!(item_ids(&ann).await, [""; 0]);
}

// STO-01
#[tokio::test]
async fn sto_01_unclaimed_content_of_a_crashed_gateway_is_swept_within_a_minute() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    ann.upload("kept.png", &png(1)).await;
    // A gateway that crashed during an upload leaves only the content and its ledger entry.
    let app = shop.gateway.app.clone();
    let dying = async move {
        let mut writer = app.blobs.write().await.expect("begun");
        writer.append(&png_of(3 * 1024 * 1024)).await.expect("written");
        writer.finish().await.expect("written")
    };
    shop.gateway.inside(dying).await;
    assert_eq!(contents(&shop).await, (2, 1 + 3 * CHUNKS, 1));
    shop.gateway.run_jobs().await;
    assert_eq!(
        contents(&shop).await,
        (2, 1 + 3 * CHUNKS, 1),
        "its lease is valid: the upload may be running"
    );
    shop.gateway.advance(Duration::from_secs(45));
    shop.gateway.run_jobs().await;
    assert_eq!(contents(&shop).await, (1, 1, 0));
    shop.gateway.store.assert_consistent().await;
}

// STO-02
#[tokio::test]
async fn sto_02_a_link_supports_range_and_conditional_requests() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let bytes = png_of(2 * 1024 * 1024 + 100);
    let item = ann.upload("cat.png", &bytes).await;
    let link = link(&ann, &item).await;
    let (status, headers, got) = get(&shop, &link, &[]).await;
    assert_eq!((status, got == bytes), (200, true));
    let etag = headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(headers["accept-ranges"], "bytes");

    let size = bytes.len();
    for (range, expected) in [
        ("bytes=0-9".to_owned(), 0..10),
        ("bytes=1048570-1048580".to_owned(), 1_048_570..1_048_581),
        ("bytes=-100".to_owned(), size - 100..size),
        (format!("bytes={}-", size - 5), size - 5..size),
        (format!("bytes=10-{}", size * 2), 10..size),
    ] {
        let (status, headers, got) = get(&shop, &link, &[("Range", &range)]).await;
        assert_eq!(status, 206, "{range}");
        let message = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(headers["content-range"].to_str().expect("text"), message);
        assert!(got == bytes[expected], "{range}");
    }
    let beyond = format!("bytes={size}-");
    let (status, headers, _) = get(&shop, &link, &[("Range", &beyond)]).await;
    assert_eq!(
        (status, headers["content-range"].to_str().ok()),
        (416, Some(&*format!("bytes */{size}")))
    );
    let (status, _, got) = get(&shop, &link, &[("If-None-Match", &etag)]).await;
    assert_eq!((status, got.len()), (304, 0));
    let (status, ..) = get(&shop, &link, &[("If-None-Match", "\"other\"")]).await;
    assert_eq!(status, 200);

    let head = shop.gateway.http.head(&link).send().await.expect("an answer");
    assert_eq!(
        head.headers()["content-length"].to_str().expect("text"),
        size.to_string()
    );
    assert_eq!(head.bytes().await.expect("no body").len(), 0);
}

// STO-02
#[tokio::test]
async fn sto_02_stored_content_cannot_run_scripts_in_the_gateways_origin() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    for (name, bytes) in [
        ("cat.png", &png(1)[..]),
        ("a \"b\"\u{202e}.svg", SVG),
        ("ä.json", b"{}"),
    ] {
        let payload = upload(&ann, "file", bytes, json!({ "name": name })).await;
        assert_eq!(faults(&payload), [""; 0], "{name}");
        let (status, headers, _) = get(&shop, &link(&ann, &payload["storageItem"]).await, &[]).await;
        assert_eq!(status, 200);
        assert_eq!(headers["x-content-type-options"], "nosniff", "{name}");
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(
            policy.contains("sandbox") || policy.contains("default-src 'none'"),
            "{policy}"
        );
        let disposition = headers["content-disposition"].to_str().expect("ASCII text");
        if name == "cat.png" {
            assert_eq!(headers["content-type"], "image/png");
        } else {
            assert!(disposition.starts_with("attachment"), "{name}: {disposition}");
        }
    }
}

// STO-02
#[tokio::test]
async fn sto_02_a_modified_or_expired_link_is_refused() {
    let shop = Setup::new().manual_clock().start().await;
    let ann = shop.ann("ann").await;
    let photo = ann.upload("cat.png", &png(1)).await;
    let other = ann.upload("dog.png", &png(2)).await;
    let good = link(&ann, &photo).await;
    let (photo_id, other_id) = (
        photo["id"].as_str().expect("an id"),
        other["id"].as_str().expect("an id"),
    );
    let (path, signed) = good.split_once("?expires=").expect("an expiry");
    let (expires, signature) = signed.split_once("&signature=").expect("a signature");
    let later = expires.parse::<i64>().expect("seconds") + 3600;
    for changed in [
        good.replace(photo_id, other_id),
        format!("{path}?expires={later}&signature={signature}"),
        format!("{path}?expires={expires}&signature={}", signature.to_uppercase()),
        format!("{path}?expires={expires}&signature="),
        format!("{path}?expires={expires}"),
        format!("{path}?signature={signature}"),
        path.to_owned(),
        good.replace(photo_id, "itm_01h00000000000000000000000"),
    ] {
        assert_eq!(get(&shop, &changed, &[]).await.0, 403, "{changed}");
    }
    assert_eq!(get(&shop, &good, &[]).await.0, 200);
    shop.gateway.advance(Duration::from_secs(9 * 60));
    assert_eq!(get(&shop, &good, &[]).await.0, 200);
    shop.gateway.advance(Duration::from_secs(61));
    assert_eq!(get(&shop, &good, &[]).await.0, 403, "it expires in minutes");
}

#[tokio::test]
async fn an_update_changes_only_the_fields_sent() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let sent = json!({ "name": "Cat", "folder": "pets" });
    let item = upload(&ann, "cat.png", &png(1), sent).await["storageItem"].take();
    let id = &item["id"];
    let update = "storageItemUpdate";
    for (input, name, folder) in [
        (json!({ "id": id, "name": "Tom" }), "Tom", "pets"),
        (json!({ "id": id, "folder": "cats" }), "Tom", "cats"),
        (json!({ "id": id, "folder": null }), "Tom", ""),
        (
            json!({ "id": id, "name": "Cat", "folder": "pets" }),
            "Cat",
            "pets",
        ),
    ] {
        let payload = ann.mutate_ok(update, input).await;
        assert_eq!(payload["storageItem"]["name"], name);
        assert_eq!(payload["storageItem"]["folder"], folder);
        assert_eq!(payload["storageItem"]["sha256"], item["sha256"]);
    }
    for (input, refused) in [
        (json!({ "id": id }), vec!["NO_CHANGES"]),
        (json!({ "id": id, "name": null }), vec!["REQUIRED name"]),
        (
            json!({ "id": "itm_01h00000000000000000000000", "name": "x" }),
            vec!["STORAGE_ITEM_NOT_FOUND id"],
        ),
        (
            json!({ "id": "x", "name": "" }),
            vec!["REQUIRED name", "STORAGE_ITEM_NOT_FOUND id"],
        ),
    ] {
        assert_eq!(ann.user_errors(update, input).await, refused);
    }
}

// STO-03
#[tokio::test]
async fn sto_03_deleting_an_item_removes_its_content() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let item = ann.upload("cat.png", &png_of(2 * 1024 * 1024)).await;
    ann.upload("cat.png", &png(2)).await;
    let link = link(&ann, &item).await;
    let payload = ann
        .mutate_ok("storageItemDelete", json!({ "id": item["id"] }))
        .await;
    assert_eq!(payload["deletedStorageItemId"], item["id"]);
    assert_eq!(contents(&shop).await, (1, 1, 0));
    assert!(
        [403, 404].contains(&get(&shop, &link, &[]).await.0),
        "the link ended with its item"
    );
    let refused = ann
        .user_errors("storageItemDelete", json!({ "id": item["id"] }))
        .await;
    assert_eq!(refused, ["STORAGE_ITEM_NOT_FOUND id"]);
    shop.gateway.store.assert_consistent().await;
}

#[tokio::test]
async fn a_log_contains_no_personal_data() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann.secret@example.com").await;
    let sent = json!({ "name": "My secret cat", "folder": "secret folder" });
    upload(&ann, "secret file.png", &png(1), sent).await;
    let item = ann.upload("cat.png", &png(2)).await;
    let link = link(&ann, &item).await;
    get(&shop, &link, &[]).await;
    ann.send("{ nonsense }", json!({ "secret": 1 })).await;
    ann.with(Some("sk_secret"))
        .send("{ viewer { kind } }", json!({}))
        .await;
    let signature = link.split("signature=").nth(1).expect("a signature").to_owned();
    let token = ann.credential.clone().expect("a token");
    let log = shop.gateway.logs.lines().join("\n");
    for message in [
        "secret",
        "example.com",
        "cat.png",
        signature.as_str(),
        token.as_str(),
    ] {
        assert!(!log.contains(message), "{message}: {log}");
    }
}
