//! Changing a customer's password, and setting the password of a customer that has none.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::FutureExt;

use super::anonymization::open;
use super::credentials;
use super::credentials::{Beginner, TokenPair};
use super::mail::{self, About, Granted};
use super::sign_in::password_invalid;
use super::{Customer, limits, refusal, store};
use crate::app::App;
use crate::audit::Action;
use crate::auth::{
    one_time::Purpose,
    session::{EndedSessions, Session},
};
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{database::Tx, secret::Secret};
use crate::reach::Reach;

/// Changes the password of a customer whose current one was checked. All sessions end; the returned token pair belongs
/// to a new one (SPR-80).
///
/// # Errors
/// PASSWORD_INVALID (408) on `password` if it was changed meanwhile; RATE_LIMITED, SAVE_FAILED (407).
pub async fn change(
    app: &Arc<App>,
    reach: &Reach,
    customer: Customer,
    new: Secret,
    beginner: &Beginner<'_>,
) -> Result<(Customer, TokenPair)> {
    let hash = app.passwords.hash(new).await?;
    let (session, refresh) = beginner.begin(app, &customer);
    let notice = limits::notice(app, &customer, About::PasswordChanged).await?;
    let context = (&**app, reach, &customer, (hash.as_str(), notice), &session);
    let written = app
        .database
        .pressing_transaction(context, |tx, (app, reach, customer, new, session)| {
            write(app, reach, tx, customer, *new, session).boxed()
        });
    let (customer, ended) = written.await.map_err(|error| refusal::save_failed(error, 407))?;
    app.access.forget_ended(&ended).await;
    let pair = credentials::pair(app, &session, refresh)?;
    Ok((customer, pair))
}

async fn write(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    customer: &Customer,
    (hash, notice): (&str, Granted),
    session: &Session,
) -> Result<(Customer, EndedSessions)> {
    // Of two concurrent changes, the second one no longer has the current password.
    let unchanged = doc! { "_id": &customer.id, "credentialEpoch": customer.credential_epoch };
    let Some(changed) =
        store::update_in(&app.database, reach, tx, unchanged, new_password(app, hash)).await?
    else {
        return Err(password_invalid().into());
    };
    let ended = app
        .access
        .sessions
        .end_all_in(tx, &customer.storefront_id, &customer.user_id, None)
        .await?;
    credentials::store_in(app, tx, &changed, session).await?;
    app.one_time
        .void_in(tx, &customer.id, &[Purpose::EmailChange, Purpose::PasswordReset])
        .await?;
    mail::enqueue(app, tx, &customer.id, About::PasswordChanged, notice).await?;
    let told = [
        changed.entry(Action::PasswordChanged),
        changed.entry(Action::SignedIn).on(&session.id),
    ];
    app.audit.note_in(tx, reach, told).await?;
    Ok((changed, ended))
}

/// The update that stores a password's hash.
#[must_use]
pub fn new_password(app: &App, hash: &str) -> Document {
    doc! {
        "$set": { "passwordHash": hash, "updatedAt": app.clock.now() },
        "$inc": { "version": 1_i64, "credentialEpoch": 1_i64 },
    }
}

/// Sets the password of a customer that has none (EPC-07).
///
/// # Errors
/// PASSWORD_ALREADY_SET or CUSTOMER_NOT_FOUND (402) after a concurrent change; RATE_LIMITED, SAVE_FAILED (407).
pub async fn set(app: &Arc<App>, reach: &Reach, customer: Customer, new: Secret) -> Result<Customer> {
    let hash = app.passwords.hash(new).await?;
    let context = (&**app, reach, &customer, &hash);
    let changed = app
        .database
        .transaction(context, |tx, (app, reach, customer, hash)| {
            write_first(app, reach, tx, customer, hash.as_str()).boxed()
        });
    if let Some(changed) = changed.await.map_err(|error| refusal::save_failed(error, 407))? {
        return Ok(changed);
    }
    let stored = app.database.open::<Customer>(reach).get(&customer.id).await?;
    Err(match stored {
        Some(stored) if stored.is_being_erased() => refusal::anonymized(["customerId"]).into(),
        Some(_) => Error::from(already_set()),
        None => refusal::not_found("customerId").into(),
    })
}

async fn write_first(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    customer: &Customer,
    hash: &str,
) -> Result<Option<Customer>> {
    let without = open(doc! { "_id": &customer.id, "passwordHash": { "$exists": false } });
    let changed = store::update_in(&app.database, reach, tx, without, new_password(app, hash)).await?;
    let told = changed.as_ref().map(|changed| changed.entry(Action::PasswordSet));
    app.audit.note_in(tx, reach, told).await?;
    Ok(changed)
}

/// The customer already has a password (EPC-07).
#[must_use]
pub fn already_set() -> UserError {
    let message = "This customer has a password; customerPasswordChange or a reset changes it.";
    UserError::new(UserErrorCode::PasswordAlreadySet, [], message)
}
