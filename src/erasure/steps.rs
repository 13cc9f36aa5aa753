//! The steps of the eraser. Each removes a bounded number of documents in a transaction and counts them in it; a
//! repeated step finds less to do.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::FutureExt;

use crate::address::Address;
use crate::app::App;
use crate::customer::{Customer, mail};
use crate::domain::personal::{Personal, Subject};
use crate::error::Result;
use crate::order::Order;
use crate::platform::{database::Tx, job::pace::Stopwatch};
use crate::reach::{HouseReach, tenant::TenantDocument};
use crate::storage::{
    data_export::DataExport,
    jobs::{empty_storages, remove_exports},
};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, store as users};

/// Maximum number of documents that one transaction removes or changes: few, so that it is short and does not block
/// others.
const BATCH: i64 = 50;
/// Interval at which a mail that is being sent is checked.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a step does with documents.
#[derive(Clone, Copy, Debug)]
enum How {
    /// Deletes them.
    Remove,
    /// Removes the personal data in them.
    Empty,
    /// Removes their link to the customer.
    Detach,
}

/// Removes everything except the customer's own document and their storefront user.
///
/// # Errors
/// Any error of a step; completed steps are kept.
pub async fn all(app: &Arc<App>, subject: &Subject, is_deletion: bool) -> Result<()> {
    while step::<Address>(app, subject, How::Remove, Some("addresses")).await? {}
    while step::<Order>(app, subject, How::Empty, Some("orders")).await? {}
    if is_deletion {
        while step::<Order>(app, subject, How::Detach, None).await? {}
    }
    let exports = subject.owns::<DataExport>();
    while remove_exports(app, exports.clone()).await? {}
    let storages: Vec<Bson> = subject.storages.iter().map(Bson::from).collect();
    empty_storages(app, &storages).await?;
    while forget_merged(app, subject).await? {}
    forget_mails(app, subject).await
}

/// Runs one bounded step and returns whether there may be more to do.
async fn step<T: Personal>(
    app: &Arc<App>,
    subject: &Subject,
    how: How,
    counted: Option<&'static str>,
) -> Result<bool> {
    let mut theirs = subject.owns::<T>();
    if matches!(how, How::Empty) {
        theirs.extend(T::STORED.is_left());
    }
    let pace = Stopwatch::begin();
    let system = HouseReach::everywhere();
    let found = app.database.open::<T>(&system).ids(theirs.clone(), BATCH).await?;
    if found.is_empty() {
        return Ok(false);
    }
    let ids: Vec<Bson> = found.into_iter().map(Into::into).collect();
    let many = ids.len();
    theirs.insert("_id", doc! { "$in": ids });
    let context = (&**app, subject, theirs, how, counted);
    app.database
        .transaction(context, |tx, (app, subject, theirs, how, counted)| {
            step_in::<T>(app, tx, subject, theirs, *how, *counted).boxed()
        })
        .await?;
    pace.end(many, BATCH).await;
    Ok(true)
}

async fn step_in<T: Personal>(
    app: &App,
    tx: &mut Tx,
    subject: &Subject,
    theirs: &Document,
    how: How,
    counted: Option<&'static str>,
) -> Result<()> {
    let system = HouseReach::everywhere();
    let documents = app.database.open::<T>(&system);
    let many = match how {
        How::Remove => documents.delete_many_in(tx, theirs.clone()).await?,
        How::Empty => {
            let emptied = doc! { "$unset": T::STORED.unset() };
            documents.update_many_in(tx, theirs.clone(), emptied).await?
        }
        How::Detach => {
            let detached = doc! { "$unset": { "customerId": "", "userId": "" } };
            documents.update_many_in(tx, theirs.clone(), detached).await?
        }
    };
    if let Some(counted) = counted {
        let many = i64::try_from(many).unwrap_or(i64::MAX);
        let count = doc! { "$inc": { format!("anonymization.erased.{counted}"): many } };
        let customers = app.database.open::<Customer>(&system);
        customers
            .update_in(tx, doc! { "_id": &subject.customer }, count)
            .await?;
    }
    Ok(())
}

/// Removes anonymous users that were merged into the customer's user, because the ids that the store gave them may be
/// personal. Returns whether there may be more to do.
async fn forget_merged(app: &Arc<App>, subject: &Subject) -> Result<bool> {
    let system = HouseReach::everywhere();
    let merged =
        users::merged_into(&app.database, &system, &subject.storefront, &subject.user, BATCH).await?;
    if merged.is_empty() {
        return Ok(false);
    }
    let ids: Vec<Bson> = merged.iter().map(Bson::from).collect();
    let context = (&**app, ids);
    app.database
        .transaction(context, |tx, (app, ids)| {
            async move {
                let system = HouseReach::everywhere();
                let users = app.database.open::<StorefrontUser>(&system);
                users
                    .delete_many_in(tx, doc! { "_id": { "$in": ids.clone() } })
                    .await
            }
            .boxed()
        })
        .await?;
    for user in &merged {
        app.access.forget_person(user).await;
    }
    Ok(true)
}

/// Withdraws queued mails, waits for a mail that is being sent, and removes mails that were written to files.
async fn forget_mails(app: &Arc<App>, subject: &Subject) -> Result<()> {
    while mail::take_back(app, &subject.customer).await? {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    mail::forget_files(app, &subject.customer).await
}

/// Removes the storefront user and its empty storage, the last step of a deletion.
///
/// # Errors
/// Any database error.
pub async fn remove_user_in(app: &App, tx: &mut Tx, subject: &Subject) -> Result<()> {
    let system = HouseReach::everywhere();
    let users = app.database.open::<StorefrontUser>(&system);
    users.delete_in(tx, doc! { "_id": &subject.user }).await?;
    let owned = doc! { PrivateStorage::STOREFRONT: &subject.storefront, "ownerId": &subject.user };
    let storages = app.database.open::<PrivateStorage>(&system);
    storages.delete_many_in(tx, owned).await?;
    Ok(())
}
