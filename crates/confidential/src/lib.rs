//! Secrets in memory and on disk: texts that are hidden and zeroed, and files that only this user can read.
//!
//! The gateway and its managed database share them.

pub mod private;
mod secret;

pub use self::secret::Secret;
