//! The transfer rate while waiting for the peer.

use std::time::Duration;

use tokio::time::Instant;

/// Maximum wait without progress.
pub(super) const STALL: Duration = Duration::from_secs(15);
/// Waiting time after which the rate is checked.
const WINDOW: Duration = Duration::from_secs(60);
/// Minimum rate, in bytes per second.
const SLOWEST: u64 = 1024;

/// Counts bytes, and the time spent waiting for the peer. Time that the gateway itself takes is not counted.
#[derive(Debug, Default)]
pub(super) struct Pace {
    since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Starts waiting for the peer.
    pub(super) fn waits(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Whether the peer is being waited for.
    pub(super) fn is_waiting(&self) -> bool {
        self.since.is_some()
    }

    /// Records transferred bytes, and stops waiting.
    pub(super) fn moved(&mut self, now: Instant, length: usize) {
        if let Some(since) = self.since.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.bytes += u64::try_from(length).unwrap_or(u64::MAX);
        if self.waited >= WINDOW && !self.is_below(self.waited) {
            *self = Self::default();
        }
    }

    /// Whether less than a kibibyte per second was transferred over a minute of waiting.
    pub(super) fn is_too_slow(&self, now: Instant) -> bool {
        let waits = |since| now.saturating_duration_since(since);
        let waited = self.waited + self.since.map_or(Duration::ZERO, waits);
        waited >= WINDOW && self.is_below(waited)
    }

    fn is_below(&self, waited: Duration) -> bool {
        self.bytes < SLOWEST * waited.as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a client that takes this many bytes every ten seconds is too slow within three minutes.
    fn is_too_slow(bytes: usize) -> bool {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..18 {
            pace.waits(now);
            now += Duration::from_secs(10);
            if pace.is_too_slow(now) {
                return true;
            }
            pace.moved(now, bytes);
        }
        false
    }

    // DEF-03
    #[test]
    fn less_than_a_kibibyte_a_second_is_too_slow() {
        assert!(is_too_slow(1));
        assert!(is_too_slow(8 * 1024));
        assert!(!is_too_slow(12 * 1024));
    }

    // DEF-03
    #[test]
    fn time_in_which_nobody_is_waited_for_does_not_count() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..100 {
            pace.waits(now);
            pace.moved(now, 1);
            now += Duration::from_secs(10);
        }
        assert!(!pace.is_too_slow(now));
    }
}
