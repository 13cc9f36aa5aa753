//! Jobs of the storage: removing the storages of removed users, content that no item references, and expired exports.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{StorageItem, data_export::DataExport};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::{
    blob::Released,
    database::{Database, Tx, Write},
    job::{JobFailure, JobKind, pace::Stopwatch},
};
use crate::reach::HouseReach;
use crate::storefront_user::{lifecycle::EMPTY_STORAGES, private_storage::PrivateStorage};

/// Maximum number of items that one transaction removes: few, so that others hardly wait for it.
const BATCH: i64 = 50;
/// Interval at which content without an item is removed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Interval at which expired exports are removed. They are invisible from the moment of their expiry.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// The jobs of this domain.
pub const JOBS: &[JobKind<Arc<App>>] = &[
    JobKind {
        name: EMPTY_STORAGES,
        every: None,
        run: empty,
    },
    JobKind {
        name: "storage.sweep",
        every: Some(SWEEP_INTERVAL),
        run: sweep,
    },
    JobKind {
        name: "storage.expire_exports",
        every: Some(EXPIRY_INTERVAL),
        run: expire_exports,
    },
];

fn empty(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let storages = payload.get_array("storageIds");
        let missing = |_error| JobFailure::Fail(Error::internal("the job's payload has no list storageIds"));
        Ok(empty_storages(&app, storages.map_err(missing)?).await?)
    }
    .boxed()
}

/// Removes storages that have no owner, with their items and the items' content.
///
/// # Errors
/// Any database error; a repeated run continues.
pub async fn empty_storages(app: &Arc<App>, storages: &[Bson]) -> Result<()> {
    let reach = HouseReach::everywhere();
    let stored = app.database.open::<StorageItem>(&reach);
    loop {
        let step = Stopwatch::begin();
        let inside = doc! { "storageId": { "$in": storages } };
        let items = stored.find(inside, doc! {}, BATCH).await?;
        if items.is_empty() {
            break;
        }
        let removal = ItemRemoval {
            app,
            reach: &reach,
            items: &items,
        };
        let released = app.database.run(&removal).await?;
        app.blobs.erase(&released).await?;
        step.end(items.len(), BATCH).await;
    }
    let removal = StorageRemoval {
        database: &app.database,
        reach: &reach,
        storages,
    };
    app.database.run(&removal).await
}

/// The write that removes items of storages without an owner. Returns their content, which the caller has to erase.
struct ItemRemoval<'a> {
    app: &'a App,
    reach: &'a HouseReach,
    items: &'a [StorageItem],
}

impl Write for ItemRemoval<'_> {
    type Output = Released;

    async fn write(&self, tx: &mut Tx) -> Result<Released> {
        let ids: Vec<Bson> = self.items.iter().map(|item| Bson::from(&item.id)).collect();
        let items = self.app.database.open::<StorageItem>(self.reach);
        items.delete_many_in(tx, doc! { "_id": { "$in": ids } }).await?;
        let contents = self.items.iter().map(|item| item.blob_id).collect();
        self.app.blobs.release(tx, contents).await
    }
}

/// The write that removes emptied storages; those that have an owner stay.
struct StorageRemoval<'a> {
    database: &'a Database,
    reach: &'a HouseReach,
    storages: &'a [Bson],
}

impl Write for StorageRemoval<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let emptied = doc! { "_id": { "$in": self.storages }, "ownerId": { "$exists": false } };
        let storages = self.database.open::<PrivateStorage>(self.reach);
        storages.delete_many_in(tx, emptied).await?;
        Ok(())
    }
}

fn sweep(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        while app.blobs.sweep().await? > 0 {}
        Ok(())
    }
    .boxed()
}

/// Removes a bounded number of the exports that match the filter, with their content, and returns whether there may be
/// more.
///
/// # Errors
/// Any database error; a repeated run continues.
pub async fn remove_exports(app: &Arc<App>, filter: Document) -> Result<bool> {
    let reach = HouseReach::everywhere();
    let step = Stopwatch::begin();
    let exports = app.database.open::<DataExport>(&reach);
    let exports = exports.find(filter, doc! {}, BATCH).await?;
    if exports.is_empty() {
        return Ok(false);
    }
    let removal = ExportRemoval {
        app,
        reach: &reach,
        exports: &exports,
    };
    let released = app.database.run(&removal).await?;
    app.blobs.erase(&released).await?;
    step.end(exports.len(), BATCH).await;
    Ok(true)
}

/// The write that removes exports. Returns their content, which the caller has to erase.
struct ExportRemoval<'a> {
    app: &'a App,
    reach: &'a HouseReach,
    exports: &'a [DataExport],
}

impl Write for ExportRemoval<'_> {
    type Output = Released;

    async fn write(&self, tx: &mut Tx) -> Result<Released> {
        let ids: Vec<Bson> = self.exports.iter().map(|export| Bson::from(&export.id)).collect();
        let exports = self.app.database.open::<DataExport>(self.reach);
        exports.delete_many_in(tx, doc! { "_id": { "$in": ids } }).await?;
        let contents = self.exports.iter().map(|export| export.blob_id).collect();
        self.app.blobs.release(tx, contents).await
    }
}

fn expire_exports(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let due = doc! { "expiresAt": { "$lte": app.clock.now() } };
        while remove_exports(&app, due.clone()).await? {}
        Ok(())
    }
    .boxed()
}
