//! One-time keys as they are mailed and presented again.

use crate::app::App;
use crate::auth::one_time::{KeyHolder, Looked, OneTimeKey, Purpose};
use crate::customer::{
    Customer, email,
    mail::{About, Granted, key_lifetime},
};
use crate::error::{Result, UserError, UserErrorCode};
use crate::platform::{
    database::{Tx, Write},
    id::CustomerId,
};

/// The write that prepares a key and its mail.
pub struct KeyMail<'a> {
    /// The app.
    pub app: &'a App,
    /// The holder of the key; may be a customer that does not exist, so that nobody receives the key.
    pub holder: KeyHolder<'a>,
    /// The operation that the key authorizes.
    pub purpose: Purpose,
    /// The address that the key is bound to.
    pub address: &'a str,
    /// Subject of the mail.
    pub about: About,
    /// The customer who receives the mail; the holder, if it exists.
    pub recipient: &'a CustomerId,
    /// The result of the limits on the mail.
    pub granted: Granted,
}

impl Write for KeyMail<'_> {
    type Output = ();

    /// # Errors
    /// A violation of [`SEALED`](crate::auth::one_time::SEALED) for a holder whose keys were sealed.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self {
            app, holder, purpose, ..
        } = *self;
        let ttl = key_lifetime(app, purpose);
        app.one_time
            .prepare_in(tx, holder, purpose, self.address, ttl)
            .await?;
        self.granted.enqueue(app, tx, self.recipient, self.about).await
    }
}

/// Looks up the key of an input.
///
/// # Errors
/// RESET_KEY_INVALID or RESET_KEY_EXPIRED (415), EMAIL_TOKEN_INVALID or EMAIL_TOKEN_EXPIRED, on `field`.
pub async fn look_up(app: &App, secret: &str, purpose: Purpose, field: &str) -> Result<OneTimeKey> {
    match app.one_time.look(secret, purpose).await? {
        Looked::Good(key) => Ok(*key),
        Looked::Expired => Err(expired(purpose, field).into()),
        Looked::Unknown => Err(invalid(purpose, field).into()),
    }
}

/// The key of an input has expired.
fn expired(purpose: Purpose, field: &str) -> UserError {
    match purpose {
        Purpose::PasswordReset => {
            let message = "This key has expired. Request a new one.";
            UserError::new(UserErrorCode::ResetKeyExpired, [field], message).legacy(415)
        }
        Purpose::EmailVerification | Purpose::EmailChange => {
            let message = "This token has expired. Request a new one.";
            UserError::new(UserErrorCode::EmailTokenExpired, [field], message)
        }
    }
}

/// The key of an input is unknown, used or replaced.
#[must_use]
pub fn invalid(purpose: Purpose, field: &str) -> UserError {
    match purpose {
        Purpose::PasswordReset => {
            let message = "This key is not valid: it is unknown, was used, or was replaced by a newer one. Send the key \
                           from the newest mail, or request a new one.";
            UserError::new(UserErrorCode::ResetKeyInvalid, [field], message).legacy(415)
        }
        Purpose::EmailVerification | Purpose::EmailChange => {
            let message = "This token is not valid: it is unknown, was used, or was replaced by a newer one. Send the \
                           token from the newest mail, or request a new one.";
            UserError::new(UserErrorCode::EmailTokenInvalid, [field], message)
        }
    }
}

/// Whether the customer still has the address that a key was mailed to, in any notation.
#[must_use]
pub fn is_bound_to(key: &OneTimeKey, customer: &Customer) -> bool {
    customer.email.as_ref() == Some(&key.email)
        || email::parse(&key.email).is_some_and(|email| customer.email_key == Some(email.key))
}
