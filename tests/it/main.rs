//! The gateway from outside: a real server with a real database, and people as values. A file a domain.
//!
//! One managed MongoDB serves the whole run; each test has a database and a gateway of its own (see [`kit`]).

mod kit;

mod clients;
mod commands;
mod filters;
mod graphql_library;
mod house;
mod indexes;
mod jobs;
mod merge;
mod migrations;
mod mongod;
mod pages;
mod storefront_users;
mod storefronts;
