//! `identity-provider`.

use serde_json::{Value, json};

use super::arguments::{IdentityProviderCommand, NewIdentityProvider};
use super::failure::Failure;
use super::open::Opened;
use super::output::Output;
use super::secret_file;
use super::storefronts;
use crate::config::Config;
use crate::oidc::{
    IdentityProvider, MAX_PROVIDERS,
    store::{self, NewProvider, NotAdded},
};
use crate::platform::id::{IdentityProviderId, StorefrontId};
use crate::reach::HouseReach;

const SYSTEM: HouseReach = HouseReach::everywhere();

pub(super) async fn run(
    command: IdentityProviderCommand,
    config: Config,
    output: Output,
) -> Result<(), Failure> {
    match command {
        IdentityProviderCommand::Add(arguments) => add(*arguments, config, output).await,
        IdentityProviderCommand::List { storefront } => list(storefront, config, output).await,
        IdentityProviderCommand::Remove { id } => remove(id, config, output).await,
    }
}

async fn add(arguments: NewIdentityProvider, config: Config, output: Output) -> Result<(), Failure> {
    let NewIdentityProvider {
        storefront,
        key,
        name,
        issuer,
        client_id,
        client_secret_file,
        mut redirect_uris,
    } = arguments;
    let client_secret = client_secret_file.as_deref().map(secret_file::read).transpose()?;
    redirect_uris.sort();
    redirect_uris.dedup();
    let new = NewProvider {
        storefront,
        key,
        name,
        issuer,
        client_id,
        client_secret,
        redirect_uris,
    };
    let added = Opened::with(config, output, async |app| {
        storefronts::by_id(app, &new.storefront).await?;
        let added = store::add(app, &SYSTEM, new).await?;
        added.map_err(|reason| match reason {
            NotAdded::KeyTaken => Failure::message(
                "another identity provider of the storefront has this key: use another --key, or remove the other \
                 provider first",
            ),
            NotAdded::TooMany => Failure::message(format!(
                "the storefront already has {MAX_PROVIDERS} identity providers, the maximum (TOO_MANY): remove one \
                 first"
            )),
        })
    })
    .await?;
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

async fn list(storefront: Option<StorefrontId>, config: Config, output: Output) -> Result<(), Failure> {
    let found = Opened::with(config, output, async |app| {
        if let Some(id) = &storefront {
            storefronts::by_id(app, id).await?;
        }
        Ok(store::list(&app.database, &SYSTEM, storefront.as_ref()).await?)
    })
    .await?;
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

async fn remove(id: IdentityProviderId, config: Config, output: Output) -> Result<(), Failure> {
    Opened::with(config, output, async |app| {
        if store::remove(&app.database, &SYSTEM, &id).await? {
            Ok(())
        } else {
            Err(Failure::message(format!(
                "unknown identity provider {id}: `storefront-gateway identity-provider list` lists all identity \
                 providers"
            )))
        }
    })
    .await?;
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
