//! Requests as clients really send them, and what they learn from the answer: each says what is wrong, where, and what to
//! send instead. A file a subject.

mod compression;
mod cors;
mod files;
mod forms;
mod lapsed;
mod persisted;
mod unauthorized;

/// What most clients call the type of their bodies.
const JSON: &str = "application/json";
