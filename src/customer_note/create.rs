//! `customerNoteCreate`: adds a note about a customer.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::node::CustomerNoteNode;
use super::{CustomerNote, CustomerNoteId, WRITE, check_text};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer::{self, Customer, named::customer_to_change};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::organization::actor::Actor;
use crate::platform::database::{Tx, Write};
use crate::reach::Reach;
use crate::storefront_user::store::{Touched, touch};

/// Input of `customerNoteCreate`: the customer and the text of the note.
#[derive(InputObject)]
pub struct CustomerNoteCreateInput {
    /// Id of the customer.
    customer_id: ID,
    /// Text of the note: 1 to 2000 characters, not blank, without control characters except line breaks and tabs.
    text: String,
}

mutation! {
    /// Adds a note about a customer. Neither the customer nor its storefront user can see it or that there are any notes.
    /// Requires an integration token or client secret with the scope `customers:write`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, REQUIRED, TOO_LONG,
    /// INVALID.
    /// The author is the owner of the integration token, otherwise the API client. The export of the customer's data
    /// contains the notes, and the erasure deletes them.
    CustomerNoteCreate.customer_note_create = create(
        #[graphql(desc = "The note to add.")] input: CustomerNoteCreateInput,
    ) -> CustomerNoteCreatePayload;

    /// Payload of `customerNoteCreate`.
    payload {
        /// The new note; null when there are user errors.
        customer_note: CustomerNoteNode,
    }
}

async fn create(
    context: &Arc<RequestContext>,
    input: CustomerNoteCreateInput,
) -> Result<CustomerNoteCreatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let customer = customer_to_change(context, &reach, Some(&input.customer_id)).await;
    let customer = faults.absorb(customer)?;
    let text = faults.take(check_text(&input.text));
    let (customer, text) = faults.finish((customer, text))?;
    let addition = NoteAddition {
        app: &context.app,
        reach: &reach,
        customer: &customer,
        text: &text,
    };
    let note = context.app.database.run(&addition).await?;
    let node = CustomerNoteNode::new(Arc::new(note), reach);
    Ok(CustomerNoteCreatePayload::of(node))
}

/// The write that adds a note.
struct NoteAddition<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: &'a Customer,
    text: &'a str,
}

impl Write for NoteAddition<'_> {
    type Output = CustomerNote;

    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED.
    async fn write(&self, tx: &mut Tx) -> Result<CustomerNote> {
        let Self {
            app,
            reach,
            customer,
            text,
        } = *self;
        // A write to the person's own document, so that a concurrent erasure or deletion wins.
        match touch(&app.database, reach, tx, &customer.user_id).await? {
            Touched::Open(_) => {}
            Touched::Erased => return Err(customer::refusal::anonymized(["customerId"]).into()),
            Touched::Gone => return Err(customer::refusal::not_found("customerId").into()),
        }
        let now = app.clock.now();
        let note = CustomerNote {
            id: CustomerNoteId::fresh(now, &app.random),
            storefront_id: customer.storefront_id.clone(),
            user_id: customer.user_id.clone(),
            customer_id: customer.id.clone(),
            text: text.to_owned(),
            author: Actor::of_backend(reach),
            created_at: now,
        };
        let notes = app.database.open::<CustomerNote>(reach);
        notes.insert_in(tx, reach, &note).await?;
        Ok(note)
    }
}
