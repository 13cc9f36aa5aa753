//! Adding customers to a group and removing them, many at a time, all of them or none.

use std::collections::HashSet;

use bson::{Bson, Document, doc};
use futures_util::FutureExt;

use super::{CustomerGroup, refusal};
use crate::app::App;
use crate::audit::{Action, AuditEntry};
use crate::customer::{self, Customer, anonymization::open};
use crate::error::{Error, Faults, Result};
use crate::platform::{
    database::Tx,
    id::{CustomerGroupId, CustomerId},
};
use crate::reach::Reach;

/// The direction in which customers are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// They join the group; existing members stay.
    In,
    /// They leave the group; customers outside of it stay outside.
    Out,
}

impl Move {
    fn update(self, group: &CustomerGroupId) -> Document {
        match self {
            Self::In => doc! { "$addToSet": { "groupIds": group } },
            Self::Out => doc! { "$pull": { "groupIds": group } },
        }
    }

    /// Returns the condition for those of the customers who may be moved: a customer whose data is erased cannot join
    /// (ERA-04).
    fn movable(self, ids: &[CustomerId]) -> Document {
        match self {
            Self::In => open(named(ids)),
            Self::Out => named(ids),
        }
    }

    /// Returns the condition for customers whose membership changes by the move.
    fn is_due(self, group: &CustomerGroupId) -> Document {
        match self {
            Self::In => doc! { "groupIds": { "$ne": group } },
            Self::Out => doc! { "groupIds": group },
        }
    }

    fn action(self) -> Action {
        match self {
            Self::In => Action::GroupJoined,
            Self::Out => Action::GroupLeft,
        }
    }
}

/// The customers of an input's list, each at its index; `None` for what is not a customer's id.
pub type MemberIds = Vec<Option<CustomerId>>;

/// Looks up the group and the customers that an input names, and notes a fault for each that is missing.
pub async fn find(
    app: &App,
    reach: &Reach,
    faults: &mut Faults,
    group: Option<&CustomerGroupId>,
    (customers, how): (&MemberIds, Move),
) -> Result<Option<CustomerGroup>> {
    let found = match group {
        Some(id) => app.database.open::<CustomerGroup>(reach).get(id).await?,
        None => None,
    };
    // Customers of another storefront than the group's count as missing.
    let place = found.as_ref().and_then(|group| reach.only(&group.storefront_id));
    let place = place.as_ref().map_or(reach, |place| place.reach());
    let group = faults.take(found.ok_or_else(refusal::group_not_found));
    let known = app.database.open::<Customer>(place);
    let ids = distinct(customers);
    let movable = known.ids(how.movable(&ids), 0).await?;
    let there = if movable.len() == ids.len() {
        movable.clone()
    } else {
        known.ids(named(&ids), 0).await?
    };
    note_unmovable(faults, customers, there, movable);
    Ok(group)
}

/// Notes faults at the indexes of the customers that are missing, and of those that may not be moved.
fn note_unmovable(
    faults: &mut Faults,
    customers: &MemberIds,
    there: Vec<CustomerId>,
    movable: Vec<CustomerId>,
) {
    let there: HashSet<CustomerId> = there.into_iter().collect();
    let movable: HashSet<CustomerId> = movable.into_iter().collect();
    for (index, customer) in customers.iter().enumerate() {
        match customer {
            Some(id) if movable.contains(id) => {}
            Some(id) if there.contains(id) => {
                faults.push(customer::refusal::anonymized(["customerIds", &index.to_string()]));
            }
            _ => faults.push(refusal::listed_customer_not_found(index)),
        }
    }
}

fn named(ids: &[CustomerId]) -> Document {
    doc! { "_id": { "$in": ids.iter().map(Bson::from).collect::<Vec<_>>() } }
}

/// Returns each customer once.
fn distinct(customers: &MemberIds) -> Vec<CustomerId> {
    let mut seen = HashSet::new();
    let named = customers.iter().flatten();
    named.filter(|id| seen.insert(*id)).cloned().collect()
}

/// Moves all of the customers, which were looked up before, and returns the group as stored.
///
/// # Errors
/// CUSTOMER_GROUP_NOT_FOUND, CUSTOMER_NOT_FOUND (402) for customers that were removed meanwhile; then no customer is
/// moved.
pub async fn move_all(
    app: &App,
    reach: &Reach,
    group: &CustomerGroup,
    customers: &MemberIds,
    how: Move,
) -> Result<CustomerGroup> {
    let place = reach.only(&group.storefront_id);
    let place = place.ok_or_else(refusal::group_not_found)?;
    let ids = distinct(customers);
    let context = (app, place.reach(), &group.id, customers, (ids, how));
    let moved = app
        .database
        .transaction(context, |tx, (app, reach, group, customers, (ids, how))| {
            move_in(app, reach, tx, (group, customers), (ids, *how)).boxed()
        });
    moved.await
}

async fn move_in(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    (group, customers): (&CustomerGroupId, &MemberIds),
    (ids, how): (&[CustomerId], Move),
) -> Result<CustomerGroup> {
    let groups = app.database.open::<CustomerGroup>(reach);
    let touched = doc! { "$inc": { "version": 1_i64 } };
    let touched = groups.update_in(tx, doc! { "_id": group }, touched).await?;
    let touched = touched.ok_or_else(|| Error::rejected(refusal::group_not_found()))?;
    let members = app.database.open::<Customer>(reach);
    let update = how.update(group);
    // Only customers whose membership changes get an audit entry. They cannot change concurrently, because every move
    // updates the group's document.
    let moved = members.among_in(tx, ids, how.is_due(group)).await?;
    if members
        .update_just_in(tx, how.movable(ids), update, ids.len())
        .await?
    {
        let told = |id| AuditEntry::new(&touched.storefront_id, id, how.action()).on(group);
        app.audit.note_in(tx, reach, moved.iter().map(told)).await?;
        return Ok(touched);
    }
    // A customer was removed or erased since the lookup: name the ones that this transaction does not find.
    let left = members.find_in(tx, named(ids)).await?;
    let mut faults = Faults::default();
    let id = |customer: &Customer| customer.id.clone();
    let movable = left
        .iter()
        .filter(|customer| !customer.is_being_erased())
        .map(id)
        .collect();
    note_unmovable(&mut faults, customers, left.iter().map(id).collect(), movable);
    faults.check()?;
    Err(Error::internal("cannot move existing customers"))
}
