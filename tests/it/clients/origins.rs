//! A page of another origin in a real browser.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::kit::{self, Scripts, Setup, Tool};

/// Serves an empty page at an origin of its own until the test ends; returns the origin.
async fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let page = "<!doctype html><title>A shop</title><link rel=icon href=data:,>";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
                // Requests have no body; every path returns the page.
                let mut request = [0; 8192];
                let _asked = stream.read(&mut request).await;
                let _answered = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_cross_origin_page_may_send_tracing_and_client_awareness_headers() {
    let Some(scripts) = Scripts::ready().await else {
        return;
    };
    let Some(browser) = kit::chromium() else {
        return Tool::Chromium.is_missing("Chromium is needed, on PATH or named by CHROMIUM");
    };
    let (allowed, refused) = (origin().await, origin().await);
    let shop = Setup::new().set("GATEWAY_CORS_ORIGINS", &allowed).start().await;
    let key = shop.browser.credential.as_deref().expect("a key");
    let arguments = [shop.gateway.url.as_str(), key, allowed.as_str(), refused.as_str()];
    let mut command = scripts.command("origins.mjs", &arguments);
    command.env("CHROMIUM", browser);
    kit::succeeds(command).await;
}
