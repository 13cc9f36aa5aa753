//! Limits the number of events in a period.
//!
//! Windows slide: no interval as long as the period has more events than the limit, wherever it begins. Fixed windows
//! would be simpler, but admit twice as many events around their boundaries: ten mails in ten minutes where five an
//! hour are intended.
//!
//! A key's document is a log of its events. So that a limit of thousands does not store thousands of times, events are
//! grouped into slots of a sixtieth of the shortest period, and a slot has the time of its latest event. The limit is
//! therefore never exceeded, single events are exact, and in a burst an event expires at most one slot late.

use std::time::Duration;

use bson::{Document, doc};
use serde::Deserialize;

use super::{Throttle, primary_only, refused};
use crate::error::Result;
use crate::platform::clock::Timestamp;

/// Slots in the shortest period.
const SLOTS: i64 = 60;

/// A limit on the number of events in a period.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    most: u32,
    period: Duration,
}

impl Window {
    /// Creates a window of at most `most` events in any `period`.
    ///
    /// # Panics
    /// When `most` is zero or the period is shorter than a millisecond: at compile time, for a constant.
    #[must_use]
    pub const fn new(most: u32, period: Duration) -> Self {
        assert!(most > 0 && period.as_millis() > 0);
        Self { most, period }
    }

    /// Returns how long the next event must wait; `None` if it is admitted now.
    fn wait(&self, events: &[Event], now: Timestamp) -> Option<Duration> {
        let most = i64::from(self.most);
        let begin = now.before(self.period);
        let mut inside: Vec<&Event> = events.iter().filter(|event| event.at > begin).collect();
        let mut left: i64 = inside.iter().map(|event| event.count).sum();
        if left < most {
            return None;
        }
        inside.sort_unstable_by_key(|event| event.at);
        let last_to_leave = inside.into_iter().find(|event| {
            left -= event.count;
            left < most
        })?;
        Some(last_to_leave.at.after(self.period).since(now))
    }
}

/// The windows of one key.
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a> {
    /// What is limited, and for whom: `["mails", storefront, account]`. Stored blinded.
    pub key: &'a [&'a str],
    /// All of these windows must have room for an event.
    pub windows: &'a [Window],
}

/// The stored events of one key.
#[derive(Deserialize)]
struct Log {
    events: Vec<Event>,
}

/// The events of one slot.
#[derive(Deserialize)]
pub(super) struct Event {
    /// Time of the latest event.
    at: Timestamp,
    count: i64,
}

impl Throttle {
    /// Counts an event against all these limits; a refused event counts against none. Narrow limits come first (a
    /// client's before its storefront's), so that events they refuse do not count against the wide ones even for a
    /// moment.
    ///
    /// If a later limit refuses, events counted against earlier ones are uncounted. This is best effort: if the
    /// database fails at that moment, an event stays counted until it leaves its window.
    ///
    /// # Errors
    /// `RATE_LIMITED`, until every window of the limit that refused has room.
    pub async fn take(&self, limits: &[Limit<'_>]) -> Result<()> {
        self.take_all(limits)
            .await?
            .map_or(Ok(()), |wait| Err(refused(wait)))
    }

    /// Counts events as [`Self::take`] does, for operations whose refusal the caller must not see, such as mails.
    /// Returns whether the event is admitted.
    pub async fn take_quietly(&self, limits: &[Limit<'_>]) -> Result<bool> {
        Ok(self.take_all(limits).await?.is_none())
    }

    /// Returns how long the event must wait; `None` if it was counted.
    async fn take_all(&self, limits: &[Limit<'_>]) -> Result<Option<Duration>> {
        if !self.on {
            return Ok(None);
        }
        let now = self.clock.now();
        for (index, limit) in limits.iter().enumerate() {
            let outcome = self.take_one(limit, now).await;
            if !matches!(outcome, Ok(None)) {
                for taken in limits.iter().take(index) {
                    self.give_back(taken, now).await;
                }
                return outcome;
            }
        }
        Ok(None)
    }

    async fn take_one(&self, limit: &Limit<'_>, now: Timestamp) -> Result<Option<Duration>> {
        let Some(slot) = WindowSlot::of(limit.windows, now) else {
            return Ok(None);
        };
        let id = self.id("windows", limit.key);
        let before: Option<Log> = self.reserve(&id, count(limit.windows, &slot, now)).await?;
        let events = before.map(|log| log.events).unwrap_or_default();
        Ok(wait(limit.windows, &events, now))
    }

    async fn give_back(&self, limit: &Limit<'_>, taken: Timestamp) {
        let Some(slot) = WindowSlot::of(limit.windows, taken) else {
            return;
        };
        let own = doc! { "at": { "$gte": slot.begin, "$lt": slot.end }, "count": { "$gt": 0 } };
        let counted = doc! { "_id": self.id("windows", limit.key), "events": { "$elemMatch": own } };
        let one_less = doc! { "$inc": { "events.$.count": -1 } };
        let rows = self.collection::<Document>();
        let uncounting = rows.update_one(counted, one_less);
        if let Err(error) = uncounting.write_concern(primary_only()).await {
            tracing::warn!(%error, "cannot undo a count of a rate limit; the limit may apply too early");
        }
    }
}

/// Returns how long an event must wait until all windows have room; `None` if it is admitted now.
pub(super) fn wait(windows: &[Window], events: &[Event], now: Timestamp) -> Option<Duration> {
    windows.iter().filter_map(|window| window.wait(events, now)).max()
}

/// The slot of a point in time.
pub(super) struct WindowSlot {
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
}

impl WindowSlot {
    /// Returns the slot at `now`; `None` if there are no windows.
    pub(super) fn of(windows: &[Window], now: Timestamp) -> Option<Self> {
        let shortest = windows.iter().map(|window| window.period.as_millis()).min()?;
        let length = (i64::try_from(shortest).unwrap_or(i64::MAX) / SLOTS).max(1);
        let begin = now.millis() - now.millis().rem_euclid(length);
        Some(Self {
            begin: Timestamp::from_millis(begin),
            end: Timestamp::from_millis(begin.saturating_add(length)),
        })
    }
}

/// Returns the update that counts an event at `now` if it fits into all windows, and changes nothing otherwise.
fn count(windows: &[Window], slot: &WindowSlot, now: Timestamp) -> Vec<Document> {
    let fits = fits(windows, now);
    vec![doc! { "$set": {
        "events": { "$cond": [fits.clone(), counted(windows, slot, now), "$events"] },
        "expiresAt": { "$cond": [fits, now.after(longest(windows)), "$expiresAt"] },
    } }]
}

/// Returns the longest period.
pub(super) fn longest(windows: &[Window]) -> Duration {
    let periods = windows.iter().map(|window| window.period);
    periods.max().unwrap_or_default()
}

/// Returns the expression for the stored events.
pub(super) fn stored_events() -> Document {
    doc! { "$ifNull": ["$events", []] }
}

/// Returns the expression for whether an event at `now` fits into all windows.
pub(super) fn fits(windows: &[Window], now: Timestamp) -> Document {
    let fits = |window: &Window| {
        let counts = doc! { "$gt": ["$$this.at", now.before(window.period)] };
        let count = doc! { "$cond": [counts, "$$this.count", 0] };
        let sum = doc! { "$sum": { "$map": { "input": stored_events(), "in": count } } };
        doc! { "$lt": [sum, i64::from(window.most)] }
    };
    doc! { "$and": windows.iter().map(fits).collect::<Vec<_>>() }
}

/// Returns the expression for the events with one more at `now`, and without those that have left all windows.
pub(super) fn counted(windows: &[Window], slot: &WindowSlot, now: Timestamp) -> Document {
    let those =
        |meet: Vec<Document>| doc! { "$filter": { "input": stored_events(), "cond": { "$and": meet } } };
    let older = those(vec![
        doc! { "$gt": ["$$this.at", now.before(longest(windows))] },
        doc! { "$lt": ["$$this.at", slot.begin] },
        // Drops slots whose events were all uncounted.
        doc! { "$gt": ["$$this.count", 0] },
    ]);
    // Or in a later slot, by another node's clock.
    let of_this_slot = those(vec![doc! { "$gte": ["$$this.at", slot.begin] }]);
    let with_this_one = doc! {
        "at": { "$max": [now, { "$max": "$$slot.at" }] },
        "count": { "$add": [1, { "$sum": "$$slot.count" }] },
    };
    doc! { "$let": {
        "vars": { "slot": of_this_slot },
        "in": { "$concatArrays": [older, [with_this_one]] },
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn events(events: &[(i64, i64)]) -> Vec<Event> {
        let events = events.iter().map(|(seconds, count)| (at(*seconds), *count));
        events.map(|(at, count)| Event { at, count }).collect()
    }

    #[test]
    fn a_window_admits_no_more_than_its_limit_in_any_period() {
        type Row<'a> = (Window, &'a [(i64, i64)], i64, Option<u64>, &'a str);
        let (one, two) = (Window::new(1, MINUTE), Window::new(2, MINUTE));
        let (three, five) = (Window::new(3, MINUTE), Window::new(5, HOUR));
        let late_in_the_hour = [(0, 1), (3400, 1), (3460, 1), (3520, 1), (3580, 1)];
        let and_one = [(3400, 1), (3460, 1), (3520, 1), (3580, 1), (3600, 1)];
        let rows: [Row<'_>; 9] = [
            (three, &[], 0, None, "empty"),
            (three, &[(0, 2)], 10, None, "there is room for one more"),
            (three, &[(0, 2), (5, 1)], 10, Some(50), "full"),
            (one, &[(0, 1)], 59, Some(1), "younger than the period"),
            (one, &[(0, 1)], 60, None, "as old as the period"),
            (five, &late_in_the_hour, 3590, Some(10), "until the first leaves"),
            (five, &late_in_the_hour, 3600, None, "the first has left"),
            (five, &and_one, 3601, Some(3399), "until 3400 leaves"),
            // A limit that was lowered waits for as many events as necessary.
            (
                two,
                &[(20, 1), (0, 1), (10, 2)],
                30,
                Some(40),
                "whatever their order",
            ),
        ];
        for (window, log, now, wait, why) in rows {
            let waits = window.wait(&events(log), at(now)).map(|wait| wait.as_secs());
            assert_eq!(waits, wait, "{why}");
        }
    }

    #[test]
    fn slots_are_a_sixtieth_of_the_shortest_period() {
        let windows = [Window::new(5, HOUR), Window::new(1, MINUTE)];
        let slot = WindowSlot::of(&windows, Timestamp::from_millis(61_999)).expect("there are windows");
        assert_eq!((slot.begin, slot.end), (at(61), at(62)));
        let short = [Window::new(1, Duration::from_millis(1))];
        let slot = WindowSlot::of(&short, Timestamp::from_millis(7)).expect("there is a window");
        assert_eq!(slot.end.since(slot.begin), Duration::from_millis(1));
        assert!(WindowSlot::of(&[], at(0)).is_none());
    }
}
