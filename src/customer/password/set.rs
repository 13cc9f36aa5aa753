//! `customerPasswordSet`: sets the first password of a customer that has none (EPC-07).

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::{NEW_PASSWORD, checked_password, new_password};
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{
    Customer, anonymization::open, named::customer_to_change, node::CustomerNode, refusal,
};
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::password::Hashed;
use crate::platform::database::{Tx, Write};
use crate::platform::id::CustomerId;
use crate::reach::{Reach, principal::Policy, scope::Scope};

/// Who may set a first password.
const BACKEND: Policy = Policy::backend(Scope::CustomersWrite);

/// Input of `customerPasswordSet`: the first password of a customer.
#[derive(InputObject)]
pub struct CustomerPasswordSetInput {
    /// Id of the customer.
    customer_id: ID,
    /// New password, by default 7 to 128 characters.
    new_password: String,
    /// Repetition of the new password.
    confirm_password: String,
}

mutation! {
    /// Sets the first password of a customer that has none.
    /// Requires an integration token or client secret with the scope `customers:write`.
    /// User errors: CUSTOMER_NOT_FOUND (402), CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_ANONYMIZED,
    /// PASSWORD_ALREADY_SET, PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT (408), PASSWORD_TOO_LONG (408),
    /// PASSWORD_TOO_COMMON (408), RATE_LIMITED, SAVE_FAILED (407).
    CustomerPasswordSet.customer_password_set = set(
        #[graphql(desc = "The customer and the password.")] input: CustomerPasswordSetInput,
    ) -> CustomerPasswordSetPayload;

    /// Payload of `customerPasswordSet`.
    payload {
        /// The customer; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn set(
    context: &Arc<RequestContext>,
    input: CustomerPasswordSetInput,
) -> Result<CustomerPasswordSetPayload> {
    let reach = context.reach_to_write(&BACKEND).await?;
    let mut faults = Faults::default();
    let customer = faults.absorb(customer_to_change(context, &reach, Some(&input.customer_id)).await)?;
    let new = checked_password(
        context,
        &mut faults,
        input.new_password,
        Some(input.confirm_password),
        NEW_PASSWORD,
    );
    if matches!(&customer, Some(known) if known.password_hash.is_some()) {
        faults.push(already_set());
    }
    let (customer, new) = faults.finish((customer, Some(new)))?;
    let app = &context.app;
    let first = FirstPassword {
        app,
        reach: &reach,
        customer: customer.id,
        hash: app.passwords.hash(new).await?,
    };
    let changed = app.database.run(&first).await;
    if let Some(changed) = changed.map_err(|error| refusal::save_failed(error, 407))? {
        let node = CustomerNode::in_payload(changed, &reach);
        return Ok(CustomerPasswordSetPayload::of(node));
    }
    let stored = app.database.open::<Customer>(&reach).get(&first.customer).await?;
    let stored = stored.ok_or_else(|| refusal::not_found("customerId"))?;
    stored.check_open("customerId")?;
    Err(already_set().into())
}

/// The customer already has a password (EPC-07).
fn already_set() -> UserError {
    let message = "This customer has a password; customerPasswordChange or a reset changes it.";
    UserError::new(UserErrorCode::PasswordAlreadySet, [], message)
}

/// The write that sets a first password. Returns `None` if the customer was deleted, has a password, or its erasure has
/// started.
struct FirstPassword<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: CustomerId,
    hash: Hashed,
}

impl Write for FirstPassword<'_> {
    type Output = Option<Customer>;

    async fn write(&self, tx: &mut Tx) -> Result<Option<Customer>> {
        let Self { app, reach, .. } = *self;
        let without = open(doc! { "_id": &self.customer, "passwordHash": { "$exists": false } });
        let customers = app.database.open::<Customer>(reach);
        let changed = customers
            .update_in(tx, without, new_password(app, &self.hash))
            .await?;
        let entries = changed.as_ref().map(|changed| changed.entry(Action::PasswordSet));
        app.audit.note_in(tx, reach, entries).await?;
        Ok(changed)
    }
}
