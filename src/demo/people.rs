//! The demo's storefront users and their files, stored as requests of a backend would store them.

use std::sync::Arc;

use bson::doc;
use bytes::Bytes;

use super::content::{self, File};
use super::{Demo, DemoStorefront};
use crate::app::App;
use crate::error::{Error, Result};
use crate::platform::upload::channel;
use crate::reach::{Reach, StorefrontReach};
use crate::storage::{
    StorageItem, store,
    upload::{NewItem, Uploader},
};
use crate::storefront_user::{StorefrontUser, ensure::ensure_user};

/// A storefront user: the storefront's code, the store's own id of the user, whether the user is anonymous, and the
/// files.
struct DemoUser {
    code: &'static str,
    id: &'static str,
    is_anonymous: bool,
    files: &'static [File],
}

const PEOPLE: &[DemoUser] = &[
    DemoUser {
        code: "DE",
        id: "shopper-1001",
        is_anonymous: false,
        files: &[content::SUNSET, content::MUG_DESIGN, content::LOGO],
    },
    DemoUser {
        code: "DE",
        id: "guest-1",
        is_anonymous: true,
        files: &[content::WAVES],
    },
    DemoUser {
        code: "DE",
        id: "guest-2",
        is_anonymous: true,
        files: &[],
    },
    DemoUser {
        code: "US",
        id: "shopper-2001",
        is_anonymous: false,
        files: &[content::TARTAN, content::PROOF],
    },
    DemoUser {
        code: "US",
        id: "guest-3",
        is_anonymous: true,
        files: &[content::RINGS],
    },
];

/// Adds the users and files that are missing.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    for person in PEOPLE {
        let storefront = reach_into(reach, demo, person.code)?;
        let ensured = ensure_user(app, &storefront, person.id, person.is_anonymous).await?;
        for file in person.files {
            add_file(app, storefront.reach(), &ensured.user, file).await?;
        }
    }
    Ok(())
}

/// Returns the reach of the demo's backend into the storefront with this code.
pub(super) fn reach_into(reach: &Reach, demo: &Demo, code: &str) -> Result<StorefrontReach> {
    let with_code = |storefront: &&DemoStorefront| storefront.code == code;
    demo.storefronts
        .iter()
        .find(with_code)
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
    if app
        .database
        .open::<StorageItem>(reach)
        .find_one(same)
        .await?
        .is_some()
    {
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
