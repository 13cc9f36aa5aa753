//! The progress of work that may take long. The display is the caller's.

/// A display of progress.
pub trait Progress: Send + Sync {
    /// Starts a step of unknown length. `what` begins with a capital letter and has no full stop.
    fn spinner(&self, what: &str) -> Box<dyn Step>;

    /// Starts a step of `total` bytes.
    fn bar(&self, what: &str, total: u64) -> Box<dyn Step>;
}

/// A step in progress. Dropping it means that it was given up, or is no longer worth a message.
pub trait Step: Send {
    /// Sets the number of completed bytes.
    fn set(&self, done: u64);

    /// Adds to the number of completed bytes.
    fn advance(&self, by: u64);

    /// Ends the step, which is complete.
    fn finish(self: Box<Self>);
}

/// Displays nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn spinner(&self, _what: &str) -> Box<dyn Step> {
        Box::new(Self)
    }

    fn bar(&self, _what: &str, _total: u64) -> Box<dyn Step> {
        Box::new(Self)
    }
}

impl Step for Silent {
    fn set(&self, _done: u64) {}

    fn advance(&self, _by: u64) {}

    fn finish(self: Box<Self>) {}
}
