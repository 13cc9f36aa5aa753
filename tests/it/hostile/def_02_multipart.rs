//! DEF-02: multipart bodies.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use storefront_gateway::reach::scope::Scope;

use super::{MIB, UPLOAD_END, upload_head, upload_parts};
use crate::kit::{self, Binary, LatencyProbe, Raw, Upload, png, png_of};

// DEF-02
#[tokio::test]
async fn a_multipart_preamble_or_part_head_is_refused_after_8_kib() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let probe = LatencyProbe::of(&shop, &binary);
    probe
        .assert_served_during(async {
            for start in ["", "--x\r\na: "] {
                binary.forget_peak();
                let before = binary.memory().resident;
                let mut raw = Raw::connect(binary.address).await;
                assert!(raw.send(upload_head(&ann, 300_000_000) + start).await);
                let sent = raw.flood(&[b'a'; 64 * 1024], 300_000_000 / (64 * 1024)).await;
                let answer = raw.answer().await.expect("an answer");
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (413, "LIMIT_EXCEEDED"),
                    "{start:?}"
                );
                assert_eq!(answer.header("connection"), Some("close"));
                // The socket buffers of both ends were filled before the response arrived.
                assert!(sent < 32_000_000, "{start:?}: {sent} bytes");
                let rise = binary.memory().peak.saturating_sub(before);
                assert!(rise < 8 * MIB, "{start:?}: {} KiB", rise / 1024);
            }
        })
        .await;
}

// DEF-02
#[tokio::test]
async fn operations_and_map_have_the_size_limit_of_a_body() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let binary = Binary::start(&shop.gateway, &[("GATEWAY_MAX_BODY", "64KiB")]).await;
    for name in ["operations", "map"] {
        let mut raw = Raw::connect(binary.address).await;
        let part = if name == "map" {
            "--x\r\ncontent-disposition: form-data; name=operations\r\n\r\n{\"query\":\"{a}\"}\r\n"
        } else {
            ""
        };
        let start = format!("{part}--x\r\ncontent-disposition: form-data; name={name}\r\n\r\n");
        raw.send(upload_head(&ann, 5_000_000) + &start).await;
        raw.flood(&[b' '; 16 * 1024], 300).await;
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (413, "LIMIT_EXCEEDED"),
            "{name}"
        );
    }
    let mut raw = Raw::connect(binary.address).await;
    let wrong = "--x\r\ncontent-disposition: form-data; name=0\r\n\r\n{}\r\n--x--\r\n";
    raw.send(upload_head(&ann, wrong.len()) + wrong).await;
    let answer = raw.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (400, "BAD_USER_INPUT"));
}

// DEF-02
#[tokio::test]
async fn the_parts_before_the_files_time_out_after_15_seconds() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let mut raw = Raw::connect(binary.address).await;
    raw.send(upload_head(&ann, 5_000_000)).await;
    let begun = tokio::time::Instant::now();
    // A byte now and then is progress, but too slow.
    let answer = loop {
        tokio::select! {
            answer = raw.answer() => break answer,
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        raw.send("a").await;
    };
    assert_eq!(answer.expect("an answer").status, 408);
    assert!(begun.elapsed() > Duration::from_secs(14), "{:?}", begun.elapsed());
}

// DEF-02
#[tokio::test]
async fn processing_a_body_byte_by_byte_takes_linear_time() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let cost = async |length: usize| {
        let (parts, content) = (upload_parts(), png_of(length));
        let head = format!("--x\r\na: {}\r\n\r\nb\r\n", "a".repeat(6000));
        let body = [
            parts.as_bytes(),
            &content,
            b"\r\n",
            head.as_bytes(),
            UPLOAD_END.trim_start().as_bytes(),
        ]
        .concat();
        let mut raw = Raw::connect(binary.address).await;
        raw.stream.set_nodelay(true).expect("a socket");
        raw.send(upload_head(&ann, body.len())).await;
        let before = binary.processor_time();
        for byte in &body {
            raw.send([*byte]).await;
        }
        let answer = raw.answer().await.expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains(&format!("\"byteSize\":{length}")), "{text}");
        binary.processor_time() - before
    };
    let (few, many) = (cost(5_000).await, cost(60_000).await);
    // The body has about six times the bytes; a cost that grows with the square would be over thirty times as high.
    assert!(many < few * 12 + Duration::from_millis(300), "{few:?}, {many:?}");
}

// DEF-02
#[tokio::test]
async fn slow_uploads_of_one_client_do_not_block_others() {
    super::raise_descriptor_limit();
    let shop = kit::shop().await;
    let (ann, ben) = (shop.ann("ann").await, shop.ann("ben").await);
    let binary = Binary::start(&shop.gateway, &[]).await;
    let probe = LatencyProbe::of(&shop, &binary);
    probe
        .assert_served_during(async {
            let begun = join_all((0..128).map(|_| async {
                let mut raw = Raw::connect(binary.address).await;
                raw.send(upload_head(&ann, 5_000_000) + &upload_parts()).await;
                raw
            }))
            .await;
            let upload = Upload {
                file_name: "a.png",
                bytes: png(1),
                input: json!({}),
            };
            let payload = binary.caller(&ben).send_upload(upload).await;
            assert_eq!(payload["userErrors"], json!([]));
            // Uploads beyond the limit of concurrent ones get a 429.
            let mut refused = 0;
            for mut raw in begun {
                let answer = tokio::time::timeout(Duration::from_millis(20), raw.answer()).await;
                if let Ok(Some(answer)) = answer {
                    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
                    assert!(answer.header("retry-after").is_some());
                    refused += 1;
                }
            }
            assert_eq!(refused, 128 - 32);
        })
        .await;
}

// DEF-02
#[tokio::test]
async fn an_unauthorized_upload_is_refused_before_its_body_is_read() {
    let shop = kit::shop().await;
    let reader = shop.backend_with(&[Scope::StorageRead]).await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    for (caller, code) in [
        (shop.unauthenticated(), "UNAUTHENTICATED"),
        (shop.browser.clone(), "FORBIDDEN"),
        (reader, "FORBIDDEN"),
    ] {
        let mut raw = Raw::connect(binary.address).await;
        raw.send(upload_head(&caller, 5_000_000)).await;
        let answer = raw.answer().await.expect("an answer");
        assert_eq!(
            (answer.code().as_str(), answer.header("connection")),
            (code, Some("close"))
        );
    }
}
