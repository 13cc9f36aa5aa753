//! The GraphQL node of API clients.

use async_graphql::{Description, Enum, ID, Object};

use crate::auth::client::{ApiClient, ClientKind};
use crate::context::{GlobalNode, RequestContext};
use crate::error::Result;
use crate::platform::{clock::Timestamp, id::ApiClientId};

/// Kind of an API client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApiClientKind {
    /// The publishable key of one storefront; safe to ship to a browser.
    Public,
    /// An integration: the API client of a store's own system, with a client secret.
    Integration,
}

/// An API client: a publishable key or an integration. Each API client reads itself only.
#[derive(Description)]
pub struct ApiClientNode(ApiClient);

impl ApiClientNode {
    /// Returns the API client with this id, whatever the credential of the request.
    pub(super) async fn load(context: &RequestContext, id: &ApiClientId) -> Result<Option<Self>> {
        let found = context.app.access.clients.find(id).await?;
        Ok(found.map(Self))
    }
}

#[Object(name = "ApiClient", use_type_description)]
impl ApiClientNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// Display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Kind of the API client.
    async fn kind(&self) -> ApiClientKind {
        match self.0.kind {
            ClientKind::Public => ApiClientKind::Public,
            ClientKind::Integration => ApiClientKind::Integration,
        }
    }

    /// Time at which an operator created the API client.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

impl GlobalNode for ApiClientNode {
    type Id = ApiClientId;

    async fn find(context: &RequestContext, id: &ApiClientId) -> Result<Option<Self>> {
        match context.principal.standing() {
            Some(identity) if identity.client() == Some(id) => Self::load(context, id).await,
            _ => Ok(None),
        }
    }
}
