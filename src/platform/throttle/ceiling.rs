//! Limits the failures of one account in a period, over all clients (TOK-03).
//!
//! An attempt is counted before it is made and uncounted when it succeeds, so that any number of concurrent guesses get
//! exactly what the limit allows, and successes do not use it up. By itself, this would let an attacker exhaust the
//! limit and lock the owner out. Therefore the account's document records the clients that succeeded before: their
//! attempts are neither counted nor refused here. They are subject to [`Throttle::attempt`].

use std::time::Duration;

use bson::{Document, doc};
use serde::Deserialize;

use super::windows::{self, Event, Window, WindowSlot};
use super::{Throttle, refused};
use crate::error::Result;
use crate::platform::clock::Timestamp;

/// Maximum clients recorded per account; the one whose success is oldest is evicted.
const MOST_CLIENTS: i32 = 10;
/// How long a client is recorded after a success.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 3600);
/// A client that was recorded within this time is not recorded again, which saves a write at most sign-ins.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// The stored document of an account.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Account {
    events: Vec<Event>,
    known: Vec<KnownClient>,
}

/// A client that succeeded before.
#[derive(Deserialize)]
struct KnownClient {
    /// The client's network, blinded together with the account.
    client: String,
    /// When the record expires.
    until: Timestamp,
}

/// An attempt that counts as a failure until its success or withdrawal is reported.
#[must_use = "a try that is not said to have succeeded counts as a failure"]
pub struct Held(Option<CeilingEntry>);

struct CeilingEntry {
    throttle: Throttle,
    id: String,
    /// The slot that it is counted in; `None` for a client that is exempt.
    slot: Option<WindowSlot>,
    /// The client, if it is to be recorded after a success.
    client: Option<String>,
}

impl Throttle {
    /// Admits an attempt if the account's failures are below the limit, and counts it as a failure until
    /// [`Held::succeeded`]. A `client` that succeeded before is admitted without being counted. Account and client are
    /// stored blinded.
    ///
    /// # Errors
    /// `RATE_LIMITED`, until all windows have room.
    pub async fn hold(&self, account: &[&str], client: Option<&str>, windows: &[Window]) -> Result<Held> {
        let now = self.clock.now();
        let Some(slot) = WindowSlot::of(windows, now).filter(|_| self.on) else {
            return Ok(Held(None));
        };
        let id = self.id("ceilings", account);
        let client = client.map(|client| self.client_id(account, client));
        let count = count(windows, &slot, client.as_deref(), now);
        let before: Option<Account> = self.reserve(&id, count).await?;
        let Account { events, known } = before.unwrap_or_default();
        let mut place = CeilingEntry {
            throttle: self.clone(),
            id,
            slot: None,
            client,
        };
        let known = known
            .iter()
            .filter(|known| Some(&known.client) == place.client.as_ref());
        let until = known.map(|known| known.until).max().filter(|until| *until > now);
        if let Some(until) = until {
            if until.since(now) > REMEMBERED.saturating_sub(FRESH) {
                place.client = None;
            }
            return Ok(Held(Some(place)));
        }
        if let Some(wait) = windows::wait(windows, &events, now) {
            return Err(refused(wait));
        }
        place.slot = Some(slot);
        Ok(Held(Some(place)))
    }

    /// Records a client that has succeeded by other means than a held attempt.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn remember(&self, account: &[&str], client: &str) -> Result<()> {
        if !self.on {
            return Ok(());
        }
        let place = CeilingEntry {
            throttle: self.clone(),
            id: self.id("ceilings", account),
            slot: None,
            client: Some(self.client_id(account, client)),
        };
        place.end().await
    }

    /// Deletes the record of an account: its failures, and the clients that succeeded.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget(&self, account: &[&str]) -> Result<()> {
        let account = doc! { "_id": self.id("ceilings", account) };
        self.collection::<Document>().delete_one(account).await?;
        Ok(())
    }

    /// Returns the blinded id of a client of one account. Ids of different accounts cannot be correlated.
    fn client_id(&self, account: &[&str], client: &str) -> String {
        self.id("clients", &[account, &[client]].concat())
    }
}

impl Held {
    /// Returns whether the client succeeded before, so that nothing was counted.
    #[must_use]
    pub fn is_spared(&self) -> bool {
        self.0.as_ref().is_none_or(|place| place.slot.is_none())
    }

    /// Reports a success: the attempt no longer counts, and its client is exempt from now on.
    pub async fn succeeded(self) -> Result<()> {
        match self.0 {
            Some(place) if place.slot.is_some() || place.client.is_some() => place.end().await,
            _ => Ok(()),
        }
    }

    /// Reports that the attempt was not made: it no longer counts.
    pub async fn withdrawn(self) -> Result<()> {
        match self.0 {
            Some(mut place) if place.slot.is_some() => {
                place.client = None;
                place.end().await
            }
            _ => Ok(()),
        }
    }
}

impl CeilingEntry {
    /// Uncounts the attempt and records the client.
    async fn end(self) -> Result<()> {
        let now = self.throttle.clock.now();
        let mut set = Document::new();
        if let Some(slot) = self.slot {
            set.insert("events", given_back(&slot));
        }
        if let Some(client) = self.client {
            let until = now.after(REMEMBERED);
            set.insert("known", remembered(&client, until, now));
            set.insert("expiresAt", doc! { "$max": ["$expiresAt", until] });
        }
        let _before: Option<Document> = self
            .throttle
            .reserve(&self.id, vec![doc! { "$set": set }])
            .await?;
        Ok(())
    }
}

/// Returns the update that counts an attempt at `now` if it fits and its client is not exempt, and changes nothing
/// otherwise.
fn count(windows: &[Window], slot: &WindowSlot, client: Option<&str>, now: Timestamp) -> Vec<Document> {
    let mut counts = vec![windows::fits(windows, now)];
    if let Some(client) = client {
        let known = doc! { "$and": [{ "$eq": ["$$this.client", client] }, { "$gt": ["$$this.until", now] }] };
        let known = doc! { "$filter": { "input": stored_clients(), "cond": known } };
        counts.push(doc! { "$eq": [{ "$size": known }, 0] });
    }
    let counts = doc! { "$and": counts };
    let expires = doc! { "$max": ["$expiresAt", now.after(windows::longest(windows))] };
    vec![doc! { "$set": {
        "events": { "$cond": [counts.clone(), windows::counted(windows, slot, now), "$events"] },
        "expiresAt": { "$cond": [counts, expires, "$expiresAt"] },
    } }]
}

fn stored_clients() -> Document {
    doc! { "$ifNull": ["$known", []] }
}

/// Returns the expression for the events with one less in this slot.
fn given_back(slot: &WindowSlot) -> Document {
    let own = doc! { "$and": [{ "$gte": ["$$this.at", slot.begin] }, { "$lt": ["$$this.at", slot.end] }] };
    let one_less = doc! { "at": "$$this.at", "count": { "$subtract": ["$$this.count", 1] } };
    let events = doc! { "$map": {
        "input": windows::stored_events(), "in": { "$cond": [own, one_less, "$$this"] },
    } };
    doc! { "$filter": { "input": events, "cond": { "$gt": ["$$this.count", 0] } } }
}

/// Returns the expression for the recorded clients with this one as the latest.
fn remembered(client: &str, until: Timestamp, now: Timestamp) -> Document {
    let others = doc! { "$and": [{ "$ne": ["$$this.client", client] }, { "$gt": ["$$this.until", now] }] };
    let others = doc! { "$filter": { "input": stored_clients(), "cond": others } };
    let this_one = doc! { "client": client, "until": until };
    doc! { "$slice": [{ "$concatArrays": [others, [this_one]] }, -MOST_CLIENTS] }
}
