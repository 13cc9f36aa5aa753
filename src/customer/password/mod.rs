//! Passwords of customers.

pub mod change;
pub mod current;
pub mod set;

use bson::{Document, doc};

use super::Customer;
use crate::app::App;
use crate::auth::session::EndedSessions;
use crate::password::{Hashed, PasswordField};

/// The field of a new password in the inputs of `customerPasswordChange` and `customerPasswordSet` (SPR-80).
const NEW_PASSWORD: PasswordField = PasswordField {
    field: "newPassword",
    legacy_code: Some(408),
};

/// Returns the update that stores a password's hash, and refuses sign-ins that started before.
#[must_use]
pub fn new_password(app: &App, hash: &Hashed) -> Document {
    doc! {
        "$set": { "passwordHash": hash.as_str(), "updatedAt": app.clock.now() },
        "$inc": { "version": 1_i64, "credentialEpoch": 1_i64 },
    }
}

/// A customer whose password was replaced.
pub struct ReplacedPassword {
    /// The customer as stored.
    pub customer: Customer,
    /// The customer's earlier sessions, all of which have ended.
    pub ended: EndedSessions,
}
