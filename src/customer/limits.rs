//! Limits on what is costly or can be abused: sign-ins, registrations, password attempts (TOK-03), mails (DEF-05). They
//! are shared by all nodes and stored blinded.
//!
//! A password can be guessed in several ways: by a sign-in, through GraphQL or OAuth, and by the confirmation of the
//! current password of a signed-in customer. All of them count against the same account:
//!
//! - by client: a delay after five consecutive failures;
//! - over all clients: 100 failures an hour; clients that have signed in to the account before neither count towards
//!   this limit nor are affected by it;
//! - by IPv6 site: 60 failures an hour.
//!
//! A backend that does not name the shopper's address acts for all of its shoppers, so a delay by client would let one
//! of them lock out the others: for such a backend only the account's own limit counts.

use std::time::Duration;

use super::Customer;
use super::mail::{About, Class, Granted};
use crate::app::App;
use crate::context::{RequestContext, limits::Amounts};
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::id::{CustomerId, Id, StorefrontId};
use crate::platform::throttle::{Attempt, Held, Limit, Window};
use crate::reach::StorefrontReach;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Limits on sign-ins. They allow an office or a school behind one address, but not a list of passwords; the limit of a
/// storefront exceeds its busiest day. They apply also where an identity provider has checked the credentials, although
/// nothing can be guessed there.
pub const LOGINS: Amounts = Amounts {
    what: "login",
    client: &[Window::new(100, MINUTE), Window::new(1000, HOUR)],
    site: &[Window::new(1000, MINUTE), Window::new(10_000, HOUR)],
    storefront: &[Window::new(6000, MINUTE)],
};
/// Limits on registrations.
pub const REGISTRATIONS: Amounts = Amounts {
    what: "registration",
    client: &[Window::new(60, MINUTE), Window::new(300, HOUR)],
    site: &[Window::new(600, MINUTE), Window::new(3000, HOUR)],
    storefront: &[Window::new(3000, MINUTE)],
};
/// Limits on requests for mails.
pub const MAIL_REQUESTS: Amounts = Amounts {
    what: "mail request",
    ..REGISTRATIONS
};

/// Failures of one account, from all clients together.
const FAILURES_OF_ACCOUNT: &[Window] = &[Window::new(100, HOUR)];
/// Failures of one account from one IPv6 site.
const FAILURES_OF_SITE: &[Window] = &[Window::new(60, HOUR)];

const ONCE_A_MINUTE: &[Window] = &[Window::new(1, MINUTE)];
const FIVE_AN_HOUR: &[Window] = &[Window::new(5, HOUR)];
const ONCE_A_MINUTE_AND_FIVE_AN_HOUR: &[Window] = &[Window::new(1, MINUTE), Window::new(5, HOUR)];

/// Exports of a customer's data; each one creates a file.
const EXPORTS: &[Window] = &[Window::new(10, Duration::from_secs(24 * 3600))];

/// An attempt at an account's password. It counts as a failure until it is settled.
#[must_use = "a guess that is not settled counts as a failure"]
pub struct Guess {
    /// The count of failures by client.
    row: Option<Attempt>,
    /// The counts of failures by account and by site.
    held: Vec<Held>,
}

impl Guess {
    async fn begin(context: &RequestContext, storefront: &StorefrontId, account: &str) -> Result<Self> {
        let throttle = &context.app.throttle;
        let client = context.counted_client();
        let mut guess = Self {
            row: None,
            held: Vec::with_capacity(2),
        };
        if let Some(client) = &client {
            let key = ["login", storefront.as_str(), account, &client.network];
            guess.row = Some(throttle.attempt(&key).await?);
        }
        let key = [storefront.as_str(), account];
        let network = client.as_ref().map(|client| client.network.as_str());
        let mut held = throttle.hold(&key, network, FAILURES_OF_ACCOUNT).await;
        if let Ok(own) = held {
            let is_spared = own.is_spared();
            guess.held.push(own);
            let site = client.and_then(|client| client.site).filter(|_| !is_spared);
            let Some(site) = site else { return Ok(guess) };
            let key = ["site", storefront.as_str(), account, &site];
            held = throttle.hold(&key, None, FAILURES_OF_SITE).await;
        }
        match held {
            Ok(held) => guess.held.push(held),
            Err(refused) => {
                guess.withdrawn().await?;
                return Err(refused);
            }
        }
        Ok(guess)
    }

    async fn succeeded(self) -> Result<()> {
        if let Some(row) = self.row {
            row.succeeded().await?;
        }
        for held in self.held {
            held.succeeded().await?;
        }
        Ok(())
    }

    async fn withdrawn(self) -> Result<()> {
        if let Some(row) = self.row {
            row.withdrawn().await?;
        }
        for held in self.held {
            held.withdrawn().await?;
        }
        Ok(())
    }
}

/// Counts an attempt to sign in to the account with this address in its compared form, whether or not it exists.
///
/// # Errors
/// RATE_LIMITED.
pub async fn login(context: &RequestContext, storefront: &StorefrontReach, account: &str) -> Result<Guess> {
    context.take(storefront, &LOGINS).await?;
    Guess::begin(context, storefront.id(), account).await
}

/// Counts an attempt at the password of a known customer, together with the sign-ins to the account.
///
/// # Errors
/// RATE_LIMITED.
pub async fn password(context: &RequestContext, customer: &Customer) -> Result<Guess> {
    Guess::begin(context, &customer.storefront_id, account(customer)).await
}

/// The key of an account in the limits: its address in the compared form.
fn account(customer: &Customer) -> &str {
    customer.email_key.as_deref().unwrap_or(customer.id.as_str())
}

/// Settles an attempt. A success clears the failures; an attempt that was not examined, because the gateway was busy,
/// does not count.
///
/// # Errors
/// The error of the outcome, or any database error.
pub async fn settle<T>(guess: Guess, outcome: Result<T>) -> Result<T> {
    match &outcome {
        Ok(_) => guess.succeeded().await?,
        Err(Error::Rejected(faults)) if faults.iter().any(was_wrong) => {}
        Err(_) => guess.withdrawn().await?,
    }
    outcome
}

fn was_wrong(fault: &UserError) -> bool {
    matches!(
        fault.code,
        UserErrorCode::CredentialsInvalid | UserErrorCode::PasswordInvalid
    )
}

/// Records a customer's sign-in without a password, by a mailed key, an identity provider, a registration or the
/// store's back end: the account's limit over all clients does not affect this client from now on. The sign-in is
/// already complete, so a failure here is only logged.
pub async fn signed_in(context: &RequestContext, customer: &Customer) {
    let Some(client) = context.counted_client() else {
        return;
    };
    let key = [customer.storefront_id.as_str(), account(customer)];
    if let Err(error) = context.app.throttle.remember(&key, &client.network).await {
        tracing::warn!(?error, "cannot store the client of a sign-in as known");
    }
}

/// Deletes the record of the clients that signed in to an erased account. If that fails, the record expires by itself.
pub async fn forget(app: &App, customer: &Customer) {
    let key = [customer.storefront_id.as_str(), account(customer)];
    if let Err(error) = app.throttle.forget(&key).await {
        tracing::warn!(
            ?error,
            "cannot delete the known clients of an erased customer; they expire later"
        );
    }
}

/// Reserves one mail to this address in its compared form, whether or not it is registered. Each class of mails has a
/// limit of five an hour for an address in a storefront (DEF-05):
///
/// | class | what counts together |
/// |---|---|
/// | reset | password resets; also one a minute (SPR-86) |
/// | request | all other mails that anybody but the owner of the address can cause |
/// | notice | each kind of notice to an account's owner separately, so that none suppresses another |
///
/// Callers are not informed of a refused mail, because the address may be another person's.
///
/// # Errors
/// Any database error.
pub async fn mail(app: &App, storefront: &StorefrontId, account: &str, about: About) -> Result<Granted> {
    let of_kind = ["mail", about.kind(), storefront.as_str(), account];
    let of_all = ["mail", "request", storefront.as_str(), account];
    let limit = |key, windows| Limit { key, windows };
    let limits = match about.class() {
        Class::Reset => vec![limit(&of_kind, ONCE_A_MINUTE_AND_FIVE_AN_HOUR)],
        // An e-mail change is already limited per sender, so it is not limited by kind.
        Class::Request if about == About::EmailChange => vec![limit(&of_all, FIVE_AN_HOUR)],
        Class::Request => vec![limit(&of_kind, ONCE_A_MINUTE), limit(&of_all, FIVE_AN_HOUR)],
        Class::Notice => vec![limit(&of_kind, FIVE_AN_HOUR)],
    };
    let is_granted = app.throttle.take_quietly(&limits).await?;
    Ok(Granted::new(about.class(), is_granted))
}

/// Reserves a notice to an account's owner.
///
/// # Errors
/// Any database error.
pub async fn notice(app: &App, customer: &Customer, about: About) -> Result<Granted> {
    mail(app, &customer.storefront_id, account(customer), about).await
}

/// Counts a mail that a signed-in customer requests, who may be informed of the limit: one a minute and five an hour
/// per kind.
///
/// # Errors
/// RATE_LIMITED.
pub async fn own_mail(app: &App, storefront: &StorefrontId, customer: &CustomerId, kind: &str) -> Result<()> {
    let key = ["own mail", kind, storefront.as_str(), customer.as_str()];
    let limit = Limit {
        key: &key,
        windows: ONCE_A_MINUTE_AND_FIVE_AN_HOUR,
    };
    app.throttle.take(&[limit]).await
}

/// Counts an export of a customer's data.
///
/// # Errors
/// RATE_LIMITED.
pub async fn export(app: &App, customer: &str) -> Result<()> {
    let limit = Limit {
        key: &["export", customer],
        windows: EXPORTS,
    };
    app.throttle.take(&[limit]).await
}
