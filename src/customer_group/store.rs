//! Stored form of customer groups, and how customers and groups are related: a customer's document lists its groups.

use bson::{Bson, doc};

use super::CustomerGroup;
use crate::customer::Customer;
use crate::platform::{
    database::{Index, IndexKind},
    stored::{Stored, StoredField},
};
use crate::reach::tenant::TenantDocument;
use crate::read::related::{Leads, Listed};

/// The index that keeps a group's name unique in its storefront.
pub const UNIQUE_NAME: &str = "storefront_group_name";

/// Indexes of the groups; the customers' indexes include those of the members.
pub const INDEXES: &[Index] = &[
    Index {
        collection: CustomerGroup::COLLECTION,
        name: UNIQUE_NAME,
        keys: &[("storefrontId", 1), ("name.key", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: CustomerGroup::COLLECTION,
        name: "storefront_id",
        keys: &[("storefrontId", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: CustomerGroup::COLLECTION,
    fields: &[
        ("_id", StoredField::Free),
        ("storefrontId", StoredField::Free),
        ("name", StoredField::Free),
        ("createdAt", StoredField::Free),
        ("version", StoredField::Free),
    ],
}];

impl Listed for CustomerGroup {}

impl Leads<CustomerGroup> for Customer {
    const FIELD: &'static str = "_id";

    fn keys() -> Bson {
        // A missing list would match documents without the field.
        doc! { "$ifNull": ["$groupIds", []] }.into()
    }
}

impl Leads<Customer> for CustomerGroup {
    const FIELD: &'static str = "groupIds";

    fn keys() -> Bson {
        "$_id".into()
    }
}
