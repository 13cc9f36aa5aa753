//! Long work in steps that leave the database to other callers in between.

use std::time::Duration;

use tokio::time::Instant;

/// Maximum pause between two steps, however long a step took.
const LONGEST: Duration = Duration::from_millis(200);

/// Measures the duration of one step.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts the measurement.
    #[must_use]
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Ends the step, which handled `done` objects. If that is the maximum of a step, there is more to do, and the step
    /// is followed by a pause as long as the step took (200 ms at most), which leaves the database to other callers.
    pub async fn end(self, done: usize, at_most: i64) {
        if i64::try_from(done).is_ok_and(|done| done >= at_most) {
            tokio::time::sleep(self.0.elapsed().min(LONGEST)).await;
        }
    }
}
