//! Storefront Gateway: the customer back end of an online store, one GraphQL API on MongoDB.
//!
//! # Architecture
//! A request arrives in [`http`], gets a request context ([`context`]), and is passed to a domain's `graphql.rs` or
//! `mutations.rs`, then to its rules (`mod.rs`), then to its `store.rs`; the result returns the same way. There are no
//! other call paths.
//!
//! | module | content |
//! |---|---|
//! | [`cli`] | the command line: `serve`, operator commands, `check`, `schema` |
//! | [`demo`] | data and credentials to try the gateway out |
//! | [`serve`] | starting and stopping a gateway |
//! | [`http`] | router, the GraphQL handler, uploads, OAuth, content, GraphiQL; the only place where a principal is established |
//! | [`guard`] | limits on the cost of a GraphQL document, checked before anything expensive is done with it |
//! | [`schema`] | **the list** of all domains: query and mutation composed of their parts, their indexes, jobs and migrations |
//! | [`storefront`], [`storefront_user`], [`storage`], [`custom_field`], [`customer`], [`address`], [`order`], [`customer_group`], [`market`], [`oidc`], [`erasure`] | the domains: documents and rules, commands to the database, nodes and mutations |
//! | [`context`], [`app`] | the state that a request and the process share |
//! | [`access`] | authentication and authorization: principals, scopes, reaches, clients, tokens, keys, OAuth; the audit trail |
//! | [`telemetry`] | log, metrics, traces |
//! | [`notice`] | the texts of the e-mails to customers |
//! | [`platform`] | infrastructure without knowledge of a domain, one file for each concern |
//! | [`config`], [`error`] | settings; errors and their form in responses |
//!
//! Two crates of this repository are below all of them: `dev_mongod` runs a local MongoDB server (feature
//! `managed-database`), and `confidential` contains secret texts and files.
//!
//! # Rules
//! - Imports go down this table only; a test checks them.
//! - A principal yields a [`Reach`](access::reach::Reach), and only a reach opens a tenant's collection
//!   ([`access::tenant`]). Code that omits the check does not compile; a query with the wrong reach finds nothing.
//! - Every change of more than one document is one transaction, and is idempotent. A transaction that adds to a
//!   person's data or moves it also writes the person's own document, so that of two concurrent ones one fails with a
//!   conflict.
//! - Side effects are jobs, written in the transaction that causes them ([`platform::job`]).
//! - Each level of a query costs one database command ([`platform::loader`], [`platform::page`]).
//! - Time and randomness come from the [`app`](app::App), not from globals.
//! - An error reaches a response through [`error::Error::to_wire`] only, without its cause.

pub mod address;
pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod config;
pub mod context;
pub mod custom_field;
pub mod customer;
pub mod customer_group;
pub mod customer_note;
pub mod demo;
pub mod domain;
pub mod erasure;
pub mod error;
#[cfg(test)]
mod fuzz;
pub mod guard;
pub mod http;
pub mod market;
pub mod notice;
pub mod oidc;
pub mod order;
pub mod organization;
pub mod password;
pub mod platform;
pub mod reach;
pub mod read;
pub mod schema;
pub mod serve;
pub mod storage;
pub mod storefront;
pub mod storefront_user;
pub mod telemetry;

/// Replaces the system's allocator in everything that links this crate, including benchmarks and tests.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
