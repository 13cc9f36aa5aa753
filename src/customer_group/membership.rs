//! The membership of customers in a group: many customers at a time join or leave it, all of them or none.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{ID, InputObject};
use bson::{Document, doc};

use super::list::GroupedNode;
use super::listed::{ListLimit, ListedIds, with_ids};
use super::node::CustomerGroupNode;
use super::target::Target;
use super::{CustomerGroup, WRITE, name::UniquelyNamed};
use crate::app::App;
use crate::audit::{Action, AuditEntry};
use crate::context::RequestContext;
use crate::customer::{self, Customer, anonymization::open};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::mutation::payload;
use crate::platform::{
    database::{Database, Tx, Write},
    id::{CustomerGroupId, CustomerId},
};
use crate::reach::Reach;

/// Input of `customerGroupAddCustomers` and `customerGroupRemoveCustomers`: the group, and the customers to add or
/// remove.
#[derive(InputObject)]
pub struct CustomerGroupMembersInput {
    /// Id of the group.
    id: ID,
    /// Ids of 1 to 1,000 customers of the group's storefront. An id that is repeated counts once.
    customer_ids: Vec<ID>,
}

payload! {
    /// Payload of `customerGroupAddCustomers` and `customerGroupRemoveCustomers`.
    CustomerGroupMembersPayload {
        /// The group; null when there are user errors.
        customer_group: CustomerGroupNode,
    }
}

/// Limits the list of customers.
const LIMIT: ListLimit = ListLimit {
    field: "customerIds",
    max: 1_000,
    what: "customers at once",
};

/// How the membership of customers changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// They join the group; existing members stay.
    Join,
    /// They leave the group; customers outside of it stay outside.
    Leave,
}

impl MemberChange {
    fn update(self, group: &CustomerGroupId) -> Document {
        match self {
            Self::Join => doc! { "$addToSet": { "groupIds": group } },
            Self::Leave => doc! { "$pull": { "groupIds": group } },
        }
    }

    /// Returns the condition for those of the customers that may join or leave: a customer whose data is erased cannot
    /// join (ERA-04).
    fn eligible(self, ids: &[CustomerId]) -> Document {
        match self {
            Self::Join => open(with_ids(ids)),
            Self::Leave => with_ids(ids),
        }
    }

    /// Returns the condition for customers whose membership changes.
    fn affected(self, group: &CustomerGroupId) -> Document {
        match self {
            Self::Join => doc! { "groupIds": { "$ne": group } },
            Self::Leave => doc! { "groupIds": group },
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Join => Action::GroupJoined,
            Self::Leave => Action::GroupLeft,
        }
    }
}

/// Runs the mutation that changes the membership of customers.
///
/// # Errors
/// User errors as documented at the mutations; any database error.
pub(super) async fn change_members(
    context: &Arc<RequestContext>,
    input: CustomerGroupMembersInput,
    change: MemberChange,
) -> Result<CustomerGroupMembersPayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let database = &context.app.database;
    let mut faults = Faults::default();
    let customers = listed(&input.customer_ids, &mut faults);
    let target = faults.absorb(Target::<CustomerGroup>::find(database, &reach, &input.id).await)?;
    // Customers of another storefront than the group's count as missing.
    let within = target.as_ref().map_or(&reach, |target| target.storefront.reach());
    let found = FoundCustomers::find(database, within, &customers.distinct(), change).await?;
    found.report_others(&customers, &mut faults);
    let target = faults.finish(target)?;
    let update = MemberUpdate {
        app: &context.app,
        reach: target.storefront.reach(),
        group: &target.document.id,
        customers: &customers,
        change,
    };
    let group = database.run(&update).await?;
    let group = CustomerGroupNode::in_payload(group, &reach);
    Ok(CustomerGroupMembersPayload::of(group))
}

/// Checks the length of the list of customers.
fn listed(ids: &[ID], faults: &mut Faults) -> ListedIds<CustomerId> {
    if ids.is_empty() {
        let message = "Send the id of at least one customer.";
        faults.push(UserError::new(UserErrorCode::Required, [LIMIT.field], message));
    }
    ListedIds::checked(ids, &LIMIT, faults)
}

/// Those of the listed customers that exist, and those of them that may join or leave.
struct FoundCustomers {
    existing: HashSet<CustomerId>,
    eligible: HashSet<CustomerId>,
}

impl FoundCustomers {
    async fn find(
        database: &Database,
        reach: &Reach,
        ids: &[CustomerId],
        change: MemberChange,
    ) -> Result<Self> {
        let customers = database.open::<Customer>(reach);
        let eligible = customers.ids(change.eligible(ids), 0).await?;
        let existing = if eligible.len() == ids.len() {
            eligible.clone()
        } else {
            customers.ids(with_ids(ids), 0).await?
        };
        Ok(Self {
            existing: existing.into_iter().collect(),
            eligible: eligible.into_iter().collect(),
        })
    }

    /// Adds an error at the index of each customer that does not exist or is not eligible.
    fn report_others(&self, listed: &ListedIds<CustomerId>, faults: &mut Faults) {
        for (index, customer) in listed.iter().enumerate() {
            match customer {
                Some(id) if self.eligible.contains(id) => {}
                Some(id) if self.existing.contains(id) => {
                    faults.push(customer::refusal::anonymized([LIMIT.field, &index.to_string()]));
                }
                _ => faults.push(listed_customer_not_found(index)),
            }
        }
    }
}

/// The customer at this index of the list does not exist for this caller (SPR-31).
fn listed_customer_not_found(index: usize) -> UserError {
    let message = "No customer with this id was found in the group's storefront. Send an id as customer.id returns it \
                   (cus_…).";
    let path = [LIMIT.field, &index.to_string()];
    UserError::new(UserErrorCode::CustomerNotFound, path, message).legacy(402)
}

/// The write that lets customers, which were looked up before, join or leave a group. Returns the group as stored.
pub struct MemberUpdate<'a> {
    /// The app.
    pub app: &'a App,
    /// The reach into the group's storefront.
    pub reach: &'a Reach,
    /// The group.
    pub group: &'a CustomerGroupId,
    /// The customers.
    pub customers: &'a ListedIds<CustomerId>,
    /// Whether they join or leave.
    pub change: MemberChange,
}

impl Write for MemberUpdate<'_> {
    type Output = CustomerGroup;

    /// # Errors
    /// CUSTOMER_GROUP_NOT_FOUND; CUSTOMER_NOT_FOUND (402) or CUSTOMER_ANONYMIZED at the indexes of customers that were
    /// removed or erased since they were looked up.
    async fn write(&self, tx: &mut Tx) -> Result<CustomerGroup> {
        let (group, change) = (self.group, self.change);
        let groups = self.app.database.open::<CustomerGroup>(self.reach);
        let touch = doc! { "$inc": { "version": 1_i64 } };
        let touched = groups.update_in(tx, doc! { "_id": group }, touch).await?;
        let touched = touched.ok_or_else(CustomerGroup::not_found)?;
        let customers = self.app.database.open::<Customer>(self.reach);
        let ids = self.customers.distinct();
        // Only customers whose membership changes get an audit entry. They cannot change concurrently, because every
        // change of members updates the group's document.
        let affected = customers.among_in(tx, &ids, change.affected(group)).await?;
        let changed = customers.update_just_in(tx, change.eligible(&ids), change.update(group), ids.len());
        if changed.await? {
            let entry = |id| AuditEntry::new(&touched.storefront_id, id, change.action()).on(group);
            let entries = affected.iter().map(entry);
            self.app.audit.note_in(tx, self.reach, entries).await?;
            return Ok(touched);
        }
        // A customer was removed or erased since the lookup: report the ones that this transaction does not find.
        let left = customers.find_in(tx, with_ids(&ids)).await?;
        let id = |customer: &Customer| customer.id.clone();
        let eligible = left.iter().filter(|customer| !customer.is_being_erased());
        let found = FoundCustomers {
            eligible: eligible.map(id).collect(),
            existing: left.iter().map(id).collect(),
        };
        let mut faults = Faults::default();
        found.report_others(self.customers, &mut faults);
        faults.check()?;
        Err(Error::internal(
            "update of a group's members matched fewer customers than exist",
        ))
    }
}
