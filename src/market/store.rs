//! Database access for customer groups and markets.

use bson::doc;

use super::{CustomerGroup, Market, Name, refusal};
use crate::customer;
use crate::error::{Error, Result};
use crate::platform::stored::{Stored, StoredField};
use crate::platform::{
    database::{Database, Index, IndexKind, Tx, violated_index},
    id::{CustomerGroupId, StorefrontId},
    page::{Page, Slice},
};
use crate::reach::{Confine, HouseReach, Reach, tenant::TenantDocument};
use crate::read::related::Listed;

/// The index that keeps a group's name unique in its storefront.
const UNIQUE_GROUP_NAME: &str = "storefront_group_name";
/// The index that keeps a market's name unique in its storefront.
const UNIQUE_MARKET_NAME: &str = "storefront_market_name";

/// Indexes of the groups and markets; the customers' indexes include those of the members.
pub const INDEXES: &[Index] = &[
    Index {
        collection: CustomerGroup::COLLECTION,
        name: UNIQUE_GROUP_NAME,
        keys: &[("storefrontId", 1), ("name.key", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: CustomerGroup::COLLECTION,
        name: "storefront_id",
        keys: &[("storefrontId", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: Market::COLLECTION,
        name: UNIQUE_MARKET_NAME,
        keys: &[("storefrontId", 1), ("name.key", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: Market::COLLECTION,
        name: "storefront_id",
        keys: &[("storefrontId", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: Market::COLLECTION,
        name: "storefront_opensTo",
        keys: &[("storefrontId", 1), ("opensTo", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
];

/// Stored fields.
pub const STORED: &[Stored] = &[
    Stored {
        collection: "customerGroups",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("name", StoredField::Free),
            ("createdAt", StoredField::Free),
            ("version", StoredField::Free),
        ],
    },
    Stored {
        collection: "markets",
        fields: &[
            ("_id", StoredField::Free),
            ("storefrontId", StoredField::Free),
            ("name", StoredField::Free),
            ("opensTo", StoredField::Free),
            ("createdAt", StoredField::Free),
        ],
    },
];

/// Returns a page of the groups or markets within the reach, oldest first.
pub async fn page<T: Listed>(database: &Database, reach: &impl Confine, page: &Page) -> Result<Slice<T>> {
    database.open::<T>(reach).page(doc! {}, page, T::position).await
}

/// Returns the number of groups or markets within the reach.
pub async fn count<T: TenantDocument>(database: &Database, reach: &impl Confine) -> Result<u64> {
    database.open::<T>(reach).count(doc! {}).await
}

/// Whether a group or market other than `own` has the name.
pub async fn is_taken<T: TenantDocument>(
    database: &Database,
    reach: &Reach,
    name: &Name,
    own: Option<&T::Id>,
) -> Result<bool> {
    let found = database.open::<T>(reach);
    let named = found.find_one(doc! { "name.key": &name.key }).await?;
    Ok(named.is_some_and(|other| Some(other.id()) != own))
}

/// Converts the violation of a unique index to the user error for the name.
pub fn taken(error: Error) -> Error {
    match violated_index(&error) {
        Some(UNIQUE_GROUP_NAME) => refusal::group_name_taken().into(),
        Some(UNIQUE_MARKET_NAME) => refusal::market_name_taken().into(),
        _ => error,
    }
}

/// Removes a group from the markets that it opens, without making them public (CLY-15).
pub async fn unlink(database: &Database, reach: &Reach, tx: &mut Tx, group: &CustomerGroup) -> Result<()> {
    let linked = doc! { "storefrontId": &group.storefront_id, "opensTo": &group.id };
    let markets = database.open::<Market>(reach);
    markets
        .update_many_in(tx, linked, doc! { "$pull": { "opensTo": &group.id } })
        .await?;
    Ok(())
}

/// Removes a deleted group from the documents of at most `batch` of its members, and returns how many had it.
pub async fn forget_members(
    database: &Database,
    storefront: &StorefrontId,
    group: &CustomerGroupId,
    batch: i64,
) -> Result<usize> {
    let system = HouseReach::everywhere();
    let members = doc! { "storefrontId": storefront, "groupIds": group };
    customer::store::leave_in_part(database, &system, members, group, batch).await
}
