//! Operations with mailed keys: choosing a new password, verifying the address and changing it. A request for a key
//! costs the same and has the same response whether or not the customer exists.

use std::sync::Arc;

use bson::doc;
use futures_util::FutureExt;

use super::anonymization::open;
use super::credentials;
use super::credentials::{Beginner, TokenPair};
use super::email::{self, Email};
use super::mail::{self, About, Granted};
use super::passwords::new_password;
use super::{Customer, identity, limits, refusal, store};
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::{
    one_time::{KeyHolder, Looked, OneTimeKey, Purpose, SEALED},
    session::{EndedSessions, Session},
};
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    database::{Tx, violated_index},
    id::{CustomerId, OrganizationId, StorefrontUserId},
    secret::Secret,
};
use crate::reach::{Reach, StorefrontReach};

/// Prepares a key for the customer with this address, and its mail. For an unknown address as much is written: a key of
/// a nonexistent customer, which nobody receives.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn request(
    app: &Arc<App>,
    place: &StorefrontReach,
    organization: &OrganizationId,
    email: Option<&Email>,
    what: (Purpose, About, Granted),
) -> Result<()> {
    let known = match email {
        Some(email) => store::by_email(&app.database, &place.of_the_house(), email).await?,
        None => None,
    };
    let now = app.clock.now();
    let nobody = (
        CustomerId::fresh(now, &app.random),
        StorefrontUserId::fresh(now, &app.random),
    );
    let (customer, user) = match &known {
        Some(customer) => (&customer.id, &customer.user_id),
        None => (&nobody.0, &nobody.1),
    };
    let holder = KeyHolder {
        organization,
        storefront: place.id(),
        user,
        customer,
    };
    let address = known.as_ref().and_then(|customer| customer.email.as_deref());
    let context = (&**app, holder, address.unwrap_or_default());
    let written = app.database.transaction(context, |tx, (app, holder, address)| {
        prepare(app, tx, *holder, what, address).boxed()
    });
    match written.await {
        // The customer was erased meanwhile; treated like an unknown address.
        Err(error) if violated_index(&error) == Some(SEALED) => Ok(()),
        written => written.map_err(|error| refusal::save_failed(error, 410)),
    }
}

/// Prepares a key and its mail within a transaction.
///
/// # Errors
/// A violation of [`SEALED`] for a customer whose keys were sealed.
pub async fn prepare(
    app: &App,
    tx: &mut Tx,
    holder: KeyHolder<'_>,
    (purpose, about, granted): (Purpose, About, Granted),
    address: &str,
) -> Result<()> {
    let mail = (about, holder.customer, granted);
    prepare_for(app, tx, holder, (purpose, address), mail).await
}

/// As [`prepare`], for a mail to a customer who is not the key's holder; the holder does not exist then.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_for(
    app: &App,
    tx: &mut Tx,
    holder: KeyHolder<'_>,
    (purpose, address): (Purpose, &str),
    (about, reader, granted): (About, &CustomerId, Granted),
) -> Result<()> {
    let ttl = match purpose {
        Purpose::PasswordReset => app.config.tokens.reset_key,
        Purpose::EmailVerification | Purpose::EmailChange => app.config.tokens.email_token,
    };
    let keys = &app.one_time;
    keys.prepare_in(tx, holder, purpose, address, ttl).await?;
    mail::enqueue(app, tx, reader, about, granted).await
}

/// Looks up the key of an input.
///
/// # Errors
/// RESET_KEY_INVALID or RESET_KEY_EXPIRED (415), EMAIL_TOKEN_INVALID or EMAIL_TOKEN_EXPIRED, on `field`.
pub async fn look(app: &App, secret: &str, purpose: Purpose, field: &str) -> Result<OneTimeKey> {
    match app.one_time.look(secret, purpose).await? {
        Looked::Good(key) => Ok(*key),
        Looked::Expired => Err(ended(purpose, field, true).into()),
        Looked::Unknown => Err(ended(purpose, field, false).into()),
    }
}

/// The error for an invalid or expired key.
#[must_use]
pub fn ended(purpose: Purpose, field: &str, expired: bool) -> UserError {
    let (code, message) = match (purpose, expired) {
        (Purpose::PasswordReset, true) => (
            UserErrorCode::ResetKeyExpired,
            "This key has expired; ask for a new one.",
        ),
        (Purpose::PasswordReset, false) => (
            UserErrorCode::ResetKeyInvalid,
            "This key does not work: it was used, a newer one was sent, or it never was one. Take it from the newest mail, or \
             ask for a new one.",
        ),
        (_, true) => (
            UserErrorCode::EmailTokenExpired,
            "This token has expired; ask for a new one.",
        ),
        (_, false) => (
            UserErrorCode::EmailTokenInvalid,
            "This token does not work: it was used, a newer one was sent, or it never was one. Take it from the newest mail, \
             or ask for a new one.",
        ),
    };
    let error = UserError::new(code, [field], message);
    match purpose {
        Purpose::PasswordReset => error.legacy(415),
        Purpose::EmailVerification | Purpose::EmailChange => error,
    }
}

/// A customer who may choose a new password with a key.
pub struct Redeemer {
    /// The key.
    pub key: OneTimeKey,
    customer: Customer,
    reach: Reach,
}

/// Whether the customer still has the address that a key was mailed to, in any notation.
#[must_use]
pub fn is_bound_to(key: &OneTimeKey, customer: &Customer) -> bool {
    customer.email.as_ref() == Some(&key.email)
        || email::parse(&key.email).is_some_and(|email| customer.email_key == Some(email.key))
}

const RESET_KEY: &str = "restorePasswordKey";

/// Finds the customer who may choose a new password with this key.
///
/// # Errors
/// RESET_KEY_INVALID (415), also if the customer no longer has the address that the key was mailed to;
/// RESET_KEY_EXPIRED (415).
pub async fn redeemer(app: &App, secret: &str) -> Result<Redeemer> {
    let key = look(app, secret, Purpose::PasswordReset, RESET_KEY).await?;
    let reach = app.access.reach_of_key(&key);
    let customers = app.database.open::<Customer>(&reach);
    let customer = customers.get(&key.customer_id).await?;
    let customer = customer.filter(|customer| is_bound_to(&key, customer));
    let customer = customer.ok_or_else(|| ended(Purpose::PasswordReset, RESET_KEY, false))?;
    Ok(Redeemer { key, customer, reach })
}

/// Sets a new password with a valid key. All sessions end, the address becomes verified, and a notice is mailed
/// (SPR-90).
///
/// # Errors
/// RESET_KEY_INVALID (415) if a concurrent call has consumed the key or the address has changed meanwhile;
/// RATE_LIMITED; SAVE_FAILED (407).
pub async fn reset(
    app: &Arc<App>,
    redeemer: &Redeemer,
    password: Secret,
    beginner: &Beginner<'_>,
) -> Result<(Customer, TokenPair, Reach)> {
    let Redeemer { key, customer, reach } = redeemer;
    let hash = app.passwords.hash(password).await?;
    let (session, refresh) = beginner.begin(app, customer);
    let notice = limits::notice(app, customer, About::PasswordChanged).await?;
    let context = (&**app, reach, key, (hash.as_str(), notice), &session);
    let written = app
        .database
        .pressing_transaction(context, |tx, (app, reach, key, new, session)| {
            write_reset(app, reach, tx, key, *new, session).boxed()
        });
    let written = written.await.map_err(|error| refusal::save_failed(error, 407))?;
    let written = written.ok_or_else(|| ended(Purpose::PasswordReset, RESET_KEY, false));
    let (customer, ended) = written?;
    app.access.forget_ended(&ended).await;
    let pair = credentials::pair(app, &session, refresh)?;
    Ok((customer, pair, reach.clone()))
}

async fn write_reset(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    key: &OneTimeKey,
    (hash, notice): (&str, Granted),
    session: &Session,
) -> Result<Option<(Customer, EndedSessions)>> {
    if !app.one_time.use_up_in(tx, key).await? {
        return Ok(None);
    }
    let customers = app.database.open::<Customer>(reach);
    let known = customers
        .find_one_in(tx, open(doc! { "_id": &key.customer_id }))
        .await?;
    // The key was mailed to an address that is no longer the account's.
    let Some(known) = known.filter(|known| is_bound_to(key, known)) else {
        return Ok(None);
    };
    let mut update = new_password(app, hash);
    update.insert("$unset", doc! { "awaitsProof": "" });
    if let Ok(set) = update.get_document_mut("$set") {
        set.insert("isEmailVerified", true);
        set.insert("lastLoginAt", app.clock.now());
    }
    let named = doc! { "_id": &known.id };
    let Some(customer) = customers.update_in(tx, named, update).await? else {
        return Ok(None);
    };
    let unlinked = match known.is_email_verified {
        true => Vec::new(),
        // First proof of the address: earlier registrants of the account lose every way to sign in (CST-06).
        false => identity::unlink_all_in(&app.database, reach, tx, &customer, None).await?,
    };
    app.one_time.void_in(tx, &customer.id, &Purpose::ALL).await?;
    let sessions = &app.access.sessions;
    let ended = sessions
        .end_all_in(tx, &customer.storefront_id, &customer.user_id, None)
        .await?;
    credentials::store_in(app, tx, &customer, session).await?;
    mail::enqueue(app, tx, &customer.id, About::PasswordChanged, notice).await?;
    let told = [
        customer.entry(Action::PasswordReset),
        customer.entry(Action::SignedIn).on(&session.id),
    ];
    let told = told.into_iter().chain(unlinked);
    app.audit
        .note_in(tx, AuditActor::customer(&customer.id), told)
        .await?;
    Ok(Some((customer, ended)))
}

/// Prepares a change of the address: a token is mailed to the new one, a notice to the current one (CST-04).
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn request_change(app: &Arc<App>, reach: &Reach, customer: &Customer, email: &Email) -> Result<()> {
    let holder = KeyHolder {
        organization: reach.identity().organization(),
        storefront: &customer.storefront_id,
        user: &customer.user_id,
        customer: &customer.id,
    };
    // The new address may be anybody's, so its limits apply; the customer is not informed of them.
    let confirmation = limits::mail(app, &customer.storefront_id, &email.key, About::EmailChange).await?;
    let notice = limits::notice(app, customer, About::EmailChangeNotice).await?;
    let context = (&**app, reach, (customer, holder), email.written.as_str());
    let written = app
        .database
        .transaction(context, |tx, (app, reach, (customer, holder), address)| {
            async move {
                // If all sessions were ended meanwhile, this one has ended too, and its earlier requests are void.
                let asks = open(doc! { "_id": &customer.id, "credentialEpoch": customer.credential_epoch });
                let update = doc! { "$inc": { "emailChangeRequests": 1_i64 } };
                let asking = store::update_in(&app.database, *reach, tx, asks, update).await?;
                let asking = asking.ok_or_else(|| {
                    Error::Unauthenticated("This session has ended; sign in again.".to_owned())
                })?;
                let change = (Purpose::EmailChange, About::EmailChange, confirmation);
                prepare(app, tx, *holder, change, address).await?;
                if let Some(present) = &asking.email {
                    let about = (About::EmailChangeNotice, notice);
                    mail::enqueue_to(app, tx, holder.customer, about, present).await?;
                }
                let entry = customer.entry(Action::EmailChangeRequested);
                app.audit.note_in(tx, *reach, [entry]).await
            }
            .boxed()
        });
    written.await.map_err(|error| match violated_index(&error) {
        Some(SEALED) => refusal::anonymized([]).into(),
        _ => refusal::save_failed(error, 410),
    })
}
