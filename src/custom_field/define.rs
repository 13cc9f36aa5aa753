//! `customFieldDefine`: defines a custom field of a storefront.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::node::CustomFieldDefinitionNode;
use super::store::{CustomFields, UNIQUE_KEY};
use super::{
    CustomFieldType, Definition, MAX_DEFINITIONS, MAX_DESCRIPTION, MAX_NAME, WRITE, check_key, check_options,
    refusal,
};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write, violated_index},
    id::{CustomFieldId, StorefrontId},
    text,
};
use crate::reach::StorefrontReach;

/// Input of `customFieldDefine`: the field to define.
#[derive(InputObject)]
pub struct CustomFieldDefineInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Key of the field for programs: a letter, then letters, digits and `_` (ASCII), at most 64 characters. Unique in
    /// the storefront; it never changes.
    key: String,
    /// Display name, 1 to 255 characters.
    name: String,
    /// Purpose of the field, at most 1,000 characters.
    description: Option<String>,
    /// Type of the values. It never changes.
    #[graphql(name = "type")]
    kind: CustomFieldType,
    /// Whether the field is required: every caller that may write it must set a value at registration and cannot remove
    /// it.
    #[graphql(default_with = "Some(false)")]
    is_required: Option<bool>,
    /// Allowed values of a SELECT: 1 to 200 different strings of 1 to 255 characters (TOO_MANY for more than 200).
    /// Rejected for any other type.
    options: Option<Vec<String>>,
    /// Whether customers and the public may read the field: every credential if true, only integration tokens and
    /// client secrets if false.
    #[graphql(default_with = "Some(false)")]
    is_public: Option<bool>,
    /// Whether a customer token, and a publishable key that registers a customer, may write the field. If false, only
    /// integration tokens and client secrets may.
    #[graphql(default_with = "Some(false)")]
    is_customer_writable: Option<bool>,
}

mutation! {
    /// Defines a custom field of the customers of a storefront.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: TOO_MANY if the storefront has 200 custom fields or for more than 200 options,
    /// CUSTOM_FIELD_KEY_TAKEN, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    CustomFieldDefine.custom_field_define = define(
        #[graphql(desc = "The field to define.")] input: CustomFieldDefineInput,
    ) -> CustomFieldDefinePayload;

    /// Payload of `customFieldDefine`.
    payload {
        /// The new definition; null when there are user errors.
        definition: CustomFieldDefinitionNode,
    }
}

async fn define(
    context: &Arc<RequestContext>,
    input: CustomFieldDefineInput,
) -> Result<CustomFieldDefinePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let app = &context.app;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    if let Some(place) = &place {
        let known = CustomFields::of(app, place).all().await?;
        if known.with_key(&input.key).is_some() {
            faults.push(refusal::key_taken());
        }
        if known.count() >= MAX_DEFINITIONS {
            faults.push(refusal::too_many());
        }
    }
    let storefront = place.as_ref().map(StorefrontReach::id);
    let definition = definition(input, storefront, app, &mut faults);
    let (place, definition) = faults.finish((place, definition))?;
    let addition = DefinitionAddition {
        app,
        place: &place,
        definition,
    };
    let definition = Arc::new(addition.run().await?);
    let definition = CustomFieldDefinitionNode::new(definition);
    Ok(CustomFieldDefinePayload::of(definition))
}

/// Checks the input and returns the new definition; `None` if an error was added.
fn definition(
    input: CustomFieldDefineInput,
    storefront: Option<&StorefrontId>,
    app: &App,
    faults: &mut Faults,
) -> Option<Definition> {
    let key = faults.take(check_key(&input.key));
    let name = faults.take(text::required(&input.name, "name", MAX_NAME));
    let description = input
        .description
        .and_then(|text| faults.take(text::optional(&text, "description", MAX_DESCRIPTION)));
    let options = check_options(input.kind, input.options, faults);
    let now = app.clock.now();
    Some(Definition {
        storefront_id: storefront?.clone(),
        key: key?,
        name: name?,
        description,
        kind: input.kind,
        is_required: input.is_required.unwrap_or_default(),
        options,
        is_public: input.is_public.unwrap_or_default(),
        is_customer_writable: input.is_customer_writable.unwrap_or_default(),
        id: CustomFieldId::fresh(now, &app.random),
        created_at: now,
    })
}

/// The write that adds the definition of a custom field and counts it for its storefront.
pub struct DefinitionAddition<'a> {
    /// The app.
    pub app: &'a App,
    /// The reach into the storefront.
    pub place: &'a StorefrontReach,
    /// The new definition.
    pub definition: Definition,
}

impl DefinitionAddition<'_> {
    /// Adds the definition and returns it.
    ///
    /// # Errors
    /// CUSTOM_FIELD_KEY_TAKEN; TOO_MANY if the storefront has the maximum number of fields.
    pub async fn run(self) -> Result<Definition> {
        match self.app.database.run(&self).await {
            Ok(()) => Ok(self.definition),
            Err(error) if violated_index(&error) == Some(UNIQUE_KEY) => Err(refusal::key_taken().into()),
            Err(error) => Err(error),
        }
    }
}

impl Write for DefinitionAddition<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let fields = CustomFields::of(self.app, self.place);
        if !fields.count_one_more_in(tx).await? {
            return Err(refusal::too_many().into());
        }
        fields.ensure_guards_in(tx, self.definition.created_at).await?;
        let definitions = fields.open::<Definition>();
        definitions
            .insert_in(tx, self.place.reach(), &self.definition)
            .await
    }
}
