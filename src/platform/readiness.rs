//! Whether the process can answer requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether requests can be answered: the database is prepared, and the gateway is not stopping.
#[derive(Clone, Debug, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    /// Whether requests can be answered now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Sets whether requests can be answered.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }
}
