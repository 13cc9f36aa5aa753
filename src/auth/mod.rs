//! How a caller proves who it is: publishable keys, client secrets, access and refresh tokens, sessions, OAuth.
//!
//! [`Access`] turns a bearer credential into a [`Principal`](crate::reach::principal::Principal) once per request.

pub mod authenticate;
pub mod bad_credential;
mod cache;
pub mod client;
pub mod keys;
pub mod oauth;
pub mod one_time;
pub mod refresh_token;
pub mod revocation;
pub mod session;
pub mod token;

pub use self::authenticate::Access;

/// Collection of the storefronts; access reads which storefronts an organization has.
pub const STOREFRONTS: &str = "storefronts";
/// Collection of the storefront users; access reads whether a user still exists and is active.
pub const STOREFRONT_USERS: &str = "storefrontUsers";
