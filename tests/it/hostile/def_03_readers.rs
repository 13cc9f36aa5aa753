//! DEF-03: clients that do not read responses, and clients that do not finish requests.

use std::time::Duration;

use futures_util::future::{join, join_all};
use h2::client::SendRequest;
use hyper::body::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{MIB, raise_descriptor_limit, upload_head, upload_parts};
use crate::kit::{self, Binary, Caller, LIMIT, LatencyProbe, Raw, Shop, png_of};

/// Uploads a file of this many bytes and returns the path and query of its signed link.
async fn link(shop: &Shop, ann: &Caller, size: usize) -> String {
    ann.upload("cat.png", &png_of(size)).await;
    let seen = ann
        .query("{ viewer { storefrontUser { privateStorage { items(first: 1) { nodes { url } } } } } }")
        .await;
    let url = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"][0]["url"];
    let url = url.as_str().expect("a link");
    url.strip_prefix(shop.gateway.app.public_url.as_str())
        .expect("an own link")
        .to_owned()
}

// DEF-03
#[tokio::test]
async fn a_stalled_reader_is_disconnected_and_a_slow_one_is_not() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let link = link(&shop, &ann, 20_000_000).await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let begin = async || {
        let mut raw = Raw::connect(binary.address).await;
        raw.send(format!("GET {link} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        raw
    };
    let sleeping = async {
        let raw = begin().await;
        let begun = Instant::now();
        raw.reset().await;
        assert!(begun.elapsed() > Duration::from_secs(14), "{:?}", begun.elapsed());
    };
    let slow = async {
        let mut raw = begin().await;
        let mut piece = vec![0; 128 * 1024];
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(22) {
            let read = raw.stream.read_exact(&mut piece).await;
            read.expect("it is still served");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    join(sleeping, slow).await;
}

/// Opens an HTTP/2 connection without automatic flow control, with windows of this size.
async fn connect(
    binary: &Binary,
    window: u32,
) -> (SendRequest<Bytes>, h2::client::Connection<TcpStream, Bytes>) {
    let stream = TcpStream::connect(binary.address).await.expect("connected");
    h2::client::Builder::new()
        .initial_window_size(window)
        .initial_connection_window_size(window)
        .handshake(stream)
        .await
        .expect("HTTP/2")
}

// DEF-03
#[tokio::test]
async fn unread_http2_streams_are_limited_and_closed() {
    raise_descriptor_limit();
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let link = link(&shop, &ann, 20_000_000).await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let probe = LatencyProbe::of(&shop, &binary);
    binary.forget_peak();
    let before = binary.memory().resident;
    let (url, link) = (&binary.url, &link);
    let attack = async {
        let opening = (0..2).map(|_| async {
            let (client, connection) = connect(&binary, 65_535).await;
            tokio::spawn(connection);
            let mut answers = Vec::new();
            for _ in 0..200 {
                let mut client = client.clone().ready().await.expect("room");
                let request = hyper::Request::get(format!("{url}{link}"))
                    .body(())
                    .expect("a request");
                let (answer, _) = client.send_request(request, true).expect("sent");
                answers.push(answer);
            }
            let answers = join_all(answers).await;
            (client, answers)
        });
        let (mut served, mut refused, mut clients) = (Vec::new(), 0, Vec::new());
        for (client, answers) in join_all(opening).await {
            clients.push(client);
            for answer in answers {
                let answer = answer.expect("an answer");
                match answer.status().as_u16() {
                    200 => served.push(answer.into_body()),
                    429 => {
                        assert!(answer.headers().contains_key("retry-after"));
                        refused += 1;
                    }
                    other => panic!("{other}"),
                }
            }
        }
        assert_eq!((served.len(), refused), (64, 400 - 64));
        let begun = Instant::now();
        // The data that had arrived can be read, then the stream is reset.
        for body in &mut served {
            let ended = async { while let Some(Ok(_)) = body.data().await {} };
            timeout(LIMIT, ended).await.expect("it is cut");
        }
        assert!(begun.elapsed() > Duration::from_secs(10), "{:?}", begun.elapsed());
        drop(clients);
    };
    probe.assert_served_during(attack).await;
    let rise = binary.memory().peak.saturating_sub(before);
    assert!(rise < 96 * MIB, "{} MiB", rise / MIB);
    // A stream that was cut frees its place.
    let fresh = binary
        .http
        .get(format!("{url}{link}"))
        .send()
        .await
        .expect("answered");
    assert_eq!(fresh.status(), 200);
    assert_eq!(fresh.bytes().await.expect("content").len(), 20_000_000);
}

// DEF-03
#[tokio::test]
async fn a_stalled_upload_is_aborted() {
    let shop = kit::shop().await;
    let ann = shop.ann("ann").await;
    let binary = Binary::start(&shop.gateway, &[]).await;
    let mut raw = Raw::connect(binary.address).await;
    raw.send(upload_head(&ann, 5_000_000) + &upload_parts()).await;
    raw.send(&png_of(100_000)).await;
    let begun = Instant::now();
    let answer = raw.answer().await.expect("an answer");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("SAVE_FAILED"), "{text}");
    assert!(begun.elapsed() > Duration::from_secs(14), "{:?}", begun.elapsed());
    let items = binary
        .caller(&ann)
        .query("{ viewer { storefrontUser { privateStorage { itemCount } } } }")
        .await;
    assert_eq!(
        items["viewer"]["storefrontUser"]["privateStorage"]["itemCount"],
        0
    );
}
