//! Database access for customers.

use bson::{Bson, Document, doc};

use super::{Customer, email::Email};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::Result;
use crate::platform::{
    counter,
    database::{Database, Index, IndexKind, Tx},
    id::{CustomerGroupId, StorefrontId},
    stored::{Stored, StoredField},
};
use crate::reach::{Confine, HouseReach, tenant::TenantDocument};
use crate::read::leads::Listed;

/// The index that makes an address unique in its storefront.
pub const UNIQUE_EMAIL: &str = "storefront_email";
/// The index that makes a shopper reference unique in its storefront.
pub const UNIQUE_SHOPPER_REFERENCE: &str = "storefront_shopperReference";

/// Indexes of the customers.
pub const INDEXES: &[Index] = &[
    Index::new(
        "customers",
        UNIQUE_EMAIL,
        &[("storefrontId", 1), ("emailKey", 1)],
        IndexKind::UniqueHaving("emailKey"),
    ),
    Index::new(
        "customers",
        "storefront_reference",
        &[("storefrontId", 1), ("reference", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        "customers",
        UNIQUE_SHOPPER_REFERENCE,
        &[("storefrontId", 1), ("shopperReference", 1)],
        IndexKind::UniqueHaving("shopperReference"),
    ),
    Index::new(
        "customers",
        "storefront_user",
        &[("storefrontId", 1), ("userId", 1)],
        IndexKind::Unique,
    ),
    having(
        "storefront_anonymization",
        &[("storefrontId", 1), ("anonymization.status", 1), ("_id", 1)],
        "anonymization.status",
    ),
    // Finds erasures whose start was not completed.
    having(
        "closing",
        &[("anonymization.startedAt", 1)],
        "anonymization.closing",
    ),
    // For lists: one for each sort order and each filtered text.
    plain("storefront_id", &[("storefrontId", 1), ("_id", 1)]),
    plain(
        "storefront_updatedAt",
        &[("storefrontId", 1), ("updatedAt", 1), ("_id", 1)],
    ),
    plain(
        "storefront_lastName",
        &[("storefrontId", 1), ("lastName", 1), ("_id", 1)],
    ),
    plain(
        "storefront_firstName",
        &[("storefrontId", 1), ("firstName", 1), ("_id", 1)],
    ),
    plain(
        "storefront_emailKey",
        &[("storefrontId", 1), ("emailKey", 1), ("_id", 1)],
    ),
    plain(
        "storefront_referenceNumber",
        &[("storefrontId", 1), ("referenceNumber", 1), ("_id", 1)],
    ),
    plain(
        "storefront_status",
        &[("storefrontId", 1), ("status", 1), ("_id", 1)],
    ),
    // Most customers have neither values nor groups, so they are left out of these indexes.
    having(
        "storefront_customFields",
        &[
            ("storefrontId", 1),
            ("customFields.f", 1),
            ("customFields.v", 1),
            ("_id", 1),
        ],
        "customFields",
    ),
    having(
        "storefront_groupIds",
        &[("storefrontId", 1), ("groupIds", 1), ("_id", 1)],
        "groupIds",
    ),
    having(
        "storefront_groupIds_status",
        &[("storefrontId", 1), ("groupIds", 1), ("status", 1), ("_id", 1)],
        "groupIds",
    ),
];

/// Number of indexes with an entry for a new customer: all except those on the erasure and on groups.
pub const FILLED_INDEXES: usize = INDEXES.len() - 4;

impl Personal for Customer {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("reference", StoredField::Kept("reference")),
            ("referenceNumber", StoredField::Free),
            ("email", StoredField::Personal("email")),
            ("emailKey", StoredField::Hidden),
            ("isEmailVerified", StoredField::Kept("isEmailVerified")),
            ("awaitsProof", StoredField::Free),
            ("emailChangeRequests", StoredField::Free),
            ("passwordHash", StoredField::Hidden),
            ("credentialEpoch", StoredField::Free),
            ("identityLinks", StoredField::Free),
            ("signIns", StoredField::Free),
            ("firstName", StoredField::Personal("firstName")),
            ("lastName", StoredField::Personal("lastName")),
            ("salutation", StoredField::Personal("salutation")),
            ("gender", StoredField::Personal("gender")),
            ("dateOfBirth", StoredField::Personal("dateOfBirth")),
            ("shopperReference", StoredField::Personal("shopperReference")),
            ("orderCount", StoredField::Kept("orderCount")),
            ("status", StoredField::Kept("status")),
            // A text that a client chose; the exported acceptance contains it.
            ("terms.version", StoredField::Hidden),
            ("terms", StoredField::Kept("termsAcceptance")),
            (
                "defaultShippingAddressId",
                StoredField::Personal("defaultShippingAddressId"),
            ),
            (
                "defaultBillingAddressId",
                StoredField::Personal("defaultBillingAddressId"),
            ),
            ("customFields", StoredField::Personal("customFields")),
            ("groupIds", StoredField::Personal("customerGroupIds")),
            ("anonymization.status", StoredField::Kept("anonymizationStatus")),
            (
                "anonymization.requestedAt",
                StoredField::Kept("anonymizationRequestedAt"),
            ),
            ("anonymization", StoredField::Free),
            ("lastLoginAt", StoredField::Kept("lastLoginAt")),
            ("createdAt", StoredField::Kept("createdAt")),
            ("updatedAt", StoredField::Kept("updatedAt")),
            ("version", StoredField::Free),
        ],
    };
    const NAME: &'static str = "customer";
    const LINK: SubjectLink = SubjectLink::Customer("_id");
}

impl Listed for Customer {}

const fn plain(name: &'static str, keys: &'static [(&'static str, i32)]) -> Index {
    Index::new("customers", name, keys, IndexKind::Plain)
}

const fn having(name: &'static str, keys: &'static [(&'static str, i32)], field: &'static str) -> Index {
    Index::new("customers", name, keys, IndexKind::Having(field))
}

/// The customer with this address.
///
/// # Errors
/// Any database error.
pub async fn by_email(database: &Database, reach: &impl Confine, email: &Email) -> Result<Option<Customer>> {
    let known = doc! { "emailKey": &email.key };
    database.open::<Customer>(reach).find_one(known).await
}

/// As [`by_email`], within a transaction.
///
/// # Errors
/// Any database error.
pub async fn by_email_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    email: &Email,
) -> Result<Option<Customer>> {
    let known = doc! { "emailKey": &email.key };
    database.open::<Customer>(reach).find_one_in(tx, known).await
}

/// Draws the next number of a storefront's customers. A number that is drawn and not used is lost.
///
/// # Errors
/// Any database error.
pub async fn next_number(database: &Database, storefront: &StorefrontId) -> Result<i64> {
    counter::next(database, &format!("customers of {storefront}")).await
}

/// Draws `many` consecutive numbers for new customers' references, and returns the first.
///
/// # Errors
/// Any database error.
pub async fn next_numbers(database: &Database, storefront: &StorefrontId, many: i64) -> Result<i64> {
    counter::next_of(database, &format!("customers of {storefront}"), many).await
}

/// Removes a group from up to `batch` of the customers that the filter matches, and returns their number. For jobs:
/// each document is changed by itself, and the operation is idempotent.
///
/// # Errors
/// Any database error.
pub async fn leave_in_part(
    database: &Database,
    reach: &HouseReach,
    members: Document,
    group: &CustomerGroupId,
    batch: i64,
) -> Result<usize> {
    let customers = database.open::<Customer>(reach);
    let found = customers.ids(members, batch).await?;
    if !found.is_empty() {
        let left = doc! { "$set": { "groupIds": { "$filter": {
            "input": "$groupIds", "cond": { "$ne": ["$$this", group] },
        } } } };
        let ids: Vec<Bson> = found.iter().map(Bson::from).collect();
        let still = doc! { "_id": { "$in": ids }, "groupIds": group };
        customers.migrate(still, vec![left]).await?;
    }
    Ok(found.len())
}
