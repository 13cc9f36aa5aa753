//! DEF-04: connections, idle ones, and responses before the end of a request.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use h2::Ping;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{UPLOAD_END, raise_descriptor_limit, upload_head, upload_parts};
use crate::kit::{self, Binary, LIMIT, LatencyProbe, Raw, png};

const QUESTION: &str = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 2, number))
}

/// Opens a connection that has had a response and is kept alive.
async fn keep_alive_connection(binary: &Binary, from: u8) -> Raw {
    let mut raw = Raw::connect_from(address(from), binary.address).await;
    raw.send(QUESTION).await;
    assert_eq!(raw.answer().await.expect("an answer").status, 200);
    raw
}

/// Asserts that a connection is refused, with the reason.
async fn refused(binary: &Binary, from: u8) {
    let mut raw = Raw::connect_from(address(from), binary.address).await;
    raw.send(QUESTION).await;
    let answer = raw.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.code(), "UNAVAILABLE");
    raw.closed().await;
}

// DEF-04
#[tokio::test]
async fn connections_are_limited_in_total_and_per_address_except_for_proxies() {
    let shop = kit::shop().await;
    let settings = [
        ("GATEWAY_MAX_CONNECTIONS", "12"),
        ("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", "3"),
        ("GATEWAY_TRUSTED_PROXIES", "127.0.2.9"),
    ];
    let binary = Binary::start(&shop.gateway, &settings).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(keep_alive_connection(&binary, 1).await);
    }
    refused(&binary, 1).await;
    open.push(keep_alive_connection(&binary, 2).await);
    // A trusted proxy is not limited by address; one connection is the kit's own.
    for _ in 0..7 {
        open.push(keep_alive_connection(&binary, 9).await);
    }
    refused(&binary, 9).await;
    refused(&binary, 3).await;
    drop(open.remove(0));
    kit::eventually("a place is free again", || async {
        let mut raw = Raw::connect_from(address(1), binary.address).await;
        raw.send(QUESTION).await;
        raw.answer().await.is_some_and(|answer| answer.status == 200)
    })
    .await;
    // Existing connections are not affected.
    for raw in &mut open {
        raw.send(QUESTION).await;
        assert_eq!(raw.answer().await.expect("an answer").status, 200);
    }
}

// DEF-04
#[tokio::test]
async fn idle_connections_do_not_exhaust_few_descriptors() {
    raise_descriptor_limit();
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let binary = Binary::with_descriptors(1024, &shop.gateway, &[]).await;
    assert!(
        binary.log().contains("allows only 768 connections"),
        "{}",
        binary.log()
    );
    for has_request in [false, true] {
        let mut open = Vec::new();
        for _ in 0..1100 {
            let mut raw = Raw::connect(binary.address).await;
            if has_request {
                raw.send(QUESTION).await;
            }
            open.push(raw);
        }
        // From the same address and from another one, over new connections.
        assert!(LatencyProbe::of(&shop, &binary).read().await < LIMIT);
        keep_alive_connection(&binary, 1).await;
        let upload = kit::Upload {
            file_name: "a.png",
            bytes: png(1),
            input: json!({}),
        };
        let payload = binary.caller(&ann).send_upload(upload).await;
        assert_eq!(payload["userErrors"], json!([]));
        assert!(binary.descriptors() < 1000, "{}", binary.descriptors());
    }
}

// DEF-04
#[tokio::test]
async fn idle_connections_are_closed_despite_pings() {
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[("GATEWAY_IDLE_TIMEOUT", "1s")]).await;
    let mut raw = keep_alive_connection(&binary, 1).await;
    let stream = TcpStream::connect(binary.address).await.expect("connected");
    let (client, mut connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let mut pings = connection.ping_pong().expect("the first");
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.expect("room");
    let request = hyper::Request::get(format!("{}/health/live", binary.url))
        .body(())
        .expect("a request");
    let (answer, _) = client.send_request(request, true).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 200);
    let pinging = async {
        while pings.ping(Ping::opaque()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LIMIT, pinging).await.expect("it is closed");
    drop(timeout(LIMIT, connection).await.expect("it ends"));
    raw.closed().await;
}

// DEF-04
#[tokio::test]
async fn an_early_refusal_is_received() {
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let unauthenticated_client = shop.unauthenticated().with(Some("sk_wrong"));
    let body = [
        upload_parts().as_bytes(),
        &vec![b'a'; 5_000_000],
        UPLOAD_END.as_bytes(),
    ]
    .concat();
    let refusals = join_all((0..20).map(|_| async {
        // A client that sends everything before it reads anything.
        let mut raw = Raw::connect(binary.address).await;
        raw.send(upload_head(&unauthenticated_client, body.len())).await;
        let whole = raw.send(&body).await;
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(
            (answer.status, answer.header("connection"), whole),
            (401, Some("close"), true)
        );
        let client = reqwest::Client::new();
        let request = client
            .post(format!("{}/graphql", binary.url))
            .bearer_auth("sk_wrong");
        let request = request
            .header("content-type", "multipart/form-data; boundary=x")
            .body(body.clone());
        request.send().await.expect("an answer").status()
    }))
    .await;
    assert!(refusals.iter().all(|status| *status == 401), "{refusals:?}");
    // The rest of a small body is discarded, and the connection is kept.
    let mut raw = Raw::connect(binary.address).await;
    for _ in 0..2 {
        let small = "{\"query\":\"{__typename}\"}";
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer no\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            small.len()
        );
        raw.send(head + small).await;
        assert_eq!(raw.answer().await.expect("an answer").status, 401);
    }
}

// DEF-04
#[tokio::test]
async fn an_unfinished_request_head_is_timed_out_and_an_idle_connection_is_not() {
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let (mut idle, mut slow) = (
        keep_alive_connection(&binary, 1).await,
        keep_alive_connection(&binary, 1).await,
    );
    let begun = Instant::now();
    slow.send("GET / HT").await;
    slow.closed().await;
    assert!(begun.elapsed() > Duration::from_secs(9), "{:?}", begun.elapsed());
    idle.send(QUESTION).await;
    assert_eq!(idle.answer().await.expect("an answer").status, 200);
}
