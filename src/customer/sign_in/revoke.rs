//! `customerTokenRevoke`: signs a customer out.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::auth::session::{EndedSessions, Session};
use crate::context::RequestContext;
use crate::customer::{
    Customer, anonymization::open, credentials::client_of, named::customer_or_erased, refusal,
};
use crate::error::{Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::{Id, SessionId},
};
use crate::reach::{Reach, principal::Policy, scope::Scope};

/// Who may revoke sessions without a refresh token.
const WRITE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// Input of `customerTokenRevoke`: the sessions to revoke. With a customer token and no field, the current session.
#[derive(InputObject)]
pub struct CustomerTokenRevokeInput {
    /// Refresh token of the session to revoke.
    refresh_token: Option<String>,
    /// Id of the session to revoke.
    session_id: Option<ID>,
    /// Whether to revoke all sessions of the customer.
    #[graphql(default_with = "Some(false)")]
    all: Option<bool>,
    /// Id of the customer; required with `all` for an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    customer_id: Option<ID>,
}

mutation! {
    /// Signs a customer out by revoking sessions.
    /// Requires no credential with `refreshToken` alone; otherwise a customer token, or an integration token or client
    /// secret with the scope `customers:write` and `sessionId`, or `all` and `customerId`.
    /// User errors: REQUIRED, CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), SAVE_FAILED (410).
    /// An unknown token or session, or a refresh token of another API client, revokes nothing and is a success. Access
    /// tokens of a revoked session stop working at once on the server that handles the request, and within five seconds
    /// on all others.
    CustomerTokenRevoke.customer_token_revoke = revoke(
        #[graphql(desc = "The sessions to revoke.")] input: CustomerTokenRevokeInput,
    ) -> CustomerTokenRevokePayload;

    /// Payload of `customerTokenRevoke`.
    payload {}
}

async fn revoke(
    context: &Arc<RequestContext>,
    input: CustomerTokenRevokeInput,
) -> Result<CustomerTokenRevokePayload> {
    let all = input.all.unwrap_or_default();
    let app = &context.app;
    let client = client_of(context);
    if let Some(token) = &input.refresh_token
        && input.session_id.is_none()
        && !all
    {
        end_by_token(app, token, client.as_deref()).await?;
        return Ok(CustomerTokenRevokePayload::of());
    }
    let reach = context.reach_to_write(&WRITE).await?;
    // A named customer restricts the operation to that customer's sessions (SPR-31).
    let customer = match all || input.customer_id.is_some() {
        true => Some(customer_or_erased(context, &reach, input.customer_id.as_ref()).await?),
        false => None,
    };
    if let Some(token) = &input.refresh_token {
        end_by_token(app, token, client.as_deref()).await?;
    }
    if let Some(customer) = customer.as_ref().filter(|_| all) {
        end_all(app, &reach, customer).await?;
        return Ok(CustomerTokenRevokePayload::of());
    }
    let current = reach.person().and_then(|person| person.customer.as_ref());
    let id = match (&input.session_id, current) {
        (Some(id), _) => SessionId::parse(id),
        (None, Some((_, current))) => Some(current.clone()),
        (None, None) => return Err(session_required().into()),
    };
    // A session outside the caller's reach is not found, and not ended.
    if let Some(id) = id
        && let Some(session) = app.database.open::<Session>(&reach).get(&id).await?
        && customer.is_none_or(|customer| customer.id == session.customer_id)
    {
        end(app, &session, AuditActor::from(&reach)).await?;
    }
    Ok(CustomerTokenRevokePayload::of())
}

fn session_required() -> UserError {
    let message = "The sessions to revoke are missing. Send refreshToken, sessionId, or all with customerId.";
    UserError::new(UserErrorCode::Required, ["refreshToken"], message)
}

/// Ends the session that a refresh token belongs to or has belonged to; an unknown token has none. Returns false for
/// another client's session, which is not ended.
///
/// # Errors
/// SAVE_FAILED (410).
pub async fn end_by_token(app: &App, token: &str, client: Option<&str>) -> Result<bool> {
    let Some(session) = app.access.sessions.of_token(token).await? else {
        return Ok(true);
    };
    let is_theirs = client.is_none_or(|client| session.is_refreshed_by(client));
    if is_theirs {
        // The holder of the token acts as the customer, whatever client they use.
        end(app, &session, AuditActor::customer(&session.customer_id)).await?;
    }
    Ok(is_theirs)
}

/// # Errors
/// SAVE_FAILED (410).
async fn end(app: &App, session: &Session, actor: AuditActor) -> Result<()> {
    let ended = end_session(app, session, actor, Action::SessionEnded).await;
    ended.map_err(|error| refusal::save_failed(error, 410))
}

/// Ends a session: on this node at once, on other nodes within five seconds (TOK-02). The actor and the action are for
/// the audit trail.
///
/// # Errors
/// Any database error.
pub(super) async fn end_session(
    app: &App,
    session: &Session,
    actor: AuditActor,
    action: Action,
) -> Result<()> {
    let end = SessionEnd {
        app,
        session,
        actor,
        action,
    };
    app.database.run(&end).await?;
    app.access
        .forget_sessions(std::slice::from_ref(&session.id))
        .await;
    Ok(())
}

/// The write that ends one session.
struct SessionEnd<'a> {
    app: &'a App,
    session: &'a Session,
    actor: AuditActor,
    action: Action,
}

impl Write for SessionEnd<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { app, session, .. } = *self;
        // Of two concurrent calls, one ends it.
        if app.access.sessions.end_in(tx, &session.id).await? {
            let entry = AuditEntry::new(&session.storefront_id, &session.customer_id, self.action);
            app.audit
                .note_in(tx, &self.actor, [entry.on(&session.id)])
                .await?;
        }
        Ok(())
    }
}

/// # Errors
/// SAVE_FAILED (410).
async fn end_all(app: &App, reach: &Reach, customer: &Customer) -> Result<()> {
    let end = AllSessionsEnd { app, reach, customer };
    let ended = app.database.run_pressing(&end).await;
    if let Some(ended) = ended.map_err(|error| refusal::save_failed(error, 410))? {
        app.access.forget_ended(&ended).await;
    }
    Ok(())
}

/// The write that ends all of a customer's sessions. Returns `None` if the customer was deleted or its erasure has
/// started, which ends the sessions itself.
struct AllSessionsEnd<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: &'a Customer,
}

impl Write for AllSessionsEnd<'_> {
    type Output = Option<EndedSessions>;

    async fn write(&self, tx: &mut Tx) -> Result<Option<EndedSessions>> {
        let Self { app, reach, customer } = *self;
        let epoch = doc! { "$inc": { "credentialEpoch": 1_i64 } };
        let named = open(doc! { "_id": &customer.id });
        let customers = app.database.open::<Customer>(reach);
        let Some(known) = customers.update_in(tx, named, epoch).await? else {
            return Ok(None);
        };
        let (storefront, user) = (&known.storefront_id, &known.user_id);
        let ended = app.access.sessions.end_all_in(tx, storefront, user, None).await?;
        let entry = known.entry(Action::AllSessionsEnded);
        app.audit.note_in(tx, reach, [entry]).await?;
        Ok(Some(ended))
    }
}
