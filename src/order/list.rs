//! Lists of orders, the latest placed first, each supported by an index.

use std::sync::Arc;

use async_graphql::InputObject;
use bson::doc;

use super::node::{OrderNode, READ};
use super::{Order, OrderStatus};
use crate::context::{RequestContext, behind::Behind};
use crate::customer::Customer;
use crate::error::{Error, Result};
use crate::platform::{
    filter::{DateTimeFilter, Filter, Nested, StringFilter, condition},
    id::{Id, StorefrontId},
    page::{Connection, Count, PageArgs, SortOrder, Values},
};
use crate::reach::seen::Seen;
use crate::read::direct::listing::StorefrontListing;
use crate::read::leads::Listed;

/// Filter of a list of orders. All conditions must match.
/// A filter that no index supports is aborted after 5 seconds with the error TIMEOUT.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrderFilter {
    /// Order number of the online store. An index supports `eq`, `in` and `startsWith`.
    pub number: Option<StringFilter>,
    /// Status of the order. Supported by an index.
    pub status: Option<OrderStatus>,
    /// Whether the order is that of a guest.
    pub is_guest: Option<bool>,
    /// Time at which the order was placed. Supported by an index.
    pub placed_at: Option<DateTimeFilter>,
}

impl Filter for OrderFilter {
    fn own(&mut self) -> Result<Vec<bson::Document>> {
        let mut conditions = Vec::new();
        if let Some(number) = self.number.take() {
            conditions.extend(number.on("number")?);
        }
        if let Some(status) = self.status {
            conditions.push(doc! { "status": bson::serialize_to_bson(&status)? });
        }
        if let Some(is_guest) = self.is_guest {
            conditions.push(doc! { "customerId": { "$exists": !is_guest } });
        }
        if let Some(placed_at) = self.placed_at.take() {
            conditions.extend(placed_at.on("placedAt"));
        }
        Ok(conditions)
    }

    fn nested(self) -> Nested<Self> {
        Nested {
            and: None,
            or: None,
            not: None,
        }
    }
}

/// Returns the sequence by time of placing, newest first; orders of the same time by descending id.
pub fn newest_first(name: String) -> SortOrder {
    SortOrder {
        name,
        field: "placedAt",
        values: Values::Shared,
        descending: true,
    }
}

/// Returns a page of a storefront's orders (EPC-25).
///
/// # Errors
/// FORBIDDEN if the caller may not read orders; `BAD_USER_INPUT` for invalid page arguments or an invalid filter.
pub async fn orders_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    filter: Option<OrderFilter>,
    page: PageArgs,
) -> Result<Connection<OrderNode>> {
    let reach = context.reach(&READ)?;
    let order = newest_first(format!("orders of {storefront}"));
    let page = page.check(context.app.vault.cursors(), order)?;
    let one = context
        .storefront_to_read(&reach, Some(storefront.as_str()))
        .await?
        .ok_or(Error::StorefrontNotFound)?;
    let reach = one.reach().clone();
    let condition = condition(filter)?;
    let listing = StorefrontListing {
        database: context.app.database.clone(),
        principal: context.principal.clone(),
        cursors: context.app.vault.cursors().clone(),
        storefront: storefront.to_string(),
        tenant: context.app.database.open::<Order>(&reach),
        condition: condition.clone(),
        page,
        position: Box::new(Order::position),
        node: OrderNode::new,
    };
    let app = Arc::clone(&context.app);
    let count: Count = Box::new(move || {
        let (app, reach, condition) = (Arc::clone(&app), reach.clone(), condition.clone());
        Box::pin(async move { app.database.open::<Order>(&reach).count(condition).await })
    });
    Ok(Connection::later(Box::new(listing), count))
}

/// Returns a page of a customer's orders (EPC-25), with one database command for all customers of a level.
///
/// # Errors
/// FORBIDDEN if the caller may not read orders; `BAD_USER_INPUT` for invalid page arguments.
pub async fn orders_behind(
    context: &Arc<RequestContext>,
    customer: &Seen<Customer>,
    page: &PageArgs,
) -> Result<Connection<OrderNode>> {
    let reach = customer.sight().reach(&context.principal, &READ)?;
    let node = |order: Arc<Order>| OrderNode::seen(customer.beside(order));
    let behind = Behind {
        context,
        parent: &**customer,
    };
    behind.list_by(&reach, &reach, page, newest_first, node).await
}
