//! `identity-provider`.

use serde_json::{Value, json};

use super::arguments::{IdentityProviderCommand, NewIdentityProvider};
use super::failure::Failure;
use super::open::Opened;
use super::output::Output;
use super::{secret_file, storefronts};
use crate::app::App;
use crate::config::Config;
use crate::oidc::{
    IdentityProvider, MAX_PROVIDERS,
    store::{self, NewProvider, NotAdded},
};
use crate::platform::{
    id::{IdentityProviderId, StorefrontId},
    secret::Secret,
};
use crate::reach::HouseReach;

const SYSTEM: HouseReach = HouseReach::everywhere();

/// Runs a command. A client secret is read before the database is opened.
pub(super) async fn run(
    command: IdentityProviderCommand,
    config: Config,
    output: Output,
) -> Result<(), Failure> {
    let file = match &command {
        IdentityProviderCommand::Add(arguments) => arguments.client_secret_file.as_deref(),
        _ => None,
    };
    let secret = file.map(secret_file::read).transpose()?;
    Opened::with(config, output, async |app| match command {
        IdentityProviderCommand::Add(arguments) => add(*arguments, secret, app, output).await,
        IdentityProviderCommand::List { storefront } => list(storefront.as_ref(), app, output).await,
        IdentityProviderCommand::Remove { id } => remove(&id, app, output).await,
    })
    .await
}

async fn add(
    arguments: NewIdentityProvider,
    client_secret: Option<Secret>,
    app: &App,
    output: Output,
) -> Result<(), Failure> {
    let mut redirect_uris = arguments.redirect_uris;
    redirect_uris.sort();
    redirect_uris.dedup();
    storefronts::by_id(app, &arguments.storefront).await?;
    let new = NewProvider {
        storefront: arguments.storefront,
        key: arguments.key,
        name: arguments.name,
        issuer: arguments.issuer,
        client_id: arguments.client_id,
        client_secret,
        redirect_uris,
    };
    let added = store::add(app, &SYSTEM, new).await?.map_err(|reason| match reason {
        NotAdded::KeyTaken => Failure::message(
            "another identity provider of the storefront has this key: use another --key, or remove the other \
             provider first",
        ),
        NotAdded::TooMany => Failure::message(format!(
            "the storefront already has {MAX_PROVIDERS} identity providers, the maximum (TOO_MANY): remove one first"
        )),
    })?;
    output.result(&json!({ "id": added.id }), || {
        format!(
            "Added the identity provider {} ({}, key {}). Customers can sign in there.\nAt the provider, register \
             for the client {}: the authorization code grant with PKCE (S256), the scopes openid, email and profile, and \
             the redirect URIs\n\n  {}\n",
            added.name,
            added.id,
            added.key,
            added.client_id,
            added.redirect_uris.join("\n  ")
        )
    })
}

async fn list(storefront: Option<&StorefrontId>, app: &App, output: Output) -> Result<(), Failure> {
    if let Some(id) = storefront {
        storefronts::by_id(app, id).await?;
    }
    let found = store::list(&app.database, &SYSTEM, storefront).await?;
    let cells = |provider: &IdentityProvider| {
        vec![
            provider.id.to_string(),
            provider.storefront_id.to_string(),
            provider.key.clone(),
            provider.name.clone(),
            provider.issuer.clone(),
        ]
    };
    output.list(
        &found,
        as_json,
        &["ID", "STOREFRONT", "KEY", "NAME", "ISSUER"],
        cells,
        "There are no identity providers. Add one with `storefront-gateway identity-provider add`.",
    )
}

async fn remove(id: &IdentityProviderId, app: &App, output: Output) -> Result<(), Failure> {
    if !store::remove(&app.database, &SYSTEM, id).await? {
        return Err(Failure::message(format!(
            "unknown identity provider {id}: `storefront-gateway identity-provider list` lists all identity providers"
        )));
    }
    output.result(&json!({ "id": id }), || {
        format!(
            "Removed the identity provider {id}. Customers can no longer sign in there; accounts and sessions remain."
        )
    })
}

fn as_json(provider: &IdentityProvider) -> Value {
    let IdentityProvider {
        id,
        storefront_id,
        key,
        name,
        issuer,
        client_id,
        sealed_secret,
        redirect_uris,
        created_at,
    } = provider;
    json!({
        "id": id,
        "storefrontId": storefront_id,
        "key": key,
        "name": name,
        "issuer": issuer,
        "clientId": client_id,
        "hasClientSecret": sealed_secret.is_some(),
        "redirectUris": redirect_uris,
        "createdAt": created_at.rfc3339(),
    })
}
