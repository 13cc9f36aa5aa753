//! Stored form of customer groups, and how customers and groups are related: a customer's document lists its groups.

use bson::{Bson, doc};

use super::{CustomerGroup, name::indexes};
use crate::customer::Customer;
use crate::platform::{
    database::Index,
    stored::{Stored, all_free},
};
use crate::reach::tenant::TenantDocument;
use crate::read::leads::{Leads, Listed};

/// Indexes of the groups; the customers' indexes include those of the members.
pub const INDEXES: &[Index] = &indexes::<CustomerGroup>();

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: CustomerGroup::COLLECTION,
    fields: &all_free(["_id", "storefrontId", "name", "createdAt", "version"]),
}];

impl Listed for CustomerGroup {}

impl Leads<CustomerGroup> for Customer {
    const FIELD: &'static str = "_id";

    const FEW: bool = true;

    fn keys() -> Bson {
        // A missing list would match documents without the field.
        doc! { "$ifNull": ["$groupIds", []] }.into()
    }

    fn own_keys(&self) -> Vec<String> {
        self.group_ids.iter().map(ToString::to_string).collect()
    }
}

impl Leads<Customer> for CustomerGroup {
    const FIELD: &'static str = "groupIds";

    fn keys() -> Bson {
        "$_id".into()
    }

    fn own_keys(&self) -> Vec<String> {
        vec![self.id.to_string()]
    }
}
