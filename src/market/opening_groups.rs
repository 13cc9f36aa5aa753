//! The customer groups that an input lists to open a market.

use async_graphql::ID;
use bson::doc;

use crate::customer_group::{
    CustomerGroup,
    listed::{ListLimit, ListedIds, with_ids},
};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
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

/// Adds CUSTOMER_GROUP_NOT_FOUND at the index of each group that does not exist within the reach into the market's
/// storefront.
///
/// # Errors
/// Any database error.
pub async fn check(
    database: &Database,
    reach: &Reach,
    listed: &ListedIds<CustomerGroupId>,
    faults: &mut Faults,
) -> Result<()> {
    if listed.is_empty() {
        return Ok(());
    }
    let groups = database.open::<CustomerGroup>(reach);
    let existing = groups.ids(with_ids(&listed.distinct()), 0).await?;
    report_missing(listed, &existing, faults);
    Ok(())
}

/// Locks the groups: none can be deleted before this transaction is committed.
///
/// # Errors
/// CUSTOMER_GROUP_NOT_FOUND for groups that were deleted since the check.
pub async fn lock_in(
    database: &Database,
    reach: &Reach,
    tx: &mut Tx,
    listed: &ListedIds<CustomerGroupId>,
) -> Result<()> {
    let ids = listed.distinct();
    if ids.is_empty() {
        return Ok(());
    }
    let groups = database.open::<CustomerGroup>(reach);
    let touch = doc! { "$inc": { "version": 1_i64 } };
    let touched = groups.update_just_in(tx, with_ids(&ids), touch, ids.len());
    if touched.await? {
        return Ok(());
    }
    let left = groups.find_in(tx, with_ids(&ids)).await?;
    let left: Vec<CustomerGroupId> = left.into_iter().map(|group| group.id).collect();
    let mut faults = Faults::default();
    report_missing(listed, &left, &mut faults);
    faults.check()?;
    Err(Error::internal(
        "lock of customer groups matched fewer groups than exist",
    ))
}

fn report_missing(listed: &ListedIds<CustomerGroupId>, existing: &[CustomerGroupId], faults: &mut Faults) {
    let message = "No customer group with this id was found in the market's storefront. Send one that \
                   storefront.customerGroups lists (grp_…).";
    for (index, group) in listed.iter().enumerate() {
        if !group.is_some_and(|id| existing.contains(id)) {
            let path = [LIMIT.field, &index.to_string()];
            faults.push(UserError::new(
                UserErrorCode::CustomerGroupNotFound,
                path,
                message,
            ));
        }
    }
}
