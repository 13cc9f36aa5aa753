//! `customerNoteDelete`: deletes a note about a customer.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use bson::doc;

use super::{CustomerNote, CustomerNoteId, WRITE, not_found};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Result, UserError, payload};
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

/// Payload of `customerNoteDelete`.
#[derive(SimpleObject)]
pub struct CustomerNoteDeletePayload {
    /// Id of the deleted note; null when there are user errors.
    deleted_customer_note_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `customerNoteDelete`.
#[derive(Default)]
pub struct CustomerNoteDelete;

#[Object]
impl CustomerNoteDelete {
    /// Deletes a note about a customer.
    /// Requires an integration token or client secret with the scope `customers:write`.
    /// User errors: CUSTOMER_NOTE_NOT_FOUND.
    async fn customer_note_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The note to delete.")] input: CustomerNoteDeleteInput,
    ) -> Result<CustomerNoteDeletePayload> {
        let (deleted_customer_note_id, user_errors) =
            payload(delete(RequestContext::of(ctx)?, &input.id).await)?;
        Ok(CustomerNoteDeletePayload {
            deleted_customer_note_id,
            user_errors,
        })
    }
}

async fn delete(context: &Arc<RequestContext>, id: &ID) -> Result<ID> {
    let reach = context.reach_to_write(&WRITE).await?;
    let id = CustomerNoteId::parse(id).ok_or_else(not_found)?;
    let known = context.app.database.open::<CustomerNote>(&reach).get(&id).await?;
    known.ok_or_else(not_found)?;
    let deletion = NoteDeletion {
        app: &context.app,
        reach: &reach,
        id,
    };
    context.app.database.run(&deletion).await?;
    Ok(ID::from(&deletion.id))
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
