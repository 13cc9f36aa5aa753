//! Organizations, which own storefronts, and their members, who can be the owners of backend tokens.

pub mod api_client;
pub mod node;
pub mod store;
pub mod viewer;

use async_graphql::EmptyMutation;
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::platform::{
    clock::Timestamp,
    id::{MemberId, OrganizationId},
};
pub use store::{MembersOf, Organizations};

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

/// An organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Id.
    #[serde(rename = "_id")]
    pub id: OrganizationId,
    /// Display name.
    pub name: String,
    /// When an operator created it.
    pub created_at: Timestamp,
}

/// A member of an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Id.
    #[serde(rename = "_id")]
    pub id: MemberId,
    /// The organization of the member.
    pub organization_id: OrganizationId,
    /// Display name.
    pub name: String,
    /// E-mail address, if the operator set one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// When an operator added the member.
    pub created_at: Timestamp,
}
