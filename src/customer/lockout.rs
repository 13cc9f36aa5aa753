//! The first proof of an address locks out anybody who registered the account with somebody else's address (CST-06):
//! all sessions end, and the earlier password, linked identities and mailed keys are removed.

use bson::{Document, doc};

use super::{Customer, identity};
use crate::app::App;
use crate::audit::{Action, AuditEntry};
use crate::auth::{one_time::Purpose, session::EndedSessions};
use crate::error::Result;
use crate::platform::{database::Tx, id::IdentityId};
use crate::reach::Confine;

/// Returns the update of a customer whose address is proven, with the fields to set; it removes the password if
/// `locks_out`.
#[must_use]
pub fn proven(known: &Customer, set: Document, locks_out: bool) -> Document {
    let mut unset = Document::new();
    if known.awaits_proof {
        unset.insert("awaitsProof", "");
    }
    let mut increase = doc! { "version": 1_i64 };
    if locks_out {
        // Sign-ins in progress are refused too.
        increase.insert("credentialEpoch", 1_i64);
        if known.password_hash.is_some() {
            unset.insert("passwordHash", "");
        }
    }
    let mut update = doc! { "$set": set, "$inc": increase };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    update
}

/// What a lockout has ended.
pub struct Lockout {
    /// The ended sessions.
    pub ended: EndedSessions,
    /// The entries for the audit trail.
    pub entries: Vec<AuditEntry>,
}

/// Ends all sessions of an account, unlinks its identities except a spared one, and voids its mailed keys, within the
/// transaction that removes its password. The caller writes the audit entries.
///
/// # Errors
/// Any database error.
pub async fn lock_out_in(
    app: &App,
    reach: &impl Confine,
    tx: &mut Tx,
    known: &Customer,
    spared: Option<&IdentityId>,
) -> Result<Lockout> {
    let mut entries = Vec::new();
    if known.password_hash.is_some() {
        entries.push(known.entry(Action::PasswordRemoved));
    }
    let sessions = &app.access.sessions;
    let ended = sessions
        .end_all_in(tx, &known.storefront_id, &known.user_id, None)
        .await?;
    if !ended.sessions.is_empty() {
        entries.push(known.entry(Action::AllSessionsEnded));
    }
    entries.extend(identity::unlink_all_in(&app.database, reach, tx, known, spared).await?);
    app.one_time.void_in(tx, &known.id, &Purpose::ALL).await?;
    Ok(Lockout { ended, entries })
}
