//! The demo's storefront users and their files, stored as requests of a backend would store them.

use std::sync::Arc;

use bson::doc;
use bytes::Bytes;

use super::Demo;
use super::content::{self, File};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::upload::channel;
use crate::reach::{Reach, StorefrontReach};
use crate::storage::{
    StorageItem, store,
    upload::{NewItem, Uploader},
};
use crate::storefront_user::{StorefrontUser, ensure::ensure_user};

/// The storefront's code, the store's own id of the user, whether the user is anonymous, and the files.
const PEOPLE: &[(&str, &str, bool, &[File])] = &[
    (
        "DE",
        "shopper-1001",
        false,
        &[content::SUNSET, content::MUG_DESIGN, content::LOGO],
    ),
    ("DE", "guest-1", true, &[content::WAVES]),
    ("DE", "guest-2", true, &[]),
    ("US", "shopper-2001", false, &[content::TARTAN, content::PROOF]),
    ("US", "guest-3", true, &[content::RINGS]),
];

/// Adds the users and files that are missing.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    for (code, id, is_anonymous, files) in PEOPLE {
        let storefront = reach_into(reach, demo, code)?;
        let ensured = ensure_user(app, &storefront, id, *is_anonymous).await?;
        for file in *files {
            add_file(app, storefront.reach(), &ensured.user, file).await?;
        }
    }
    Ok(())
}

/// Returns the reach of the demo's backend into the storefront with this code.
pub(super) fn reach_into(reach: &Reach, demo: &Demo, code: &str) -> Result<StorefrontReach> {
    let mut storefronts = demo.storefronts.iter();
    let storefront = storefronts.find(|storefront| storefront.code == code);
    storefront
        .and_then(|storefront| reach.only(&storefront.id))
        .ok_or_else(|| {
            Error::internal("the client secret of the demo cannot access the storefronts of the demo")
        })
}

async fn add_file(app: &Arc<App>, reach: &Reach, owner: &StorefrontUser, file: &File) -> Result<()> {
    let Some(home) = store::home_storage(&app.database, reach, &owner.id).await? else {
        return Ok(());
    };
    let same = doc! { "storageId": &home.id, "name": file.name };
    let items = app.database.open::<StorageItem>(reach);
    if items.find_one(same).await?.is_some() {
        return Ok(());
    }
    let (mut sender, stream) = channel();
    sender.begin(Some(file.name.to_owned()));
    // One chunk and the end of the file fit into the channel before anything reads from it.
    sender.send(Bytes::from((file.make)()?)).await;
    sender.finish().await;
    let new = NewItem {
        folder: Some(file.folder.to_owned()),
        ..NewItem::default()
    };
    Uploader { app, reach, owner }.upload(new, stream).await?;
    Ok(())
}
