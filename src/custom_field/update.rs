//! `customFieldUpdate`: changes the properties of a custom field that are sent. Its key and type never change.

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined};
use bson::{Bson, Document, doc};

use super::named::named_definition;
use super::node::CustomFieldDefinitionNode;
use super::store::{CustomFields, has_one_of};
use super::{Definition, MAX_DESCRIPTION, MAX_NAME, WRITE, check_options, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{
    change::sent,
    database::{Tx, Write},
    id::CustomFieldId,
    text,
};
use crate::reach::StorefrontReach;

/// Input of `customFieldUpdate`: the field and its new values.
/// Omitted fields are unchanged. Key and type never change.
#[derive(InputObject)]
pub struct CustomFieldUpdateInput {
    /// Id of the definition.
    id: ID,
    /// Display name, 1 to 255 characters; cannot be removed.
    name: MaybeUndefined<String>,
    /// Purpose of the field, at most 1,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// Whether the field is required; null is rejected (REQUIRED). Customers without a value stay without one.
    is_required: MaybeUndefined<bool>,
    /// All options of a SELECT, in the order in which they are displayed; cannot be removed. An option that customers
    /// have cannot be omitted (CUSTOM_FIELD_IN_USE).
    options: MaybeUndefined<Vec<String>>,
    /// Whether customers and the public may read the field; null is rejected (REQUIRED).
    is_public: MaybeUndefined<bool>,
    /// Whether a customer token, and a publishable key that registers a customer, may write the field; null is rejected
    /// (REQUIRED).
    is_customer_writable: MaybeUndefined<bool>,
}

mutation! {
    /// Changes the properties of a custom field that are sent.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: CUSTOM_FIELD_NOT_FOUND, NO_CHANGES, CUSTOM_FIELD_IN_USE if an option that customers have is
    /// omitted, REQUIRED, TOO_LONG, TOO_MANY, INVALID.
    CustomFieldUpdate.custom_field_update = update(
        #[graphql(desc = "The field and its new values.")] input: CustomFieldUpdateInput,
    ) -> CustomFieldUpdatePayload;

    /// Payload of `customFieldUpdate`.
    payload {
        /// The definition as stored after the update; null when there are user errors.
        definition: CustomFieldDefinitionNode,
    }
}

async fn update(
    context: &Arc<RequestContext>,
    input: CustomFieldUpdateInput,
) -> Result<CustomFieldUpdatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let named = faults.absorb(named_definition(context, &reach, &input.id).await)?;
    let changes = changes(input, named.as_ref().map(|named| &named.definition), &mut faults);
    let named = faults.finish(named)?;
    let update = DefinitionUpdate {
        app: &context.app,
        place: &named.place,
        field: &named.definition.id,
        changes,
    };
    let updated = context.app.database.run(&update).await?;
    let definition = CustomFieldDefinitionNode::new(Arc::new(updated));
    Ok(CustomFieldUpdatePayload::of(definition))
}

/// The checked changes.
struct DefinitionChanges {
    /// The options of a SELECT; `None` if they are unchanged.
    options: Option<Vec<String>>,
    /// All changes, the options included, as an update.
    update: Document,
}

/// Checks the changes of the stored field, if it exists. Rejected values are null in the update, which is not run then.
fn changes(
    input: CustomFieldUpdateInput,
    stored: Option<&Definition>,
    faults: &mut Faults,
) -> DefinitionChanges {
    let CustomFieldUpdateInput {
        id: _,
        name,
        description,
        is_required,
        options,
        is_public,
        is_customer_writable,
    } = input;
    let mut own = Faults::default();
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = sent(name) {
        let name = own.take(text::required(&name.unwrap_or_default(), "name", MAX_NAME));
        set.insert("name", name);
    }
    match sent(description) {
        Some(Some(text)) => {
            let text = own.take(text::optional(&text, "description", MAX_DESCRIPTION));
            set.insert("description", text);
        }
        Some(None) => _ = unset.insert("description", ""),
        None => {}
    }
    let options = sent(options).map(|options| match stored {
        Some(stored) => check_options(stored.kind, options, &mut own),
        // The options cannot be checked, because the type is unknown.
        None => Vec::new(),
    });
    if let Some(options) = &options {
        set.insert("options", options.clone());
    }
    for (field, flag) in [
        ("isRequired", is_required),
        ("isPublic", is_public),
        ("isCustomerWritable", is_customer_writable),
    ] {
        if let Some(flag) = sent(flag) {
            let cleared = || UserError::new(UserErrorCode::Required, [field], "This must be true or false.");
            set.insert(field, own.take(flag.ok_or_else(cleared)));
        }
    }
    let mut update = Document::new();
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields);
        }
    }
    if own.is_empty() && update.is_empty() {
        faults.push(refusal::no_changes());
    }
    faults.append(own);
    DefinitionChanges { options, update }
}

/// The write that updates a definition. Options can be added and reordered at any time; an option can be removed only if
/// no customer has it.
struct DefinitionUpdate<'a> {
    app: &'a App,
    place: &'a StorefrontReach,
    field: &'a CustomFieldId,
    changes: DefinitionChanges,
}

impl Write for DefinitionUpdate<'_> {
    type Output = Definition;

    /// # Errors
    /// CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE on `options`.
    async fn write(&self, tx: &mut Tx) -> Result<Definition> {
        let fields = CustomFields::of(self.app, self.place);
        let definitions = fields.open::<Definition>();
        let this = doc! { "_id": self.field };
        let stored = definitions.find_one_in(tx, this.clone()).await?;
        let stored = stored.ok_or_else(refusal::not_found)?;
        let removed = removed_options(&stored, &self.changes);
        if !removed.is_empty() {
            fields.hold_all_in(tx).await?;
            if fields.have_values_in(tx, has_one_of(self.field, removed)).await? {
                return Err(refusal::options_in_use().into());
            }
        }
        let update = self.changes.update.clone();
        let updated = definitions.update_in(tx, this, update).await?;
        Ok(updated.ok_or_else(refusal::not_found)?)
    }
}

fn removed_options(stored: &Definition, changes: &DefinitionChanges) -> Vec<Bson> {
    let Some(options) = &changes.options else {
        return Vec::new();
    };
    let removed = stored.options.iter().filter(|option| !options.contains(option));
    removed.map(|option| option.as_str().into()).collect()
}
