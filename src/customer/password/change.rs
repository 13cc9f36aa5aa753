//! `customerPasswordChange`: changes the password of the signed-in customer (SPR-80).

use std::sync::Arc;

use async_graphql::InputObject;
use bson::doc;

use super::current::{self, check_current};
use super::{NEW_PASSWORD, ReplacedPassword, checked_password, new_password, replace_sessions_in};
use crate::app::App;
use crate::audit::Action;
use crate::auth::{one_time::Purpose, session::Session};
use crate::context::RequestContext;
use crate::customer::{
    Customer,
    credentials::{self, Beginner, CustomerToken},
    limits,
    mail::{About, Granted},
    named::customer_to_change,
    node::CustomerNode,
    refusal,
};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::password::Hashed;
use crate::platform::database::{Tx, Write};
use crate::reach::{Reach, principal::Policy};

/// Who may change a password: its customer.
const OWN: Policy = Policy::customer_only();

/// Input of `customerPasswordChange`: the current and the new password.
#[derive(InputObject)]
pub struct CustomerPasswordChangeInput {
    /// Current password.
    password: String,
    /// New password, by default 7 to 128 characters.
    new_password: String,
    /// Repetition of the new password.
    confirm_password: String,
}

mutation! {
    /// Changes the password of the signed-in customer.
    /// Requires a customer token.
    /// User errors: PASSWORD_INVALID (408) for the current password, PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT
    /// (408), PASSWORD_TOO_LONG (408), PASSWORD_TOO_COMMON (408), RATE_LIMITED, CUSTOMER_ANONYMIZED, SAVE_FAILED (407).
    /// All sessions are revoked; the payload contains the tokens of a new one.
    CustomerPasswordChange.customer_password_change = change(
        #[graphql(desc = "The current and the new password.")] input: CustomerPasswordChangeInput,
    ) -> CustomerPasswordChangePayload;

    /// Payload of `customerPasswordChange`.
    payload {
        /// The customer; null when there are user errors.
        customer: CustomerNode,
        /// Tokens of a new session, which replace all earlier tokens; null when there are user errors.
        token: CustomerToken,
    }
}

async fn change(
    context: &Arc<RequestContext>,
    input: CustomerPasswordChangeInput,
) -> Result<CustomerPasswordChangePayload> {
    let reach = context.reach_to_write(&OWN).await?;
    let mut faults = Faults::default();
    let new = checked_password(
        context,
        &mut faults,
        input.new_password,
        Some(input.confirm_password),
        NEW_PASSWORD,
    );
    let customer = customer_to_change(context, &reach, None).await?;
    let checked = check_current(context, &customer, input.password.into()).await;
    faults.absorb(checked)?;
    faults.check()?;
    let app = &context.app;
    let beginner = Beginner::of_session(context, &reach).await?;
    let hash = app.passwords.hash(new).await?;
    let (session, refresh_token) = beginner.begin(app, &customer);
    let change = PasswordChange {
        app,
        reach: &reach,
        notice: limits::notice(app, &customer, About::PasswordChanged).await?,
        customer,
        hash,
        session,
    };
    let changed = app.database.run_pressing(&change).await;
    let changed = changed.map_err(|error| refusal::save_failed(error, 407))?;
    app.access.forget_ended(&changed.ended).await;
    let pair = credentials::pair(app, &change.session, refresh_token)?;
    Ok(CustomerPasswordChangePayload::of(
        CustomerNode::in_payload(changed.customer, &reach),
        pair.into(),
    ))
}

/// The write that changes a password whose current one was checked. All sessions end, and a new one begins.
struct PasswordChange<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: Customer,
    hash: Hashed,
    /// The result of the limits on the notice to the customer.
    notice: Granted,
    session: Session,
}

impl Write for PasswordChange<'_> {
    type Output = ReplacedPassword;

    /// # Errors
    /// PASSWORD_INVALID (408) on `password` if it was changed meanwhile.
    async fn write(&self, tx: &mut Tx) -> Result<ReplacedPassword> {
        let Self { app, reach, .. } = *self;
        let known = &self.customer;
        // Of two concurrent changes, the second one no longer has the current password.
        let unchanged = doc! { "_id": &known.id, "credentialEpoch": known.credential_epoch };
        let customers = app.database.open::<Customer>(reach);
        let changed = customers
            .update_in(tx, unchanged, new_password(app, &self.hash))
            .await?;
        let customer = changed.ok_or_else(current::invalid)?;
        let ended = replace_sessions_in(app, tx, &customer, &self.session).await?;
        let void = [Purpose::EmailChange, Purpose::PasswordReset];
        app.one_time.void_in(tx, &customer.id, &void).await?;
        self.notice
            .enqueue(app, tx, &customer.id, About::PasswordChanged)
            .await?;
        let entries = [
            customer.entry(Action::PasswordChanged),
            customer.entry(Action::SignedIn).on(&self.session.id),
        ];
        app.audit.note_in(tx, reach, entries).await?;
        Ok(ReplacedPassword { customer, ended })
    }
}
