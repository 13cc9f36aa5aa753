//! Modules without domain knowledge, one concern per file.

pub mod blob;
pub mod change;
pub mod clock;
pub mod counter;
pub mod crypto;
pub mod database;
pub mod decimal;
pub mod decoy;
pub mod descriptors;
pub mod fetch;
pub mod filter;
pub mod id;
pub mod inspect;
pub mod job;
pub mod json;
pub mod loader;
pub mod mail;
pub mod migration;
pub mod page;
pub mod progress;
pub mod random;
pub mod readiness;
pub mod scalar;
pub mod secret;
pub mod shares;
pub mod stored;
pub mod text;
pub mod throttle;
pub mod upload;

pub use confidential::private;
