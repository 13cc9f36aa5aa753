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
    /// The market's [`audience`]; empty after its last group was deleted. Every read of markets filters by this field.
    pub opens_to: Vec<String>,
    /// Time of creation.
    pub created_at: Timestamp,
}

/// Returns the stored audience of a market: the ids of the groups that open it, or the storefront's id, which means
/// everyone, if there are none. One index finds all markets that a customer may enter, and deleting the last group
/// removes its members' access without making the market public.
#[must_use]
pub fn audience(groups: &[CustomerGroupId], storefront: &StorefrontId) -> Vec<String> {
    if groups.is_empty() {
        vec![storefront.as_str().to_owned()]
    } else {
        groups.iter().map(|id| id.as_str().to_owned()).collect()
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

    // CLY-15
    #[test]
    fn a_market_is_private_unless_it_is_open_to_everyone() {
        let (now, random) = (Timestamp::from_millis(1), Random::seeded(3));
        let storefront_id = StorefrontId::fresh(now, &random);
        let group = CustomerGroupId::fresh(now, &random);
        let is_private = |opens_to| {
            let market = Market {
                id: MarketId::fresh(now, &random),
                storefront_id: storefront_id.clone(),
                name: Name::new("Prints".to_owned()),
                opens_to,
                created_at: now,
            };
            market.is_private()
        };
        assert!(!is_private(audience(&[], &storefront_id)));
        assert!(is_private(audience(&[group], &storefront_id)));
        assert!(is_private(Vec::new()), "its last group was deleted");
    }
}
