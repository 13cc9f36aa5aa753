//! `marketDelete`: deletes a market. Its groups are not deleted.

use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::doc;

use super::{Market, WRITE};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer_group::{name::UniquelyNamed, target::Target};
use crate::error::Result;
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::MarketId,
};
use crate::reach::Reach;

/// Input of `marketDelete`: the market to delete.
#[derive(InputObject)]
pub struct MarketDeleteInput {
    /// Id of the market.
    id: ID,
}

mutation! {
    /// Deletes a market. Its groups are not deleted.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NOT_FOUND.
    MarketDelete.market_delete = delete(
        #[graphql(desc = "The market to delete.")] input: MarketDeleteInput,
    ) -> MarketDeletePayload;

    /// Payload of `marketDelete`.
    payload {
        /// Id of the deleted market; null when there are user errors.
        deleted_market_id: ID,
    }
}

async fn delete(context: &Arc<RequestContext>, input: MarketDeleteInput) -> Result<MarketDeletePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let target = Target::<Market>::find(database, &reach, &input.id).await?;
    let deletion = MarketDeletion {
        app: &context.app,
        reach: &reach,
        market: target.document.id,
    };
    database.run(&deletion).await?;
    Ok(MarketDeletePayload::of(ID::from(&deletion.market)))
}

/// The write that deletes a market.
struct MarketDeletion<'a> {
    app: &'a App,
    reach: &'a Reach,
    market: MarketId,
}

impl Write for MarketDeletion<'_> {
    type Output = ();

    /// # Errors
    /// MARKET_NOT_FOUND.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let markets = self.app.database.open::<Market>(self.reach);
        let deleted = markets.delete_in(tx, doc! { "_id": &self.market }).await?;
        deleted.ok_or_else(Market::not_found)?;
        Ok(())
    }
}
