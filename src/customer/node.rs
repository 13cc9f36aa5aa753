//! The GraphQL node of customers.

use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};
use bson::{RawDocument, raw::RawBsonRef};

use super::anonymization::AnonymizationStatus;
use super::sessions::{self, CustomerSessionNode};
use super::{Customer, CustomerStatus, Gender, Salutation, TermsAcceptance};
use crate::address::{
    Address,
    node::{AddressBook, AddressNode},
};
use crate::context::{RequestContext, behind::Behind};
use crate::custom_field::node::{CustomField, FieldsOfCustomer};
use crate::customer_group::{self, list::of_parent, node::CustomerGroupNode};
use crate::customer_note::node::{CustomerNoteNode, NOTES, notes_of_customer};
use crate::erasure::node::AnonymizationInfo;
use crate::error::{Error, Result};
use crate::market::{self, node::MarketNode};
use crate::order::{self, Order, list::orders_behind, node::OrderNode};
use crate::platform::{
    clock::Timestamp,
    id::{AddressId, CustomerId, Id},
    page::{Connection, PageArgs, SortOrder},
    scalar::{Date, wire_count},
};
use crate::reach::{
    Reach,
    principal::{CredentialKind, Policy},
    scope::Scope,
    seen::{Seen, Sight},
};
use crate::read::direct::{DirectObject, ObjectShape, fields, level::ListOf};
use crate::storefront::node::{StorefrontNode, storefront_of};
use crate::storefront_user::{self, StorefrontUser, node::StorefrontUserNode};

/// Who may read customers; a storefront user may read the customer that it is linked to.
pub const READ: Policy = Policy::backend(Scope::CustomersRead).and_own();

/// A customer account of a storefront. Personal data is null after erasure.
/// Requires an integration token or client secret with the scope `customers:read`, the token of this customer, or the
/// token of its storefront user.
#[derive(Clone, Description)]
pub struct CustomerNode {
    customer: Seen<Customer>,
}

impl CustomerNode {
    /// The node of a customer behind which policies decide.
    #[must_use]
    pub fn new(document: Arc<Customer>) -> Self {
        Self::seen(Seen::by_policy(document))
    }

    /// The node for a mutation's payload, which shows the customer also to callers that may not read customers.
    #[must_use]
    pub fn in_payload(document: Customer, reach: &Reach) -> Self {
        let reach = reach.showing_customer(&document.user_id);
        Self::seen(Seen::in_payload(document, reach))
    }

    /// The node of a customer that another object leads to.
    #[must_use]
    pub fn seen(customer: Seen<Customer>) -> Self {
        Self { customer }
    }

    fn reach(&self, context: &RequestContext, policy: &Policy) -> Result<Reach> {
        self.customer.sight().reach(&context.principal, policy)
    }

    fn address_book<'a>(&'a self, ctx: &Context<'a>) -> Result<AddressBook<'a>> {
        let context = RequestContext::of(ctx)?;
        Ok(AddressBook {
            context,
            reach: self.reach(context, &READ)?,
            customer: &self.customer,
        })
    }

    fn behind<'a>(&'a self, ctx: &Context<'a>) -> Result<Behind<'a, Customer>> {
        Ok(Behind {
            context: RequestContext::of(ctx)?,
            parent: &*self.customer,
        })
    }
}

fields! {
    /// The fields of a customer that its document contains.
    CustomerFields of Customer {
        /// Human-readable reference, such as `DE--25`. Unique in the storefront and never reused.
        reference: &str = "reference" => |customer| &customer.reference;

        /// E-mail address as it was entered; null after erasure.
        email: Option<&str> = "email" => |customer| customer.email.as_deref();

        /// Whether the e-mail address is verified.
        is_email_verified: bool = "isEmailVerified" => |customer| customer.is_email_verified;

        /// Whether the customer has a password to sign in with.
        has_password: bool = ["passwordHash"] has_password => |customer| customer.password_hash.is_some();

        /// First name; null after erasure, and if single sign-on created the account without one.
        first_name: Option<&str> = "firstName" => |customer| customer.first_name.as_deref();

        /// Last name; null after erasure, and if single sign-on created the account without one.
        last_name: Option<&str> = "lastName" => |customer| customer.last_name.as_deref();

        /// Salutation; null if not set, and after erasure.
        salutation: Option<Salutation> = "salutation" => |customer| customer.salutation;

        /// Gender; null if not set, and after erasure.
        gender: Option<Gender> = "gender" => |customer| customer.gender;

        /// Date of birth; null if not set, and after erasure.
        date_of_birth: Option<Date> = "dateOfBirth" => |customer| customer.date_of_birth;

        /// Purchase status, derived from `orderCount`.
        status: CustomerStatus = "status" => |customer| customer.status;

        /// Number of placed orders, without cancelled ones.
        order_count: i32 = "orderCount" => |customer| wire_count(customer.order_count);

        /// Time of the last sign-in; null if the customer never signed in.
        last_login_at: Option<Timestamp> = "lastLoginAt" => |customer| customer.last_login_at;

        /// Time at which the account was created.
        created_at: Timestamp = "createdAt" => |customer| customer.created_at;

        /// Time of the last change; equal to `createdAt` before the first change.
        updated_at: Timestamp = "updatedAt" => |customer| customer.updated_at;

        /// Version number, which increases with each change. Pass it as `expectedVersion` to detect concurrent changes.
        version: i32 = "version" => |customer| wire_count(customer.version);
    }
}

/// Writes whether the customer has a password.
fn has_password(customer: &RawDocument, out: &mut Vec<u8>) -> bool {
    let has_password = matches!(customer.get("passwordHash"), Ok(Some(hash)) if hash != RawBsonRef::Null);
    out.extend_from_slice(if has_password { b"true" } else { b"false" });
    true
}

impl DirectObject for CustomerNode {
    const OBJECT: ObjectShape = ObjectShape {
        name: "Customer",
        fields: &[CustomerFields::stored],
        lists: &[&ADDRESSES, &ORDERS, &NOTES],
    };
}

/// The list of a customer's addresses.
const ADDRESSES: ListOf<Customer, Address> = ListOf {
    name: "addresses",
    item: AddressNode::OBJECT,
    policy: READ,
    order: SortOrder::by_id,
    of: PhantomData,
};

/// The list of a customer's orders.
const ORDERS: ListOf<Customer, Order> = ListOf {
    name: "orders",
    item: OrderNode::OBJECT,
    policy: order::node::READ,
    order: order::list::newest_first,
    of: PhantomData,
};

#[Object(name = "Customer", use_type_description)]
impl CustomerNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.customer.id)
    }

    #[graphql(flatten)]
    async fn stored(&self) -> CustomerFields<'_> {
        CustomerFields(&self.customer)
    }

    /// The storefront of the account. Requires the scope `storefronts:read`, or the token of this customer or of its
    /// storefront user; otherwise FORBIDDEN.
    async fn storefront(&self, ctx: &Context<'_>) -> Result<StorefrontNode> {
        let context = RequestContext::of(ctx)?;
        storefront_of(context, self.customer.sight(), &self.customer.storefront_id)
    }

    /// The storefront user of the customer, with the private storage. Requires the scope `storefront_users:read`, or
    /// the token of this customer or of its storefront user; otherwise FORBIDDEN.
    async fn storefront_user(&self, ctx: &Context<'_>) -> Result<StorefrontUserNode> {
        let context = RequestContext::of(ctx)?;
        let reach = self.reach(context, &storefront_user::node::READ)?;
        let id = &self.customer.user_id;
        let user = context.by_id::<StorefrontUser>(&reach, id).await?;
        user.map(|user| StorefrontUserNode::seen(self.customer.beside(user)))
            .ok_or_else(|| Error::internal("storefront user not found for a customer"))
    }

    /// Identifies the shopper to payment gateways: 3 to 128 characters, generated, editable by integrations.
    /// Requires the scope `customers:read`; null for other credentials, and after erasure.
    async fn shopper_reference(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        let reach = RequestContext::of(ctx).and_then(|context| self.reach(context, &READ));
        match reach {
            Ok(reach) if reach.identity().kind() == CredentialKind::Integration => {
                self.customer.shopper_reference.as_deref().map(Ok)
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Acceptance of the store's terms; null if single sign-on created the account.
    async fn terms_acceptance(&self) -> Option<&TermsAcceptance> {
        self.customer.terms.as_ref()
    }

    /// Addresses of the customer, oldest first.
    async fn addresses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<AddressNode>> {
        let page = PageArgs::new(first, after, last, before);
        self.address_book(ctx)?.page(&page).await
    }

    /// Returns the customer's address with this id; null if there is none.
    async fn address(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the address.")] id: ID,
    ) -> Option<Result<AddressNode>> {
        let id = AddressId::parse(&id)?;
        let find = async { self.address_book(ctx)?.find(&id).await };
        find.await.transpose()
    }

    /// Default address for shipping; null if the customer has no addresses.
    async fn default_shipping_address(&self, ctx: &Context<'_>) -> Option<Result<AddressNode>> {
        let find = async { self.address_book(ctx)?.default_shipping().await };
        find.await.transpose()
    }

    /// Default address for billing; null if the customer has no addresses.
    async fn default_billing_address(&self, ctx: &Context<'_>) -> Option<Result<AddressNode>> {
        let find = async { self.address_book(ctx)?.default_billing().await };
        find.await.transpose()
    }

    /// Orders of the customer, cancelled ones included, newest `placedAt` first.
    /// Requires the scope `orders:read` or the token of this customer; otherwise FORBIDDEN.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<OrderNode>> {
        let page = PageArgs::new(first, after, last, before);
        orders_behind(RequestContext::of(ctx)?, &self.customer, &page).await
    }

    /// Customer groups of the customer, oldest first. Requires the scope `groups:read` or the token of this customer;
    /// otherwise FORBIDDEN.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<CustomerGroupNode>> {
        let page = PageArgs::new(first, after, last, before);
        of_parent(
            self.behind(ctx)?,
            self.customer.sight(),
            &customer_group::READ,
            &page,
        )
        .await
    }

    /// Public markets and the private markets of the customer's groups, oldest first. Requires the scope
    /// `storefronts:read` or the token of this customer; with the token of its storefront user only public markets are
    /// returned; otherwise FORBIDDEN.
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Result<Connection<MarketNode>> {
        let page = PageArgs::new(first, after, last, before);
        of_parent(self.behind(ctx)?, self.customer.sight(), &market::READ, &page).await
    }

    /// Custom fields of the storefront in the order of their definition, with the customer's values; a field without a
    /// value is included with `value` null.
    /// An integration token or client secret reads all fields, other credentials read public fields only.
    async fn custom_fields(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Keys of the fields to return; unknown keys are ignored. All fields if omitted or null."
        )]
        keys: Option<Vec<String>>,
    ) -> Result<Vec<CustomField>> {
        let context = RequestContext::of(ctx)?;
        let reach = self.reach(context, &READ)?;
        let fields = FieldsOfCustomer {
            context,
            reach: &reach,
            needs_no_scope: self.customer.sight().needs_no_scope(),
            storefront: &self.customer.storefront_id,
            values: &self.customer.custom_fields,
        };
        fields.list(keys).await
    }

    /// Notes of the store's staff about the customer, newest first.
    /// Requires an integration token or client secret with the scope `customers:read`; null for every other credential.
    async fn notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items after `after`, or from the start: 1 to 100, 25 by default.")]
        first: Option<i32>,
        #[graphql(desc = "Cursor after which the page starts.")] after: Option<String>,
        #[graphql(desc = "Number of items before `before`, or from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<Connection<CustomerNoteNode>>> {
        let page = PageArgs::new(first, after, last, before);
        let list = async { notes_of_customer(RequestContext::of(ctx)?, &self.customer, &page).await };
        list.await.transpose()
    }

    /// Whether the personal data of the customer is erased.
    async fn is_anonymized(&self) -> bool {
        self.customer.erasure() == Some(AnonymizationStatus::Completed)
    }

    /// Status of the erasure; null if it was never requested.
    async fn anonymization_status(&self) -> Option<AnonymizationStatus> {
        self.customer.erasure()
    }

    /// Details of the erasure; null if it was never requested. Readable by every credential that may read the customer.
    async fn anonymization_info(&self, ctx: &Context<'_>) -> Option<Result<AnonymizationInfo>> {
        let state = self.customer.anonymization.clone()?;
        let reach = RequestContext::of(ctx).and_then(|context| self.reach(context, &READ));
        Some(reach.map(|reach| AnonymizationInfo::new(state, reach)))
    }

    /// Sessions of the customer, oldest first: one for each live refresh token, 100 at most. A further sign-in revokes
    /// the least recently used one. Requires the scope `customers:read` or the token of this customer; otherwise
    /// FORBIDDEN.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<CustomerSessionNode>> {
        let context = RequestContext::of(ctx)?;
        let reach = self.reach(context, &sessions::READ)?;
        sessions::of(context, &reach, &self.customer.user_id).await
    }
}

/// The customer behind another object; `None` if the caller may not read customers.
pub async fn customer_behind(
    context: &RequestContext,
    sight: &Sight,
    id: &CustomerId,
) -> Result<Option<CustomerNode>> {
    let Ok(reach) = sight.reach(&context.principal, &READ) else {
        return Ok(None);
    };
    let found = context.by_id::<Customer>(&reach, id).await?;
    Ok(found.map(|document| CustomerNode::seen(Seen::with(document, sight.clone()))))
}
