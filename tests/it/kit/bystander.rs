//! Somebody who reads one small thing again and again while somebody else attacks the gateway, and how long that takes.

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
use super::graphql::Caller;
use super::people::Shop;

/// Reads that are made before and after an attack, to know how long they take without one.
const QUIET: usize = 200;
/// What is no harm in any case: debug builds are slow, and other tests run on the same machine.
const FLOOR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });
/// How many times longer than in quiet a read may take.
const TIMES: u32 = 3;

/// Somebody else: reads the storefront with the shop's publishable key over a connection that is kept.
#[derive(Clone)]
pub(crate) struct Bystander {
    reader: Caller,
    url: String,
}

impl Bystander {
    /// A reader at a gateway in a process of its own.
    pub(crate) fn of(shop: &Shop, binary: &Binary) -> Self {
        Self {
            reader: shop.browser.clone(),
            url: binary.url.clone(),
        }
        .afresh()
    }

    /// The same with connections of its own, which the attack takes none of.
    fn afresh(&self) -> Self {
        Self {
            reader: self.reader.elsewhere(&self.url, &reqwest::Client::new()),
            url: self.url.clone(),
        }
    }

    /// One point read, which must be answered; how long it took.
    pub(crate) async fn read(&self) -> Duration {
        let begun = Instant::now();
        let answer = self.reader.send("{ storefront { code } }", json!({})).await;
        let took = begun.elapsed();
        assert_eq!(answer.data()["storefront"]["code"], "DE");
        took
    }

    /// Reads on a thread of its own, so that the attacker's work in this process is not taken for the gateway's, until it
    /// is stopped or has read so many times.
    fn reading(&self, most: usize, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<Duration>> {
        let (reader, stop) = (self.clone(), Arc::clone(stop));
        tokio::task::spawn_blocking(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let (reader, mut times) = (reader.afresh(), Vec::new());
                while times.len() < most && !stop.load(Ordering::Relaxed) {
                    times.push(reader.read().await);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                times
            })
        })
    }

    /// Does `attack` while the bystander reads, and asserts that each read is answered and that the 99th percentile of
    /// their times is at most three times the one without the attack, or [`FLOOR`].
    pub(crate) async fn is_served_during<T>(&self, attack: impl Future<Output = T>) -> T {
        let before = self.reading(QUIET, &Arc::default()).await.expect("read");
        let stop = StopOnDrop::default();
        let reading = self.reading(usize::MAX, &stop.0);
        let outcome = attack.await;
        drop(stop);
        let during = reading.await.expect("read");
        let after = self.reading(QUIET, &Arc::default()).await.expect("read");
        // What the machine has to do beside this changes.
        let (quiet, reads) = (percentile(before).max(percentile(after)), during.len());
        let during = percentile(during);
        assert!(
            during <= (quiet * TIMES).max(FLOOR),
            "the 99th percentile of {reads} reads was {during:?} during the attack, {quiet:?} without"
        );
        outcome
    }
}

/// Stops a reader, also when the attack fails.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The 99th percentile; of few values, the largest but for one.
fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let place = (times.len() * 99 / 100).min(times.len().saturating_sub(2));
    times.get(place).copied().unwrap_or_default()
}
