//! Creation, changes and deletion of markets.

use std::collections::HashSet;

use bson::{Bson, Document, doc};
use futures_util::FutureExt;

use super::{Audience, CustomerGroup, Market, Name, refusal, store};
use crate::app::App;
use crate::error::{Error, Faults, Result};
use crate::platform::{
    database::Tx,
    id::{CustomerGroupId, MarketId},
};
use crate::reach::{Reach, StorefrontReach};

/// The groups of an input's list, each at its index; `None` for what is not a group's id.
pub type GroupIds = Vec<Option<CustomerGroupId>>;

/// Checked changes; `None` leaves a field unchanged.
#[derive(Debug, Default)]
pub struct MarketChanges {
    /// New name.
    pub name: Option<Name>,
    /// The groups that open the market from now on; an empty list makes it public.
    pub groups: Option<GroupIds>,
}

/// Notes a fault for each of the groups that does not exist.
pub async fn check_groups(app: &App, reach: &Reach, faults: &mut Faults, groups: &GroupIds) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let known = app.database.open::<CustomerGroup>(reach);
    let known = known.ids(named(&distinct(groups)), 0).await?;
    note_missing(faults, groups, &known);
    Ok(())
}

fn note_missing(faults: &mut Faults, groups: &GroupIds, known: &[CustomerGroupId]) {
    for (index, group) in groups.iter().enumerate() {
        if !group.as_ref().is_some_and(|id| known.contains(id)) {
            faults.push(refusal::listed_group_not_found(index));
        }
    }
}

fn named(ids: &[CustomerGroupId]) -> Document {
    doc! { "_id": { "$in": ids.iter().map(Bson::from).collect::<Vec<_>>() } }
}

/// Returns each group once, in the input's order.
fn distinct(groups: &GroupIds) -> Vec<CustomerGroupId> {
    let mut seen = HashSet::new();
    let named = groups.iter().flatten();
    named.filter(|id| seen.insert(*id)).cloned().collect()
}

/// Creates a market for the groups that were found; without groups it is public.
///
/// # Errors
/// MARKET_NAME_TAKEN, CUSTOMER_GROUP_NOT_FOUND for groups that were deleted meanwhile.
pub async fn create(app: &App, place: &StorefrontReach, name: Name, groups: &GroupIds) -> Result<Market> {
    let now = app.clock.now();
    let audience = Audience::of(distinct(groups));
    let market = Market {
        id: MarketId::fresh(now, &app.random),
        storefront_id: place.id().clone(),
        name,
        opens_to: audience.stored(place.id()),
        created_at: now,
    };
    let context = (app, place, &market, groups);
    let written = app
        .database
        .transaction(context, |tx, (app, place, market, groups)| {
            insert_in(app, place.reach(), tx, market, groups).boxed()
        });
    written.await.map_err(store::taken)?;
    Ok(market)
}

async fn insert_in(app: &App, reach: &Reach, tx: &mut Tx, market: &Market, groups: &GroupIds) -> Result<()> {
    hold(app, reach, tx, groups).await?;
    let markets = app.database.open::<Market>(reach);
    markets.insert_in(tx, reach, market).await
}

/// Locks the groups that are to be linked: none can be deleted before this transaction is committed.
async fn hold(app: &App, reach: &Reach, tx: &mut Tx, groups: &GroupIds) -> Result<()> {
    let ids = distinct(groups);
    if ids.is_empty() {
        return Ok(());
    }
    let held = app.database.open::<CustomerGroup>(reach);
    let touched = doc! { "$inc": { "version": 1_i64 } };
    if held.update_just_in(tx, named(&ids), touched, ids.len()).await? {
        return Ok(());
    }
    // A group was deleted since the lookup: name the ones that this transaction does not find.
    let left = held.find_in(tx, named(&ids)).await?;
    let left: Vec<CustomerGroupId> = left.into_iter().map(|group| group.id).collect();
    let mut faults = Faults::default();
    note_missing(&mut faults, groups, &left);
    faults.check()?;
    Err(Error::internal("cannot link existing customer groups"))
}

/// Changes a market and returns it as stored.
///
/// # Errors
/// MARKET_NOT_FOUND, MARKET_NAME_TAKEN, CUSTOMER_GROUP_NOT_FOUND for groups that were deleted meanwhile.
pub async fn update(app: &App, reach: &Reach, market: &Market, changes: &MarketChanges) -> Result<Market> {
    let place = reach.only(&market.storefront_id);
    let place = place.ok_or_else(refusal::market_not_found)?;
    let context = (app, &place, market, changes);
    let written = app
        .database
        .transaction(context, |tx, (app, place, market, changes)| {
            update_in(app, place.reach(), tx, market, changes).boxed()
        });
    written.await.map_err(store::taken)
}

async fn update_in(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    market: &Market,
    changes: &MarketChanges,
) -> Result<Market> {
    let mut set = Document::new();
    if let Some(name) = &changes.name {
        set.insert("name", bson::serialize_to_bson(name)?);
    }
    if let Some(groups) = &changes.groups {
        hold(app, reach, tx, groups).await?;
        set.insert(
            "opensTo",
            Audience::of(distinct(groups)).stored(&market.storefront_id),
        );
    }
    let markets = app.database.open::<Market>(reach);
    let changed = markets.update_in(tx, doc! { "_id": &market.id }, doc! { "$set": set });
    let changed = changed.await?;
    changed.ok_or_else(|| refusal::market_not_found().into())
}

/// Deletes a market.
///
/// # Errors
/// MARKET_NOT_FOUND.
pub async fn delete(app: &App, reach: &Reach, id: &MarketId) -> Result<()> {
    let markets = app.database.open::<Market>(reach);
    let deleted = app.database.transaction((&markets, id), |tx, (markets, id)| {
        markets.delete_in(tx, doc! { "_id": id }).boxed()
    });
    let deleted = deleted.await?;
    deleted
        .map(|_market| ())
        .ok_or_else(|| refusal::market_not_found().into())
}
