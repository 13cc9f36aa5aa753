//! Authentication of requests, and authorization: which documents a caller reaches.
//!
//! [`Access::authenticate`](authenticate) turns a bearer credential into a [`Principal`](principal::Principal) once per
//! request. A principal yields a [`Reach`](reach::Reach) for an operation's [`Policy`](principal::Policy), and a reach
//! opens tenants' collections ([`tenant`]) and adds its conditions to every filter. Code that skips the check does not
//! compile.

pub mod audit;
pub mod authenticate;
pub mod bad_credential;
pub mod by_id;
pub mod client;
pub mod graphql;
mod guest;
pub mod keys;
pub mod membership;
pub mod oauth;
pub mod one_time;
pub mod organization;
pub mod password;
pub mod personal;
pub mod principal;
pub mod reach;
pub mod refresh_token;
pub mod related;
pub mod revocation;
pub mod scope;
pub mod session;
mod standing;
pub mod tenant;
pub mod token;

pub use authenticate::Access;

/// Collection of the storefronts; access reads which storefronts an organization has.
pub const STOREFRONTS: &str = "storefronts";
/// Collection of the storefront users; access reads whether a user still exists and is active.
pub const STOREFRONT_USERS: &str = "storefrontUsers";
