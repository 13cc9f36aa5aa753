//! Customers on the wire: the node.

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};

use super::anonymization::AnonymizationStatus;
use super::sessions::{self, CustomerSession};
use super::terms::TermsAcceptance;
use super::{Customer as Document, CustomerStatus, Gender, Salutation};
use crate::access::{
    principal::{Kind, Policy},
    reach::Reach,
    scope::Scope,
};
use crate::address::graphql::{Address, AddressBook};
use crate::context::{RequestContext, behind::Behind};
use crate::custom_field::graphql::{CustomField, fields_of};
use crate::erasure::graphql::AnonymizationInfo;
use crate::error::{Error, Result};
use crate::market::graphql::{CustomerGroup, Market, groups_of_customer, markets_of_customer};
use crate::order::{graphql::Order, list::orders_behind};
use crate::platform::{
    clock::Timestamp,
    id::{AddressId, CustomerId, Id},
    page::{Connection, PageArgs},
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

    /// The node behind another one. `granted` is what a payload shows without the scope.
    #[must_use]
    pub fn granted(document: Arc<Document>, granted: Option<Reach>) -> Self {
        Self { document, granted }
    }

    /// The reach with which what is behind the customer is read.
    fn reach(&self, context: &RequestContext, policy: &Policy) -> Result<Reach> {
        match &self.granted {
            Some(reach) => Ok(reach.clone()),
            None => context.reach(policy),
        }
    }

    fn address_book<'a>(&'a self, ctx: &Context<'a>) -> Result<AddressBook<'a>> {
        let context = RequestContext::of(ctx)?;
        Ok(AddressBook {
            context,
            reach: self.reach(context, &READ)?,
            customer: &self.document,
            granted: self.granted.as_ref(),
        })
    }

    fn behind<'a>(&'a self, ctx: &Context<'a>) -> Result<Behind<'a, Document>> {
        Ok(Behind {
            context: RequestContext::of(ctx)?,
            parent: &self.document,
        })
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

    /// The customer's addresses, oldest first.
    async fn addresses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Address>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        self.address_book(ctx)?.page(&page).await
    }

    /// The customer's address with this id; null when there is none.
    async fn address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address's `id`.")] id: ID,
    ) -> Option<Result<Address>> {
        let id = AddressId::parse(&id)?;
        let find = async { self.address_book(ctx)?.find(&id).await };
        find.await.transpose()
    }

    /// The address that orders go to; null as long as there are no addresses.
    async fn default_shipping_address(&self, ctx: &Context<'_>) -> Option<Result<Address>> {
        let find = async { self.address_book(ctx)?.default_shipping().await };
        find.await.transpose()
    }

    /// The address that invoices go to; null as long as there are no addresses.
    async fn default_billing_address(&self, ctx: &Context<'_>) -> Option<Result<Address>> {
        let find = async { self.address_book(ctx)?.default_billing().await };
        find.await.transpose()
    }

    /// The customer's orders, newest first by when they were placed, cancelled ones too. Backend (orders:read), or the
    /// customer itself; else FORBIDDEN.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Order>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        orders_behind(
            RequestContext::of(ctx)?,
            self.granted.as_ref(),
            &self.document,
            &page,
        )
        .await
    }

    /// The groups that the customer is in, oldest first. Backend (groups:read), or the customer itself; else FORBIDDEN.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<CustomerGroup>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        groups_of_customer(self.behind(ctx)?, self.granted.as_ref(), &page).await
    }

    /// The private markets that the groups open, and the public ones, oldest first. Backend (storefronts:read), or the
    /// customer itself; the customer's storefront user sees the public ones; else FORBIDDEN.
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from the start or after `after`: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor to start behind.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor to stop at.")] before: Option<String>,
    ) -> Result<Connection<Market>> {
        let page = PageArgs {
            first,
            after,
            last,
            before,
        };
        markets_of_customer(self.behind(ctx)?, self.granted.as_ref(), &page).await
    }

    /// The storefront's custom fields, with the customer's values: every field that the caller may read, in the order in
    /// which they were defined, and null where the customer has no value. Backend (customers:read): all fields; everyone
    /// else: public ones.
    async fn custom_fields(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only fields with these keys; unknown ones are left out.")] keys: Option<
            Vec<String>,
        >,
    ) -> Result<Vec<CustomField>> {
        let context = RequestContext::of(ctx)?;
        let reach = self.reach(context, &READ)?;
        let whose = (&self.document.storefront_id, &self.document.custom_fields[..]);
        fields_of(context, (&reach, self.granted.is_some()), whose, keys).await
    }

    /// Whether what is personal of the customer is erased.
    async fn is_anonymized(&self) -> bool {
        self.document.erasure() == Some(AnonymizationStatus::Completed)
    }

    /// Where the erasure of what is personal stands; null when none was ever asked for.
    async fn anonymization_status(&self) -> Option<AnonymizationStatus> {
        self.document.erasure()
    }

    /// The erasure in full: times, who asked, what was erased; null when none was ever asked for. Backend (customers:read),
    /// or the customer itself.
    async fn anonymization_info(&self, ctx: &Context<'_>) -> Option<Result<AnonymizationInfo>> {
        let state = self.document.anonymization.clone()?;
        let reach = RequestContext::of(ctx).and_then(|context| self.reach(context, &READ));
        Some(reach.map(|reach| AnonymizationInfo::new(state, reach)))
    }

    /// Signed-in devices, oldest first: one for each live refresh token, 100 at most. When a customer signs in once more,
    /// the one used longest ago ends. Backend (customers:read), or the customer itself; else FORBIDDEN.
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
    Ok(found.map(|document| Customer::granted(document, granted.cloned())))
}
