//! `customerNoteDelete`: deletes a note about a customer.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::{CustomerNote, CustomerNoteId, WRITE, not_found};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::Id,
};
use crate::reach::Reach;

/// Input of `customerNoteDelete`: the note to delete.
#[derive(InputObject)]
pub struct CustomerNoteDeleteInput {
    /// Id of the note.
    id: ID,
}

mutation! {
    /// Deletes a note about a customer.
    /// Requires an integration token or client secret with the scope `customers:write`.
    /// User errors: CUSTOMER_NOTE_NOT_FOUND.
    CustomerNoteDelete.customer_note_delete = delete(
        #[graphql(desc = "The note to delete.")] input: CustomerNoteDeleteInput,
    ) -> CustomerNoteDeletePayload;

    /// Payload of `customerNoteDelete`.
    payload {
        /// Id of the deleted note; null when there are user errors.
        deleted_customer_note_id: ID,
    }
}

async fn delete(
    context: &Arc<RequestContext>,
    input: CustomerNoteDeleteInput,
) -> Result<CustomerNoteDeletePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let id = CustomerNoteId::parse(&input.id).ok_or_else(not_found)?;
    let known = context.app.database.open::<CustomerNote>(&reach).get(&id).await?;
    known.ok_or_else(not_found)?;
    let deletion = NoteDeletion {
        app: &context.app,
        reach: &reach,
        id,
    };
    context.app.database.run(&deletion).await?;
    Ok(CustomerNoteDeletePayload::of(ID::from(&deletion.id)))
}

/// The write that deletes a note.
struct NoteDeletion<'a> {
    app: &'a App,
    reach: &'a Reach,
    id: CustomerNoteId,
}

impl Write for NoteDeletion<'_> {
    type Output = ();

    /// # Errors
    /// CUSTOMER_NOTE_NOT_FOUND.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let notes = self.app.database.open::<CustomerNote>(self.reach);
        let deleted = notes.delete_in(tx, doc! { "_id": &self.id }).await?;
        deleted.map(|_| ()).ok_or_else(|| not_found().into())
    }
}
