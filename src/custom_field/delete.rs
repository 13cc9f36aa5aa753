//! `customFieldDelete`: deletes a custom field without values.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::named::named_definition;
use super::store::{CustomFields, has_value};
use super::{Definition, WRITE, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::Result;
use crate::mutation::mutation;
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

mutation! {
    /// Deletes a custom field that has no values.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE if a customer has a value.
    /// The key can be defined again afterwards.
    CustomFieldDelete.custom_field_delete = delete(
        #[graphql(desc = "The field to delete.")] input: CustomFieldDeleteInput,
    ) -> CustomFieldDeletePayload;

    /// Payload of `customFieldDelete`.
    payload {
        /// Id of the deleted definition; null when there are user errors.
        deleted_custom_field_id: ID,
    }
}

async fn delete(
    context: &Arc<RequestContext>,
    input: CustomFieldDeleteInput,
) -> Result<CustomFieldDeletePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let named = named_definition(context, &reach, &input.id).await?;
    let deletion = DefinitionDeletion {
        app: &context.app,
        place: &named.place,
        field: &named.definition.id,
    };
    context.app.database.run(&deletion).await?;
    Ok(CustomFieldDeletePayload::of(ID::from(deletion.field)))
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
        let definitions = fields.open::<Definition>();
        let deleted = definitions.delete_in(tx, doc! { "_id": self.field }).await?;
        deleted.ok_or_else(refusal::not_found)?;
        fields.hold_all_in(tx).await?;
        if fields.have_values_in(tx, has_value(self.field)).await? {
            return Err(refusal::in_use().into());
        }
        fields.count_one_less_in(tx).await
    }
}
