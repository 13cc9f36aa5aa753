//! The progress of work that may take long. The display is the caller's.

/// A display of progress.
pub trait Progress: Send + Sync {
    /// Starts a step of this many bytes, or of unknown length. `what` begins with a capital letter and has no full stop.
    fn step(&self, what: &str, bytes: Option<u64>) -> Box<dyn Step>;
}

/// A step in progress. Dropping it means that it was given up, or is no longer worth a message.
pub trait Step: Send {
    /// Sets the number of completed bytes.
    fn set(&self, done: u64);

    /// Ends the step, which is complete.
    fn finish(self: Box<Self>);
}

/// Displays nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _what: &str, _bytes: Option<u64>) -> Box<dyn Step> {
        Box::new(Self)
    }
}

impl Step for Silent {
    fn set(&self, _done: u64) {}

    fn finish(self: Box<Self>) {}
}
