//! Parts that know no domain, a file a concern.

pub mod blob;
pub mod change;
pub mod clock;
pub mod counter;
pub mod crypto;
pub mod database;
pub mod decimal;
pub mod fetch;
pub mod filter;
pub mod id;
pub mod inspect;
pub mod job;
pub mod loader;
pub mod mail;
pub mod migration;
pub mod mongod;
pub mod page;
pub mod private;
pub mod progress;
pub mod random;
pub mod scalar;
pub mod secret;
pub mod stored;
pub mod text;
pub mod throttle;
pub mod upload;
