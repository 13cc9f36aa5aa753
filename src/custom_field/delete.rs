//! `customFieldDelete`: deletes a custom field without values.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::named::named_definition;
use super::store::{CustomFields, has_value};
use super::{WRITE, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Result, UserError, payload};
use crate::platform::{
    database::{Tx, Write},
    id::CustomFieldId,
};
use crate::reach::StorefrontReach;

/// Input of `customFieldDelete`: the field to delete.
#[derive(InputObject)]
pub struct CustomFieldDeleteInput {
    /// Id of the definition.
    id: ID,
}

/// Payload of `customFieldDelete`.
#[derive(SimpleObject)]
pub struct CustomFieldDeletePayload {
    /// Id of the deleted definition; null when there are user errors.
    deleted_custom_field_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `customFieldDelete`.
#[derive(Default)]
pub struct CustomFieldDelete;

#[Object]
impl CustomFieldDelete {
    /// Deletes a custom field that has no values.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE if a customer has a value.
    /// The key can be defined again afterwards.
    async fn custom_field_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The field to delete.")] input: CustomFieldDeleteInput,
    ) -> Result<CustomFieldDeletePayload> {
        let (deleted_custom_field_id, user_errors) = payload(delete(RequestContext::of(ctx)?, &input).await)?;
        Ok(CustomFieldDeletePayload {
            deleted_custom_field_id,
            user_errors,
        })
    }
}

async fn delete(context: &Arc<RequestContext>, input: &CustomFieldDeleteInput) -> Result<ID> {
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_definition(context, &reach, &input.id).await?;
    let deletion = DefinitionDeletion {
        app: &context.app,
        place: &named.place,
        field: &named.definition.id,
    };
    context.app.database.run(&deletion).await?;
    Ok(ID::from(deletion.field))
}

/// The write that deletes a definition of which no customer has a value.
struct DefinitionDeletion<'a> {
    app: &'a App,
    place: &'a StorefrontReach,
    field: &'a CustomFieldId,
}

impl Write for DefinitionDeletion<'_> {
    type Output = ();

    /// # Errors
    /// CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let fields = CustomFields::of(self.app, self.place);
        let deleted = fields.delete_in(tx, self.field).await?;
        deleted.ok_or_else(refusal::not_found)?;
        fields.hold_all_in(tx).await?;
        if fields.have_values_in(tx, has_value(self.field)).await? {
            return Err(refusal::in_use().into());
        }
        fields.count_one_less_in(tx).await
    }
}
