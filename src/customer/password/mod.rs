//! Passwords of customers.

pub mod change;
pub mod current;
pub mod set;

use bson::{Document, doc};

use super::{Customer, credentials};
use crate::app::App;
use crate::auth::session::{EndedSessions, Session};
use crate::context::RequestContext;
use crate::error::{Faults, Result};
use crate::password::{Hashed, PasswordField};
use crate::platform::{database::Tx, secret::Secret};

/// The field of a new password in the inputs of `customerPasswordChange` and `customerPasswordSet` (SPR-80).
const NEW_PASSWORD: PasswordField = PasswordField {
    field: "newPassword",
    legacy_code: Some(408),
};

/// Checks a new password and its repetition, and adds an error for every rule that they break.
pub fn checked_password(
    context: &RequestContext,
    faults: &mut Faults,
    password: String,
    confirmation: Option<String>,
    field: PasswordField,
) -> Secret {
    let (password, confirmation) = (Secret::from(password), confirmation.map(Secret::from));
    let policy = &context.app.passwords.policy;
    for fault in policy.check(&password, confirmation.as_ref(), field) {
        faults.push(fault);
    }
    password
}

/// Returns the update that stores a password's hash, and refuses sign-ins that started before.
#[must_use]
pub fn new_password(app: &App, hash: &Hashed) -> Document {
    doc! {
        "$set": { "passwordHash": hash.as_str(), "updatedAt": app.clock.now() },
        "$inc": { "version": 1_i64, "credentialEpoch": 1_i64 },
    }
}

/// Ends all sessions of a customer whose password was replaced, and stores a new one, within the transaction.
///
/// # Errors
/// Any database error.
pub async fn replace_sessions_in(
    app: &App,
    tx: &mut Tx,
    customer: &Customer,
    session: &Session,
) -> Result<EndedSessions> {
    let sessions = &app.access.sessions;
    let ended = sessions
        .end_all_in(tx, &customer.storefront_id, &customer.user_id, None)
        .await?;
    credentials::store_in(app, tx, customer, session).await?;
    Ok(ended)
}

/// A customer whose password was replaced.
pub struct ReplacedPassword {
    /// The customer as stored.
    pub customer: Customer,
    /// The customer's earlier sessions, all of which have ended.
    pub ended: EndedSessions,
}
