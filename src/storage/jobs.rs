//! Jobs of the storage: removing the storages of removed users, content that no item references, and expired exports.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::{FutureExt, future::BoxFuture};

use super::{StorageItem, data_export::DataExport};
use crate::app::App;
use crate::domain::personal::Subject;
use crate::error::{Error, Result};
use crate::platform::{
    blob::{BlobId, Released},
    database::{Database, Tx, Write},
    job::{JobFailure, JobKind, pace::Stopwatch},
};
use crate::reach::{
    HouseReach,
    tenant::{Tenant, TenantDocument},
};
use crate::storefront_user::{lifecycle::EMPTY_STORAGES, private_storage::PrivateStorage};

/// Maximum number of items or exports that one transaction removes: few, so that others hardly wait for it.
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
async fn empty_storages(app: &App, storages: &[Bson]) -> Result<()> {
    let inside = doc! { "storageId": { "$in": storages } };
    while remove_some(app, &inside, |item: &StorageItem| item.blob_id).await? {}
    let removal = StorageRemoval {
        database: &app.database,
        reach: &HouseReach::everywhere(),
        storages,
    };
    app.database.run(&removal).await
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

/// Removes a bounded number of the documents that match the filter, with their content, and returns whether there may
/// be more.
async fn remove_some<T: TenantDocument>(
    app: &App,
    filter: &Document,
    content: fn(&T) -> BlobId,
) -> Result<bool> {
    let reach = HouseReach::everywhere();
    let step = Stopwatch::begin();
    let stored = app.database.open::<T>(&reach);
    let found = stored.find(filter.clone(), doc! {}, BATCH).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let removal = ItemRemoval {
        app,
        stored,
        ids: found
            .iter()
            .map(|document| document.id().clone().into())
            .collect(),
        contents: found.iter().map(content).collect(),
    };
    let released = app.database.run(&removal).await?;
    app.blobs.erase(&released).await?;
    step.end(found.len(), BATCH).await;
    Ok(true)
}

/// The write that removes documents that refer to content. Returns the content, which the caller has to erase.
struct ItemRemoval<'a, T: TenantDocument> {
    app: &'a App,
    stored: Tenant<T>,
    ids: Vec<Bson>,
    contents: Vec<BlobId>,
}

impl<T: TenantDocument> Write for ItemRemoval<'_, T> {
    type Output = Released;

    async fn write(&self, tx: &mut Tx) -> Result<Released> {
        let listed = doc! { "_id": { "$in": &self.ids } };
        self.stored.delete_many_in(tx, listed).await?;
        self.app.blobs.release(tx, self.contents.clone()).await
    }
}

async fn remove_exports(app: &App, filter: Document) -> Result<()> {
    while remove_some(app, &filter, |export: &DataExport| export.blob_id).await? {}
    Ok(())
}

fn expire_exports(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), JobFailure>> {
    async move {
        let due = doc! { "expiresAt": { "$lte": app.clock.now() } };
        Ok(remove_exports(&app, due).await?)
    }
    .boxed()
}

/// The storage's part of an erasure: removes a customer's data exports, and the storages that the start of the erasure
/// has detached from their owner, with their items and all content.
///
/// # Errors
/// Any database error; a repeated call continues.
pub fn erase<'a>(app: &'a Arc<App>, subject: &'a Subject) -> BoxFuture<'a, Result<()>> {
    async move {
        remove_exports(app, subject.owns::<DataExport>()).await?;
        empty_storages(app, &subject.storage_ids()).await
    }
    .boxed()
}
