//! Updates of a custom field; its key and type never change.

use std::sync::Arc;

use bson::{Bson, Document, doc};
use futures_util::FutureExt;

use super::{Bearer, Definition, refusal, store};
use crate::app::App;
use crate::error::Result;
use crate::platform::{database::Tx, id::CustomFieldId};
use crate::reach::{Reach, StorefrontReach};

/// The checked changes. The outer `None` means unchanged, the inner one removed.
#[derive(Debug, Default)]
pub struct DefinitionChanges {
    /// Display name.
    pub name: Option<String>,
    /// Purpose of the field.
    pub description: Option<Option<String>>,
    /// Whether every caller that may write the field must set a value.
    pub is_required: Option<bool>,
    /// The options of a SELECT.
    pub options: Option<Vec<String>>,
    /// Whether callers other than backends may read it.
    pub is_public: Option<bool>,
    /// Whether customers may write it.
    pub is_customer_writable: Option<bool>,
}

/// Updates a field and returns it as stored. Options can be added and reordered at any time; an option can be removed
/// only if no document `B` has it.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE on `options`.
pub async fn update<B: Bearer>(
    app: &Arc<App>,
    place: &StorefrontReach,
    id: &CustomFieldId,
    changes: DefinitionChanges,
) -> Result<Definition> {
    let context = (&**app, place.reach(), id, changes);
    let written = app
        .database
        .transaction(context, |tx, (app, reach, id, changes)| {
            write::<B>(app, reach, tx, id, changes).boxed()
        });
    written.await
}

async fn write<B: Bearer>(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    id: &CustomFieldId,
    changes: &DefinitionChanges,
) -> Result<Definition> {
    let database = &app.database;
    let definitions = database.open::<Definition>(reach);
    let stored = definitions.find_one_in(tx, doc! { "_id": id }).await?;
    let stored = stored.ok_or_else(refusal::not_found)?;
    let removed = removed_options(&stored, changes);
    if !removed.is_empty() {
        store::hold_all(database, reach, tx, &stored.storefront_id).await?;
        if store::is_borne::<B>(database, reach, tx, store::has_one_of(id, removed)).await? {
            return Err(refusal::options_in_use().into());
        }
    }
    let changed = definitions
        .update_in(tx, doc! { "_id": id }, written(changes))
        .await?;
    Ok(changed.ok_or_else(refusal::not_found)?)
}

fn removed_options(stored: &Definition, changes: &DefinitionChanges) -> Vec<Bson> {
    let Some(options) = &changes.options else {
        return Vec::new();
    };
    let gone = stored.options.iter().filter(|option| !options.contains(option));
    gone.map(|option| option.as_str().into()).collect()
}

/// Builds the update from the changes.
fn written(changes: &DefinitionChanges) -> Document {
    let DefinitionChanges {
        name,
        description,
        is_required,
        options,
        is_public,
        is_customer_writable,
    } = changes;
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = name {
        set.insert("name", name);
    }
    match description {
        Some(Some(description)) => _ = set.insert("description", description),
        Some(None) => _ = unset.insert("description", ""),
        None => {}
    }
    if let Some(options) = options {
        set.insert("options", options.clone());
    }
    for (field, flag) in [
        ("isRequired", is_required),
        ("isPublic", is_public),
        ("isCustomerWritable", is_customer_writable),
    ] {
        if let Some(flag) = flag {
            set.insert(field, *flag);
        }
    }
    let mut update = Document::new();
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields);
        }
    }
    update
}
