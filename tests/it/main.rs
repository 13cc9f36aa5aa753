//! Integration tests: a real server with a real database, and callers as values. One file per domain.
//!
//! One managed MongoDB serves the whole run; each test has its own database and its own gateway (see [`kit`]).

mod kit;

mod access_table;
mod addresses;
mod anonymous;
mod architecture;
mod audit;
mod bad_input;
mod clients;
mod command_counts;
mod commands;
mod concurrency;
mod custom_fields;
mod customer_notes;
mod customers;
mod database_faults;
mod database_sessions;
mod docs;
mod erasure;
mod error_messages;
mod faults;
mod filters;
mod graphql_library;
mod hostile;
mod http;
mod indexes;
mod jobs;
mod level_costs;
mod mail;
mod markets;
mod merge;
mod migrations;
mod mongod;
mod mutations;
mod nested_lists;
mod oauth;
mod oidc;
mod orders;
mod pages;
mod requests;
mod requirements;
mod signing_keys;
mod storage;
mod storefront_users;
mod storefronts;
mod throttle;
