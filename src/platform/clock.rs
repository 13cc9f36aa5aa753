//! Time as a dependency: a clock that follows the database's, so that all nodes agree on what has expired.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z: the precision of the database. Stored as a date,
/// never as a string or a number: TTL indexes and comparisons need the date type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(bson::DateTime);

impl Timestamp {
    /// Creates a timestamp from milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(bson::DateTime::from_millis(millis))
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Returns the whole seconds since the epoch, rounded down, as in JWT claims (RFC 7519 NumericDate).
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.millis().div_euclid(1000)
    }

    /// Returns the time `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self::from_millis(self.millis().saturating_add(millis_of(duration)))
    }

    /// Returns the time `duration` earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self::from_millis(self.millis().saturating_sub(millis_of(duration)))
    }

    /// Returns how much later this time is than `earlier`, or zero if it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.millis().saturating_sub(earlier.millis());
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl From<Timestamp> for bson::Bson {
    fn from(time: Timestamp) -> Self {
        Self::DateTime(time.0)
    }
}

/// A source of the current time. Clones share one source.
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockKind>);

#[derive(Debug)]
enum ClockKind {
    /// This machine's clock, adjusted by its offset from the database's clock, in milliseconds.
    System { offset: AtomicI64 },
    /// Changes only when it is moved, for tests.
    Manual { millis: AtomicI64 },
}

impl Clock {
    /// Returns this machine's clock, unadjusted until [`Clock::follow`] is called.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(ClockKind::System {
            offset: AtomicI64::new(0),
        }))
    }

    /// Returns a clock that stays at `start` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(ClockKind::Manual {
            millis: AtomicI64::new(start.millis()),
        }))
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(match &*self.0 {
            ClockKind::System { offset } => Self::machine().millis() + offset.load(Ordering::Relaxed),
            ClockKind::Manual { millis } => millis.load(Ordering::SeqCst),
        })
    }

    /// Follows another clock, which was read as `theirs` between `asked` and now by this machine's clock. The middle of
    /// the round trip is the best estimate of when it was read.
    pub fn follow(&self, asked: Timestamp, theirs: Timestamp) {
        if let ClockKind::System { offset } = &*self.0 {
            let ours = i64::midpoint(asked.millis(), Self::machine().millis());
            offset.store(theirs.millis() - ours, Ordering::Relaxed);
        }
    }

    /// Returns this machine's own time, for [`Clock::follow`].
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    #[must_use]
    pub fn machine() -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp::from_millis(millis_of(since.unwrap_or_default()))
    }

    /// Moves a manual clock; has no effect on a system clock.
    pub fn advance(&self, by: Duration) {
        if let ClockKind::Manual { millis } = &*self.0 {
            millis.fetch_add(millis_of(by), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_clock_follows_the_databases() {
        let clock = Clock::system();
        let asked = Clock::machine();
        clock.follow(asked, asked.after(Duration::from_secs(3600)));
        let ahead = clock.now().millis() - Clock::machine().millis();
        assert!((3_590_000..=3_600_000).contains(&ahead), "{ahead}");
    }

    #[test]
    fn a_timestamp_is_stored_as_a_date() {
        let stored = bson::serialize_to_bson(&Timestamp::from_millis(5)).expect("serializes");
        assert_eq!(stored, bson::Bson::DateTime(bson::DateTime::from_millis(5)));
    }
}
