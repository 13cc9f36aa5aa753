//! A client that repeats one small read while another client attacks the gateway, and measures how long its reads take.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::binary::Binary;
use super::callers::Shop;
use super::graphql::Caller;

/// Number of reads before and after an attack, to measure how long they take without one.
const QUIET: usize = 200;
/// Duration that is always accepted: debug builds are slow, and other tests run on the same machine.
const FLOOR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });
/// Maximum factor by which an attack may slow down a read.
const TIMES: u32 = 3;

/// A client that reads the storefront with the shop's publishable key over a persistent connection.
#[derive(Clone)]
pub(crate) struct LatencyProbe {
    reader: Caller,
    url: String,
}

impl LatencyProbe {
    /// Returns a reader at a gateway in a separate process.
    pub(crate) fn of(shop: &Shop, binary: &Binary) -> Self {
        Self {
            reader: shop.browser.clone(),
            url: binary.url.clone(),
        }
        .with_new_connections()
    }

    /// Returns the same reader with its own connections, which the attack does not share.
    fn with_new_connections(&self) -> Self {
        Self {
            reader: self.reader.at_url(&self.url, &reqwest::Client::new()),
            url: self.url.clone(),
        }
    }

    /// Does one point read, which must succeed, and returns how long it took.
    pub(crate) async fn read(&self) -> Duration {
        let begun = Instant::now();
        let answer = self.reader.send("{ storefront { code } }", json!({})).await;
        let took = begun.elapsed();
        assert_eq!(answer.data()["storefront"]["code"], "DE");
        took
    }

    /// Reads on a separate thread, so that the attacker's work in this process is not measured as the gateway's, until
    /// it is stopped or has read this many times.
    fn reading(&self, most: usize, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<Duration>> {
        let (reader, stop) = (self.clone(), Arc::clone(stop));
        tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let (reader, mut times) = (reader.with_new_connections(), Vec::new());
                while times.len() < most && !stop.load(Ordering::Relaxed) {
                    times.push(reader.read().await);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                times
            })
        })
    }

    /// Runs `attack` while the probe reads, and asserts that every read succeeds and that the 99th percentile of
    /// their times is at most three times that without the attack, or [`FLOOR`].
    pub(crate) async fn assert_served_during<T>(&self, attack: impl Future<Output = T>) -> T {
        let before = self.reading(QUIET, &Arc::default()).await.expect("read");
        let stop = StopOnDrop::default();
        let reading = self.reading(usize::MAX, &stop.0);
        let outcome = attack.await;
        drop(stop);
        let during = reading.await.expect("read");
        let after = self.reading(QUIET, &Arc::default()).await.expect("read");
        // The slower of both measurements, because the other load of the machine varies.
        let (quiet, reads) = (percentile(before).max(percentile(after)), during.len());
        let during = percentile(during);
        assert!(
            during <= (quiet * TIMES).max(FLOOR),
            "the 99th percentile of {reads} reads was {during:?} during the attack, {quiet:?} without"
        );
        outcome
    }
}

/// Stops a reader, even if the attack fails.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Returns the 99th percentile; of few values, the second largest.
fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let place = (times.len() * 99 / 100).min(times.len().saturating_sub(2));
    times.get(place).copied().unwrap_or_default()
}
