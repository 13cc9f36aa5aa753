//! Defining a custom field.

use std::sync::Arc;

use futures_util::FutureExt;

use super::{CustomFieldType, Definition, refusal, store};
use crate::app::App;
use crate::error::Result;
use crate::platform::{
    database::{Tx, violated_index},
    id::CustomFieldId,
};
use crate::reach::{Reach, StorefrontReach};

/// The checked input for a new field.
pub struct NewDefinition {
    /// Key for programs.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Purpose of the field.
    pub description: Option<String>,
    /// Type of the values.
    pub kind: CustomFieldType,
    /// Whether every caller that may write the field must set a value.
    pub is_required: bool,
    /// The options of a SELECT.
    pub options: Vec<String>,
    /// Whether callers other than backends may read it.
    pub is_public: bool,
    /// Whether customers may write it.
    pub is_customer_writable: bool,
}

/// Defines a custom field of a storefront.
///
/// # Errors
/// CUSTOM_FIELD_KEY_TAKEN; TOO_MANY if the storefront has the maximum number of fields.
pub async fn define(app: &Arc<App>, place: &StorefrontReach, new: NewDefinition) -> Result<Definition> {
    let now = app.clock.now();
    let NewDefinition {
        key,
        name,
        description,
        kind,
        is_required,
        options,
        is_public,
        is_customer_writable,
    } = new;
    let definition = Definition {
        id: CustomFieldId::fresh(now, &app.random),
        storefront_id: place.id().clone(),
        key,
        name,
        description,
        kind,
        is_required,
        options,
        is_public,
        is_customer_writable,
        created_at: now,
    };
    let context = (&**app, place.reach(), &definition);
    let written = app.database.transaction(context, |tx, (app, reach, definition)| {
        write(app, reach, tx, definition).boxed()
    });
    match written.await {
        Ok(()) => Ok(definition),
        Err(error) if violated_index(&error) == Some(store::UNIQUE_KEY) => Err(refusal::key_taken().into()),
        Err(error) => Err(error),
    }
}

async fn write(app: &App, reach: &Reach, tx: &mut Tx, definition: &Definition) -> Result<()> {
    let (database, storefront) = (&app.database, &definition.storefront_id);
    if !store::count_one_more(database, reach, tx, storefront).await? {
        return Err(refusal::too_many().into());
    }
    let made = (definition.created_at, &app.random);
    store::ensure_guards(database, reach, tx, storefront, made).await?;
    let definitions = database.open::<Definition>(reach);
    definitions.insert_in(tx, reach, definition).await
}
