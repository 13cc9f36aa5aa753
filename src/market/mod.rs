//! Customer groups, and the markets that they open: a market is everybody's, or that of some groups only (CLY-15).

pub mod deletion;
pub mod filter;
pub mod graphql;
pub mod groups;
pub mod inputs;
pub mod lists;
pub mod markets;
pub mod members;
pub mod mutations;
pub mod related;
pub mod store;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::access::{reach::Holder, tenant::TenantDocument};
use crate::platform::{
    clock::Timestamp,
    id::{CustomerGroupId, Id, MarketId, StorefrontId},
};

/// Longest name of a group or a market, in characters.
pub const MAX_NAME: usize = 255;
/// Most customers that one mutation adds to a group or takes out of it.
pub const MAX_MEMBERS_AT_ONCE: usize = 1_000;
/// Most groups that open one market.
pub const MAX_GROUPS_OF_MARKET: usize = 100;

/// Customers that share access to private markets. Who is in it is told by the customers' own documents.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerGroup {
    /// Id.
    #[serde(rename = "_id")]
    pub id: CustomerGroupId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// What it is called.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows when the group is changed, gets members, or is linked to a market: of that and its deletion at once, one loses
    /// cleanly.
    pub version: i64,
}

/// A part of a store: for everybody, or for the members of some groups.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Market {
    /// Id.
    #[serde(rename = "_id")]
    pub id: MarketId,
    /// Where.
    pub storefront_id: StorefrontId,
    /// What it is called.
    pub name: Name,
    /// Whom it is open to, see [`Audience`]. Whoever reads markets has this field in the filter.
    pub opens_to: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whom a market is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who reaches the storefront.
    Everyone,
    /// The members of these groups; of none, when the last one was deleted.
    Groups(Vec<CustomerGroupId>),
}

impl Audience {
    /// What an input's list of groups means: none is everybody.
    #[must_use]
    pub fn of(groups: Vec<CustomerGroupId>) -> Self {
        if groups.is_empty() {
            Self::Everyone
        } else {
            Self::Groups(groups)
        }
    }

    /// As it is stored: the storefront's id for everybody, else the groups' ids. So one index answers what a person may
    /// enter, and a group that goes takes its members' access along without giving it to everybody.
    #[must_use]
    pub fn stored(&self, storefront: &StorefrontId) -> Vec<String> {
        match self {
            Self::Everyone => vec![storefront.as_str().to_owned()],
            Self::Groups(groups) => groups.iter().map(|id| id.as_str().to_owned()).collect(),
        }
    }
}

impl Market {
    /// Whether it is not everybody's.
    #[must_use]
    pub fn is_private(&self) -> bool {
        !self.opens_to.iter().any(|key| key == self.storefront_id.as_str())
    }
}

/// A name as it was written, and as it is compared: two names of a storefront's groups, or of its markets, differ in more
/// than case and white space around them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// Verbatim.
    pub written: String,
    /// In small letters, trimmed.
    pub key: String,
}

impl Name {
    /// The name that a text is.
    #[must_use]
    pub fn new(written: String) -> Self {
        Self {
            key: written.trim().to_lowercase(),
            written,
        }
    }
}

// Names of groups may name people.
impl fmt::Debug for CustomerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerGroup({})", self.id)
    }
}

impl fmt::Debug for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Market({})", self.id)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
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

impl TenantDocument for Market {
    type Id = MarketId;
    const COLLECTION: &'static str = "markets";
    const HOLDER: Holder = Holder::Audience("opensTo");

    fn id(&self) -> &MarketId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// What operations on groups and markets refuse.
pub mod refusal {
    use crate::error::{UserError, UserErrorCode};

    /// No such group for this caller.
    #[must_use]
    pub fn group_not_found() -> UserError {
        let message = "No customer group with this id was found for this credential. Send one that storefront.customerGroups \
                       lists (grp_…).";
        UserError::new(UserErrorCode::CustomerGroupNotFound, ["id"], message)
    }

    /// The group at this place of a list does not exist for this caller.
    #[must_use]
    pub fn listed_group_not_found(index: usize) -> UserError {
        let message = "No customer group with this id was found in the market's storefront. Send one that \
                       storefront.customerGroups lists (grp_…).";
        let path = ["groupIds", &index.to_string()];
        UserError::new(UserErrorCode::CustomerGroupNotFound, path, message)
    }

    /// The customer at this place of a list does not exist for this caller (SPR-31).
    #[must_use]
    pub fn listed_customer_not_found(index: usize) -> UserError {
        let message = "No customer with this id was found in the group's storefront. Send an id as customer.id returns it \
                       (cus_…).";
        let path = ["customerIds", &index.to_string()];
        UserError::new(UserErrorCode::CustomerNotFound, path, message).legacy(402)
    }

    /// Another group has the name.
    #[must_use]
    pub fn group_name_taken() -> UserError {
        let message = "Another customer group of this storefront has this name.";
        UserError::new(UserErrorCode::CustomerGroupNameTaken, ["name"], message)
    }

    /// No such market for this caller.
    #[must_use]
    pub fn market_not_found() -> UserError {
        let message = "No market with this id was found for this credential. Send one that storefront.markets lists (mkt_…).";
        UserError::new(UserErrorCode::MarketNotFound, ["id"], message)
    }

    /// Another market has the name.
    #[must_use]
    pub fn market_name_taken() -> UserError {
        let message = "Another market of this storefront has this name.";
        UserError::new(UserErrorCode::MarketNameTaken, ["name"], message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::random::Random;

    fn market(audience: &Audience) -> Market {
        let (now, random) = (Timestamp::from_millis(1), Random::seeded(3));
        let storefront_id = StorefrontId::fresh(now, &random);
        Market {
            id: MarketId::fresh(now, &random),
            opens_to: audience.stored(&storefront_id),
            storefront_id,
            name: Name::new("Prints".to_owned()),
            created_at: now,
        }
    }

    // CLY-15
    #[test]
    fn a_market_is_private_unless_it_is_everybodys() {
        let group = CustomerGroupId::fresh(Timestamp::from_millis(1), &Random::seeded(1));
        assert!(!market(&Audience::of(Vec::new())).is_private());
        assert!(market(&Audience::of(vec![group])).is_private());
        let closed = Audience::Groups(Vec::new());
        assert!(market(&closed).is_private(), "its last group was deleted");
    }

    #[test]
    fn names_are_compared_without_case() {
        let keys = ["VIP", " vip ", "Vip"].map(|name| Name::new(name.to_owned()).key);
        assert_eq!(keys, ["vip"; 3]);
        assert_eq!(Name::new("ÄRZTE".to_owned()).key, "ärzte");
    }
}
