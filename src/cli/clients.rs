//! `client`.

use serde_json::{Value, json};

use super::arguments::{ClientCommand, NewClientArguments};
use super::failure::Failure;
use super::open::Opened;
use super::output::Output;
use super::{organizations, storefronts};
use crate::auth::client::{ApiClient, ClientKind, NewClient};
use crate::config::Config;
use crate::platform::{
    clock::Timestamp,
    id::{ApiClientId, OrganizationId},
};
use crate::reach::scope::{Scope, write_list};

pub(super) async fn run(command: ClientCommand, config: Config, output: Output) -> Result<(), Failure> {
    match command {
        ClientCommand::Create(arguments) => create(arguments, config, output).await,
        ClientCommand::List { organization } => list(organization, config, output).await,
        ClientCommand::Revoke { id } => revoke(id, config, output).await,
    }
}

async fn create(arguments: NewClientArguments, config: Config, output: Output) -> Result<(), Failure> {
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
    let new = NewClient {
        organization,
        kind: kind.into(),
        name,
        storefronts: (!storefronts.is_empty()).then_some(storefronts),
        scopes,
    };
    let (client, secret) = Opened::with(config, output, async |app| {
        organizations::known(app, &new.organization).await?;
        for id in new.storefronts.iter().flatten() {
            storefronts::known(app, &new.organization, id).await?;
        }
        Ok(app.access.clients.create(new.clone()).await?)
    })
    .await?;
    let (word, what) = match client.kind {
        ClientKind::Public => ("key", "publishable key"),
        ClientKind::Integration => ("secret", "client secret"),
    };
    output.result(&json!({ "id": client.id, word: secret.expose() }), || {
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

async fn list(organization: Option<OrganizationId>, config: Config, output: Output) -> Result<(), Failure> {
    let found = Opened::with(config, output, async |app| {
        if let Some(id) = &organization {
            organizations::known(app, id).await?;
        }
        Ok(app.access.clients.list(organization.as_ref()).await?)
    })
    .await?;
    output.list(
        &found,
        as_json,
        &["ID", "KIND", "NAME", "STOREFRONTS", "SCOPES", "REVOKED"],
        cells,
        "There are no API clients. Create one with `storefront-gateway client create`.",
    )
}

async fn revoke(id: ApiClientId, config: Config, output: Output) -> Result<(), Failure> {
    Opened::with(config, output, async |app| {
        if app.access.clients.revoke(&id).await? {
            Ok(())
        } else {
            Err(Failure::message(format!(
                "unknown API client {id}: `storefront-gateway client list` lists all API clients"
            )))
        }
    })
    .await?;
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
        "kind": kind_word(*kind),
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
        kind_word(client.kind).to_owned(),
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

/// The kind as it is written on the command line.
fn kind_word(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Public => "public",
        ClientKind::Integration => "integration",
    }
}
