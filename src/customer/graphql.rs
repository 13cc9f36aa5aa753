//! Customers on the wire: the node, its sessions and lookups.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, InputObject, Object, OneofObject, SimpleObject};

use super::{
    Customer as Document, CustomerStatus, Gender, Salutation, email, is_reference, sessions,
    sessions::CustomerSession, store,
};
use crate::access::{
    principal::{Kind, Policy},
    reach::Reach,
    scope::Scope,
};
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::platform::{
    clock::Timestamp,
    id::{CustomerId, Id},
    scalar::{Date, wire_count},
};
use crate::storefront::graphql::{Storefront, storefront_of};
use crate::storefront_user::{
    StorefrontUser as StorefrontUserDocument,
    graphql::{READ as READ_USERS, StorefrontUser},
};

/// Who may read customers: a storefront user too, the one that it is linked to.
pub const READ: Policy = Policy::backend(Scope::CustomersRead).and_own();

/// A customer account. Fields that erasure removes are nullable, and null once it is done. Backend (customers:read), or
/// the customer itself.
#[derive(Clone, Description)]
pub struct Customer {
    document: Arc<Document>,
    /// In a mutation's payload: what the caller may see of this person without the scopes to ask for it.
    granted: Option<Reach>,
}

impl Customer {
    /// The node of a document.
    #[must_use]
    pub fn new(document: Arc<Document>) -> Self {
        Self {
            document,
            granted: None,
        }
    }

    /// The node in the payload of a mutation that `reach` was good for.
    #[must_use]
    pub fn in_payload(document: Document, reach: &Reach) -> Self {
        Self {
            granted: Some(reach.showing_customer(&document.user_id)),
            document: Arc::new(document),
        }
    }

    /// The reach with which what is behind the customer is read.
    fn reach(&self, context: &RequestContext, policy: &Policy) -> Result<Reach> {
        match &self.granted {
            Some(reach) => Ok(reach.clone()),
            None => context.reach(policy),
        }
    }
}

#[Object(use_type_description)]
impl Customer {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.document.id)
    }

    /// Human-readable and unique in the storefront: DE--25. Never given again.
    async fn reference(&self) -> &str {
        &self.document.reference
    }

    /// The storefront of the account. Backend (storefronts:read), or the customer itself; else FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<Storefront> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.granted.as_ref(), &self.document.storefront_id).await
    }

    /// The customer as the online store knows them, with their private storage. Backend (storefront_users:read), or the
    /// customer itself; else FORBIDDEN.
    async fn storefront_user(&self, ctx: &Context<'_>) -> Result<StorefrontUser> {
        let context = RequestContext::of(ctx)?;
        let reach = self.reach(context, &READ_USERS)?;
        let user = context
            .by_id::<StorefrontUserDocument>(&reach, &self.document.user_id)
            .await?;
        user.map(|user| StorefrontUser::granted(user, self.granted.clone()))
            .ok_or_else(|| Error::internal("a customer's storefront user is gone"))
    }

    /// E-mail address, as it was written.
    async fn email(&self) -> Option<&str> {
        self.document.email.as_deref()
    }

    /// Whether the address was shown to be the customer's.
    async fn is_email_verified(&self) -> bool {
        self.document.is_email_verified
    }

    /// Whether the customer can sign in by password.
    async fn has_password(&self) -> bool {
        self.document.password_hash.is_some()
    }

    /// First name.
    async fn first_name(&self) -> Option<&str> {
        self.document.first_name.as_deref()
    }

    /// Last name.
    async fn last_name(&self) -> Option<&str> {
        self.document.last_name.as_deref()
    }

    /// How the customer likes to be addressed.
    async fn salutation(&self) -> Option<Salutation> {
        self.document.salutation
    }

    /// Gender.
    async fn gender(&self) -> Option<Gender> {
        self.document.gender
    }

    /// Birth date.
    async fn date_of_birth(&self) -> Option<Date> {
        self.document.date_of_birth
    }

    /// Identifies the shopper to payment gateways: generated, 3 to 128 characters, editable by a backend. Backend
    /// (customers:read); null for everyone else.
    async fn shopper_reference(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        let reach = RequestContext::of(ctx).and_then(|context| self.reach(context, &READ));
        match reach {
            Ok(reach) if reach.identity().kind() == Kind::Integration => {
                self.document.shopper_reference.as_deref().map(Ok)
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// How the customer buys; follows `orderCount`.
    async fn status(&self) -> CustomerStatus {
        self.document.status
    }

    /// Placed orders, cancelled ones not counted.
    async fn order_count(&self) -> i32 {
        wire_count(self.document.order_count)
    }

    /// Which terms the customer accepted, and when.
    async fn terms_acceptance(&self) -> Option<TermsAcceptance> {
        let terms = self.document.terms.as_ref()?;
        Some(TermsAcceptance {
            accepted_at: terms.accepted_at,
            version: terms.version.clone(),
        })
    }

    /// Signed-in devices: one for each live refresh token, oldest first. Backend (customers:read), or the customer
    /// itself; else FORBIDDEN.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<CustomerSession>> {
        let context = RequestContext::of(ctx)?;
        let reach = self.reach(context, &sessions::READ)?;
        sessions::of(context, &reach, &self.document.user_id).await
    }

    /// The last time that the customer signed in.
    async fn last_login_at(&self) -> Option<Timestamp> {
        self.document.last_login_at
    }

    /// When the account was made.
    async fn created_at(&self) -> Timestamp {
        self.document.created_at
    }

    /// When the account was last changed; the same as `createdAt` before the first change.
    async fn updated_at(&self) -> Timestamp {
        self.document.updated_at
    }

    /// Grows with each change; pass it as `expectedVersion` to refuse to overwrite another's change.
    async fn version(&self) -> i32 {
        wire_count(self.document.version)
    }
}

/// Which terms a customer accepted.
#[derive(SimpleObject)]
pub struct TermsAcceptance {
    /// When.
    accepted_at: Timestamp,
    /// Which, as the store calls them.
    version: Option<String>,
}

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

/// The customer with this id, for `node`.
pub async fn node(context: &RequestContext, id: &str) -> Result<Option<Customer>> {
    let (Some(id), Ok(reach)) = (CustomerId::parse(id), context.reach(&READ)) else {
        return Ok(None);
    };
    Ok(context.by_id::<Document>(&reach, &id).await?.map(Customer::new))
}

/// The customer behind another object; `None` where the caller may not read customers. `granted` is what a payload shows
/// without the scope.
pub async fn customer_behind(
    context: &RequestContext,
    granted: Option<&Reach>,
    id: &CustomerId,
) -> Result<Option<Customer>> {
    let reach = match granted {
        Some(reach) => reach.clone(),
        None => match context.reach(&READ) {
            Ok(reach) => reach,
            Err(_) => return Ok(None),
        },
    };
    let found = context.by_id::<Document>(&reach, id).await?;
    Ok(found.map(|document| Customer {
        document,
        granted: granted.cloned(),
    }))
}
