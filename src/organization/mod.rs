//! Organizations, which own storefronts, and their members, who can be the owners of backend tokens.

pub mod actor;
pub mod node;
pub mod store;
pub mod viewer;

use async_graphql::EmptyMutation;

use crate::app::Domain;
pub use store::{Member, MembersOf, Organization, Organizations};

/// The declaration of organizations, their members and API clients.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    stored: &[store::STORED],
    ..Domain::EMPTY
};

/// The query of organizations: `viewer`.
pub type Query = viewer::ViewerQuery;

/// It has no mutations.
pub type Mutation = EmptyMutation;
