//! Storefront Gateway: the customer back end of an online store, one GraphQL API on MongoDB.
//!
//! # The house
//! Data comes in by [`http`], becomes a request context ([`context`]), meets a domain's `graphql.rs` or `mutations.rs`,
//! then its rules (`mod.rs`), then its `store.rs`, and goes back the same way. Nothing else calls around.
//!
//! | part | what it is |
//! |---|---|
//! | [`cli`] | the command line: `serve`, operator commands, `check`, `schema` |
//! | [`demo`] | data and credentials to try the gateway out |
//! | [`serve`] | starting and stopping a gateway |
//! | [`http`] | router, the GraphQL handler, uploads, OAuth, content, GraphiQL; the only place where a principal is established |
//! | [`guard`] | what a GraphQL document may cost, before anything expensive happens to it |
//! | [`schema`] | **the list**: query and mutation made of the domains' parts, their indexes, jobs and migrations |
//! | [`storefront`], [`storefront_user`], [`storage`], [`custom_field`], [`customer`], [`address`], [`order`], [`market`], [`sign_on`], [`erasure`] | the domains: documents and rules, commands to the database, nodes and mutations |
//! | [`context`], [`app`] | what a request and what the process shares |
//! | [`access`] | who is asking and how far they reach: principals, scopes, reaches, clients, tokens, keys, OAuth; who did what: the audit trail |
//! | [`telemetry`] | log, metrics, traces |
//! | [`notice`] | what the mails to customers say |
//! | [`platform`] | parts that know no domain, a file a concern |
//! | [`config`], [`error`] | settings; what can go wrong and how it reaches the wire |
//!
//! # Rules
//! - Imports go down this table only; a test reads them.
//! - A principal yields a [`Reach`](access::reach::Reach), and only a reach opens a tenant's collection
//!   ([`access::tenant`]). Forgetting the check does not compile; asking with the wrong reach finds nothing.
//! - Every change of more than one document is one transaction, written so that running it twice is the same as once.
//!   What adds to or moves under a person also touches that person's own document, so that of two at once one loses
//!   cleanly.
//! - Side effects are jobs, written in the transaction that wants them ([`platform::job`]).
//! - Each level of a query costs one database command ([`platform::loader`], [`platform::page`]).
//! - Time and randomness come from the [`app`](app::App), not from globals.
//! - An error reaches the wire through [`error::Error::to_wire`] only, and says nothing of its cause.

pub mod access;
pub mod address;
pub mod app;
pub mod cli;
pub mod config;
pub mod context;
pub mod custom_field;
pub mod customer;
pub mod demo;
pub mod erasure;
pub mod error;
#[cfg(test)]
mod fuzz;
pub mod guard;
pub mod http;
pub mod market;
pub mod notice;
pub mod order;
pub mod platform;
pub mod schema;
pub mod serve;
pub mod sign_on;
pub mod storage;
pub mod storefront;
pub mod storefront_user;
pub mod telemetry;

/// Takes the place of the system's allocator in everything that links this crate, its benchmarks and tests too.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
