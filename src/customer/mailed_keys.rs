//! What customers do with keys that are mailed to them: choosing a new password, verifying their address, taking another
//! one. Asking for a key costs the same and is answered the same whether or not there is such a customer.

use std::sync::Arc;

use bson::{Document, doc};
use futures_util::FutureExt;

use super::anonymization::open;
use super::credentials::{self, Beginner, Pair};
use super::email::Email;
use super::mail::{self, About, Granted};
use super::passwords::new_password;
use super::unique::taken;
use super::{Customer, limits, refusal, store};
use crate::access::{
    audit::{Action, Actor},
    one_time::{Holder, Looked, OneTimeKey, Purpose, SEALED},
    reach::{Reach, StorefrontReach},
    session::{Ended, Session},
};
use crate::app::App;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    database::{Tx, violated_index},
    id::{CustomerId, OrganizationId, StorefrontUserId},
    secret::Secret,
};

/// Prepares a key for the customer with this address, and its mail. For an address that nobody has, as much is written:
/// a key of nobody's, which nobody gets.
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
    let holder = Holder {
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
        // Erased since they were found: nobody, then.
        Err(error) if violated_index(&error) == Some(SEALED) => Ok(()),
        written => written.map_err(|error| refusal::save_failed(error, 410)),
    }
}

async fn prepare(
    app: &App,
    tx: &mut Tx,
    holder: Holder<'_>,
    (purpose, about, granted): (Purpose, About, Granted),
    address: &str,
) -> Result<()> {
    let ttl = match purpose {
        Purpose::PasswordReset => app.config.tokens.reset_key,
        Purpose::EmailVerification | Purpose::EmailChange => app.config.tokens.email_token,
    };
    let keys = &app.one_time;
    keys.prepare_in(tx, holder, purpose, address, ttl).await?;
    mail::enqueue(app, tx, holder.customer, about, granted).await
}

/// The key that an input holds.
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

fn ended(purpose: Purpose, field: &str, expired: bool) -> UserError {
    let (code, message) = match (purpose, expired) {
        (Purpose::PasswordReset, true) => (
            UserErrorCode::ResetKeyExpired,
            "This key has expired; ask for a new one.",
        ),
        (Purpose::PasswordReset, false) => (
            UserErrorCode::ResetKeyInvalid,
            "This key does not work: it was used, a newer one was sent, or it never was one.",
        ),
        (_, true) => (
            UserErrorCode::EmailTokenExpired,
            "This token has expired; ask for a new one.",
        ),
        (_, false) => (
            UserErrorCode::EmailTokenInvalid,
            "This token does not work: it was used, a newer one was sent, or it never was one.",
        ),
    };
    let error = UserError::new(code, [field], message);
    match purpose {
        Purpose::PasswordReset => error.legacy(415),
        Purpose::EmailVerification | Purpose::EmailChange => error,
    }
}

/// A customer who may choose a new password by a key.
pub struct Redeemer {
    /// The key.
    pub key: OneTimeKey,
    customer: Customer,
    reach: Reach,
}

const RESET_KEY: &str = "restorePasswordKey";

/// Who may choose a new password by this key.
///
/// # Errors
/// RESET_KEY_INVALID (415), also where the address that the key went to is not the customer's any more; RESET_KEY_EXPIRED
/// (415).
pub async fn redeemer(app: &App, secret: &str) -> Result<Redeemer> {
    let key = look(app, secret, Purpose::PasswordReset, RESET_KEY).await?;
    let reach = app.access.reach_of_key(&key);
    let customers = app.database.open::<Customer>(&reach);
    let customer = customers.get(&key.customer_id).await?;
    let customer = customer.filter(|customer| customer.email.as_ref() == Some(&key.email));
    let customer = customer.ok_or_else(|| ended(Purpose::PasswordReset, RESET_KEY, false))?;
    Ok(Redeemer { key, customer, reach })
}

/// Chooses a new password by a key that was found good. All sessions end, the address is verified by it, and a notice
/// goes out (SPR-90).
///
/// # Errors
/// RESET_KEY_INVALID (415) where somebody else was quicker or the address is another one by now; RATE_LIMITED;
/// SAVE_FAILED (407).
pub async fn reset(
    app: &Arc<App>,
    redeemer: &Redeemer,
    password: Secret,
    beginner: &Beginner<'_>,
) -> Result<(Customer, Pair, Reach)> {
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
) -> Result<Option<(Customer, Ended)>> {
    if !app.one_time.use_up_in(tx, key).await? {
        return Ok(None);
    }
    let mut update = new_password(app, hash);
    if let Ok(set) = update.get_document_mut("$set") {
        set.insert("isEmailVerified", true);
        set.insert("lastLoginAt", app.clock.now());
    }
    // A mailbox that is not the account's any more has no say.
    let still_theirs = open(doc! { "_id": &key.customer_id, "email": &key.email });
    let Some(customer) = store::update_in(&app.database, reach, tx, still_theirs, update).await? else {
        return Ok(None);
    };
    let void = [Purpose::EmailChange, Purpose::EmailVerification];
    app.one_time.void_in(tx, &customer.id, &void).await?;
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
    app.audit.note_in(tx, Actor::customer(&customer.id), told).await?;
    Ok(Some((customer, ended)))
}

/// Uses up a token that shows whose an address is: the account's own is verified by it, the new one becomes the account's.
///
/// # Errors
/// EMAIL_TOKEN_INVALID where somebody else was quicker or the address is another one by now, EMAIL_TAKEN (400),
/// SAVE_FAILED (410).
pub async fn confirm(app: &Arc<App>, key: &OneTimeKey, field: &str) -> Result<(Customer, Reach)> {
    let reach = app.access.reach_of_key(key);
    let context = (&**app, &reach, key);
    let written = app.database.transaction(context, |tx, (app, reach, key)| {
        write_confirmation(app, reach, tx, key).boxed()
    });
    let written = written.await.map_err(taken);
    let customer = written.map_err(|error| refusal::save_failed(error, 410))?;
    let customer = customer.ok_or_else(|| ended(key.purpose, field, false))?;
    Ok((customer, reach))
}

async fn write_confirmation(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    key: &OneTimeKey,
) -> Result<Option<Customer>> {
    if !app.one_time.use_up_in(tx, key).await? {
        return Ok(None);
    }
    let mut action = Action::EmailVerified;
    let mut filter = open(doc! { "_id": &key.customer_id });
    let mut set = doc! { "isEmailVerified": true, "updatedAt": app.clock.now() };
    if key.purpose == Purpose::EmailChange {
        let Some(email) = super::email::parse(&key.email) else {
            return Err(Error::internal("an address that was checked is none any more"));
        };
        set.extend(doc! { "email": email.written, "emailKey": email.key });
        action = Action::EmailChanged;
        let void = [Purpose::PasswordReset, Purpose::EmailVerification];
        app.one_time.void_in(tx, &key.customer_id, &void).await?;
    } else {
        filter.insert("email", &key.email);
    }
    let update: Document = doc! { "$set": set, "$inc": { "version": 1_i64 } };
    let customer = store::update_in(&app.database, reach, tx, filter, update).await?;
    let told = customer.as_ref().map(|customer| customer.entry(action));
    app.audit
        .note_in(tx, Actor::customer(&key.customer_id), told)
        .await?;
    Ok(customer)
}

/// Prepares a change of address: a token goes to the new one, a notice to the old one (CST-04).
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn request_change(app: &Arc<App>, reach: &Reach, customer: &Customer, email: &Email) -> Result<()> {
    let holder = Holder {
        organization: reach.identity().organization(),
        storefront: &customer.storefront_id,
        user: &customer.user_id,
        customer: &customer.id,
    };
    // The new address may be anybody's, and is sent no more than it may get; the customer is not told.
    let confirmation = limits::mail(app, &customer.storefront_id, &email.key, About::EmailChange).await?;
    let notice = limits::notice(app, customer, About::EmailChangeNotice).await?;
    let context = (&**app, reach, (customer, holder), email.written.as_str());
    let written = app
        .database
        .transaction(context, |tx, (app, reach, (customer, holder), address)| {
            async move {
                let change = (Purpose::EmailChange, About::EmailChange, confirmation);
                prepare(app, tx, *holder, change, address).await?;
                mail::enqueue(app, tx, holder.customer, About::EmailChangeNotice, notice).await?;
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
