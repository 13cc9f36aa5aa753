//! The customer groups that an input lists to open a market.

use async_graphql::ID;
use bson::doc;

use super::refusal;
use crate::customer_group::{
    CustomerGroup,
    listed::{ListLimit, ListedIds, with_ids},
};
use crate::error::{Error, Faults, Result};
use crate::platform::{
    database::{Database, Tx},
    id::CustomerGroupId,
};
use crate::reach::Reach;

/// Limits the list of groups.
const LIMIT: ListLimit = ListLimit {
    field: "groupIds",
    max: 100,
    what: "groups",
};

/// Reads an input's list of groups, or adds TOO_LONG to `faults`.
pub fn listed(ids: &[ID], faults: &mut Faults) -> ListedIds<CustomerGroupId> {
    ListedIds::checked(ids, &LIMIT, faults)
}

/// The listed groups, within the reach into the market's storefront.
pub struct OpeningGroups<'a> {
    /// The database.
    pub database: &'a Database,
    /// The reach into the market's storefront.
    pub reach: &'a Reach,
    /// The groups.
    pub listed: &'a ListedIds<CustomerGroupId>,
}

impl OpeningGroups<'_> {
    /// Adds CUSTOMER_GROUP_NOT_FOUND at the index of each group that does not exist.
    ///
    /// # Errors
    /// Any database error.
    pub async fn check(&self, faults: &mut Faults) -> Result<()> {
        if self.listed.is_empty() {
            return Ok(());
        }
        let groups = self.database.open::<CustomerGroup>(self.reach);
        let existing = groups.ids(with_ids(&self.listed.distinct()), 0).await?;
        self.report_missing(&existing, faults);
        Ok(())
    }

    /// Locks the groups: none can be deleted before this transaction is committed.
    ///
    /// # Errors
    /// CUSTOMER_GROUP_NOT_FOUND for groups that were deleted since the check.
    pub async fn lock_in(&self, tx: &mut Tx) -> Result<()> {
        let ids = self.listed.distinct();
        if ids.is_empty() {
            return Ok(());
        }
        let groups = self.database.open::<CustomerGroup>(self.reach);
        let touch = doc! { "$inc": { "version": 1_i64 } };
        if groups
            .update_just_in(tx, with_ids(&ids), touch, ids.len())
            .await?
        {
            return Ok(());
        }
        let left = groups.find_in(tx, with_ids(&ids)).await?;
        let left: Vec<CustomerGroupId> = left.into_iter().map(|group| group.id).collect();
        let mut faults = Faults::default();
        self.report_missing(&left, &mut faults);
        faults.check()?;
        Err(Error::internal(
            "lock of customer groups matched fewer groups than exist",
        ))
    }

    fn report_missing(&self, existing: &[CustomerGroupId], faults: &mut Faults) {
        for (index, group) in self.listed.iter().enumerate() {
            if !group.is_some_and(|id| existing.contains(id)) {
                faults.push(refusal::listed_group_not_found(index));
            }
        }
    }
}
