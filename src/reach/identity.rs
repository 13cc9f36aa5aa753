//! Verified credentials.

use std::sync::Arc;

use async_graphql::Enum;

use super::scope::Scope;
use crate::platform::id::{
    ApiClientId, CustomerId, MemberId, OrganizationId, SessionId, StorefrontId, StorefrontUserId,
};

/// Kind of the credential of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "ViewerKind")]
pub enum CredentialKind {
    /// The publishable key of a storefront.
    Public,
    /// A client secret, or an integration token that /oauth/token issued for it.
    Integration,
    /// A storefront user token.
    StorefrontUser,
    /// A customer token: the access token of a customer's session.
    Customer,
}

impl CredentialKind {
    /// Name of the credential in the documentation, for messages.
    pub(super) const fn credential(self) -> &'static str {
        match self {
            Self::Public => "a publishable key",
            Self::Integration => "an integration token or client secret",
            Self::StorefrontUser => "a storefront user token",
            Self::Customer => "a customer token",
        }
    }

    /// Label for logs and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Integration => "integration",
            Self::StorefrontUser => "storefront_user",
            Self::Customer => "customer",
        }
    }
}

/// The person that a token is bound to.
#[derive(Clone, Debug)]
pub struct Person {
    /// The storefront user; for a customer, the customer's own one. All of a person's data belongs to it.
    pub storefront_user: StorefrontUserId,
    /// The customer and the session, for a customer token.
    pub customer: Option<(CustomerId, SessionId)>,
    /// The user was merged into a regular user: every operation with the token is refused with that reason (SFU-22).
    pub merged: bool,
}

impl Person {
    /// The person with this storefront user, without a session.
    #[must_use]
    pub fn of(storefront_user: StorefrontUserId) -> Self {
        Self {
            storefront_user,
            customer: None,
            merged: false,
        }
    }
}

/// The storefronts that an API client covers.
#[derive(Clone, Debug)]
pub enum ClientStorefronts {
    /// All storefronts of the organization, also those that are created later; these are the present ones.
    All(Vec<StorefrontId>),
    /// These storefronts only.
    Listed(Vec<StorefrontId>),
}

/// A verified credential. Authentication creates it ([`crate::auth`]); its fields are visible to this module only.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) kind: CredentialKind,
    pub(super) organization: OrganizationId,
    pub(super) client: Option<ApiClientId>,
    pub(super) storefronts: Arc<[StorefrontId]>,
    /// Whether it covers all of the organization's storefronts, also later ones.
    pub(super) covers_all: bool,
    pub(super) scopes: Vec<Scope>,
    pub(super) person: Option<Person>,
    pub(super) owner: Option<MemberId>,
}

impl Identity {
    /// The identity of an API client.
    #[must_use]
    pub fn of_client(
        kind: CredentialKind,
        organization: OrganizationId,
        client: ApiClientId,
        storefronts: ClientStorefronts,
        scopes: Vec<Scope>,
    ) -> Self {
        let (storefronts, covers_all) = match storefronts {
            ClientStorefronts::All(present) => (present, true),
            ClientStorefronts::Listed(listed) => (listed, false),
        };
        Self {
            kind,
            organization,
            client: Some(client),
            storefronts: storefronts.into(),
            covers_all,
            scopes,
            person: None,
            owner: None,
        }
    }

    /// The identity of a storefront user or a customer, by the kind of the token.
    #[must_use]
    pub fn of_person(
        kind: CredentialKind,
        organization: OrganizationId,
        storefront: StorefrontId,
        person: Person,
    ) -> Self {
        Self {
            kind,
            organization,
            client: None,
            storefronts: Arc::from([storefront]),
            covers_all: false,
            scopes: Vec::new(),
            person: Some(person),
            owner: None,
        }
    }

    /// The same identity with the scopes of one of its tokens.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Vec<Scope>) -> Self {
        self.scopes = scopes;
        self
    }

    /// The same identity with the member on whose behalf its token was issued.
    #[must_use]
    pub fn with_owner(mut self, owner: Option<MemberId>) -> Self {
        self.owner = owner;
        self
    }

    /// A sample of this kind, for tests.
    #[cfg(test)]
    pub(crate) fn sample(kind: CredentialKind) -> Self {
        let random = crate::platform::random::Random::seeded(1);
        let organization = OrganizationId::fresh(crate::platform::clock::Timestamp::from_millis(1), &random);
        Self {
            kind,
            organization,
            client: None,
            storefronts: Arc::from([]),
            covers_all: false,
            scopes: Vec::new(),
            person: None,
            owner: None,
        }
    }

    /// What kind of credential it is.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// The organization that the credential belongs to.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// The API client, for keys, secrets and backends' tokens.
    #[must_use]
    pub fn client(&self) -> Option<&ApiClientId> {
        self.client.as_ref()
    }

    /// The storefront, if the credential is bound to exactly one.
    #[must_use]
    pub fn bound_storefront(&self) -> Option<&StorefrontId> {
        match &*self.storefronts {
            [one] if !self.covers_all => Some(one),
            _ => None,
        }
    }

    /// Scopes of a backend; empty for every other credential.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The person that the token is bound to.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    /// The member on whose behalf a backend's token was issued.
    #[must_use]
    pub fn owner(&self) -> Option<&MemberId> {
        self.owner.as_ref()
    }

    /// Whether the user of the token was merged into another one.
    pub(super) fn is_merged(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.merged)
    }
}
