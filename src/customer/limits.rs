//! How often somebody may try what costs others something: sign-ins, registrations, passwords (TOK-03), mails (DEF-05). Shared
//! by all nodes; stored blinded.
//!
//! A password may be guessed by several ways: signing in, by GraphQL or OAuth, and confirming the present password of a
//! signed-in customer. All of them count on the same account:
//!
//! - by client: waits after five failures in a row;
//! - over all clients: 100 failures an hour, which clients that signed in to the account before neither use up nor feel;
//! - by IPv6 site: 60 failures an hour.
//!
//! A backend that names no shopper speaks for all of its shoppers, so that waits by client would let one of them lock the
//! others out: there only the account's own ceiling counts.

use std::time::Duration;

use super::Customer;
use super::mail::{About, Class, Granted};
use crate::access::reach::StorefrontReach;
use crate::app::App;
use crate::context::{RequestContext, limits::Amounts};
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::id::{CustomerId, Id, StorefrontId};
use crate::platform::throttle::{Attempt, Held, Limit, Window};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Sign-ins. A client is an office or a school behind one address, but no list of passwords; a storefront has more than its
/// best day.
const LOGINS: Amounts = Amounts {
    what: "login",
    client: &[Window::new(100, MINUTE), Window::new(1000, HOUR)],
    site: &[Window::new(1000, MINUTE), Window::new(10_000, HOUR)],
    storefront: &[Window::new(6000, MINUTE)],
};
/// Registrations.
const REGISTRATIONS: Amounts = Amounts {
    what: "registration",
    client: &[Window::new(60, MINUTE), Window::new(300, HOUR)],
    site: &[Window::new(600, MINUTE), Window::new(3000, HOUR)],
    storefront: &[Window::new(3000, MINUTE)],
};
/// Requests for mails.
const MAIL_REQUESTS: Amounts = Amounts {
    what: "mail request",
    client: &[Window::new(60, MINUTE), Window::new(300, HOUR)],
    site: &[Window::new(600, MINUTE), Window::new(3000, HOUR)],
    storefront: &[Window::new(3000, MINUTE)],
};

/// Failures of one account, from all clients together.
const FAILURES_OF_ACCOUNT: &[Window] = &[Window::new(100, HOUR)];
/// Failures of one account from one IPv6 site.
const FAILURES_OF_SITE: &[Window] = &[Window::new(60, HOUR)];

const ONCE_A_MINUTE: &[Window] = &[Window::new(1, MINUTE)];
const FIVE_AN_HOUR: &[Window] = &[Window::new(5, HOUR)];
const ONCE_A_MINUTE_AND_FIVE_AN_HOUR: &[Window] = &[Window::new(1, MINUTE), Window::new(5, HOUR)];

/// Exports of a customer's data: each leaves a file.
const EXPORTS: &[Window] = &[Window::new(10, Duration::from_secs(24 * 3600))];

/// A registration.
///
/// # Errors
/// RATE_LIMITED.
pub async fn registration(context: &RequestContext, place: &StorefrontReach) -> Result<()> {
    context.take(place, &REGISTRATIONS).await
}

/// A try to tell an account's password. It counts as a failure until it is settled.
#[must_use = "a guess that is not settled counts as a failure"]
pub struct Guess {
    /// By client.
    row: Option<Attempt>,
    /// By account and site.
    held: Vec<Held>,
}

impl Guess {
    async fn begin(context: &RequestContext, storefront: &StorefrontId, account: &str) -> Result<Self> {
        let throttle = &context.app.throttle;
        let client = context.counted_client();
        let row = match &client {
            Some(client) => {
                let key = ["login", storefront.as_str(), account, &client.network];
                Some(throttle.attempt(&key).await?)
            }
            None => None,
        };
        let mut guess = Self {
            row,
            held: Vec::with_capacity(2),
        };
        let whose = [storefront.as_str(), account];
        let network = client.as_ref().map(|client| client.network.as_str());
        let mut held = throttle.hold(&whose, network, FAILURES_OF_ACCOUNT).await;
        if let Ok(own) = held {
            let is_spared = own.is_spared();
            guess.held.push(own);
            let site = client.and_then(|client| client.site).filter(|_| !is_spared);
            let Some(site) = site else { return Ok(guess) };
            let whose = ["site", storefront.as_str(), account, &site];
            held = throttle.hold(&whose, None, FAILURES_OF_SITE).await;
        }
        match held {
            Ok(held) => {
                guess.held.push(held);
                Ok(guess)
            }
            Err(refused) => {
                guess.withdrawn().await?;
                Err(refused)
            }
        }
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

/// A try to sign in to the account with this address as it is compared, whether there is one or not.
///
/// # Errors
/// RATE_LIMITED.
pub async fn login(context: &RequestContext, place: &StorefrontReach, account: &str) -> Result<Guess> {
    context.take(place, &LOGINS).await?;
    Guess::begin(context, place.id(), account).await
}

/// A sign-in that an identity provider has checked the credentials of: nothing can be guessed here, so that failures in a
/// row mean nothing; it counts among the sign-ins all the same.
///
/// # Errors
/// RATE_LIMITED.
pub async fn sign_on(context: &RequestContext, place: &StorefrontReach) -> Result<()> {
    context.take(place, &LOGINS).await
}

/// A try to tell the password of a known customer. It counts together with sign-ins to the account.
///
/// # Errors
/// RATE_LIMITED.
pub async fn password(context: &RequestContext, customer: &Customer) -> Result<Guess> {
    Guess::begin(context, &customer.storefront_id, account(customer)).await
}

/// What an account is counted by: its address as it is compared.
fn account(customer: &Customer) -> &str {
    customer.email_key.as_deref().unwrap_or(customer.id.as_str())
}

/// Ends a try: a success clears the failures, and what was not looked at because the gateway was busy does not count.
///
/// # Errors
/// The outcome's own; when the database does not answer, that.
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

/// Notes that a customer signed in without a password, by a mailed key, an identity provider, a registration or the store's
/// back end: the client is spared from the account's ceiling from now on. The sign-in has happened, so that a failure here
/// is logged and no more.
pub async fn signed_in(context: &RequestContext, customer: &Customer) {
    let Some(client) = context.counted_client() else {
        return;
    };
    let whose = [customer.storefront_id.as_str(), account(customer)];
    if let Err(error) = context.app.throttle.remember(&whose, &client.network).await {
        tracing::warn!(?error, "cannot store the client of a sign-in as known");
    }
}

/// Forgets which clients signed in to an account that is erased. What cannot be forgotten now goes by itself.
pub async fn forget(app: &App, customer: &Customer) {
    let whose = [customer.storefront_id.as_str(), account(customer)];
    if let Err(error) = app.throttle.forget(&whose).await {
        tracing::warn!(
            ?error,
            "cannot delete the known clients of an erased customer; they expire later"
        );
    }
}

/// A place for one mail to this address as it is compared, whether or not anybody has it. Mails of one class share five
/// places an hour of an address in a storefront (DEF-05):
///
/// | class | what counts together |
/// |---|---|
/// | reset | password resets; one a minute (SPR-86) |
/// | request | all other mails that somebody who is no owner of the address can cause |
/// | notice | each kind of notice to an account's owner by itself, so that none hides another |
///
/// No caller is told that there was no place, because the address may be somebody else's.
///
/// # Errors
/// When the database does not answer.
pub async fn mail(app: &App, storefront: &StorefrontId, account: &str, about: About) -> Result<Granted> {
    let of_kind = ["mail", about.kind(), storefront.as_str(), account];
    let of_all = ["mail", "request", storefront.as_str(), account];
    let limit = |key, windows| Limit { key, windows };
    let limits = match about.class() {
        Class::Reset => vec![limit(&of_kind, ONCE_A_MINUTE_AND_FIVE_AN_HOUR)],
        // One whose sender counts already need not count by kind.
        Class::Request if about == About::EmailChange => vec![limit(&of_all, FIVE_AN_HOUR)],
        Class::Request => vec![limit(&of_kind, ONCE_A_MINUTE), limit(&of_all, FIVE_AN_HOUR)],
        Class::Notice => vec![limit(&of_kind, FIVE_AN_HOUR)],
    };
    let is_granted = app.throttle.take_quietly(&limits).await?;
    Ok(Granted::new(about.class(), is_granted))
}

/// A place for a notice to an account's owner.
///
/// # Errors
/// When the database does not answer.
pub async fn notice(app: &App, customer: &Customer, about: About) -> Result<Granted> {
    mail(app, &customer.storefront_id, account(customer), about).await
}

/// A mail that a signed-in customer asks for, who may know of the limit: one a minute and five an hour of a kind.
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

/// An export of a customer's data.
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

/// A request for a mail.
///
/// # Errors
/// RATE_LIMITED.
pub async fn mail_request(context: &RequestContext, place: &StorefrontReach) -> Result<()> {
    context.take(place, &MAIL_REQUESTS).await
}
