//! Test kit: a database server for the test run, a gateway for each test, and the callers that use it.
//!
//! ```text
//! let shop = kit::shop().await;               // a gateway, an organization, its storefront, a backend, a browser
//! let ann = shop.ann("ann@example.com").await; // a regular storefront user with a token
//! ann.upload("cat.png", &kit::png(1)).await;
//! ```
//!
//! When the last handle of a gateway is dropped, the gateway is stopped, and the test fails if it did not stop in time,
//! if a job was left over or has failed, if an error was logged, or if a whole collection was scanned; then its
//! database is dropped.

mod allocations;
mod audit;
mod binary;
mod callers;
mod commands;
mod gateway;
mod graphql;
mod integrity;
mod latency_probe;
mod logs;
mod mail;
mod mongo;
mod profiler;
mod raw;
mod redact;
mod scripts;
mod server;

use std::time::Duration;

pub(crate) use binary::{Binary, Memory};
pub(crate) use callers::{Client, Shop, item_ids};
pub(crate) use gateway::{Gateway, Setup};
pub(crate) use graphql::{Answer, Caller, Upload, faults, mutation, warnings};
pub(crate) use latency_probe::LatencyProbe;
pub(crate) use mail::{Mail, MailFolder, MailServer, Mailbox};
pub(crate) use mongo::{Store, number, text};
pub(crate) use profiler::{Cost, examined, is_within, profiled};
pub(crate) use raw::{Raw, RawAnswer};
pub(crate) use redact::redact;
pub(crate) use scripts::{Scripts, Tool, chromium, succeeds};
pub(crate) use server::{FailPoint, find_server, scratch, server_uri};

/// Timeout for events that should happen soon: it only makes a test fail and measures nothing.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Returns a shop on a gateway with the default settings.
pub(crate) async fn shop() -> Shop {
    Setup::new().start().await
}

/// Waits until a condition holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(LIMIT, waiting).await.is_ok(),
        "{what}: not within {LIMIT:?}"
    );
}

/// Returns content that is detected as a PNG image and differs for each number.
pub(crate) fn png(number: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(number.to_be_bytes());
    bytes
}

/// Returns a PNG image of this many bytes.
pub(crate) fn png_of(size: usize) -> Vec<u8> {
    let mut bytes = png(0);
    // All chunks differ, so that a wrong order would be noticed.
    let mut state = 1_u32;
    bytes.resize_with(size, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    bytes
}
