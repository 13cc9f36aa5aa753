//! Storefront Gateway: the customer back end of an online store, one GraphQL API on MongoDB.
//!
//! # Architecture
//! A request arrives in [`http`], passes the [`guard`], and gets a request context ([`context`]). The [`schema`] calls
//! the operation's file in its domain (`create.rs`, `node.rs`), which uses the domain's `store.rs`.
//! `docs/ARCHITECTURE.md` follows a query and a mutation through the code, and describes the layers and their rules.
//!
//! | module | content |
//! |---|---|
//! | [`cli`] | the command line: `serve`, operator commands, checks |
//! | [`demo`], [`serve`], [`telemetry`] | demo data; starting and stopping a gateway; log, metrics, traces |
//! | [`http`] | connections, routing, the GraphQL endpoint, uploads, OAuth, content, GraphiQL; establishes the principal |
//! | [`schema`] | **the list** of all domains: query and mutation composed of their parts, their indexes, jobs, migrations |
//! | [`storefront`], [`storefront_user`], [`storage`], [`organization`], [`custom_field`], [`customer`], [`address`], [`customer_note`], [`order`], [`customer_group`], [`market`], [`oidc`], [`erasure`] | the domains |
//! | [`context`], [`app`] | the state of a request; the state of the process |
//! | [`audit`] | the audit trail |
//! | [`notice`], [`read`] | the texts of mails; reads for a level of a query |
//! | [`auth`], [`password`] | credentials, tokens, sessions, OAuth; password rules and hashing |
//! | [`domain`], `mutation` | the form of a domain's declaration, and of a mutation |
//! | [`reach`] | principals, scopes, policies, and what a principal can read and write |
//! | [`guard`], [`platform`] | limits on GraphQL documents; infrastructure without knowledge of a domain |
//! | [`error`], [`config`] | errors and their form in responses; settings |
//!
//! Two crates of this repository are below all of them: `dev_mongod` runs a local MongoDB server (feature
//! `managed-database`), and `confidential` contains secret texts and files.
//!
//! # Rules
//! - Imports go down this table only; a test checks them and lists the exceptions.
//! - A principal yields a [`Reach`](reach::Reach), and only a reach opens a tenant's collection ([`reach::tenant`]). Code
//!   that omits the check does not compile; a query with the wrong reach finds nothing.
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
mod mutation;
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
