//! Inputs and payloads of the mutations of groups and markets, and the checks of the inputs.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::markets::MarketChanges;
use super::node::{CustomerGroupNode, MarketNode};
use super::{MAX_GROUPS_OF_MARKET, MAX_MEMBERS_AT_ONCE, MAX_NAME, Name, markets, members};
use crate::customer::refusal::no_changes;
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::change::sent;
use crate::platform::{
    id::{CustomerGroupId, CustomerId, Id},
    text,
};

/// Input of `customerGroupCreate`: the group to create.
#[derive(InputObject)]
pub struct CustomerGroupCreateInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Name of the group: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    pub(super) name: String,
}

/// Payload of `customerGroupCreate`.
#[derive(SimpleObject)]
pub struct CustomerGroupCreatePayload {
    /// The new group; null when there are user errors.
    pub(super) customer_group: Option<CustomerGroupNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerGroupUpdate`: the group and its new name.
#[derive(InputObject)]
pub struct CustomerGroupUpdateInput {
    /// Id of the group.
    pub(super) id: ID,
    /// New name of the group: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    pub(super) name: String,
}

/// Payload of `customerGroupUpdate`.
#[derive(SimpleObject)]
pub struct CustomerGroupUpdatePayload {
    /// The group as stored after the update; null when there are user errors.
    pub(super) customer_group: Option<CustomerGroupNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerGroupDelete`: the group to delete.
#[derive(InputObject)]
pub struct CustomerGroupDeleteInput {
    /// Id of the group.
    pub(super) id: ID,
}

/// Payload of `customerGroupDelete`.
#[derive(SimpleObject)]
pub struct CustomerGroupDeletePayload {
    /// Id of the deleted group; null when there are user errors.
    pub(super) deleted_customer_group_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerGroupAddCustomers` and `customerGroupRemoveCustomers`: the group, and the customers to add or
/// remove.
#[derive(InputObject)]
pub struct CustomerGroupMembersInput {
    /// Id of the group.
    pub(super) id: ID,
    /// Ids of 1 to 1,000 customers of the group's storefront. An id that is repeated counts once.
    pub(super) customer_ids: Vec<ID>,
}

impl CustomerGroupMembersInput {
    /// Returns the customers, each at its index.
    pub(super) fn checked(&self, faults: &mut Faults) -> members::MemberIds {
        let customers = &self.customer_ids;
        if customers.is_empty() {
            let message = "Say which customers.";
            faults.push(UserError::new(UserErrorCode::Required, ["customerIds"], message));
        }
        if customers.len() > MAX_MEMBERS_AT_ONCE {
            faults.push(too_many("customerIds", MAX_MEMBERS_AT_ONCE, "customers at once"));
            // The customers of an overlong list are not looked up.
            return Vec::new();
        }
        customers.iter().map(|id| CustomerId::parse(id)).collect()
    }
}

/// Payload of `customerGroupAddCustomers` and `customerGroupRemoveCustomers`.
#[derive(SimpleObject)]
pub struct CustomerGroupMembersPayload {
    /// The group; null when there are user errors.
    pub(super) customer_group: Option<CustomerGroupNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `marketCreate`: the market to create.
#[derive(InputObject)]
pub struct MarketCreateInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    pub(super) storefront_id: Option<ID>,
    /// Name of the market: 1 to 255 characters, not blank, without control characters. Unique in the storefront
    /// regardless of case and surrounding white space.
    pub(super) name: String,
    /// Ids of the customer groups that open the market: at most 100, of its storefront. They make the market private;
    /// without any it is public.
    pub(super) group_ids: Option<Vec<ID>>,
}

/// Payload of `marketCreate`.
#[derive(SimpleObject)]
pub struct MarketCreatePayload {
    /// The new market; null when there are user errors.
    pub(super) market: Option<MarketNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `marketUpdate`: the market and its new values. Omitted fields are unchanged.
#[derive(InputObject)]
pub struct MarketUpdateInput {
    /// Id of the market.
    pub(super) id: ID,
    /// New name of the market, cannot be removed: 1 to 255 characters, not blank, without control characters. Unique in
    /// the storefront regardless of case and surrounding white space.
    pub(super) name: MaybeUndefined<String>,
    /// Ids of the customer groups that open the market from now on: at most 100, of its storefront. They replace the
    /// present groups. An empty list or null makes the market public.
    pub(super) group_ids: MaybeUndefined<Vec<ID>>,
}

impl MarketUpdateInput {
    /// Returns the changes, which must not be used if a fault was noted.
    pub(super) fn checked(self, faults: &mut Faults) -> MarketChanges {
        if self.name.is_undefined() && self.group_ids.is_undefined() {
            faults.push(no_changes());
        }
        let name = sent(self.name).and_then(|name| checked_name(&name.unwrap_or_default(), faults));
        let groups = sent(self.group_ids).map(|ids| checked_groups(&ids.unwrap_or_default(), faults));
        MarketChanges { name, groups }
    }
}

/// Payload of `marketUpdate`.
#[derive(SimpleObject)]
pub struct MarketUpdatePayload {
    /// The market as stored after the update; null when there are user errors.
    pub(super) market: Option<MarketNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `marketDelete`: the market to delete.
#[derive(InputObject)]
pub struct MarketDeleteInput {
    /// Id of the market.
    pub(super) id: ID,
}

/// Payload of `marketDelete`.
#[derive(SimpleObject)]
pub struct MarketDeletePayload {
    /// Id of the deleted market; null when there are user errors.
    pub(super) deleted_market_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Returns the name of a group or a market, or notes what is wrong with it.
pub(super) fn checked_name(name: &str, faults: &mut Faults) -> Option<Name> {
    faults.take(text::required(name, "name", MAX_NAME)).map(Name::new)
}

/// Returns the groups of a market, each at its index.
pub(super) fn checked_groups(groups: &[ID], faults: &mut Faults) -> markets::GroupIds {
    if groups.len() > MAX_GROUPS_OF_MARKET {
        faults.push(too_many("groupIds", MAX_GROUPS_OF_MARKET, "groups"));
        return Vec::new();
    }
    groups.iter().map(|id| CustomerGroupId::parse(id)).collect()
}

fn too_many(field: &str, most: usize, what: &str) -> UserError {
    let message = format!("This takes at most {most} {what}.");
    UserError::new(UserErrorCode::TooLong, [field], message)
}
