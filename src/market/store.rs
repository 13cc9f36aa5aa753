//! Stored form of markets, and how they are related to customers and groups: a market's document lists the groups that
//! open it.

use bson::{Bson, doc};

use super::Market;
use crate::customer::Customer;
use crate::customer_group::{CustomerGroup, links};
use crate::platform::{
    database::{Index, IndexKind},
    stored::{Stored, all_free},
};
use crate::reach::tenant::TenantDocument;
use crate::read::leads::{Leads, Listed};

/// The index for lists of the markets that are open to a customer or a group.
pub const BY_AUDIENCE: &[Index] = &[Index::new(
    Market::COLLECTION,
    "storefront_opensTo",
    &[("storefrontId", 1), (links::OPENS_TO, 1), ("_id", 1)],
    IndexKind::Plain,
)];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: Market::COLLECTION,
    fields: &all_free(["_id", "storefrontId", "name", links::OPENS_TO, "createdAt"]),
}];

impl Listed for Market {}

impl Leads<Market> for Customer {
    const FIELD: &'static str = links::OPENS_TO;

    const FEW: bool = true;

    fn keys() -> Bson {
        doc! { "$concatArrays": [["$storefrontId"], { "$ifNull": ["$groupIds", []] }] }.into()
    }

    fn own_keys(&self) -> Vec<String> {
        let groups = self.group_ids.iter().map(ToString::to_string);
        [self.storefront_id.to_string()]
            .into_iter()
            .chain(groups)
            .collect()
    }
}

impl Leads<Market> for CustomerGroup {
    const FIELD: &'static str = links::OPENS_TO;

    const FEW: bool = true;

    fn keys() -> Bson {
        "$_id".into()
    }

    fn own_keys(&self) -> Vec<String> {
        vec![self.id.to_string()]
    }
}

impl Leads<CustomerGroup> for Market {
    const FIELD: &'static str = "_id";

    const FEW: bool = true;

    fn keys() -> Bson {
        "$opensTo".into()
    }

    fn own_keys(&self) -> Vec<String> {
        self.opens_to.clone()
    }
}
