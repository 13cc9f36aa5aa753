//! Measures the memory of open connections, and that memory use does not grow with the size of a file (STO-01).

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Row;
use crate::child_process::Served;
use crate::environment::Environment;

const SIZE: usize = 50 * 1024 * 1024;
const BOUND_KIB: i64 = 16 * 1024;
/// Open connections without a request, and the most memory that the gateway may use with them.
const CONNECTIONS: usize = 1000;
const IDLE_KIB: i64 = 64 * 1024;
/// The longest time until memory that is no longer used is given back.
const SETTLED: Duration = Duration::from_secs(10);

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
    let of_file = Row {
        what: "rise of the process's peak memory by an upload and a download of 50 MiB".into(),
        measured: format!("{:.1} MiB", mib(rise)),
        bound: format!("{:.0} MiB", mib(BOUND_KIB)),
        within_bound: rise < BOUND_KIB,
    };
    vec![of_file, idle(environment).await]
}

/// Measures the memory of a gateway with open connections that have each sent a request, and wait.
async fn idle(environment: &Environment) -> Row {
    let gateway = Served::start("serve-gateway", environment.uri()).await;
    let address = gateway.url.trim_start_matches("http://").to_owned();
    let body = json!({ "query": "{ __typename }" }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Authorization: Bearer {}\r\n\r\n",
        body.len(),
        environment.secret
    );
    let mut open = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut connection = TcpStream::connect(&address).await.expect("connected");
        connection.write_all(head.as_bytes()).await.expect("sent");
        connection.write_all(body.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 4096];
        let length = connection.read(&mut answer).await.expect("an answer");
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "{answer:?}");
        open.push(connection);
    }
    let end = tokio::time::Instant::now() + SETTLED;
    let mut used = gateway.used().resident_kib;
    while used > IDLE_KIB && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
        used = gateway.used().resident_kib;
    }
    gateway.stop().await;
    drop(open);
    Row {
        what: "memory of a gateway with 1,000 open connections that wait".into(),
        measured: format!("{:.0} MiB", used as f64 / 1024.0),
        bound: format!("{} MiB", IDLE_KIB / 1024),
        within_bound: used <= IDLE_KIB,
    }
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
