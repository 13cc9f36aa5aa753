//! The users of a gateway: a shop's backend, its browsers, and its customers.

use std::sync::Arc;

use bson::{Document, doc};
use serde_json::{Value, json};
use storefront_gateway::auth::client::{ClientKind, NewClient};
use storefront_gateway::platform::id::{ApiClientId, MemberId, OrganizationId, StorefrontId};
use storefront_gateway::reach::HouseReach;
use storefront_gateway::reach::scope::Scope;
use storefront_gateway::storefront::{Storefront, store};

use super::gateway::Gateway;
use super::graphql::Caller;

/// An organization with one storefront, a backend with every scope, and a publishable key.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) organization: OrganizationId,
    /// The storefront `DE`.
    pub(crate) storefront: Storefront,
    /// A backend for all storefronts, with every scope.
    pub(crate) backend: Caller,
    /// A browser with the storefront's publishable key.
    pub(crate) browser: Caller,
}

/// An API client and its credential.
pub(crate) struct Client {
    pub(crate) id: ApiClientId,
    pub(crate) caller: Caller,
}

impl Client {
    /// Returns the key or secret.
    pub(crate) fn secret(&self) -> &str {
        self.caller.credential.as_deref().unwrap_or_default()
    }
}

impl Shop {
    /// Creates an organization on a gateway.
    pub(crate) async fn open(gateway: Arc<Gateway>, name: &str) -> Self {
        let app = Arc::clone(&gateway.app);
        let owned = name.to_owned();
        let organization = gateway
            .inside(async move { app.access.organizations.create(&owned).await.expect("made") })
            .await
            .id;
        let storefront = add_storefront(&gateway, &organization, &format!("{name} DE"), "DE").await;
        let unauthenticated = Caller::unauthenticated(&gateway);
        let mut shop = Self {
            gateway,
            organization,
            storefront,
            backend: unauthenticated.clone(),
            browser: unauthenticated,
        };
        shop.backend = shop.backend_with(Scope::ALL).await;
        shop.browser = shop
            .client(ClientKind::Public, Some(&shop.storefront.id), &[])
            .await
            .caller;
        shop
    }

    /// Creates another organization on the same gateway, whose storefronts have the same codes.
    pub(crate) async fn rival(&self) -> Self {
        Self::open(Arc::clone(&self.gateway), "Rival").await
    }

    /// Adds another storefront.
    pub(crate) async fn add_storefront(&self, name: &str, code: &str) -> Storefront {
        add_storefront(&self.gateway, &self.organization, name, code).await
    }

    /// Creates an API client of the organization; without a storefront it covers all.
    pub(crate) async fn client(
        &self,
        kind: ClientKind,
        storefront: Option<&StorefrontId>,
        scopes: &[Scope],
    ) -> Client {
        let new = NewClient {
            organization: self.organization.clone(),
            kind,
            name: "a client".to_owned(),
            storefronts: storefront.map(|id| vec![id.clone()]),
            scopes: scopes.to_vec(),
        };
        let app = Arc::clone(&self.gateway.app);
        let (client, secret) = self
            .gateway
            .inside(async move { app.access.clients.create(new).await.expect("made") })
            .await;
        Client {
            id: client.id,
            caller: self.unauthenticated().with(Some(secret.expose())),
        }
    }

    /// Creates a backend for all storefronts with these scopes.
    pub(crate) async fn backend_with(&self, scopes: &[Scope]) -> Caller {
        self.client(ClientKind::Integration, None, scopes).await.caller
    }

    /// Adds a member of the organization.
    pub(crate) async fn member(&self, name: &str) -> MemberId {
        let (app, organization) = (Arc::clone(&self.gateway.app), self.organization.clone());
        let name = name.to_owned();
        let adding = async move {
            let organizations = &app.access.organizations;
            organizations
                .add_member(&organization, &name, None)
                .await
                .expect("made")
                .id
        };
        self.gateway.inside(adding).await
    }

    /// Returns a caller without a credential.
    pub(crate) fn unauthenticated(&self) -> Caller {
        self.backend.with(None)
    }

    /// Registers a regular user and returns a caller with its token.
    pub(crate) async fn ann(&self, id: &str) -> Caller {
        self.person(id, false).await
    }

    /// Registers an anonymous user and returns a caller with its token.
    pub(crate) async fn guest(&self, id: &str) -> Caller {
        self.person(id, true).await
    }

    async fn person(&self, id: &str, is_anonymous: bool) -> Caller {
        let payload = self
            .backend
            .mutate_ok("storefrontUserRegister", self.user(id, is_anonymous))
            .await;
        self.unauthenticated()
            .with(payload["token"]["accessToken"].as_str())
    }

    /// Returns the input that registers or ensures a user in the shop's storefront.
    pub(crate) fn user(&self, id: &str, is_anonymous: bool) -> Value {
        json!({ "storefrontId": self.id(), "storefrontUserId": id, "isAnonymous": is_anonymous })
    }

    /// Returns the input that names a user in the shop's storefront.
    pub(crate) fn named(&self, id: &str) -> Value {
        json!({ "storefrontId": self.id(), "storefrontUserId": id })
    }

    /// Returns the input that merges or promotes a user in the shop's storefront.
    pub(crate) fn pair(&self, anonymous: &str, regular: &str) -> Value {
        json!({
            "storefrontId": self.id(),
            "anonymousStorefrontUserId": anonymous,
            "regularStorefrontUserId": regular,
        })
    }

    /// Makes the storefront conceal which addresses are registered.
    pub(crate) async fn conceal_emails(&self) {
        self.set(doc! { "concealEmails": true }).await;
    }

    /// Sets the account page to which the links in the storefront's mails lead.
    pub(crate) async fn open_account_page(&self) {
        self.set(doc! { "accountUrl": "https://prints.example/account" })
            .await;
    }

    async fn set(&self, settings: Document) {
        let storefronts = self.gateway.store.collection("storefronts");
        storefronts
            .update_one(doc! { "_id": self.id() }, doc! { "$set": settings })
            .await
            .expect("updated");
    }

    /// Returns the id of the shop's storefront.
    pub(crate) fn id(&self) -> &str {
        use storefront_gateway::platform::id::Id as _;
        self.storefront.id.as_str()
    }

    /// Issues a new token for a user.
    pub(crate) async fn token(&self, id: &str) -> Caller {
        let payload = self
            .backend
            .mutate_ok("storefrontUserTokenIssue", self.named(id))
            .await;
        self.unauthenticated()
            .with(payload["token"]["accessToken"].as_str())
    }

    /// Merges two users, which must succeed.
    pub(crate) async fn merge(&self, anonymous: &str, regular: &str) -> Value {
        self.backend
            .mutate_ok("storefrontUserMergeAnonymous", self.pair(anonymous, regular))
            .await
    }
}

async fn add_storefront(
    gateway: &Gateway,
    organization: &OrganizationId,
    name: &str,
    code: &str,
) -> Storefront {
    let app = Arc::clone(&gateway.app);
    let new = store::NewStorefront {
        organization: organization.clone(),
        name: name.to_owned(),
        code: code.to_owned(),
        integration_type: storefront_gateway::storefront::IntegrationType::default(),
        account_url: None,
        conceal_emails: false,
    };
    let making = async move {
        let system = HouseReach::everywhere();
        store::create(&app.database, &system, &app.clock, &app.random, new).await
    };
    gateway
        .inside(making)
        .await
        .expect("made")
        .expect("name and code are free")
}

/// Returns the ids of a user's own items, in order.
pub(crate) async fn item_ids(person: &Caller) -> Vec<String> {
    let seen = person
        .query("{ viewer { storefrontUser { privateStorage { items(first: 100) { nodes { id } } } } } }")
        .await;
    let nodes = &seen["viewer"]["storefrontUser"]["privateStorage"]["items"]["nodes"];
    let nodes = nodes.as_array().expect("a list of items");
    nodes
        .iter()
        .filter_map(|node| node["id"].as_str().map(str::to_owned))
        .collect()
}
