//! The query `order`: finds an order by id or by the store's number.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject};

use super::Order;
use super::node::{OrderNode, READ};
use super::store::Orders;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{Id, OrderId};
use crate::reach::Reach;

/// Identifies an order by exactly one of its keys.
#[derive(OneofObject)]
pub enum OrderBy {
    /// Global id of the order.
    Id(ID),
    /// Order number of the online store.
    Number(OrderNumberKey),
}

/// The number of an order in the online store of a storefront.
#[derive(InputObject)]
pub struct OrderNumberKey {
    /// Id of the storefront; required when the credential covers several storefronts (error STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Order number of the online store, compared exactly.
    number: String,
}

/// Queries of orders.
#[derive(Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// Returns an order by global id or by its number in the online store; null if it is not found for this credential.
    /// Requires an integration token or client secret with the scope `orders:read`, or the token of the customer that
    /// placed it.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the order.")] by: OrderBy,
    ) -> Option<Result<OrderNode>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            Ok(find(context, &reach, by).await?.map(OrderNode::new))
        };
        load.await.transpose()
    }
}

async fn find(context: &RequestContext, reach: &Reach, by: OrderBy) -> Result<Option<Arc<Order>>> {
    match by {
        OrderBy::Id(id) => match OrderId::parse(&id) {
            Some(id) => context.by_id_at_root::<Order>(reach, &id).await,
            None => Ok(None),
        },
        OrderBy::Number(key) => {
            let storefront = key.storefront_id.as_ref().map(|id| id.as_str());
            let Some(one) = context.storefront_to_read(reach, storefront).await? else {
                return Ok(None);
            };
            let orders = Orders::of(&context.app, one.reach());
            let found = orders.by_number(&key.number).await?;
            Ok(found.map(Arc::new))
        }
    }
}
