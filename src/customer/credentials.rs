//! What a signed-in customer holds: a session's pair of tokens.

use super::Customer;
use crate::access::{
    audit::{Action, Actor},
    one_time::OneTimeKey,
    reach::Reach,
    session::{Device, NewSession, Session},
    token::{CustomerSubject, SignedToken},
};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{MemberId, OrganizationId, SessionId},
};

/// An access token and the refresh token that the next one is got by.
#[derive(Clone)]
pub struct Pair {
    /// The access token.
    pub access: SignedToken,
    /// The refresh token.
    pub refresh: String,
    /// When the refresh token ends.
    pub refresh_expires_at: Timestamp,
}

/// Who begins a session, and on which device.
#[derive(Clone, Debug)]
pub struct Beginner<'a> {
    /// Whose storefront it is.
    pub organization: OrganizationId,
    /// The API client.
    pub client: String,
    /// The member on whose behalf a backend asks.
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

    /// The signed-in customer itself, who goes on with the client that began the present session.
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

    /// Whoever has a mailed key, with a credential or without.
    #[must_use]
    pub fn of_key(context: &'a RequestContext, key: &OneTimeKey) -> Self {
        let client = context
            .principal
            .standing()
            .and_then(|identity| identity.client());
        Self {
            organization: key.organization_id.clone(),
            client: client.map(ToString::to_string).unwrap_or_default(),
            owner: None,
            device: device(context),
        }
    }

    /// A session of this customer and its refresh token, not stored yet.
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

/// Stores a session that was begun for a customer, in the transaction that signs them in and has changed the customer's own
/// document before. Which others ended for it, because the customer would have too many (TOK-05); they go to
/// `forget_sessions` after the commit.
///
/// # Errors
/// Whatever the database fails with.
pub async fn store_in(
    app: &App,
    tx: &mut Tx,
    customer: &Customer,
    session: &Session,
) -> Result<Vec<SessionId>> {
    let ended = app.access.sessions.insert_in(tx, session).await?;
    let told = ended.iter().map(|id| customer.entry(Action::SessionEnded).on(id));
    app.audit.note_in(tx, Actor::SYSTEM, told).await?;
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

/// The pair of a session and its refresh token.
pub fn pair(app: &App, session: &Session, refresh: String) -> Result<Pair> {
    let access = app.access.tokens.issue_customer(CustomerSubject {
        id: &session.customer_id,
        session: &session.id,
        storefront_user: &session.user_id,
        storefront: &session.storefront_id,
        organization: &session.organization_id,
        client: &session.client_id,
        owner: session.owner_id.as_ref(),
    })?;
    Ok(Pair {
        access,
        refresh,
        refresh_expires_at: session.expires_at,
    })
}
