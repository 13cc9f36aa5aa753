//! Markets, the parts of an online store: each is public, or open to the members of some customer groups (CLY-15).

pub mod create;
pub mod delete;
pub mod node;
pub mod opening_groups;
pub mod store;
pub mod update;

use std::fmt;

use async_graphql::{EmptyMutation, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::customer_group::{
    links,
    name::{Name, UniquelyNamed, indexes},
};
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    id::{CustomerGroupId, Id, MarketId, StorefrontId},
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};
use crate::storefront;

/// The declaration of markets.
pub const DOMAIN: Domain = Domain {
    indexes: &[&indexes::<Market>(), store::BY_AUDIENCE],
    stored: &[store::STORED],
    ..Domain::EMPTY
};

/// The mutations of markets.
#[derive(MergedObject, Default)]
#[graphql(name = "MarketMutation")]
pub struct Mutation(create::MarketCreate, update::MarketUpdate, delete::MarketDelete);

/// It has no queries.
pub type Query = EmptyMutation;

/// Who may read markets: every caller the public ones, a customer also those of its groups.
pub const READ: Policy = storefront::node::READ;
/// Who may change markets.
const WRITE: Policy = Policy::backend(Scope::GroupsWrite);

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

impl fmt::Debug for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Market({})", self.id)
    }
}

impl TenantDocument for Market {
    type Id = MarketId;
    const COLLECTION: &'static str = links::MARKETS;
    const HOLDER: Holder = Holder::Audience(links::OPENS_TO);

    fn id(&self) -> &MarketId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl UniquelyNamed for Market {
    const UNIQUE_NAME: &'static str = "storefront_market_name";

    fn not_found() -> UserError {
        let message = "No market with this id was found for this credential. Send one that storefront.markets lists (mkt_…).";
        UserError::new(UserErrorCode::MarketNotFound, ["id"], message)
    }

    fn name_taken() -> UserError {
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
}
