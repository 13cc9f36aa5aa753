//! The credentials of a signed-in customer: the pair of tokens of a session.

use async_graphql::SimpleObject;

use super::Customer;
use crate::app::App;
use crate::audit::{Action, AuditActor};
use crate::auth::{
    one_time::OneTimeKey,
    session::{Device, NewSession, Session},
    token::SignedToken,
};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{MemberId, OrganizationId, SessionId},
};
use crate::reach::Reach;

/// An access token, and the refresh token for the next one.
#[derive(Clone)]
pub struct TokenPair {
    /// The access token.
    pub access: SignedToken,
    /// The refresh token.
    pub refresh: String,
    /// When the refresh token expires.
    pub refresh_expires_at: Timestamp,
}

/// The tokens of a session. Send the access token as `Authorization: Bearer …`. Store the refresh token securely and
/// exchange it with `customerTokenRefresh` before the access token expires.
#[derive(SimpleObject)]
pub struct CustomerToken {
    /// Access token: a JWT (ES256, keys at /.well-known/jwks.json), valid for 15 minutes by default.
    access_token: String,
    /// Refresh token. It works once; a second use revokes the session.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Time at which the access token expires.
    expires_at: Timestamp,
    /// Time at which the refresh token expires.
    refresh_token_expires_at: Timestamp,
}

impl From<TokenPair> for CustomerToken {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access.token,
            refresh_token: pair.refresh,
            token_type: "Bearer".to_owned(),
            expires_at: pair.access.expires_at,
            refresh_token_expires_at: pair.refresh_expires_at,
        }
    }
}

/// The client and the device that start a session.
#[derive(Clone, Debug)]
pub struct Beginner<'a> {
    /// The organization that owns the storefront.
    pub organization: OrganizationId,
    /// The API client.
    pub client: String,
    /// The member on whose behalf a backend starts it.
    pub owner: Option<MemberId>,
    /// The device.
    pub device: Device<'a>,
}

impl<'a> Beginner<'a> {
    /// The caller of a mutation.
    #[must_use]
    pub fn of(context: &'a RequestContext, reach: &Reach) -> Self {
        let identity = reach.identity();
        Self {
            organization: identity.organization().clone(),
            client: identity.client().map(ToString::to_string).unwrap_or_default(),
            owner: identity.owner().cloned(),
            device: device(context),
        }
    }

    /// The signed-in customer, with the client that started the current session.
    ///
    /// # Errors
    /// Any database error.
    pub async fn of_session(context: &'a RequestContext, reach: &Reach) -> Result<Self> {
        let mut beginner = Self::of(context, reach);
        let current = reach.person().and_then(|person| person.customer.as_ref());
        if let Some((_, current)) = current
            && let Some(session) = context.app.access.sessions.find(current).await?
        {
            beginner.client = session.client_id;
        }
        Ok(beginner)
    }

    /// The holder of a mailed key, with or without a credential.
    #[must_use]
    pub fn of_key(context: &'a RequestContext, key: &OneTimeKey) -> Self {
        Self {
            organization: key.organization_id.clone(),
            client: client_of(context).unwrap_or_default(),
            owner: None,
            device: device(context),
        }
    }

    /// Creates a session of this customer and its first refresh token, without storing them.
    #[must_use]
    pub fn begin(&self, app: &App, customer: &Customer) -> (Session, String) {
        let new = NewSession {
            organization: &self.organization,
            storefront: &customer.storefront_id,
            user: &customer.user_id,
            customer: &customer.id,
            client: &self.client,
            owner: self.owner.as_ref(),
        };
        app.access.sessions.begin(&new, self.device)
    }
}

/// Stores a new session of a customer, in the transaction that signs them in and has already changed the customer's own
/// document. Returns the sessions that ended because the customer had too many (TOK-05); after the commit they must be
/// passed to `forget_sessions`.
///
/// # Errors
/// Any database error.
pub async fn store_in(
    app: &App,
    tx: &mut Tx,
    customer: &Customer,
    session: &Session,
) -> Result<Vec<SessionId>> {
    let ended = app.access.sessions.insert_in(tx, session).await?;
    let entries = ended.iter().map(|id| customer.entry(Action::SessionEnded).on(id));
    app.audit.note_in(tx, AuditActor::SYSTEM, entries).await?;
    Ok(ended)
}

/// The device that a request comes from.
#[must_use]
pub fn device(context: &RequestContext) -> Device<'_> {
    Device {
        address: context.client,
        user_agent: context.user_agent.as_deref(),
    }
}

/// The API client of the request's credential; `None` for any other credential.
#[must_use]
pub fn client_of(context: &RequestContext) -> Option<String> {
    let client = context.principal.standing()?.client()?;
    Some(client.to_string())
}

/// Issues the token pair of a session with this refresh token.
///
/// # Errors
/// [`crate::error::Error::Internal`] if the access token cannot be signed.
pub fn pair(app: &App, session: &Session, refresh: String) -> Result<TokenPair> {
    let access = app.access.tokens.issue_customer(session)?;
    Ok(TokenPair {
        access,
        refresh,
        refresh_expires_at: session.expires_at,
    })
}
