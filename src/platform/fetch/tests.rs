use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::platform::clock::{Clock, Timestamp};

/// A server that gives the same answer to every request, and counts the requests.
struct Server {
    url: Url,
    asked: Arc<AtomicUsize>,
    running: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    /// Starts the server. Without an answer it accepts requests and never responds.
    async fn answering(answer: Option<String>) -> Self {
        Self::start("http", answer).await
    }

    async fn start(scheme: &str, answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = url(scheme, &listener);
        let is_plain = scheme == "http";
        let asked = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&asked);
        let running = tokio::spawn(async move {
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                stream.read_buf(&mut request).await.expect("a request");
                while is_plain && !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    stream.read_buf(&mut request).await.expect("a request");
                }
                counted.fetch_add(1, Ordering::SeqCst);
                match &answer {
                    // The client closes the connection once it has read enough, so that the write may fail.
                    Some(answer) => _ = stream.write_all(answer.as_bytes()).await,
                    None => silent.push(stream),
                }
            }
        });
        Self { url, asked, running }
    }

    async fn ok(body: &str) -> Self {
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        Self::answering(Some(answer)).await
    }

    async fn failing() -> Self {
        let answer = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
        Self::answering(Some(answer.to_owned())).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn url(scheme: &str, listener: &TcpListener) -> Url {
    let address = listener.local_addr().expect("an address");
    Url::parse(&format!("{scheme}://{address}/document")).expect("a URL")
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(30),
    answer: Duration::from_secs(30),
    bytes: 100,
    at_once: 2,
};

async fn read(limits: Limits, url: &Url) -> Result<serde_json::Value, Unread> {
    let answer = Fetcher::new(limits).ask(Question::get(url)).await;
    answer.and_then(|answer| answer.json())
}

// EPC-09
#[tokio::test]
async fn an_answer_is_taken_up_to_its_limit_and_no_further() {
    let fits = format!("\"{}\"", "x".repeat(98));
    let server = Server::ok(&fits).await;
    assert_eq!(read(LIMITS, &server.url).await, Ok(json!("x".repeat(98))));
    let server = Server::ok(&format!("{fits} ")).await;
    assert_eq!(read(LIMITS, &server.url).await, Err(Unread::TooLarge));
    // Without a `Content-Length`.
    let endless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned() + &" ".repeat(100_000);
    let server = Server::answering(Some(endless)).await;
    assert_eq!(read(LIMITS, &server.url).await, Err(Unread::TooLarge));
}

// EPC-09
#[tokio::test]
async fn a_redirection_is_no_answer_and_not_followed() {
    let goal = Server::ok("{}").await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = &goal.url;
        let answer = format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 2\r\n\r\n{{}}");
        let server = Server::answering(Some(answer)).await;
        assert_eq!(read(LIMITS, &server.url).await, Err(Unread::Status), "{status}");
        assert_eq!(server.asked(), 1);
    }
    assert_eq!(goal.asked(), 0, "not followed");
    assert_eq!(read(LIMITS, &goal.url).await, Ok(json!({})), "it could be");
}

// EPC-09
#[tokio::test]
async fn failures_of_a_server_are_distinguished() {
    let server = Server::answering(None).await;
    let brief = Limits {
        answer: Duration::from_millis(50),
        ..LIMITS
    };
    assert_eq!(read(brief, &server.url).await, Err(Unread::Slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = url("http", &listener);
    drop(listener);
    assert_eq!(read(LIMITS, &gone).await, Err(Unread::Unreachable));
    let server = Server::ok("<html>").await;
    assert_eq!(read(LIMITS, &server.url).await, Err(Unread::NotJson));
    // The server answers in plain text where TLS is expected.
    let unencrypted = "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned();
    let server = Server::start("https", Some(unencrypted)).await;
    assert_eq!(read(LIMITS, &server.url).await, Err(Unread::Tls));
}

// EPC-09
#[tokio::test]
async fn a_server_that_hangs_holds_up_no_more_than_the_places_there_are() {
    let (silent, other) = (Server::answering(None).await, Server::ok("{}").await);
    let fetcher = Fetcher::new(LIMITS);
    let waiting: Vec<_> = (0..LIMITS.at_once)
        .map(|_| {
            let (fetcher, url) = (fetcher.clone(), silent.url.clone());
            tokio::spawn(async move { fetcher.ask(Question::get(&url)).await.map(|answer| answer.status) })
        })
        .collect();
    while silent.asked() < LIMITS.at_once {
        tokio::task::yield_now().await;
    }
    let refused = fetcher.ask(Question::get(&other.url)).await;
    assert_eq!(refused.err(), Some(Unread::Busy));
    let documents = Documents::new(fetcher.clone(), Clock::manual(Timestamp::from_millis(0)));
    assert_eq!(documents.get(&other.url).await, Err(Unread::Busy));
    for one in waiting {
        one.abort();
        assert!(one.await.is_err(), "aborted");
    }
    let answer = fetcher.ask(Question::get(&other.url)).await;
    assert_eq!(answer.map(|answer| answer.status), Ok(200), "there is room again");
    // `Busy` is not recorded as a failure of the server.
    assert!(documents.get(&other.url).await.is_ok());
}

fn documents() -> (Documents, Clock) {
    let clock = Clock::manual(Timestamp::from_millis(1_000_000));
    (Documents::new(Fetcher::new(LIMITS), clock.clone()), clock)
}

// EPC-09
#[tokio::test]
async fn a_document_is_asked_for_once_an_hour_by_all_together() {
    let server = Server::ok("[1]").await;
    let (documents, clock) = documents();
    let all = futures_util::future::join_all((0..20).map(|_| documents.get(&server.url))).await;
    assert!(all.iter().all(|one| one.as_deref() == Ok(&json!([1]))));
    assert_eq!(server.asked(), 1);
    clock.advance(Duration::from_secs(3599));
    documents.get(&server.url).await.expect("kept");
    assert_eq!(server.asked(), 1);
    clock.advance(Duration::from_secs(1));
    documents.get(&server.url).await.expect("anew");
    assert_eq!(server.asked(), 2);
}

// EPC-09
#[tokio::test]
async fn a_document_is_renewed_once_a_minute_whatever_came_of_it() {
    let server = Server::ok("[1]").await;
    let (documents, clock) = documents();
    documents.get(&server.url).await.expect("read");
    for _ in 0..20 {
        documents.renewed(&server.url).await.expect("kept");
    }
    assert_eq!(server.asked(), 1, "it was just read");
    clock.advance(Duration::from_secs(60));
    for _ in 0..20 {
        documents.renewed(&server.url).await.expect("anew");
    }
    assert_eq!(server.asked(), 2);
    let refusing = Server::failing().await;
    for _ in 0..20 {
        assert_eq!(documents.renewed(&refusing.url).await, Err(Unread::Status));
    }
    assert_eq!(refusing.asked(), 1, "a refusal counts too");
    clock.advance(Duration::from_secs(60));
    assert_eq!(documents.renewed(&refusing.url).await, Err(Unread::Status));
    assert_eq!(refusing.asked(), 2);
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_for_a_moment_and_its_last_document_lasts_where_that_will_do() {
    let failing = Server::failing().await;
    let (documents, clock) = documents();
    for _ in 0..20 {
        assert_eq!(documents.get(&failing.url).await, Err(Unread::Status));
        assert_eq!(documents.get_or_last(&failing.url).await, Err(Unread::Status));
    }
    assert_eq!(failing.asked(), 1);
    clock.advance(Duration::from_secs(5));
    assert_eq!(documents.get(&failing.url).await, Err(Unread::Status));
    assert_eq!(failing.asked(), 2);

    let server = Server::ok("[1]").await;
    let url = server.url.clone();
    documents.get(&url).await.expect("read");
    server.running.abort();
    clock.advance(Duration::from_secs(7200));
    drop(server);
    let failed = documents.get(&url).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(documents.get_or_last(&url).await.as_deref(), Ok(&json!([1])));
}
