//! `marketDelete`: deletes a market. Its groups are not deleted.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use bson::doc;

use super::{Market, WRITE, refusal};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer_group::target::Target;
use crate::error::{Result, UserError, payload};
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

/// Payload of `marketDelete`.
#[derive(SimpleObject)]
pub struct MarketDeletePayload {
    /// Id of the deleted market; null when there are user errors.
    deleted_market_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `marketDelete`.
#[derive(Default)]
pub struct MarketDelete;

#[Object]
impl MarketDelete {
    /// Deletes a market. Its groups are not deleted.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NOT_FOUND.
    async fn market_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The market to delete.")] input: MarketDeleteInput,
    ) -> Result<MarketDeletePayload> {
        let (deleted_market_id, user_errors) = payload(delete(RequestContext::of(ctx)?, input).await)?;
        Ok(MarketDeletePayload {
            deleted_market_id,
            user_errors,
        })
    }
}

async fn delete(context: &Arc<RequestContext>, input: MarketDeleteInput) -> Result<ID> {
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let target = Target::<Market>::find(database, &reach, &input.id).await?;
    let target = target.ok_or_else(refusal::not_found)?;
    let deletion = MarketDeletion {
        app: &context.app,
        reach: &reach,
        market: target.document.id,
    };
    database.run(&deletion).await?;
    Ok(ID::from(&deletion.market))
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
        deleted.ok_or_else(refusal::not_found)?;
        Ok(())
    }
}
