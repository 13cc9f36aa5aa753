//! Sign-in and sign-out of customers: by password, through the store's back end, by refresh token.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::FutureExt;

use super::anonymization::open;
use super::credentials;
use super::credentials::{Beginner, TokenPair};
use super::guest;
use super::guest::{GuestToMerge, MergedGuest, Receiver};
use super::vouched::Voucher;
use super::{Customer, confirmation, email, limits, refusal, store};
use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::auth::{
    refresh_token,
    session::{Device, EndedSessions, Refreshed, Session},
};
use crate::context::RequestContext;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::password::Hashed;
use crate::platform::{database::Tx, id::SessionId, secret::Secret};
use crate::reach::{HouseReach, Reach, StorefrontReach};

/// A customer who has just been signed in.
pub struct SignedIn {
    /// The customer.
    pub customer: Customer,
    /// The tokens of the session.
    pub pair: TokenPair,
    /// The result of merging an anonymous user.
    pub taken: MergedGuest,
}

/// Signs a customer in with e-mail address and password (EPC-08).
///
/// # Errors
/// CREDENTIALS_INVALID, in the same time for an unknown address, a customer without a password and a wrong one;
/// RATE_LIMITED; SAVE_FAILED (410).
pub async fn by_password(
    app: &Arc<App>,
    place: &StorefrontReach,
    (address, password): (&str, Secret),
    anonymous_token: Option<&str>,
    beginner: &Beginner<'_>,
) -> Result<SignedIn> {
    let house = place.of_the_house();
    let known = match email::parse(address) {
        Some(email) => store::by_email(&app.database, &house, &email).await?,
        None => None,
    };
    // An account in a storefront that conceals addresses cannot sign in until its address is verified (SPR-10).
    let known = known.filter(|customer| !customer.awaits_proof);
    let stored = known.as_ref().and_then(stored_hash);
    let verified = app.passwords.verify(password.clone(), stored).await?;
    let customer = known.filter(|_| verified.matches);
    metrics::counter!("gateway_logins_total", "outcome" => if customer.is_some() { "ok" } else { "refused" })
        .increment(1);
    let customer = customer.ok_or_else(refusal::credentials_invalid)?;
    let mut change = Document::new();
    if verified.outdated {
        // The stored parameters are weaker than the configured ones; only now is the password available for a new hash.
        change.insert("passwordHash", app.passwords.hash(password).await?.as_str());
    }
    let begun = beginner.begin(app, &customer);
    let told = (AuditActor::customer(&customer.id), Action::SignedIn);
    sign_in(app, (&house, told), customer, change, anonymous_token, begun).await
}

/// The stored hash of a customer's password.
#[must_use]
pub fn stored_hash(customer: &Customer) -> Option<&str> {
    customer.password_hash.as_ref().map(Hashed::as_str)
}

/// Checks the current password of a signed-in customer. Each call counts as an attempt, whatever other errors the input
/// has.
///
/// # Errors
/// PASSWORD_INVALID (408) on `password`, RATE_LIMITED.
pub async fn present_password(context: &RequestContext, customer: &Customer, password: Secret) -> Result<()> {
    let guess = limits::password(context, customer).await?;
    let passwords = &context.app.passwords;
    let verified = passwords.verify(password, stored_hash(customer)).await;
    let checked = verified.and_then(|verified| match verified.matches {
        true => Ok(()),
        false => Err(password_invalid().into()),
    });
    limits::settle(guess, checked).await
}

/// The current password is wrong (SPR-80).
#[must_use]
pub fn password_invalid() -> UserError {
    let message = "This is not the present password.";
    UserError::new(UserErrorCode::PasswordInvalid, ["password"], message).legacy(408)
}

/// Signs in a customer whom the store's back end has already signed in (TOK-08).
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn through_the_store(
    app: &Arc<App>,
    reach: &Reach,
    customer: Customer,
    beginner: &Beginner<'_>,
) -> Result<SignedIn> {
    let begun = beginner.begin(app, &customer);
    let told = (AuditActor::from(reach), Action::TokenIssued);
    sign_in(app, (reach, told), customer, Document::new(), None, begun).await
}

/// Signs in a customer for an operator at the gateway's command line.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn at_the_console(app: &Arc<App>, customer: Customer, beginner: &Beginner<'_>) -> Result<SignedIn> {
    let begun = beginner.begin(app, &customer);
    let reach = app.access.reach_of_session(&begun.0);
    let told = (AuditActor::OPERATOR, Action::TokenIssued);
    sign_in(app, (&reach, told), customer, Document::new(), None, begun).await
}

/// The actor of a sign-in or sign-out, and the action in the audit trail.
type AuditedSignIn = (AuditActor, Action);

/// Signs in a customer for whom a [`Voucher`] vouches, and lets it write its own documents.
///
/// # Errors
/// CREDENTIALS_INVALID if all sessions were ended meanwhile; the errors of the voucher; any other unchanged.
pub async fn by_voucher(
    app: &Arc<App>,
    house: &Reach,
    customer: Customer,
    voucher: &dyn Voucher,
    anonymous_token: Option<&str>,
    beginner: &Beginner<'_>,
) -> Result<SignedIn> {
    let begun = beginner.begin(app, &customer);
    let told = (AuditActor::customer(&customer.id), Action::SignedIn);
    let note = (Document::new(), Some(voucher));
    begin_session(app, (house, told), customer, note, anonymous_token, begun).await
}

/// Starts a session for an authenticated customer.
async fn sign_in(
    app: &Arc<App>,
    (reach, told): (&Reach, AuditedSignIn),
    customer: Customer,
    change: Document,
    anonymous_token: Option<&str>,
    begun: (Session, String),
) -> Result<SignedIn> {
    let how = (reach, told);
    let signed_in = begin_session(app, how, customer, (change, None), anonymous_token, begun).await;
    signed_in.map_err(|error| refusal::save_failed(error, 410))
}

async fn begin_session(
    app: &Arc<App>,
    (reach, told): (&Reach, AuditedSignIn),
    customer: Customer,
    (mut change, voucher): (Document, Option<&dyn Voucher>),
    anonymous_token: Option<&str>,
    (session, refresh): (Session, String),
) -> Result<SignedIn> {
    let receiver = Receiver {
        storefront: &customer.storefront_id,
        own: Some(&customer.user_id),
    };
    let brought = guest::find(app, receiver, anonymous_token).await?;
    change.insert("lastLoginAt", app.clock.now());
    let (how, beside) = ((reach, &told), (voucher, &brought));
    let context = (&**app, how, &customer, &change, &session, beside);
    let written = app
        .database
        .transaction(context, |tx, (app, how, customer, change, session, beside)| {
            write(app, *how, tx, (customer, change), session, *beside).boxed()
        });
    let written = written.await?;
    app.access.forget_sessions(&written.ended).await;
    if let Some(shut_out) = &written.shut_out {
        app.access.forget_ended(shut_out).await;
    }
    guest::forget(app, &brought).await;
    Ok(SignedIn {
        customer: written.customer,
        pair: credentials::pair(app, &session, refresh)?,
        taken: written.taken,
    })
}

/// The result of the transaction of a sign-in.
struct StoredSignIn {
    customer: Customer,
    /// Sessions that ended because the customer had too many.
    ended: Vec<SessionId>,
    /// The result of ending all sign-ins because the address was proven.
    shut_out: Option<EndedSessions>,
    taken: MergedGuest,
}

async fn write(
    app: &App,
    (reach, (by, action)): (&Reach, &AuditedSignIn),
    tx: &mut Tx,
    (customer, change): (&Customer, &Document),
    session: &Session,
    (voucher, brought): (Option<&dyn Voucher>, &GuestToMerge),
) -> Result<StoredSignIn> {
    // If the password was changed meanwhile, all sessions were ended, this one included.
    let mut unchanged = doc! { "_id": &customer.id, "credentialEpoch": customer.credential_epoch };
    let proof = voucher.and_then(Voucher::first_proof);
    // Two sign-ins within one millisecond write the same `lastLoginAt`, which the database does not treat as a change.
    // The counter makes them conflict, so that the limit on sessions is exact.
    let mut update = doc! { "$set": change.clone(), "$inc": { "signIns": 1_i64 } };
    if proof.is_some() {
        unchanged.insert("isEmailVerified", false);
        let mut set = change.clone();
        set.extend(doc! { "isEmailVerified": true, "updatedAt": app.clock.now() });
        update = confirmation::proven(customer, set, true);
    }
    let known = customer;
    let Some(customer) = store::update_in(&app.database, reach, tx, unchanged, update).await? else {
        return Err(refusal::credentials_invalid().into());
    };
    let mut told = Vec::new();
    let mut shut_out = None;
    if let Some(identity) = proof {
        told.push(customer.entry(Action::EmailVerified));
        let whose = (known, Some(identity));
        shut_out = Some(confirmation::shut_out_in(app, reach, tx, whose, &mut told).await?);
    }
    let ended = credentials::store_in(app, tx, &customer, session).await?;
    told.push(customer.entry(*action).on(&session.id));
    app.audit.note_in(tx, by, told).await?;
    if let Some(voucher) = voucher {
        voucher
            .write(&HouseReach::within(&customer.storefront_id), tx, &customer)
            .await?;
    }
    let taken = guest::merge_in(app, by, tx, brought, &customer).await?;
    Ok(StoredSignIn {
        customer,
        ended,
        shut_out,
        taken,
    })
}

/// Exchanges a refresh token (TOK-01). Also returns the session's own reach, for the payload.
///
/// # Errors
/// TOKEN_INVALID.
pub async fn refresh(
    app: &Arc<App>,
    token: &str,
    client: Option<&str>,
    device: Device<'_>,
) -> Result<(SignedIn, Reach)> {
    let (session, next) = match app.access.sessions.refresh(token, client, device).await? {
        Refreshed::Good(session, next) => (session, next),
        Refreshed::Invalid => return Err(token_invalid(token).into()),
        Refreshed::Reused(session) => {
            write_end(app, &session, &(AuditActor::SYSTEM, Action::RefreshTokenReused)).await?;
            return Err(token_invalid(token).into());
        }
    };
    let reach = app.access.reach_of_session(&session);
    let customer = app
        .database
        .open::<Customer>(&reach)
        .get(&session.customer_id)
        .await?;
    let customer = customer.ok_or_else(|| token_invalid(token))?;
    let signed_in = SignedIn {
        customer,
        pair: credentials::pair(app, &session, next)?,
        taken: MergedGuest::default(),
    };
    Ok((signed_in, reach))
}

fn token_invalid(token: &str) -> UserError {
    let message = if token.starts_with(refresh_token::PREFIX) {
        "This refresh token is not, or no longer, one that works. Sign in again."
    } else {
        "This is no refresh token: those begin with rt_. Send the refreshToken that came with the access token."
    };
    UserError::new(UserErrorCode::TokenInvalid, ["refreshToken"], message)
}

/// Ends the session that a refresh token belongs to or has belonged to; an unknown token has none. Returns false for
/// another client's session, which is not ended.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn end_by_token(app: &App, token: &str, client: Option<&str>) -> Result<bool> {
    let Some(session) = app.access.sessions.of_token(token).await? else {
        return Ok(true);
    };
    let is_theirs = client.is_none_or(|client| session.is_refreshed_by(client));
    if is_theirs {
        // The holder of the token acts as the customer, whatever client they use.
        end(app, &session, AuditActor::customer(&session.customer_id)).await?;
    }
    Ok(is_theirs)
}

/// Ends one session: on this node at once, on other nodes within five seconds (TOK-02).
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn end(app: &App, session: &Session, by: impl Into<AuditActor>) -> Result<()> {
    let ended = write_end(app, session, &(by.into(), Action::SessionEnded)).await;
    ended.map_err(|error| refusal::save_failed(error, 410))
}

async fn write_end(app: &App, session: &Session, told: &AuditedSignIn) -> Result<()> {
    let context = (app, session, told);
    let ended = app.database.transaction(context, |tx, (app, session, told)| {
        async move {
            let (by, action) = told;
            // Of two concurrent calls, one ends it.
            if app.access.sessions.end_in(tx, &session.id).await? {
                let entry = AuditEntry::new(&session.storefront_id, &session.customer_id, *action);
                app.audit.note_in(tx, by, [entry.on(&session.id)]).await?;
            }
            Ok(())
        }
        .boxed()
    });
    ended.await?;
    app.access
        .forget_sessions(std::slice::from_ref(&session.id))
        .await;
    Ok(())
}

/// Ends all of a customer's sessions.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn end_all(app: &App, reach: &Reach, customer: &Customer) -> Result<()> {
    let context = (app, reach, customer);
    let ended = app
        .database
        .pressing_transaction(context, |tx, (app, reach, customer)| {
            async move {
                let epoch = doc! { "$inc": { "credentialEpoch": 1_i64 } };
                let named = open(doc! { "_id": &customer.id });
                // The customer was deleted or its erasure has started, which ends the sessions itself.
                let Some(known) = store::update_in(&app.database, *reach, tx, named, epoch).await? else {
                    return Ok(None);
                };
                let (storefront, user) = (&known.storefront_id, &known.user_id);
                let ended = app.access.sessions.end_all_in(tx, storefront, user, None).await?;
                let entry = known.entry(Action::AllSessionsEnded);
                app.audit.note_in(tx, *reach, [entry]).await?;
                Ok(Some(ended))
            }
            .boxed()
        });
    let ended = ended
        .await
        .map_err(|error: Error| refusal::save_failed(error, 410))?;
    if let Some(ended) = ended {
        app.access.forget_ended(&ended).await;
    }
    Ok(())
}
