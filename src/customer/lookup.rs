//! Lookup of a customer by id, by reference or by e-mail address.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject};
use bson::doc;

use super::node::{CustomerNode, READ};
use super::{Customer, email, is_reference, store};
use crate::context::{GlobalNode, RequestContext};
use crate::error::Result;
use crate::platform::id::{CustomerId, Id};
use crate::reach::Reach;
use crate::read::direct::single::Shown;

/// Identifies a customer by exactly one of its keys.
#[derive(OneofObject)]
pub enum CustomerBy {
    /// Global id of the customer.
    Id(ID),
    /// Reference of the customer.
    Reference(CustomerReferenceKey),
    /// E-mail address of the customer.
    Email(CustomerEmailKey),
}

/// The reference of a customer in a storefront.
#[derive(InputObject)]
pub struct CustomerReferenceKey {
    /// Id of the storefront; required when the credential covers several storefronts (error STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// Reference exactly as `Customer.reference` returns it, such as `DE--25`.
    reference: String,
}

/// The e-mail address of a customer in a storefront.
#[derive(InputObject)]
pub struct CustomerEmailKey {
    /// Id of the storefront; required when the credential covers several storefronts (error STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    email: String,
}

/// The queries of customers.
#[derive(Default)]
pub struct CustomerQuery;

#[Object]
impl CustomerQuery {
    /// Returns a customer by id, reference or e-mail address; null if the customer is not found for this credential.
    /// Requires an integration token or client secret with the scope `customers:read`, the token of this customer, or
    /// the token of its storefront user.
    async fn customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the customer.")] by: CustomerBy,
    ) -> Option<Result<Shown<CustomerNode>>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            if context.is_single
                && let CustomerBy::Id(id) = &by
                && let Some(id) = CustomerId::parse(id)
            {
                let customers = context.app.database.open::<Customer>(&reach);
                if let Some(read) = Shown::read(ctx, customers, id, CustomerNode::new) {
                    return read.await;
                }
            }
            let found = find(context, &reach, by).await?;
            Ok(found.map(|customer| Shown::Node(CustomerNode::new(customer))))
        };
        load.await.transpose()
    }
}

async fn find(context: &RequestContext, reach: &Reach, by: CustomerBy) -> Result<Option<Arc<Customer>>> {
    let database = &context.app.database;
    let found = match by {
        CustomerBy::Id(id) => match CustomerId::parse(&id) {
            Some(id) => return context.by_id_at_root::<Customer>(reach, &id).await,
            None => None,
        },
        CustomerBy::Reference(key) => {
            let reach = reach_into(context, reach, key.storefront_id.as_ref()).await?;
            match reach.filter(|_| is_reference(&key.reference)) {
                Some(reach) => {
                    let customers = database.open::<Customer>(&reach);
                    customers.find_one(doc! { "reference": key.reference }).await?
                }
                None => None,
            }
        }
        CustomerBy::Email(key) => {
            let reach = reach_into(context, reach, key.storefront_id.as_ref()).await?;
            match reach.zip(email::parse(&key.email)) {
                Some((reach, email)) => store::by_email(database, &reach, &email).await?,
                None => None,
            }
        }
    };
    Ok(found.map(Arc::new))
}

/// The reach into the storefront that a key names; `None` for a storefront outside the caller's reach.
async fn reach_into(context: &RequestContext, reach: &Reach, id: Option<&ID>) -> Result<Option<Reach>> {
    let id = id.map(|id| id.as_str());
    let storefront = context.storefront_to_read(reach, id).await?;
    Ok(storefront.map(|storefront| storefront.reach().clone()))
}

impl GlobalNode for CustomerNode {
    type Id = CustomerId;

    async fn find(context: &RequestContext, id: &CustomerId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let found = context.by_id::<Customer>(&reach, id).await?;
        Ok(found.map(CustomerNode::new))
    }
}
