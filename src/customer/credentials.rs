//! What a signed-in customer holds: a session's pair of tokens; and what an anonymous shopper brings along.

use std::sync::Arc;

use bson::doc;

use super::Customer;
use crate::access::{
    audit::{Action, Actor},
    one_time::OneTimeKey,
    principal::{Kind, Principal},
    reach::{Reach, StorefrontReach},
    session::{Device, NewSession, Session},
    token::{CustomerSubject, SignedToken},
};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    database::Tx,
    id::{MemberId, OrganizationId, SessionId},
};
use crate::storefront_user::{StorefrontUser, merge, refusal};

/// The input's field with the anonymous user's token.
pub const ANONYMOUS_FIELD: &str = "anonymousUserToken";

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

/// The anonymous user whose token a shopper brings along (CST-02).
///
/// # Errors
/// ANONYMOUS_TOKEN_INVALID for a token that does not verify or is not of this storefront; STOREFRONT_USER_NOT_ANONYMOUS
/// (409) for a regular user's.
pub async fn anonymous_user(
    app: &App,
    storefront: &StorefrontReach,
    token: Option<&str>,
) -> Result<Option<StorefrontUser>> {
    let Some(token) = token else {
        return Ok(None);
    };
    let principal = match app.access.authenticate(token).await? {
        Ok(Principal::Known(identity)) if identity.kind() == Kind::StorefrontUser => identity,
        Ok(_) | Err(_) => return Err(invalid().into()),
    };
    let person = principal
        .person()
        .filter(|_| principal.bound_storefront() == Some(storefront.id()));
    let Some(person) = person else {
        return Err(invalid().into());
    };
    let users = app.database.open::<StorefrontUser>(&storefront.of_the_house());
    match users.get(&person.storefront_user).await? {
        None => Err(invalid().into()),
        Some(user) if !user.is_anonymous => Err(refusal::not_anonymous(ANONYMOUS_FIELD).into()),
        Some(user) => Ok(Some(user)),
    }
}

fn invalid() -> UserError {
    let message = "This is not the token of an anonymous user of this storefront.";
    UserError::new(UserErrorCode::AnonymousTokenInvalid, [ANONYMOUS_FIELD], message)
}

/// Gives the customer's user what the anonymous one has, within the transaction that signs the customer in. How many
/// items that are.
///
/// # Errors
/// STOREFRONT_USER_ALREADY_MERGED (409) where they are somebody else's already.
pub async fn take_over(
    app: &App,
    (reach, by): (&Reach, &Actor),
    tx: &mut Tx,
    anonymous: Option<&StorefrontUser>,
    customer: &Customer,
) -> Result<i64> {
    let Some(anonymous) = anonymous else {
        return Ok(0);
    };
    let users = app.database.open::<StorefrontUser>(reach);
    let Some(own) = users.find_one_in(tx, doc! { "_id": &customer.user_id }).await? else {
        return Err(Error::internal("a customer has a storefront user"));
    };
    let merged = merge::merge_in(app, (reach, by), tx, anonymous, &own).await;
    match merged {
        Ok(merged) => Ok(merged.items),
        Err(Error::Rejected(mut faults)) => {
            for fault in &mut faults {
                fault.field = Some(vec![ANONYMOUS_FIELD.to_owned()]);
            }
            Err(Error::Rejected(faults))
        }
        Err(other) => Err(other),
    }
}

/// After a sign-in: an anonymous user's own token is good for nothing any more, on this node at once.
pub async fn forget(app: &Arc<App>, anonymous: Option<&StorefrontUser>) {
    if let Some(anonymous) = anonymous {
        app.access.forget_person(&anonymous.id).await;
    }
}
