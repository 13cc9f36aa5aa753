//! DEF-01: memory held by requests without a valid credential.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{MIB, raise_descriptor_limit};
use crate::kit::{self, Binary, LatencyProbe, Raw};

fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 1, number))
}

// DEF-01
#[tokio::test]
async fn unauthenticated_bodies_share_64_mib() {
    raise_descriptor_limit();
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let probe = LatencyProbe::of(&shop, &binary);
    let before = binary.memory().resident;
    binary.forget_peak();
    let binary = &binary;
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 250000\r\n\r\n";
    let refused = probe
        .assert_served_during(async {
            let sending = (0..200_u8).map(|number| async move {
                let mut raw = Raw::connect_from(address(number / 20 + 1), binary.address).await;
                assert!(raw.send(head).await);
                raw.flood(&[b' '; 16 * 1024], 15).await;
                // A request that got memory waits for the rest of its body; the others are refused at once.
                let answer = timeout(Duration::from_secs(8), raw.answer()).await.ok()??;
                assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
                Some(answer)
            });
            join_all(sending).await.into_iter().flatten().count()
        })
        .await;
    let rise = binary.memory().peak.saturating_sub(before);
    assert!(refused > 100, "{refused} of 200 were refused");
    assert!(rise < 112 * MIB, "{} MiB", rise / MIB);
}

// DEF-01
#[tokio::test]
async fn endless_request_heads_use_bounded_memory() {
    raise_descriptor_limit();
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let probe = LatencyProbe::of(&shop, &binary);
    let before = binary.memory().resident;
    binary.forget_peak();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}", "a".repeat(30_000));
    probe
        .assert_served_during(async {
            let mut open = Vec::new();
            for _ in 0..1000 {
                let mut raw = Raw::connect_from(address(200), binary.address).await;
                raw.send(&head).await;
                open.push(raw);
            }
            // Each connection is closed after ten seconds at the latest.
            for raw in &mut open {
                raw.closed().await;
            }
        })
        .await;
    let rise = binary.memory().peak.saturating_sub(before);
    assert!(rise < 64 * MIB, "{} MiB", rise / MIB);
    let mut raw = Raw::connect(binary.address).await;
    raw.send(format!(
        "GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n",
        "a".repeat(80_000)
    ))
    .await;
    assert_eq!(raw.answer().await.expect("an answer").status, 431);
}

// DEF-01
#[tokio::test]
async fn forms_and_bodies_have_size_limits() {
    let shop = kit::shop().await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let form = "application/x-www-form-urlencoded";
    for (path, content_type, length, status) in [
        ("/graphql", "application/json", 256 * 1024 + 1, 413),
        ("/graphql", "application/json", 256 * 1024, 400),
        ("/oauth/token", form, 16 * 1024 + 1, 413),
        ("/oauth/token", form, 16 * 1024, 400),
        ("/oauth/revoke", form, 1024 * 1024, 413),
    ] {
        let mut raw = Raw::connect(binary.address).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        raw.send(head).await;
        raw.send(" ".repeat(length)).await;
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(answer.status, status, "{path} {length}: {answer:?}");
    }
}
