//! The demo: fills an empty database with an organization that has two storefronts, credentials, users, files, custom
//! fields, customers, orders, groups and markets.
//!
//! Its credentials are derived from the master key, so that they can be shown at every start although only their hashes
//! are stored. Filling may be interrupted anywhere: every step is idempotent, and the next start completes it.

mod art;
mod content;
pub mod crowd;
mod customers;
mod fields;
mod markets;
mod orders;
mod people;

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::client::{ClientKind, NewClient, key};
use crate::error::{Error, Result};
use crate::organization::{Member, Organization};
use crate::platform::{
    clock::Timestamp,
    crypto::fingerprint,
    database::violated_index,
    id::{ApiClientId, MemberId, OrganizationId, StorefrontId},
    progress::Progress,
    secret::Secret,
};
use crate::reach::{HouseReach, Reach, principal::Policy, scope::Scope};
use crate::storefront::{
    IntegrationType, Storefront,
    store::{self, NewStorefront},
};

/// Holds one document, which marks the database as the demo's and records its progress.
const COLLECTION: &str = "demo";
const MARKER: &str = "demo";
/// The lease of the gateway that fills the database, which is presumed dead afterwards; filling takes about a second.
const LEASE: Duration = Duration::from_secs(10);
/// Interval at which a gateway checks whether another one has finished filling the database.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The name from which the backend's secret is derived.
const BACKEND: &str = "backend";
/// The name from which the customers' password is derived.
const CUSTOMERS: &str = "customers";
/// The e-mail address of the customer with the most data, in the first storefront.
pub const CUSTOMER_EMAIL: &str = "mia@demo-prints.example";
/// Characters of the customers' password: too many to guess, few enough to type.
const PASSWORD_LENGTH: usize = 16;

/// The storefronts: code, name, integration type.
const STOREFRONTS: [(&str, &str, IntegrationType); 2] = [
    ("DE", "Demo Prints Germany", IntegrationType::Shopify),
    ("US", "Demo Prints United States", IntegrationType::Custom),
];

/// A filled demo, with the credentials to try it out.
#[derive(Debug)]
pub struct Demo {
    /// The demo's organization.
    pub organization: OrganizationId,
    /// The demo's storefronts, at least one.
    pub storefronts: Vec<DemoStorefront>,
    /// A backend client with all scopes for all storefronts, and its secret.
    pub backend: DemoClient,
    /// The password of all customers, including [`CUSTOMER_EMAIL`] in the first storefront.
    pub customer_password: Secret,
}

/// One of the demo's storefronts.
#[derive(Debug)]
pub struct DemoStorefront {
    /// Id.
    pub id: StorefrontId,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// The web shop's client, with its publishable key.
    pub web: DemoClient,
}

/// One of the demo's API clients.
#[derive(Debug)]
pub struct DemoClient {
    /// Id: the OAuth `client_id`.
    pub id: ApiClientId,
    /// The publishable key or the secret.
    pub key: Secret,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    #[serde(rename = "_id")]
    id: String,
    organization_id: OrganizationId,
    member_id: MemberId,
    /// When filling was completed; absent before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    filled_at: Option<Timestamp>,
    /// The end of the lease of the gateway that is filling the database.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    until: Option<Timestamp>,
}

/// Fills an empty database, or completes a demo. Returns `None`, without writing anything, for a database that holds
/// something else. Also returns `None` if the demo's credentials were revoked. The database must be prepared.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn fill(app: &Arc<App>) -> Result<Option<Demo>> {
    let Some(marker) = marker(app).await? else {
        return Ok(None);
    };
    establish(app, &marker).await?;
    let mut storefronts = Vec::with_capacity(STOREFRONTS.len());
    for (code, name, integration_type) in STOREFRONTS {
        let subdomain = code.to_ascii_lowercase();
        let new = NewStorefront {
            organization: marker.organization_id.clone(),
            name: name.to_owned(),
            code: code.to_owned(),
            integration_type,
            account_url: Some(format!("https://{subdomain}.demo-prints.example/account")),
            conceal_emails: false,
        };
        let storefront = storefront(app, new).await?;
        let web = NewClient {
            organization: marker.organization_id.clone(),
            kind: ClientKind::Public,
            name: format!("{name}: web shop"),
            storefronts: Some(vec![storefront.id.clone()]),
            scopes: Vec::new(),
        };
        let Some(web) = client(app, web, &format!("web shop {code}")).await? else {
            return Ok(None);
        };
        storefronts.push(DemoStorefront {
            id: storefront.id,
            code: storefront.code,
            name: storefront.name,
            web,
        });
    }
    let backend = NewClient {
        organization: marker.organization_id.clone(),
        kind: ClientKind::Integration,
        name: "Demo Prints: backend".to_owned(),
        storefronts: None,
        scopes: Scope::ALL.to_vec(),
    };
    let Some(backend) = client(app, backend, BACKEND).await? else {
        return Ok(None);
    };
    let password = app.vault.demo_secret(CUSTOMERS);
    let demo = Demo {
        organization: marker.organization_id,
        storefronts,
        backend,
        customer_password: Secret::from(password.chars().take(PASSWORD_LENGTH).collect::<String>()),
    };
    fill_with_people(app, &demo).await?;
    Ok(Some(demo))
}

/// Adds customers to the demo's first storefront until its crowd has `many`.
///
/// # Errors
/// Fails when the database does not answer; customers already added remain, and the next call adds the rest.
pub async fn grow_crowd(app: &Arc<App>, demo: &Demo, many: u64, progress: &Progress) -> Result<()> {
    let reach = reach(app, demo, Scope::CustomersWrite).await?;
    let place = people::reach_into(&reach, demo, STOREFRONTS[0].0)?;
    let crowd = crowd::Crowd { app, place: &place };
    crowd.grow_to(many, progress).await
}

/// Returns the reach of the demo's backend with a scope.
async fn reach(app: &App, demo: &Demo, scope: Scope) -> Result<Reach> {
    let principal = app
        .access
        .authenticate(demo.backend.key.expose())
        .await?
        .map_err(|_refused| Error::internal("the client secret of the demo was refused"))?;
    principal.reach_to_write(&Policy::backend(scope))
}

fn markers(app: &App) -> Collection<Marker> {
    app.database.internal(COLLECTION)
}

/// Returns the demo's marker, which is created if the database is empty. Of two gateways that see an empty database,
/// only one chooses the ids.
async fn marker(app: &App) -> Result<Option<Marker>> {
    let found = markers(app).find_one(doc! { "_id": MARKER }).await?;
    if found.is_some() {
        return Ok(found);
    }
    if app.access.organizations.any().await? {
        return Ok(None);
    }
    let now = app.clock.now();
    let chosen = doc! {
        "organizationId": OrganizationId::fresh(now, &app.random),
        "memberId": MemberId::fresh(now, &app.random),
    };
    let made = markers(app)
        .update_one(doc! { "_id": MARKER }, doc! { "$setOnInsert": chosen })
        .upsert(true)
        .await
        .map_err(Error::from);
    match made {
        Err(error) if violated_index(&error) != Some("_id_") => Err(error),
        _ => Ok(markers(app).find_one(doc! { "_id": MARKER }).await?),
    }
}

async fn establish(app: &App, marker: &Marker) -> Result<()> {
    let now = app.clock.now();
    let organization = Organization {
        id: marker.organization_id.clone(),
        name: "Demo Prints".to_owned(),
        created_at: now,
    };
    let member = Member {
        id: marker.member_id.clone(),
        organization_id: marker.organization_id.clone(),
        name: "Demo Operator".to_owned(),
        email: Some("operator@demo-prints.example".to_owned()),
        created_at: now,
    };
    app.access.organizations.ensure(&organization, &member).await
}

/// Returns the storefront with this code, which is created if it is missing.
async fn storefront(app: &App, new: NewStorefront) -> Result<Storefront> {
    let system = HouseReach::everywhere();
    let (organization, code) = (new.organization.clone(), new.code.clone());
    let with_code = async || -> Result<Option<Storefront>> {
        let all = store::list(&app.database, &system, Some(&organization)).await?;
        Ok(all.into_iter().find(|storefront| storefront.code == code))
    };
    if let Some(storefront) = with_code().await? {
        return Ok(storefront);
    }
    match store::create(&app.database, &system, &app.clock, &app.random, new).await? {
        Ok(storefront) => Ok(storefront),
        // Another gateway has created it meanwhile.
        Err(_taken) => with_code()
            .await?
            .ok_or_else(|| Error::internal("another storefront has the name of a storefront of the demo")),
    }
}

/// Returns the client with its key or secret, and creates it if it is missing; `None` if it was revoked.
async fn client(app: &App, new: NewClient, name: &str) -> Result<Option<DemoClient>> {
    let secret = app.vault.demo_secret(name);
    let whole = Secret::from(key(new.kind, &secret));
    let fingerprint = fingerprint(whole.expose());
    let clients = &app.access.clients;
    let mut known = clients.by_fingerprint(&fingerprint).await?;
    if known.is_none() {
        known = match clients.create_with(new, &secret).await {
            Ok((made, _)) => Some(made),
            // Another gateway has created it meanwhile.
            Err(error) if violated_index(&error) == Some("fingerprint") => {
                clients.by_fingerprint(&fingerprint).await?
            }
            Err(error) => return Err(error),
        };
    }
    let valid = known.filter(|client| client.revoked_at.is_none());
    Ok(valid.map(|client| DemoClient {
        id: client.id,
        key: whole,
    }))
}

/// Adds the content of the storefronts, on one gateway at a time and only once per database, so that what a visitor
/// deletes is not restored.
async fn fill_with_people(app: &Arc<App>, demo: &Demo) -> Result<()> {
    loop {
        let now = app.clock.now();
        let free = doc! {
            "_id": MARKER,
            "filledAt": { "$exists": false },
            "$or": [{ "until": { "$exists": false } }, { "until": { "$lt": now } }],
        };
        let taken = markers(app)
            .find_one_and_update(free, doc! { "$set": { "until": now.after(LEASE) } })
            .await?;
        if taken.is_some() {
            let reach = |scope| reach(app, demo, scope);
            people::add(app, demo, &reach(Scope::StorageWrite).await?).await?;
            fields::add(app, demo, &reach(Scope::CustomFieldsWrite).await?).await?;
            customers::add(app, demo, &reach(Scope::CustomersWrite).await?).await?;
            orders::add(app, demo, &reach(Scope::OrdersWrite).await?).await?;
            markets::add(app, demo, &reach(Scope::GroupsWrite).await?).await?;
            let filled = doc! { "$set": { "filledAt": app.clock.now() }, "$unset": { "until": "" } };
            markers(app).update_one(doc! { "_id": MARKER }, filled).await?;
            return Ok(());
        }
        let marker = markers(app).find_one(doc! { "_id": MARKER }).await?;
        if marker.is_none_or(|marker| marker.filled_at.is_some()) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
