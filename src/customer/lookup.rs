//! Finding a customer: by id, by reference, by e-mail address.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject};

use super::graphql::{Customer, READ};
use super::{Customer as Document, email, is_reference, store};
use crate::access::reach::Reach;
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::id::{CustomerId, Id};

/// Names a customer, one way or the other.
#[derive(OneofObject)]
pub enum CustomerBy {
    /// By global id.
    Id(ID),
    /// By reference.
    Reference(CustomerReferenceKey),
    /// By e-mail address.
    Email(CustomerEmailKey),
}

/// A customer's reference in its storefront.
#[derive(InputObject)]
pub struct CustomerReferenceKey {
    /// Which storefront; needed where the credential covers several.
    storefront_id: Option<ID>,
    /// Exactly as it was given: DE--25.
    reference: String,
}

/// A customer's address in its storefront.
#[derive(InputObject)]
pub struct CustomerEmailKey {
    /// Which storefront; needed where the credential covers several.
    storefront_id: Option<ID>,
    /// In whatever case.
    email: String,
}

/// Customers' part of the query.
#[derive(Default)]
pub struct CustomerQuery;

#[Object]
impl CustomerQuery {
    /// A customer by id, reference or e-mail address; null when there is none that the caller may see. Backend
    /// (customers:read), or the customer itself.
    async fn customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: CustomerBy,
    ) -> Option<Result<Customer>> {
        let load = async {
            let context = RequestContext::of(ctx)?;
            let reach = context.reach(&READ)?;
            Ok(find(context, &reach, by).await?.map(Customer::new))
        };
        load.await.transpose()
    }
}

async fn find(context: &RequestContext, reach: &Reach, by: CustomerBy) -> Result<Option<Arc<Document>>> {
    let database = &context.app.database;
    match by {
        CustomerBy::Id(id) => match CustomerId::parse(&id) {
            Some(id) => context.by_id_at_root::<Document>(reach, &id).await,
            None => Ok(None),
        },
        CustomerBy::Reference(key) => {
            let place = place(context, reach, key.storefront_id.as_ref()).await?;
            match place.filter(|_| is_reference(&key.reference)) {
                Some(reach) => Ok(store::by_reference(database, &reach, &key.reference)
                    .await?
                    .map(Arc::new)),
                None => Ok(None),
            }
        }
        CustomerBy::Email(key) => {
            let place = place(context, reach, key.storefront_id.as_ref()).await?;
            match place.zip(email::parse(&key.email)) {
                Some((reach, email)) => Ok(store::by_email(database, &reach, &email).await?.map(Arc::new)),
                None => Ok(None),
            }
        }
    }
}

async fn place(context: &RequestContext, reach: &Reach, id: Option<&ID>) -> Result<Option<Reach>> {
    let one = context
        .storefront_to_read(reach, id.map(|id| id.as_str()))
        .await?;
    Ok(one.map(|one| one.reach().clone()))
}
