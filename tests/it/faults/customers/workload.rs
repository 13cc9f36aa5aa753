//! Continuous work by many callers until it is stopped, with the outcome that each caller learns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::kit::{Caller, faults, mutation};

/// The timeout of a caller, shorter than an election takes; the request goes on without its caller.
const PATIENCE: Duration = Duration::from_secs(1);

/// The outcome of a mutation as far as its caller knows.
#[derive(Debug)]
pub(super) enum Told {
    /// It took effect, with this payload.
    Done(Value),
    /// It did not take effect, with these user errors.
    Refused(Vec<String>),
    /// It could not be saved, and nothing of it was kept (SPR-41).
    NotSaved,
    /// The outcome is unknown: it may have taken effect, or may still do so.
    Nothing,
}

impl Told {
    pub(super) fn payload(&self) -> Option<&Value> {
        match self {
            Self::Done(payload) => Some(payload),
            Self::Refused(_) | Self::NotSaved | Self::Nothing => None,
        }
    }

    /// Asserts that the effect is found as often as this outcome allows; the mutation must not have been refused.
    #[track_caller]
    pub(super) fn allows(&self, found: u64) {
        let fits = match self {
            Self::Done(_) => found == 1,
            Self::NotSaved => found == 0,
            Self::Nothing => found <= 1,
            Self::Refused(faults) => panic!("refused: {faults:?}"),
        };
        assert!(fits, "found {found} times, and the caller was told {self:?}");
    }
}

/// A period of work, with counts of its outcomes.
#[derive(Default)]
pub(super) struct Shift {
    is_over: AtomicBool,
    done: Mutex<BTreeMap<&'static str, usize>>,
    unanswered: AtomicUsize,
}

impl Shift {
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Returns the number of acknowledged mutations of this name.
    pub(super) fn done(&self, field: &str) -> usize {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.get(field).copied().unwrap_or_default()
    }

    /// Returns the number of mutations whose callers did not learn the outcome.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    fn nothing(&self) -> Told {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        Told::Nothing
    }

    /// Sends a mutation. Its error codes, if any, must be ones that ask for a retry.
    pub(super) async fn change(&self, by: &Caller, field: &'static str, input: Value) -> Told {
        let document = mutation(field);
        let sending = by.try_send(&document, json!({ "input": input }));
        let Ok(Some(mut body)) = timeout(PATIENCE, sending).await else {
            return self.nothing();
        };
        if let Some(errors) = body["errors"].as_array() {
            for error in errors {
                let code = error["extensions"]["code"].as_str();
                let may_pass = matches!(code, Some("UNAVAILABLE" | "TIMEOUT"));
                assert!(may_pass, "{field}: {body}");
            }
            return self.nothing();
        }
        let payload = body["data"][field].take();
        let faults = faults(&payload);
        match &faults[..] {
            [] => {
                let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                *done.entry(field).or_default() += 1;
                Told::Done(payload)
            }
            [fault] if fault.starts_with("SAVE_FAILED ") => Told::NotSaved,
            _ => Told::Refused(faults),
        }
    }
}
