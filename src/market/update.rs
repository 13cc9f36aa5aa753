//! `marketUpdate`: changes the fields of a market that are sent.

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined};
use bson::{Document, doc};

use super::node::MarketNode;
use super::{Market, WRITE, audience, opening_groups};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer::refusal::no_changes;
use crate::customer_group::{
    links::OPENS_TO,
    list::GroupedNode,
    listed::ListedIds,
    name::{self, Name, UniquelyNamed},
    target::Target,
};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    change::sent,
    database::{Tx, Write},
    id::{CustomerGroupId, MarketId},
};
use crate::reach::StorefrontReach;

/// Input of `marketUpdate`: the market and its new values. Omitted fields are unchanged.
#[derive(InputObject)]
pub struct MarketUpdateInput {
    /// Id of the market.
    id: ID,
    /// New name of the market, cannot be removed: 1 to 255 characters, not blank, without control characters. Unique in
    /// the storefront regardless of case and surrounding white space.
    name: MaybeUndefined<String>,
    /// Ids of the customer groups that open the market from now on: at most 100, of its storefront. They replace the
    /// present groups. An empty list or null makes the market public.
    group_ids: MaybeUndefined<Vec<ID>>,
}

mutation! {
    /// Changes the fields of a market that are sent.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NOT_FOUND, NO_CHANGES, MARKET_NAME_TAKEN, REQUIRED, INVALID, TOO_LONG (on `groupIds`: more
    /// than 100 ids), CUSTOMER_GROUP_NOT_FOUND at the index of each id that is not a group of the storefront.
    MarketUpdate.market_update = update(
        #[graphql(desc = "The market and its new values.")] input: MarketUpdateInput,
    ) -> MarketUpdatePayload;

    /// Payload of `marketUpdate`.
    payload {
        /// The market as stored after the update; null when there are user errors.
        market: MarketNode,
    }
}

async fn update(context: &Arc<RequestContext>, input: MarketUpdateInput) -> Result<MarketUpdatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let mut faults = Faults::default();
    let target = faults.absorb(Target::<Market>::find(database, &reach, &input.id).await)?;
    let changes = changes(input, &mut faults);
    let storefront = target.as_ref().map(|target| &target.storefront);
    if let Some(groups) = &changes.groups {
        let within = storefront.map_or(&reach, StorefrontReach::reach);
        opening_groups::check(database, within, groups, &mut faults).await?;
    }
    let own = target.as_ref().map(|target| &target.document);
    name::check_free(database, storefront, changes.name.as_ref(), own, &mut faults).await?;
    let target = faults.finish(target)?;
    let modification = MarketModification {
        app: &context.app,
        storefront: target.storefront,
        market: target.document.id,
        changes,
    };
    let written = database.run(&modification).await;
    let market = written.map_err(name::taken::<Market>)?;
    Ok(MarketUpdatePayload::of(MarketNode::in_payload(market, &reach)))
}

/// Checked changes; `None` leaves a field unchanged.
struct MarketChanges {
    /// New name.
    name: Option<Name>,
    /// The groups that open the market from now on; an empty list makes it public.
    groups: Option<ListedIds<CustomerGroupId>>,
}

/// Checks the changes, except whether the name is free and the groups exist.
fn changes(input: MarketUpdateInput, faults: &mut Faults) -> MarketChanges {
    let MarketUpdateInput {
        id: _,
        name,
        group_ids,
    } = input;
    if name.is_undefined() && group_ids.is_undefined() {
        faults.push(no_changes());
    }
    let name = sent(name).and_then(|name| Name::checked(&name.unwrap_or_default(), faults));
    let groups = sent(group_ids).map(|ids| opening_groups::listed(&ids.unwrap_or_default(), faults));
    MarketChanges { name, groups }
}

/// The write that changes a market.
struct MarketModification<'a> {
    app: &'a App,
    storefront: StorefrontReach,
    market: MarketId,
    changes: MarketChanges,
}

impl Write for MarketModification<'_> {
    type Output = Market;

    /// # Errors
    /// MARKET_NOT_FOUND, CUSTOMER_GROUP_NOT_FOUND for groups that were deleted since they were found; a violation of
    /// the index that keeps names unique.
    async fn write(&self, tx: &mut Tx) -> Result<Market> {
        let (database, reach) = (&self.app.database, self.storefront.reach());
        let MarketChanges { name, groups } = &self.changes;
        let mut set = Document::new();
        if let Some(name) = name {
            set.insert("name", bson::serialize_to_bson(name)?);
        }
        if let Some(groups) = groups {
            opening_groups::lock_in(database, reach, tx, groups).await?;
            set.insert(OPENS_TO, audience(&groups.distinct(), self.storefront.id()));
        }
        let markets = database.open::<Market>(reach);
        let changed = markets.update_in(tx, doc! { "_id": &self.market }, doc! { "$set": set });
        changed.await?.ok_or_else(|| Market::not_found().into())
    }
}
