//! Storage's jobs: emptying the storages of removed users, and sweeping content that no item names.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document};
use futures_util::{FutureExt, future::BoxFuture};

use super::{StorageItem, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::{
    blob::Released,
    database::Tx,
    job::{Failure, Kind, pace::Step},
};
use crate::storefront_user::lifecycle::EMPTY_STORAGES;

/// Items that one transaction removes: so few that others hardly wait.
const BATCH: i64 = 50;
/// How often content without an item is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// The jobs of this domain.
#[must_use]
pub fn jobs() -> Vec<Kind<Arc<App>>> {
    vec![
        Kind {
            name: EMPTY_STORAGES,
            every: None,
            run: empty,
        },
        Kind {
            name: "storage.sweep",
            every: Some(SWEEP_INTERVAL),
            run: sweep,
        },
    ]
}

fn empty(app: Arc<App>, payload: Document) -> BoxFuture<'static, Result<(), Failure>> {
    async move {
        let wrong = || Failure::Fail(Error::internal("the job names no storages"));
        let storages: Vec<Bson> = payload.get_array("storageIds").map_err(|_| wrong())?.clone();
        Ok(empty_storages(&app, &storages).await?)
    }
    .boxed()
}

/// Removes storages that nobody owns, with their items and the items' content.
///
/// # Errors
/// Whatever the database fails with; running it again goes on.
pub async fn empty_storages(app: &Arc<App>, storages: &[Bson]) -> Result<()> {
    loop {
        let step = Step::begin();
        let items = store::abandoned(&app.database, storages, BATCH).await?;
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
            store::remove_storages(&app.database, tx, storages).boxed()
        })
        .await?;
    Ok(())
}

async fn remove_items(app: &App, tx: &mut Tx, items: &[StorageItem]) -> Result<Released> {
    let contents = store::remove_abandoned(&app.database, tx, items).await?;
    app.blobs.release(tx, contents).await
}

fn sweep(app: Arc<App>, _payload: Document) -> BoxFuture<'static, Result<(), Failure>> {
    async move {
        while app.blobs.sweep().await? > 0 {}
        Ok(())
    }
    .boxed()
}
