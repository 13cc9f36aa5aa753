//! How often somebody may try what costs others something: sign-ins, registrations, passwords (TOK-03). Shared by all
//! nodes; stored blinded.

use std::time::Duration;

use crate::access::reach::{Reach, StorefrontReach};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::id::{CustomerId, Id, StorefrontId};
use crate::platform::throttle::{Attempt, Limit, Window, network_of};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Sign-ins from one client's network: an office or a school behind one address, but no list of passwords.
const LOGINS_OF_NETWORK: &[Window] = &[Window::new(100, MINUTE), Window::new(1000, HOUR)];
/// Sign-ins of a storefront: more than its best day.
const LOGINS_OF_STOREFRONT: &[Window] = &[Window::new(6000, MINUTE)];
/// Registrations from one client's network.
const REGISTRATIONS_OF_NETWORK: &[Window] = &[Window::new(60, MINUTE), Window::new(300, HOUR)];
/// Registrations of a storefront.
const REGISTRATIONS_OF_STOREFRONT: &[Window] = &[Window::new(3000, MINUTE)];

/// Requests for mails from one client's network.
const MAIL_REQUESTS_OF_NETWORK: &[Window] = &[Window::new(60, MINUTE), Window::new(300, HOUR)];
/// Requests for mails in a storefront.
const MAIL_REQUESTS_OF_STOREFRONT: &[Window] = &[Window::new(3000, MINUTE)];
/// Mails of one kind to one address.
const MAILS: &[Window] = &[Window::new(1, MINUTE), Window::new(5, HOUR)];

/// Exports of a customer's data: each leaves a file.
const EXPORTS: &[Window] = &[Window::new(10, Duration::from_secs(24 * 3600))];

/// Where a try comes from: a browser's network. A backend speaks for many shoppers, whose addresses it does not tell.
fn network(context: &RequestContext, reach: &Reach) -> Option<String> {
    context.client.filter(|_| !is_backend(reach)).map(network_of)
}

fn is_backend(reach: &Reach) -> bool {
    reach.identity().kind() == crate::access::principal::Kind::Integration
}

async fn take(
    context: &RequestContext,
    reach: &Reach,
    place: &StorefrontReach,
    what: &str,
    (of_network, of_storefront): (&[Window], &[Window]),
) -> Result<()> {
    let network = network(context, reach);
    let storefront = [what, "storefront", place.id().as_str()];
    let narrow = network.as_deref().map(|network| [what, "network", network]);
    let mut limits = Vec::with_capacity(2);
    if let Some(key) = &narrow {
        limits.push(Limit {
            key,
            windows: of_network,
        });
    }
    limits.push(Limit {
        key: &storefront,
        windows: of_storefront,
    });
    context.app.throttle.take(&limits).await
}

/// A registration.
///
/// # Errors
/// RATE_LIMITED.
pub async fn registration(context: &RequestContext, reach: &Reach, place: &StorefrontReach) -> Result<()> {
    let windows = (REGISTRATIONS_OF_NETWORK, REGISTRATIONS_OF_STOREFRONT);
    take(context, reach, place, "registration", windows).await
}

/// A try to sign in to the account with this address, whether there is one or not.
///
/// # Errors
/// RATE_LIMITED.
pub async fn login(
    context: &RequestContext,
    reach: &Reach,
    place: &StorefrontReach,
    account: &str,
) -> Result<Attempt> {
    let windows = (LOGINS_OF_NETWORK, LOGINS_OF_STOREFRONT);
    take(context, reach, place, "login", windows).await?;
    let network = network(context, reach).unwrap_or_default();
    let key = ["login", place.id().as_str(), account, &network];
    context.app.throttle.attempt(&key).await
}

/// A sign-in that somebody else has checked the credentials of: nothing can be guessed here, so that failures in a row mean
/// nothing; it counts among the sign-ins all the same.
///
/// # Errors
/// RATE_LIMITED.
pub async fn sign_on(context: &RequestContext, reach: &Reach, place: &StorefrontReach) -> Result<()> {
    let windows = (LOGINS_OF_NETWORK, LOGINS_OF_STOREFRONT);
    take(context, reach, place, "login", windows).await
}

/// A try to tell the present password of a customer who is signed in.
///
/// # Errors
/// RATE_LIMITED.
pub async fn password(app: &App, customer: &str) -> Result<Attempt> {
    app.throttle.attempt(&["password", customer]).await
}

/// A mail to this address, whether or not anybody has it: at most one a minute and five an hour of a kind (SPR-86).
/// Whether it may be sent; the caller is answered the same.
pub async fn mail(app: &App, storefront: &StorefrontId, account: &str, kind: &str) -> Result<bool> {
    let key = ["mail", kind, storefront.as_str(), account];
    app.throttle.take_quietly(&[mails(&key)]).await
}

/// A mail that a signed-in customer asks for, who may know of the limit: as often as [`mail`].
///
/// # Errors
/// RATE_LIMITED.
pub async fn own_mail(app: &App, storefront: &StorefrontId, customer: &CustomerId, kind: &str) -> Result<()> {
    let key = ["mail", kind, storefront.as_str(), customer.as_str()];
    app.throttle.take(&[mails(&key)]).await
}

fn mails<'a>(key: &'a [&'a str; 4]) -> Limit<'a> {
    Limit { key, windows: MAILS }
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
pub async fn mail_request(context: &RequestContext, reach: &Reach, place: &StorefrontReach) -> Result<()> {
    let windows = (MAIL_REQUESTS_OF_NETWORK, MAIL_REQUESTS_OF_STOREFRONT);
    take(context, reach, place, "mail request", windows).await
}

/// Ends a try: a success clears the failures, and what was not looked at because the gateway was busy does not count.
pub async fn settle<T>(attempt: Attempt, outcome: Result<T>) -> Result<T> {
    match &outcome {
        Ok(_) => attempt.succeeded().await?,
        Err(Error::Rejected(faults)) if faults.iter().any(was_wrong) => {}
        Err(_) => attempt.withdrawn().await?,
    }
    outcome
}

fn was_wrong(fault: &UserError) -> bool {
    matches!(
        fault.code,
        UserErrorCode::CredentialsInvalid | UserErrorCode::PasswordInvalid
    )
}
