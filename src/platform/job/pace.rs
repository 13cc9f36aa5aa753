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

    /// Ends, and leaves the database to others for as long as it took.
    pub async fn end(self) {
        tokio::time::sleep(self.0.elapsed().min(LONGEST)).await;
    }
}
