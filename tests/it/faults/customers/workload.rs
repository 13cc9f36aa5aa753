//! Continuous work by many callers until it is stopped, with the outcome that each caller learns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::kit::{Caller, faults, mutation};

/// The timeout of a caller, shorter than an election takes; the request continues without its caller.
const PATIENCE: Duration = Duration::from_secs(1);

/// The outcome of a mutation as far as its caller knows.
#[derive(Debug)]
pub(super) enum CallOutcome {
    /// It took effect, with this payload.
    Done(Value),
    /// It did not take effect, with these user errors.
    Refused(Vec<String>),
    /// It could not be saved, and nothing of it was kept (SPR-41).
    NotSaved,
    /// The outcome is unknown: it may have taken effect, or may still do so.
    Unknown,
}

impl CallOutcome {
    pub(super) fn payload(&self) -> Option<&Value> {
        match self {
            Self::Done(payload) => Some(payload),
            Self::Refused(_) | Self::NotSaved | Self::Unknown => None,
        }
    }

    /// Asserts that the effect is found as often as this outcome allows; the mutation must not have been refused.
    #[track_caller]
    pub(super) fn assert_allows(&self, found: u64) {
        let fits = match self {
            Self::Done(_) => found == 1,
            Self::NotSaved => found == 0,
            Self::Unknown => found <= 1,
            Self::Refused(faults) => panic!("refused: {faults:?}"),
        };
        assert!(fits, "found {found} times, but the caller's outcome is {self:?}");
    }
}

/// A period of work, with counts of its outcomes.
#[derive(Default)]
pub(super) struct Workload {
    is_stopped: AtomicBool,
    done: Mutex<BTreeMap<&'static str, usize>>,
    unanswered: AtomicUsize,
}

impl Workload {
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Returns the number of acknowledged mutations of this name.
    pub(super) fn mutate_ok(&self, field: &str) -> usize {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.get(field).copied().unwrap_or_default()
    }

    /// Returns the number of mutations whose callers did not learn the outcome.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    fn unknown(&self) -> CallOutcome {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        CallOutcome::Unknown
    }

    /// Sends a mutation. Its error codes, if any, must be ones that ask for a retry.
    pub(super) async fn mutate(&self, by: &Caller, field: &'static str, input: Value) -> CallOutcome {
        let document = mutation(field);
        let sending = by.try_send(&document, json!({ "input": input }));
        let Ok(Some(mut body)) = timeout(PATIENCE, sending).await else {
            return self.unknown();
        };
        if let Some(errors) = body["errors"].as_array() {
            for error in errors {
                let code = error["extensions"]["code"].as_str();
                let may_pass = matches!(code, Some("UNAVAILABLE" | "TIMEOUT"));
                assert!(may_pass, "{field}: {body}");
            }
            return self.unknown();
        }
        let payload = body["data"][field].take();
        let faults = faults(&payload);
        match &faults[..] {
            [] => {
                let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                *done.entry(field).or_default() += 1;
                CallOutcome::Done(payload)
            }
            [fault] if fault.starts_with("SAVE_FAILED ") => CallOutcome::NotSaved,
            _ => CallOutcome::Refused(faults),
        }
    }
}
