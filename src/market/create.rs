//! `marketCreate`: creates a market, which is private if groups are sent and public otherwise.

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::node::MarketNode;
use super::{Market, WRITE, audience, opening_groups};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer_group::{
    list::GroupedNode,
    listed::ListedIds,
    name::{self, Name},
};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::{CustomerGroupId, MarketId},
};
use crate::reach::StorefrontReach;

/// Input of `marketCreate`: the market to create.
#[derive(InputObject)]
pub struct MarketCreateInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Name of the market: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    name: String,
    /// Ids of the customer groups that open the market: at most 100, of its storefront. They make the market private;
    /// without any it is public.
    group_ids: Option<Vec<ID>>,
}

mutation! {
    /// Creates a market, which is private if groups are sent and public otherwise.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NAME_TAKEN, REQUIRED, INVALID, TOO_LONG (on `groupIds`: more than 100 ids),
    /// CUSTOMER_GROUP_NOT_FOUND at the index of each id that is not a group of the storefront, STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    MarketCreate.market_create = create(
        #[graphql(desc = "The market to create.")] input: MarketCreateInput,
    ) -> MarketCreatePayload;

    /// Payload of `marketCreate`.
    payload {
        /// The new market; null when there are user errors.
        market: MarketNode,
    }
}

async fn create(context: &Arc<RequestContext>, input: MarketCreateInput) -> Result<MarketCreatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let storefront = context.storefront_to_write(&reach, id, ["storefrontId"]).await;
    let storefront = faults.absorb(storefront)?;
    let name = Name::checked(&input.name, &mut faults);
    let groups = opening_groups::listed(&input.group_ids.unwrap_or_default(), &mut faults);
    let within = storefront.as_ref().map_or(&reach, StorefrontReach::reach);
    opening_groups::check(database, within, &groups, &mut faults).await?;
    name::check_free::<Market>(database, storefront.as_ref(), name.as_ref(), None, &mut faults).await?;
    let (storefront, name) = faults.finish((storefront, name))?;
    let creation = MarketCreation {
        app: &context.app,
        storefront: &storefront,
        name,
        groups,
    };
    let market = MarketNode::in_payload(creation.run().await?, &reach);
    Ok(MarketCreatePayload::of(market))
}

/// The write that creates a market for groups that were found; without groups it is public.
pub struct MarketCreation<'a> {
    /// The app.
    pub app: &'a App,
    /// The reach into the market's storefront.
    pub storefront: &'a StorefrontReach,
    /// The checked name.
    pub name: Name,
    /// The groups that open the market.
    pub groups: ListedIds<CustomerGroupId>,
}

impl MarketCreation<'_> {
    /// Creates the market.
    ///
    /// # Errors
    /// MARKET_NAME_TAKEN, CUSTOMER_GROUP_NOT_FOUND for groups that were deleted since they were found.
    pub async fn run(&self) -> Result<Market> {
        let written = self.app.database.run(self).await;
        written.map_err(name::taken::<Market>)
    }
}

impl Write for MarketCreation<'_> {
    type Output = Market;

    async fn write(&self, tx: &mut Tx) -> Result<Market> {
        let (database, reach) = (&self.app.database, self.storefront.reach());
        opening_groups::lock_in(database, reach, tx, &self.groups).await?;
        let now = self.app.clock.now();
        let market = Market {
            id: MarketId::fresh(now, &self.app.random),
            storefront_id: self.storefront.id().clone(),
            name: self.name.clone(),
            opens_to: audience(&self.groups.distinct(), self.storefront.id()),
            created_at: now,
        };
        let markets = database.open::<Market>(reach);
        markets.insert_in(tx, reach, &market).await?;
        Ok(market)
    }
}
