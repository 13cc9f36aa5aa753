//! Measures that memory use does not grow with the size of a file (STO-01).

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

const SIZE: usize = 50 * 1024 * 1024;
const BOUND_KIB: i64 = 16 * 1024;

const UPLOAD: &str = "mutation($file: Upload!, $owner: StorefrontUserBy!) {
    storageItemUpload(input: { file: $file, owner: $owner }) { storageItem { url } userErrors { code message } } }";

pub async fn measure(environment: &Environment) -> Vec<Row> {
    let owner = environment.user("memory", false).await;
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    // A small file first fills pools and caches and loads code pages.
    transfer(environment, &gateway.url, &owner, 64 * 1024).await;
    let before = gateway.used();
    transfer(environment, &gateway.url, &owner, SIZE).await;
    let after = gateway.used();
    gateway.stop().await;
    let rise = (after.peak_kib - before.peak_kib).max(after.resident_kib - before.resident_kib);
    let mib = |kib: i64| kib as f64 / 1024.0;
    vec![Row {
        what: "rise of the process's peak memory by an upload and a download of 50 MiB",
        measured: format!("{:.1} MiB", mib(rise)),
        bound: format!("{:.0} MiB", mib(BOUND_KIB)),
        within_bound: rise < BOUND_KIB,
    }]
}

/// Uploads a file and downloads it again, both as streams.
async fn transfer(environment: &Environment, url: &str, owner: &str, size: usize) {
    let client = reqwest::Client::new();
    let operations = json!({ "query": UPLOAD, "variables": { "file": null, "owner": { "id": owner } } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({ "0": ["variables.file"] }).to_string())
        .part(
            "0",
            Part::stream(reqwest::Body::wrap_stream(content(size))).file_name("large.json"),
        );
    let request = client
        .post(format!("{url}/graphql"))
        .bearer_auth(&environment.secret)
        .multipart(form);
    let sent = request
        .header("GraphQL-Require-Preflight", "1")
        .send()
        .await
        .expect("an answer");
    let answer: Value = sent.json().await.expect("JSON");
    let link = answer["data"]["storageItemUpload"]["storageItem"]["url"].as_str();
    let link = link.unwrap_or_else(|| panic!("{answer}"));
    let mut download = client.get(link).send().await.expect("an answer").bytes_stream();
    let mut read = 0;
    while let Some(piece) = download.next().await {
        read += piece.expect("content").len();
    }
    assert_eq!(read, size);
}

/// Returns `size` bytes of a JSON list of strings, generated piece by piece.
fn content(size: usize) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    const PIECE: usize = 64 * 1024;
    let pieces = size / PIECE;
    futures_util::stream::iter((0..pieces).map(move |number| {
        let mut piece = vec![b'x'; PIECE];
        piece[0] = if number == 0 { b'[' } else { b',' };
        piece[1] = b'"';
        piece[PIECE - 2] = b'"';
        piece[PIECE - 1] = if number + 1 == pieces { b']' } else { b' ' };
        Ok(Bytes::from(piece))
    }))
}
