//! Requests as real clients send them: each error says what is wrong, where, and what to send instead. One file for
//! each subject.

mod compression;
mod cors;
mod expired_tokens;
mod files;
mod forms;
mod persisted;
mod unauthorized;

/// The content type that most clients send.
const JSON: &str = "application/json";
