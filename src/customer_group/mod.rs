//! Customer groups, whose members share access to private markets (CLY-15), and what groups and markets have in common:
//! unique names, lists of ids in inputs, lists of a storefront.

pub mod add_customers;
pub mod create;
pub mod delete;
pub mod filter;
pub mod forget;
pub mod links;
pub mod list;
pub mod listed;
pub mod membership;
pub mod name;
pub mod node;
pub mod remove_customers;
pub mod store;
pub mod target;
pub mod update;

use std::fmt;

use async_graphql::{EmptyMutation, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    id::{CustomerGroupId, StorefrontId},
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};
use name::{Name, UniquelyNamed};

/// The declaration of customer groups.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    stored: &[store::STORED],
    jobs: forget::JOBS,
    ..Domain::EMPTY
};

/// The mutations of customer groups.
#[derive(MergedObject, Default)]
#[graphql(name = "CustomerGroupMutation")]
pub struct Mutation(
    create::CustomerGroupCreate,
    update::CustomerGroupUpdate,
    delete::CustomerGroupDelete,
    add_customers::CustomerGroupAddCustomers,
    remove_customers::CustomerGroupRemoveCustomers,
);

/// It has no queries.
pub type Query = EmptyMutation;

/// Who may read groups: a customer only its own.
pub const READ: Policy = Policy::backend(Scope::GroupsRead).and_customer();
/// Who may change groups and their members.
const WRITE: Policy = Policy::backend(Scope::GroupsWrite);

/// A group of customers that share access to private markets. The customers' own documents hold the membership.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerGroup {
    /// Id.
    #[serde(rename = "_id")]
    pub id: CustomerGroupId,
    /// Storefront of the group.
    pub storefront_id: StorefrontId,
    /// Name of the group.
    pub name: Name,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Increases when the group is changed, when members join or leave, and when it is linked to a market, so that each
    /// of these conflicts with a concurrent deletion.
    pub version: i64,
}

// Names of groups may contain names of people.
impl fmt::Debug for CustomerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerGroup({})", self.id)
    }
}

impl TenantDocument for CustomerGroup {
    type Id = CustomerGroupId;
    const COLLECTION: &'static str = "customerGroups";
    const HOLDER: Holder = Holder::Group("_id");

    fn id(&self) -> &CustomerGroupId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl UniquelyNamed for CustomerGroup {
    const UNIQUE_NAME: &'static str = "storefront_group_name";

    fn not_found() -> UserError {
        let message = "No customer group with this id was found for this credential. Send one that storefront.customerGroups \
                       lists (grp_…).";
        UserError::new(UserErrorCode::CustomerGroupNotFound, ["id"], message)
    }

    fn name_taken() -> UserError {
        let message = "Another customer group of this storefront has this name.";
        UserError::new(UserErrorCode::CustomerGroupNameTaken, ["name"], message)
    }
}
