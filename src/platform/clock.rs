//! Time as a dependency: a clock that follows the database's, so that all nodes agree on what has expired.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z: the precision of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp from milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since the epoch, rounded down, as in JWT claims (RFC 7519 NumericDate).
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time `duration` earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns how much later this time is than `earlier`, or zero if it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Converts to a BSON date.
    #[must_use]
    pub const fn bson(self) -> bson::DateTime {
        bson::DateTime::from_millis(self.0)
    }
}

impl From<Timestamp> for bson::Bson {
    fn from(time: Timestamp) -> Self {
        Self::DateTime(time.bson())
    }
}

// Stored as a date, never as a string or a number: TTL indexes and comparisons need the date type.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bson().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bson::DateTime::deserialize(deserializer).map(|date| Self(date.timestamp_millis()))
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
            millis: AtomicI64::new(start.0),
        }))
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            ClockKind::System { offset } => Timestamp(machine_millis() + offset.load(Ordering::Relaxed)),
            ClockKind::Manual { millis } => Timestamp(millis.load(Ordering::SeqCst)),
        }
    }

    /// Follows another clock, which was read as `theirs` between `asked` and now by this machine's clock. The middle of
    /// the round trip is the best estimate of when it was read.
    pub fn follow(&self, asked: Timestamp, theirs: Timestamp) {
        if let ClockKind::System { offset } = &*self.0 {
            let ours = i64::midpoint(asked.0, machine_millis());
            offset.store(theirs.0 - ours, Ordering::Relaxed);
        }
    }

    /// Returns this machine's own time, for [`Clock::follow`].
    #[must_use]
    pub fn machine() -> Timestamp {
        Timestamp(machine_millis())
    }

    /// Moves a manual clock; has no effect on a system clock.
    pub fn advance(&self, by: Duration) {
        if let ClockKind::Manual { millis } = &*self.0 {
            millis.fetch_add(
                i64::try_from(by.as_millis()).unwrap_or(i64::MAX),
                Ordering::SeqCst,
            );
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn machine_millis() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
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
        let document = bson::serialize_to_document(
            &[("at", Timestamp::from_millis(5))]
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
        )
        .expect("serializes");
        assert_eq!(document.get_datetime("at").expect("a date").timestamp_millis(), 5);
    }
}
