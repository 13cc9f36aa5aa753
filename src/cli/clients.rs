//! `client`.

use serde_json::{Value, json};

use super::arguments::{ClientCommand, NewClientArguments, word};
use super::failure::Failure;
use super::output::Output;
use super::{organizations, storefronts};
use crate::app::App;
use crate::auth::client::{ApiClient, ClientKind, NewClient};
use crate::platform::{
    clock::Timestamp,
    id::{ApiClientId, OrganizationId},
};
use crate::reach::scope::{Scope, write_list};

pub(super) async fn run(command: ClientCommand, app: &App, output: Output) -> Result<(), Failure> {
    match command {
        ClientCommand::Create(arguments) => create(arguments, app, output).await,
        ClientCommand::List { organization } => list(organization.as_ref(), app, output).await,
        ClientCommand::Revoke { id } => revoke(&id, app, output).await,
    }
}

async fn create(arguments: NewClientArguments, app: &App, output: Output) -> Result<(), Failure> {
    let NewClientArguments {
        organization,
        mut storefronts,
        kind,
        name,
        mut scopes,
    } = arguments;
    storefronts.sort();
    storefronts.dedup();
    scopes.sort();
    scopes.dedup();
    organizations::known(app, &organization).await?;
    for id in &storefronts {
        storefronts::known(app, &organization, id).await?;
    }
    let new = NewClient {
        organization,
        kind,
        name,
        storefronts: (!storefronts.is_empty()).then_some(storefronts),
        scopes,
    };
    let (client, secret) = app.access.clients.create(new).await?;
    let (key, what) = match client.kind {
        ClientKind::Public => ("key", "publishable key"),
        ClientKind::Integration => ("secret", "client secret"),
    };
    output.result(&json!({ "id": client.id, key: secret.expose() }), || {
        let powerless = client.kind == ClientKind::Integration && client.scopes.is_empty();
        let note = if powerless {
            "\nThis client has no scopes, and cannot do anything: create another client with --scope."
        } else {
            ""
        };
        format!(
            "Created the API client {} ({}).\nIts {what}, which is printed only once:\n\n  {}\n{note}",
            client.name,
            client.id,
            secret.expose()
        )
    })
}

async fn list(organization: Option<&OrganizationId>, app: &App, output: Output) -> Result<(), Failure> {
    if let Some(id) = organization {
        organizations::known(app, id).await?;
    }
    output.list(
        &app.access.clients.list(organization).await?,
        as_json,
        &["ID", "KIND", "NAME", "STOREFRONTS", "SCOPES", "REVOKED"],
        cells,
        "There are no API clients. Create one with `storefront-gateway client create`.",
    )
}

async fn revoke(id: &ApiClientId, app: &App, output: Output) -> Result<(), Failure> {
    if !app.access.clients.revoke(id).await? {
        return Err(Failure::message(format!(
            "unknown API client {id}: `storefront-gateway client list` lists all API clients"
        )));
    }
    output.result(&json!({ "id": id }), || {
        format!(
            "Revoked the API client {id}. Within 5 seconds, all copies of the gateway refuse its requests."
        )
    })
}

fn as_json(client: &ApiClient) -> Value {
    let ApiClient {
        id,
        organization_id,
        kind,
        name,
        storefront_ids,
        scopes,
        fingerprint: _,
        created_at,
        revoked_at,
    } = client;
    let scopes: Vec<&str> = scopes.iter().copied().map(Scope::text).collect();
    json!({
        "id": id,
        "organizationId": organization_id,
        "kind": word(kind),
        "name": name,
        "storefrontIds": storefront_ids,
        "scopes": scopes,
        "createdAt": created_at.rfc3339(),
        "revokedAt": revoked_at.map(Timestamp::rfc3339),
    })
}

fn cells(client: &ApiClient) -> Vec<String> {
    let storefronts = client.storefront_ids.as_ref().map_or_else(
        || "all".to_owned(),
        |ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    );
    vec![
        client.id.to_string(),
        word(&client.kind),
        client.name.clone(),
        storefronts,
        if client.scopes.len() == Scope::ALL.len() {
            "all".to_owned()
        } else {
            write_list(&client.scopes)
        },
        client.revoked_at.map(Timestamp::rfc3339).unwrap_or_default(),
    ]
}
