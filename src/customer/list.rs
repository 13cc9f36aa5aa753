//! Lists of customers: filters and sort orders, each supported by an index.

use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject};
use bson::{Bson, doc};

use super::anonymization::{self, AnonymizationStatus};
use super::node::{CustomerNode, READ};
use super::{Customer, CustomerStatus, email};
use crate::context::RequestContext;
use crate::custom_field::{Definitions, filter::CustomFieldFilter, node::visible};
use crate::error::{Error, Result};
use crate::platform::{
    filter::{DateTimeFilter, Filter, Nested, StringFilter, condition},
    id::{CustomerGroupId, Id, StorefrontId},
    page::{Connection, Count, PageArgs, SortOrder, Values},
};
use crate::read::direct::listing::StorefrontListing;

/// Sort key of a list of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CustomerSortKey {
    /// Time at which the account was created.
    CreatedAt,
    /// Time of the last change of the profile, an address or the number of placed orders.
    UpdatedAt,
    /// Last name; upper-case letters sort before lower-case letters.
    LastName,
    /// E-mail address; case is ignored.
    Email,
    /// Reference, by its number.
    Reference,
}

impl CustomerSortKey {
    fn order(self, storefront: &StorefrontId, descending: bool) -> SortOrder {
        let (field, values) = match self {
            Self::CreatedAt => ("_id", Values::Unique),
            Self::UpdatedAt => ("updatedAt", Values::Shared),
            Self::LastName => ("lastName", Values::Optional),
            Self::Email => ("emailKey", Values::Optional),
            Self::Reference => ("referenceNumber", Values::Shared),
        };
        SortOrder {
            name: format!("customers of {storefront}"),
            field,
            values,
            descending,
        }
    }

    /// The value by which a customer is sorted.
    fn of(self, customer: &Customer) -> Bson {
        let text = |text: &Option<String>| text.as_deref().map_or(Bson::Null, Bson::from);
        match self {
            Self::CreatedAt => (&customer.id).into(),
            Self::UpdatedAt => customer.updated_at.into(),
            Self::LastName => text(&customer.last_name),
            Self::Email => text(&customer.email_key),
            Self::Reference => customer.reference_number.into(),
        }
    }
}

/// The order of a list of customers.
#[derive(Clone, Copy, Debug)]
pub struct CustomerListOrder {
    /// The sort key.
    pub key: CustomerSortKey,
    /// Whether the order is descending.
    pub reverse: bool,
}

/// Filter of a list of customers. All conditions must match. A filter that no index supports scans all customers, for
/// at most 5 seconds (error TIMEOUT).
#[derive(Clone, Debug, Default, InputObject)]
pub struct CustomerFilter {
    /// E-mail address; case is ignored. An index supports `eq`, `in` and `startsWith`.
    pub email: Option<StringFilter>,
    /// First name. An index supports `eq`, `in` and `startsWith`.
    pub first_name: Option<StringFilter>,
    /// Last name. An index supports `eq`, `in` and `startsWith`.
    pub last_name: Option<StringFilter>,
    /// Reference, such as `DE--25`. An index supports `eq`, `in` and `startsWith`.
    pub reference: Option<StringFilter>,
    /// Shopper reference. An index supports `eq`, `in` and `startsWith`.
    pub shopper_reference: Option<StringFilter>,
    /// Purchase status. Supported by an index.
    pub status: Option<CustomerStatus>,
    /// Whether the customer has a password to sign in with.
    pub has_password: Option<bool>,
    /// Whether the e-mail address is verified.
    pub is_email_verified: Option<bool>,
    /// Whether the personal data of the customer is erased. An index supports `true`.
    pub is_anonymized: Option<bool>,
    /// Status of the erasure. Supported by an index.
    pub anonymization_status: Option<AnonymizationStatus>,
    /// Id of a customer group of the customer; an unknown id matches no customer. Also requires the scope `groups:read`
    /// or a customer token; otherwise FORBIDDEN. Supported by an index, also together with `status`.
    pub group_id: Option<ID>,
    /// The group, if it exists for the caller; set before the filter is converted to a condition.
    #[graphql(skip)]
    pub group: Option<CustomerGroupId>,
    /// Time at which the account was created.
    pub created_at: Option<DateTimeFilter>,
    /// Time of the last change of the profile, an address or the number of placed orders. Supported by an index.
    pub updated_at: Option<DateTimeFilter>,
    /// Value of a custom field of the storefront. An index supports `eq`, and `isNull: false`.
    pub custom_field: Option<CustomFieldFilter>,
    /// The conditions of `custom_field`, set once the definitions are known.
    #[graphql(skip)]
    custom_field_conditions: Vec<bson::Document>,
    /// All of these filters must match. `and`, `or` and `not` nest at most five levels deep.
    pub and: Option<Vec<CustomerFilter>>,
    /// At least one of these filters must match.
    pub or: Option<Vec<CustomerFilter>>,
    /// This filter must not match.
    pub not: Option<Box<CustomerFilter>>,
}

impl CustomerFilter {
    /// Calls `show` with each named group, also of nested filters, and with the place for the resolved id.
    pub fn each_group(&mut self, show: &mut impl FnMut(&ID, &mut Option<CustomerGroupId>)) {
        self.each(&mut |filter| {
            if let Some(id) = &filter.group_id {
                show(id, &mut filter.group);
            }
        });
    }

    /// Calls `look` with each filter, nested ones included.
    fn each(&mut self, look: &mut dyn FnMut(&mut Self)) {
        look(self);
        let within = self.and.iter_mut().chain(&mut self.or).flatten();
        for filter in within.chain(self.not.as_deref_mut()) {
            filter.each(look);
        }
    }

    fn names_custom_fields(&mut self) -> bool {
        let mut names = false;
        self.each(&mut |filter| names |= filter.custom_field.is_some());
        names
    }

    /// Converts the custom field filters to conditions, by the definitions that the caller may read.
    fn resolve(&mut self, fields: &Definitions) -> Result<()> {
        let mut outcome = Ok(());
        self.each(&mut |filter| {
            let Some(custom_field) = filter.custom_field.take() else {
                return;
            };
            match custom_field.on(fields) {
                Ok(conditions) => filter.custom_field_conditions = conditions,
                Err(error) => outcome = Err(error),
            }
        });
        outcome
    }
}

impl Filter for CustomerFilter {
    fn own(&mut self) -> Result<Vec<bson::Document>> {
        let email = self.email.take().map(|filter| filter.mapped(email::compared));
        let texts = [
            ("emailKey", email),
            ("firstName", self.first_name.take()),
            ("lastName", self.last_name.take()),
            ("reference", self.reference.take()),
            ("shopperReference", self.shopper_reference.take()),
        ];
        let mut conditions = Vec::new();
        for (field, filter) in texts {
            if let Some(filter) = filter {
                conditions.extend(filter.on(field)?);
            }
        }
        if let Some(status) = self.status {
            conditions.push(doc! { "status": bson::serialize_to_bson(&status)? });
        }
        if let Some(has_password) = self.has_password {
            conditions.push(doc! { "passwordHash": { "$exists": has_password } });
        }
        if let Some(is_verified) = self.is_email_verified {
            conditions.push(doc! { "isEmailVerified": is_verified });
        }
        if let Some(is_done) = self.is_anonymized {
            conditions.push(anonymization::is_done(is_done)?);
        }
        if let Some(status) = self.anonymization_status {
            conditions.push(anonymization::has_status(status)?);
        }
        if self.group_id.is_some() {
            conditions.push(match self.group.take() {
                Some(group) => doc! { "groupIds": group },
                None => doc! { "_id": { "$in": [] } },
            });
        }
        for (field, filter) in [
            ("createdAt", self.created_at.take()),
            ("updatedAt", self.updated_at.take()),
        ] {
            conditions.extend(filter.into_iter().flat_map(|filter| filter.on(field)));
        }
        conditions.append(&mut self.custom_field_conditions);
        Ok(conditions)
    }

    fn nested(self) -> Nested<Self> {
        Nested {
            and: self.and,
            or: self.or,
            not: self.not,
        }
    }
}

/// A page of a storefront's customers.
///
/// # Errors
/// FORBIDDEN if the caller may not read customers; BAD_USER_INPUT for an invalid page or filter.
pub async fn customers_of(
    context: &Arc<RequestContext>,
    storefront: &StorefrontId,
    mut filter: Option<CustomerFilter>,
    order: CustomerListOrder,
    page: PageArgs,
) -> Result<Connection<CustomerNode>> {
    let reach = context.reach(&READ)?;
    let CustomerListOrder { key, reverse } = order;
    let page = page.check(context.app.vault.cursors(), key.order(storefront, reverse))?;
    let one = context
        .storefront_to_read(&reach, Some(storefront.as_str()))
        .await?;
    let reach = one.ok_or(Error::StorefrontNotFound)?.reach().clone();
    if let Some(filter) = &mut filter
        && filter.names_custom_fields()
    {
        filter.resolve(&visible(context, &reach, storefront).await?)?;
    }
    let condition = condition(filter)?;
    let listing = StorefrontListing {
        database: context.app.database.clone(),
        principal: context.principal.clone(),
        cursors: context.app.vault.cursors().clone(),
        storefront: storefront.to_string(),
        tenant: context.app.database.open::<Customer>(&reach),
        condition: condition.clone(),
        page,
        position: Box::new(move |customer: &Customer| (key.of(customer), (&customer.id).into())),
        node: CustomerNode::new,
    };
    let app = Arc::clone(&context.app);
    let count: Count = Box::new(move || {
        let (customers, condition) = (app.database.open::<Customer>(&reach), condition.clone());
        Box::pin(async move { customers.count(condition).await })
    });
    Ok(Connection::later(Box::new(listing), count))
}
