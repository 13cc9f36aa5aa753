//! Finding an order: by id, by the store's number.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject};

use super::graphql::{Order, READ};
use super::{Order as Document, store};
use crate::access::reach::Reach;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{Id, OrderId};

/// Names an order, one way or the other.
#[derive(OneofObject)]
pub enum OrderBy {
    /// By global id.
    Id(ID),
    /// By the store's number.
    Number(OrderNumberKey),
}

/// The number that the online store knows its order by.
#[derive(InputObject)]
pub struct OrderNumberKey {
    /// Which storefront; needed where the credential covers several.
    storefront_id: Option<ID>,
    /// The store's number, compared exactly.
    number: String,
}

/// Orders' part of the query.
#[derive(Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// An order by id or by the store's number; null when there is none that the caller may see. Backend (orders:read), or
    /// the customer that placed it.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: OrderBy,
    ) -> Option<Result<Order>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            Ok(find(context, &reach, by).await?.map(Order::new))
        };
        load.await.transpose()
    }
}

async fn find(context: &RequestContext, reach: &Reach, by: OrderBy) -> Result<Option<Arc<Document>>> {
    match by {
        OrderBy::Id(id) => match OrderId::parse(&id) {
            Some(id) => context.by_id_at_root::<Document>(reach, &id).await,
            None => Ok(None),
        },
        OrderBy::Number(key) => {
            let storefront = key.storefront_id.as_ref().map(|id| id.as_str());
            let Some(one) = context.storefront_to_read(reach, storefront).await? else {
                return Ok(None);
            };
            let found = store::by_number(&context.app.database, one.reach(), &key.number).await?;
            Ok(found.map(Arc::new))
        }
    }
}
