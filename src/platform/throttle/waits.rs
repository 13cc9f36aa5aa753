//! Waits that grow with each consecutive failure (TOK-03).
//!
//! An attempt is counted as a failure before it is made, and cleared when it succeeds. If it were counted afterwards, a
//! hundred concurrent guesses would all be made before the first was known to be wrong. If a node dies in between, the
//! failure stays counted.
//!
//! As a consequence, a sixth attempt is refused while five of the same key are in progress, even if all are correct.

use std::time::Duration;

use bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{Throttle, primary_only, refused};
use crate::error::Result;
use crate::platform::clock::Timestamp;

/// Consecutive failures without a wait.
const FREE: u32 = 5;
const FIRST: Duration = Duration::from_secs(4);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Number of failures at which the longest wait is reached.
const MOST: u32 = FREE + 8;
/// Failures expire after this time without another one.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// Returns how long the next attempt must wait after this many consecutive failures.
fn wait_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(doublings) => FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST),
    }
}

/// Consecutive failures of one key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureRow {
    failures: u32,
    /// Time of the first failure.
    since: Timestamp,
    /// Until when attempts are refused; absent while failures cause no wait.
    until: Option<Timestamp>,
    expires_at: Timestamp,
}

/// An attempt that was admitted, and counts as a failure until its success or withdrawal is reported.
#[must_use = "a try that is not said to have succeeded counts as a failure"]
pub struct Attempt(Option<Counted>);

/// The record of a counted attempt.
struct Counted {
    throttle: Throttle,
    id: String,
    /// Time of the first failure of its row.
    since: Timestamp,
    /// End of the wait that it caused.
    until: Option<Timestamp>,
}

impl Throttle {
    /// Admits an attempt, and counts it as a failure until [`Attempt::succeeded`]. `key` names the operation, its
    /// object and the client: `["login", storefront, account, client's network]`. It is stored blinded.
    ///
    /// After 5 consecutive failures the next attempt must wait 4 seconds, and after each further one twice as long, up
    /// to 15 minutes. Refused attempts do not count. 24 hours without a failure reset the count.
    ///
    /// # Errors
    /// `RATE_LIMITED` during the wait.
    pub async fn attempt(&self, key: &[&str]) -> Result<Attempt> {
        if !self.on {
            return Ok(Attempt(None));
        }
        let (id, now) = (self.id("waits", key), self.clock.now());
        let before: Option<FailureRow> = self.reserve(&id, count(now)).await?;
        let row = before.filter(|row| row.expires_at > now);
        if let Some(until) = row.as_ref().and_then(|row| row.until)
            && until > now
        {
            return Err(refused(until.since(now)));
        }
        let wait = wait_after(row.as_ref().map_or(0, |row| row.failures).saturating_add(1));
        Ok(Attempt(Some(Counted {
            throttle: self.clone(),
            id,
            since: row.map_or(now, |row| row.since),
            until: (!wait.is_zero()).then(|| now.after(wait)),
        })))
    }
}

impl Attempt {
    /// Reports a success, which resets the failures.
    pub async fn succeeded(self) -> Result<()> {
        let Some(Counted { throttle, id, .. }) = self.0 else {
            return Ok(());
        };
        let rows = throttle.collection::<Document>();
        rows.delete_one(doc! { "_id": id })
            .write_concern(primary_only())
            .await?;
        Ok(())
    }

    /// Reports that the attempt was not made, for example because the hashing queue was full: neither it nor the wait
    /// that it caused counts.
    pub async fn withdrawn(self) -> Result<()> {
        let Some(counted) = self.0 else {
            return Ok(());
        };
        let rows = counted.throttle.collection::<Document>();
        // A different first failure means that the count was reset meanwhile.
        let same_row = doc! { "_id": &counted.id, "since": counted.since };
        let uncounting = rows.update_one(same_row, take_back(counted.until));
        uncounting.write_concern(primary_only()).await?;
        Ok(())
    }
}

/// Returns the update that counts an attempt at `now`, and changes nothing during a wait.
fn count(now: Timestamp) -> Vec<Document> {
    // A missing field compares as less than any date.
    let must_wait = doc! { "$gt": ["$until", now] };
    let in_a_row = doc! { "$gt": ["$expiresAt", now] };
    let waits: Vec<Bson> = (0..=MOST)
        .map(|failures| i64::try_from(wait_after(failures).as_millis()).unwrap_or(i64::MAX))
        .map(Bson::from)
        .collect();
    let wait = doc! { "$arrayElemAt": [waits, { "$min": ["$failures", MOST] }] };
    let until = doc! { "$cond": [{ "$lt": ["$failures", FREE] }, "$$REMOVE", { "$add": [now, wait] }] };
    let unless_it_must_wait = |field: &str, value: Bson| doc! { "$cond": [must_wait.clone(), field, value] };
    let failures = doc! { "$add": [1, { "$cond": [in_a_row.clone(), "$failures", 0] }] };
    let since = doc! { "$cond": [in_a_row, "$since", now] };
    vec![
        doc! { "$set": {
            "failures": unless_it_must_wait("$failures", failures.into()),
            "since": unless_it_must_wait("$since", since.into()),
        } },
        doc! { "$set": {
            "until": unless_it_must_wait("$until", until.into()),
            "expiresAt": unless_it_must_wait("$expiresAt", now.after(FORGET).into()),
        } },
    ]
}

/// Returns the update that uncounts a failure and removes the wait until `until`, if that is still the current one.
fn take_back(until: Option<Timestamp>) -> Vec<Document> {
    let until = until.map_or(Bson::Null, Bson::from);
    vec![doc! { "$set": {
        "failures": { "$max": [0, { "$subtract": ["$failures", 1] }] },
        "until": { "$cond": [{ "$eq": ["$until", until] }, "$$REMOVE", "$until"] },
    } }]
}

#[cfg(test)]
mod tests {
    use super::*;

    // TOK-03
    #[test]
    fn tok_03_waits_double_from_4_seconds_after_5_failures_up_to_15_minutes() {
        let waits: Vec<u64> = (0..16).map(|failures| wait_after(failures).as_secs()).collect();
        let expected = [0, 0, 0, 0, 0, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
        assert_eq!(waits, expected);
        assert_eq!(wait_after(u32::MAX), LONGEST);
        // The table of the update ends where the longest wait begins.
        assert_eq!(wait_after(MOST), LONGEST);
        assert!(wait_after(MOST - 1) < LONGEST);
    }
}
