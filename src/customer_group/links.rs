//! The links from markets to the groups that open them. The markets hold the links; this is the part of their documents
//! that the deletion of a group changes.

use bson::doc;
use serde::{Deserialize, Serialize};

use super::CustomerGroup;
use crate::error::Result;
use crate::platform::{
    database::{Database, Tx},
    id::{MarketId, StorefrontId},
};
use crate::reach::{Holder, Reach, tenant::TenantDocument};

/// The collection of markets.
pub const MARKETS: &str = "markets";
/// The markets' field with the ids of the groups that open a market.
pub const OPENS_TO: &str = "opensTo";

/// A market, reduced to what is needed to remove a link.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkedMarket {
    #[serde(rename = "_id")]
    id: MarketId,
    storefront_id: StorefrontId,
}

impl TenantDocument for LinkedMarket {
    type Id = MarketId;
    const COLLECTION: &'static str = MARKETS;
    const HOLDER: Holder = Holder::Audience(OPENS_TO);

    fn id(&self) -> &MarketId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// Removes a group from the markets that it opens, without making them public (CLY-15).
///
/// # Errors
/// Any database error.
pub async fn remove_in(database: &Database, reach: &Reach, tx: &mut Tx, group: &CustomerGroup) -> Result<()> {
    let linked = doc! { "storefrontId": &group.storefront_id, OPENS_TO: &group.id };
    let removal = doc! { "$pull": { OPENS_TO: &group.id } };
    let markets = database.open::<LinkedMarket>(reach);
    markets.update_many_in(tx, linked, removal).await?;
    Ok(())
}
