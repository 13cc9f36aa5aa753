//! Redemption of a token that proves the ownership of an address: it verifies the account's address, or changes the
//! address of the account.
//!
//! The first proof of an address locks out anybody who registered the account with somebody else's address (CST-06):
//! all sessions end, and the earlier password, linked identities and mailed keys are removed. A caller who also proves,
//! by a session or the password of the account, that the account is theirs keeps all of them.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::FutureExt;

use super::anonymization::open;
use super::mailed_keys::{ended, is_bound_to};
use super::unique::taken;
use super::{Customer, email, identity, refusal, sign_in};
use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::auth::{
    one_time::{OneTimeKey, Purpose},
    session::EndedSessions,
};
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::platform::{database::Tx, id::IdentityId, secret::Secret};
use crate::reach::Reach;

/// The input field with the token.
pub const FIELD: &str = "token";

/// The proof of the account's ownership that the caller presents beside the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipProof {
    /// None: the caller is only known to read the mailbox.
    Nothing,
    /// A live session of the account.
    Session,
    /// The account's password, checked at this epoch of its credentials.
    Password {
        /// The customer's `credential_epoch`.
        epoch: i64,
    },
}

/// Determines the caller's proof: the password, if one is sent, otherwise the request's own token.
///
/// # Errors
/// PASSWORD_INVALID (408) on `password`, without consuming the token; EMAIL_TOKEN_INVALID if the token's account was
/// deleted or erased or now has another address; RATE_LIMITED.
pub async fn shown(
    context: &RequestContext,
    key: &OneTimeKey,
    password: Option<Secret>,
) -> Result<OwnershipProof> {
    let app = &context.app;
    if let Some(password) = password {
        let customers = app.database.open::<Customer>(&app.access.reach_of_key(key));
        let customer = customers.get(&key.customer_id).await?;
        let customer =
            customer.filter(|customer| customer.check_open(FIELD).is_ok() && is_good_for(key, customer));
        let customer = customer.ok_or_else(|| ended(key.purpose, FIELD, false))?;
        sign_in::present_password(context, &customer, password).await?;
        return Ok(OwnershipProof::Password {
            epoch: customer.credential_epoch,
        });
    }
    let person = context
        .principal
        .standing()
        .and_then(|identity| identity.person());
    let session = person.and_then(|person| person.customer.as_ref());
    let session = session.filter(|(customer, _)| *customer == key.customer_id);
    match session {
        Some((_, session)) if app.access.sessions.find(session).await?.is_some() => {
            Ok(OwnershipProof::Session)
        }
        _ => Ok(OwnershipProof::Nothing),
    }
}

/// Whether the key can be redeemed for the customer: a verification must be of the customer's present address.
fn is_good_for(key: &OneTimeKey, customer: &Customer) -> bool {
    key.purpose == Purpose::EmailChange || is_bound_to(key, customer)
}

/// Redeems a token that proves the ownership of an address.
///
/// # Errors
/// EMAIL_TOKEN_INVALID if a concurrent call has consumed it or the address has changed meanwhile, PASSWORD_INVALID
/// (408) if the password has changed meanwhile, EMAIL_TAKEN (400), SAVE_FAILED (410).
pub async fn confirm(app: &Arc<App>, key: &OneTimeKey, shown: OwnershipProof) -> Result<(Customer, Reach)> {
    let reach = app.access.reach_of_key(key);
    let context = (&**app, &reach, key, shown);
    let written = app.database.transaction(context, |tx, (app, reach, key, shown)| {
        write(app, reach, tx, key, *shown).boxed()
    });
    let written = written.await.map_err(taken);
    let written = written.map_err(|error| refusal::save_failed(error, 410))?;
    let (customer, shut_out) = written.ok_or_else(|| ended(key.purpose, FIELD, false))?;
    if let Some(shut_out) = shut_out {
        app.access.forget_ended(&shut_out).await;
    }
    Ok((customer, reach))
}

async fn write(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    key: &OneTimeKey,
    shown: OwnershipProof,
) -> Result<Option<(Customer, Option<EndedSessions>)>> {
    if !app.one_time.use_up_in(tx, key).await? {
        return Ok(None);
    }
    let customers = app.database.open::<Customer>(reach);
    let found = customers.find_one_in(tx, open(doc! { "_id": &key.customer_id }));
    let Some(known) = found.await?.filter(|known| is_good_for(key, known)) else {
        return Ok(None);
    };
    if let OwnershipProof::Password { epoch } = shown
        && epoch != known.credential_epoch
    {
        return Err(sign_in::password_invalid().into());
    }
    let is_change = key.purpose == Purpose::EmailChange;
    let shuts_out = shown == OwnershipProof::Nothing && (is_change || !known.is_email_verified);
    let update = update(app, key, &known, shuts_out)?;
    let Some(customer) = customers.update_in(tx, doc! { "_id": &known.id }, update).await? else {
        return Ok(None);
    };
    let action = if is_change {
        let void = [Purpose::PasswordReset, Purpose::EmailVerification];
        app.one_time.void_in(tx, &customer.id, &void).await?;
        Action::EmailChanged
    } else {
        Action::EmailVerified
    };
    let mut told = vec![customer.entry(action)];
    let mut ended = None;
    if shuts_out {
        ended = Some(shut_out_in(app, reach, tx, (&known, None), &mut told).await?);
    }
    app.audit
        .note_in(tx, AuditActor::customer(&customer.id), told)
        .await?;
    Ok(Some((customer, ended)))
}

fn update(app: &App, key: &OneTimeKey, known: &Customer, shuts_out: bool) -> Result<Document> {
    let mut set = doc! { "isEmailVerified": true, "updatedAt": app.clock.now() };
    if key.purpose == Purpose::EmailChange {
        let Some(email) = email::parse(&key.email) else {
            return Err(Error::internal(
                "the new e-mail address of a pending change is not valid",
            ));
        };
        set.extend(doc! { "email": email.written, "emailKey": email.key });
    }
    Ok(proven(known, set, shuts_out))
}

/// The update of a customer whose address is proven; it removes the password if `shuts_out`.
#[must_use]
pub fn proven(known: &Customer, set: Document, shuts_out: bool) -> Document {
    let mut unset = Document::new();
    if known.awaits_proof {
        unset.insert("awaitsProof", "");
    }
    let mut increase = doc! { "version": 1_i64 };
    if shuts_out {
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

/// Ends all sessions of an account, unlinks its identities except a spared one, and voids its mailed keys, within the
/// transaction that removes its password. Returns what has ended.
pub async fn shut_out_in(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    (known, spared): (&Customer, Option<&IdentityId>),
    told: &mut Vec<AuditEntry>,
) -> Result<EndedSessions> {
    if known.password_hash.is_some() {
        told.push(known.entry(Action::PasswordRemoved));
    }
    let sessions = &app.access.sessions;
    let ended = sessions
        .end_all_in(tx, &known.storefront_id, &known.user_id, None)
        .await?;
    if !ended.sessions.is_empty() {
        told.push(known.entry(Action::AllSessionsEnded));
    }
    told.extend(identity::unlink_all_in(&app.database, reach, tx, known, spared).await?);
    app.one_time.void_in(tx, &known.id, &Purpose::ALL).await?;
    Ok(ended)
}
