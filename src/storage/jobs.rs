//! Jobs of the storage: removing the storages of removed users, content that no item references, and expired exports.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{StorageItem, data_export::DataExport};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::{
    blob::{BlobId, Released},
    database::{Database, Tx},
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
        let wrong = || JobFailure::Fail(Error::internal("the job has no storages"));
        let storages: Vec<Bson> = payload.get_array("storageIds").map_err(|_| wrong())?.clone();
        Ok(empty_storages(&app, &storages).await?)
    }
    .boxed()
}

/// Removes storages that have no owner, with their items and the items' content.
///
/// # Errors
/// Any database error; a repeated run continues.
pub async fn empty_storages(app: &Arc<App>, storages: &[Bson]) -> Result<()> {
    loop {
        let step = Stopwatch::begin();
        let items = abandoned(&app.database, storages, BATCH).await?;
        if items.is_empty() {
            break;
        }
        let released = app
            .database
            .transaction((app, &items), |tx, (app, items)| {
                remove_items(app, tx, items).boxed()
            })
            .await?;
        app.blobs.erase(&released).await?;
        step.end(items.len(), BATCH).await;
    }
    app.database
        .transaction((app, storages), |tx, (app, storages)| {
            remove_storages(&app.database, tx, storages).boxed()
        })
        .await?;
    Ok(())
}

async fn remove_items(app: &App, tx: &mut Tx, items: &[StorageItem]) -> Result<Released> {
    let contents = remove_abandoned(&app.database, tx, items).await?;
    app.blobs.release(tx, contents).await
}

fn sweep(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        while app.blobs.sweep().await? > 0 {}
        Ok(())
    }
    .boxed()
}

/// Returns items of storages that lost their owner, at most `limit`.
async fn abandoned(database: &Database, storages: &[Bson], limit: i64) -> Result<Vec<StorageItem>> {
    let items = database.open::<StorageItem>(&HouseReach::everywhere());
    items
        .find(doc! { "storageId": { "$in": storages } }, doc! {}, limit)
        .await
}

/// Removes these items within the caller's transaction and returns their contents, which the caller has to release.
async fn remove_abandoned(database: &Database, tx: &mut Tx, items: &[StorageItem]) -> Result<Vec<BlobId>> {
    let system = HouseReach::everywhere();
    let ids: Vec<Bson> = items.iter().map(|item| Bson::from(&item.id)).collect();
    database
        .open::<StorageItem>(&system)
        .delete_many_in(tx, doc! { "_id": { "$in": ids } })
        .await?;
    Ok(items.iter().map(|item| item.blob_id).collect())
}

/// Removes emptied storages that have no owner.
async fn remove_storages(database: &Database, tx: &mut Tx, storages: &[Bson]) -> Result<u64> {
    let emptied = doc! { "_id": { "$in": storages }, "ownerId": { "$exists": false } };
    database
        .open::<PrivateStorage>(&HouseReach::everywhere())
        .delete_many_in(tx, emptied)
        .await
}

/// Removes a bounded number of the exports that match the filter, with their content, and returns whether there may be
/// more.
///
/// # Errors
/// Any database error; a repeated run continues.
pub async fn remove_exports(app: &Arc<App>, filter: Document) -> Result<bool> {
    let step = Stopwatch::begin();
    let exports = app.database.open::<DataExport>(&HouseReach::everywhere());
    let found = exports.find(filter, doc! {}, BATCH).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let released = app
        .database
        .transaction((&**app, &found), |tx, (app, found)| {
            remove_exports_in(app, tx, found).boxed()
        })
        .await?;
    app.blobs.erase(&released).await?;
    step.end(found.len(), BATCH).await;
    Ok(true)
}

async fn remove_exports_in(app: &App, tx: &mut Tx, found: &[DataExport]) -> Result<Released> {
    let ids: Vec<Bson> = found.iter().map(|export| Bson::from(&export.id)).collect();
    app.database
        .open::<DataExport>(&HouseReach::everywhere())
        .delete_many_in(tx, doc! { "_id": { "$in": ids } })
        .await?;
    let contents = found.iter().map(|export| export.blob_id).collect();
    app.blobs.release(tx, contents).await
}

fn expire_exports(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let due = doc! { "expiresAt": { "$lte": app.clock.now() } };
        while remove_exports(&app, due.clone()).await? {}
        Ok(())
    }
    .boxed()
}
