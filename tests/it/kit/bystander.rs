//! Somebody who reads one small thing again and again while somebody else attacks the gateway, and how long that takes.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::binary::Binary;
use super::graphql::Caller;
use super::people::Shop;

/// Reads that are made before an attack, to know how long they take without one.
const QUIET: usize = 200;
/// What is no harm in any case: debug builds are slow, and other tests run on the same machine.
const FLOOR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 50 });
/// How many times longer than in quiet a read may take.
const TIMES: u32 = 3;

/// Somebody else: reads the storefront with the shop's publishable key over a connection that is kept.
pub(crate) struct Bystander(Caller);

impl Bystander {
    /// A reader at a gateway in a process of its own.
    pub(crate) fn of(shop: &Shop, binary: &Binary) -> Self {
        // A connection pool of its own, so that the attack takes none of its connections.
        Self(shop.browser.elsewhere(&binary.url, &reqwest::Client::new()))
    }

    /// One point read, which must be answered; how long it took.
    pub(crate) async fn read(&self) -> Duration {
        let begun = Instant::now();
        let answer = self.0.send("{ storefront { code } }", json!({})).await;
        let took = begun.elapsed();
        assert_eq!(answer.data()["storefront"]["code"], "DE");
        took
    }

    /// Does `attack` while the bystander reads, and asserts that each read is answered and that the 99th percentile of
    /// their times is at most three times the one before the attack, or [`FLOOR`].
    pub(crate) async fn is_served_during<T>(&self, attack: impl Future<Output = T>) -> T {
        let mut quiet = Vec::with_capacity(QUIET);
        while quiet.len() < QUIET {
            quiet.push(self.read().await);
        }
        let mut during = Vec::new();
        let mut attack = std::pin::pin!(attack);
        let outcome = loop {
            let reading = async { during.push(self.read().await) };
            tokio::select! {
                outcome = &mut attack => break outcome,
                () = reading => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        };
        let (quiet, during, reads) = (percentile(quiet), percentile(during.clone()), during.len());
        let bound = (quiet * TIMES).max(FLOOR);
        assert!(
            during <= bound,
            "the 99th percentile of {reads} reads was {during:?} during the attack, {quiet:?} before"
        );
        outcome
    }
}

/// The 99th percentile; of few values, the largest but for one.
fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let place = (times.len() * 99 / 100).min(times.len().saturating_sub(2));
    times.get(place).copied().unwrap_or_default()
}
