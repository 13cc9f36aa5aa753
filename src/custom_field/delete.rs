//! Deleting a custom field without values.

use std::sync::Arc;

use bson::doc;
use futures_util::FutureExt;

use super::{Bearer, Definition, refusal, store};
use crate::app::App;
use crate::error::Result;
use crate::platform::{database::Tx, id::CustomFieldId};
use crate::reach::{Reach, StorefrontReach};

/// Deletes a field of which no document `B` has a value.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE.
pub async fn delete<B: Bearer>(app: &Arc<App>, place: &StorefrontReach, id: &CustomFieldId) -> Result<()> {
    let context = (&**app, place.reach(), id);
    let written = app.database.transaction(context, |tx, (app, reach, id)| {
        write::<B>(app, reach, tx, id).boxed()
    });
    written.await
}

async fn write<B: Bearer>(app: &App, reach: &Reach, tx: &mut Tx, id: &CustomFieldId) -> Result<()> {
    let database = &app.database;
    let definitions = database.open::<Definition>(reach);
    let deleted = definitions.delete_in(tx, doc! { "_id": id }).await?;
    let deleted = deleted.ok_or_else(refusal::not_found)?;
    let storefront = &deleted.storefront_id;
    store::hold_all(database, reach, tx, storefront).await?;
    if store::is_borne::<B>(database, reach, tx, store::has_value(id)).await? {
        return Err(refusal::in_use().into());
    }
    store::count_one_less(database, reach, tx, storefront).await
}
