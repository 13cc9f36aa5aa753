//! Customer groups and the markets that they open: a market is public, or open to the members of some groups (CLY-15).

pub mod deletion;
pub mod filter;
pub mod groups;
pub mod inputs;
pub mod lists;
pub mod markets;
pub mod members;
pub mod mutations;
pub mod node;
pub mod related;
pub mod store;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::platform::{
    clock::Timestamp,
    id::{CustomerGroupId, Id, MarketId, StorefrontId},
};
use crate::reach::{Holder, tenant::TenantDocument};
use async_graphql::EmptyMutation;

/// The declaration of customer groups and markets.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    stored: &[store::STORED],
    jobs: deletion::JOBS,
    ..Domain::EMPTY
};

pub use mutations::MarketMutation as Mutation;

/// It has no queries.
pub type Query = EmptyMutation;

/// Maximum length of the name of a group or a market, in characters.
pub const MAX_NAME: usize = 255;
/// Maximum number of customers that one mutation adds to a group or removes from it.
pub const MAX_MEMBERS_AT_ONCE: usize = 1_000;
/// Maximum number of groups that open one market.
pub const MAX_GROUPS_OF_MARKET: usize = 100;

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

/// A part of an online store: public, or open to the members of some groups.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Market {
    /// Id.
    #[serde(rename = "_id")]
    pub id: MarketId,
    /// Storefront of the market.
    pub storefront_id: StorefrontId,
    /// Name of the market.
    pub name: Name,
    /// Whom the market is open to, see [`Audience`]. Every read of markets filters by this field.
    pub opens_to: Vec<String>,
    /// Time of creation.
    pub created_at: Timestamp,
}

/// Whom a market is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every caller that reaches the storefront.
    Everyone,
    /// The members of these groups; nobody, after the last group was deleted.
    Groups(Vec<CustomerGroupId>),
}

impl Audience {
    /// Returns the audience for an input's list of groups: everyone if it is empty.
    #[must_use]
    pub fn of(groups: Vec<CustomerGroupId>) -> Self {
        if groups.is_empty() {
            Self::Everyone
        } else {
            Self::Groups(groups)
        }
    }

    /// Returns the stored form: the storefront's id for everyone, otherwise the groups' ids. One index finds all
    /// markets that a customer may enter, and deleting a group removes its members' access without making the market
    /// public.
    #[must_use]
    pub fn stored(&self, storefront: &StorefrontId) -> Vec<String> {
        match self {
            Self::Everyone => vec![storefront.as_str().to_owned()],
            Self::Groups(groups) => groups.iter().map(|id| id.as_str().to_owned()).collect(),
        }
    }
}

impl Market {
    /// Whether the market is not public.
    #[must_use]
    pub fn is_private(&self) -> bool {
        !self.opens_to.iter().any(|key| key == self.storefront_id.as_str())
    }
}

/// A name with a normalized form: the names of a storefront's groups, and of its markets, are unique regardless of case
/// and surrounding white space.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The name, verbatim.
    pub written: String,
    /// The name in lower case, trimmed.
    pub key: String,
}

impl Name {
    /// Returns the name with its normalized form.
    #[must_use]
    pub fn new(written: String) -> Self {
        Self {
            key: written.trim().to_lowercase(),
            written,
        }
    }
}

// Names of groups may contain names of people.
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

/// User errors of the operations on groups and markets.
pub mod refusal {
    use crate::error::{UserError, UserErrorCode};

    /// The group does not exist for this caller.
    #[must_use]
    pub fn group_not_found() -> UserError {
        let message = "No customer group with this id was found for this credential. Send one that storefront.customerGroups \
                       lists (grp_…).";
        UserError::new(UserErrorCode::CustomerGroupNotFound, ["id"], message)
    }

    /// The group at this index of a list does not exist for this caller.
    #[must_use]
    pub fn listed_group_not_found(index: usize) -> UserError {
        let message = "No customer group with this id was found in the market's storefront. Send one that \
                       storefront.customerGroups lists (grp_…).";
        let path = ["groupIds", &index.to_string()];
        UserError::new(UserErrorCode::CustomerGroupNotFound, path, message)
    }

    /// The customer at this index of a list does not exist for this caller (SPR-31).
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

    /// The market does not exist for this caller.
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
