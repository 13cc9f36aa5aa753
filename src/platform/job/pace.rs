//! Long work in steps that hold up nobody else.

use std::time::Duration;

use tokio::time::Instant;

/// However long a step took, whoever waits for the work does not wait for longer than this between two of them.
const LONGEST: Duration = Duration::from_millis(200);

/// The time of one step.
pub struct Step(Instant);

impl Step {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Ends, having done this many. When it was as many as a step may do there is more to do, and the database is left to
    /// others for as long as the step took.
    pub async fn end(self, done: usize, at_most: i64) {
        if i64::try_from(done).is_ok_and(|done| done >= at_most) {
            tokio::time::sleep(self.0.elapsed().min(LONGEST)).await;
        }
    }
}
