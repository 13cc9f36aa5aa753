//! What groups' and markets' mutations take and give, and what is checked of it.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};

use super::graphql::{CustomerGroup, Market};
use super::markets::Changes;
use super::{MAX_GROUPS_OF_MARKET, MAX_MEMBERS_AT_ONCE, MAX_NAME, Name, markets, members};
use crate::customer::{mutations::sent, refusal::no_changes};
use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::{
    id::{CustomerGroupId, CustomerId, Id},
    text,
};

/// A new customer group.
#[derive(InputObject)]
pub struct CustomerGroupCreateInput {
    /// Which storefront; needed where the credential covers several.
    pub(super) storefront_id: Option<ID>,
    /// What it is called: 1 to 255 characters, not blank, none of them a control character; unique in the storefront
    /// whatever its case.
    pub(super) name: String,
}

/// What making a group came to.
#[derive(SimpleObject)]
pub struct CustomerGroupCreatePayload {
    /// The new group; null when there are user errors.
    pub(super) customer_group: Option<CustomerGroup>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// What to change of a group.
#[derive(InputObject)]
pub struct CustomerGroupUpdateInput {
    /// Which group.
    pub(super) id: ID,
    /// What it is called from now on; as for a new one.
    pub(super) name: String,
}

/// What changing a group came to.
#[derive(SimpleObject)]
pub struct CustomerGroupUpdatePayload {
    /// The group as it is stored now; null when there are user errors.
    pub(super) customer_group: Option<CustomerGroup>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Which group to delete.
#[derive(InputObject)]
pub struct CustomerGroupDeleteInput {
    /// Which group.
    pub(super) id: ID,
}

/// What deleting a group came to.
#[derive(SimpleObject)]
pub struct CustomerGroupDeletePayload {
    /// Id of the deleted group; null when there are user errors.
    pub(super) deleted_customer_group_id: Option<ID>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Who is to join a group, or to leave it: all of them or none.
#[derive(InputObject)]
pub struct CustomerGroupMembersInput {
    /// Which group.
    pub(super) id: ID,
    /// Which customers, of the group's storefront: 1 to 1,000. One who is named twice counts once.
    pub(super) customer_ids: Vec<ID>,
}

impl CustomerGroupMembersInput {
    /// The customers, each at its place.
    pub(super) fn checked(&self, faults: &mut Faults) -> members::Listed {
        let customers = &self.customer_ids;
        if customers.is_empty() {
            let message = "Say which customers.";
            faults.push(UserError::new(UserErrorCode::Required, ["customerIds"], message));
        }
        if customers.len() > MAX_MEMBERS_AT_ONCE {
            faults.push(too_many("customerIds", MAX_MEMBERS_AT_ONCE, "customers at once"));
            // Whether each of them is there is not looked up for so many.
            return Vec::new();
        }
        customers.iter().map(|id| CustomerId::parse(id)).collect()
    }
}

/// What letting customers join or leave a group came to.
#[derive(SimpleObject)]
pub struct CustomerGroupMembersPayload {
    /// The group; null when there are user errors.
    pub(super) customer_group: Option<CustomerGroup>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// A new market.
#[derive(InputObject)]
pub struct MarketCreateInput {
    /// Which storefront; needed where the credential covers several.
    pub(super) storefront_id: Option<ID>,
    /// What it is called: 1 to 255 characters, not blank, none of them a control character; unique in the storefront
    /// whatever its case.
    pub(super) name: String,
    /// The groups that open it, at most 100, of its storefront; given groups make it private. An empty list is none.
    pub(super) group_ids: Option<Vec<ID>>,
}

/// What making a market came to.
#[derive(SimpleObject)]
pub struct MarketCreatePayload {
    /// The new market; null when there are user errors.
    pub(super) market: Option<Market>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// What to change of a market. Absent fields stay as they are.
#[derive(InputObject)]
pub struct MarketUpdateInput {
    /// Which market.
    pub(super) id: ID,
    /// What it is called from now on, as for a new one; cannot be cleared.
    pub(super) name: MaybeUndefined<String>,
    /// The groups that open it from now on, instead of those before, at most 100, of its storefront. An empty list or null
    /// makes it public.
    pub(super) group_ids: MaybeUndefined<Vec<ID>>,
}

impl MarketUpdateInput {
    /// What to change; worth nothing where a fault was noted.
    pub(super) fn checked(self, faults: &mut Faults) -> Changes {
        if self.name.is_undefined() && self.group_ids.is_undefined() {
            faults.push(no_changes());
        }
        let name = sent(self.name).and_then(|name| checked_name(&name.unwrap_or_default(), faults));
        let groups = sent(self.group_ids).map(|ids| checked_groups(&ids.unwrap_or_default(), faults));
        Changes { name, groups }
    }
}

/// What changing a market came to.
#[derive(SimpleObject)]
pub struct MarketUpdatePayload {
    /// The market as it is stored now; null when there are user errors.
    pub(super) market: Option<Market>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Which market to delete.
#[derive(InputObject)]
pub struct MarketDeleteInput {
    /// Which market.
    pub(super) id: ID,
}

/// What deleting a market came to.
#[derive(SimpleObject)]
pub struct MarketDeletePayload {
    /// Id of the deleted market; null when there are user errors.
    pub(super) deleted_market_id: Option<ID>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// A name of a group or a market.
pub(super) fn checked_name(name: &str, faults: &mut Faults) -> Option<Name> {
    faults.take(text::required(name, "name", MAX_NAME)).map(Name::new)
}

/// The groups of a market, each at its place.
pub(super) fn checked_groups(groups: &[ID], faults: &mut Faults) -> markets::Listed {
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
