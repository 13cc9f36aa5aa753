//! `keys` and `token`.

use std::sync::Arc;

use serde_json::json;

use super::arguments::{KeysCommand, TokenCommand};
use super::failure::Failure;
use super::output::Output;
use super::storefronts;
use crate::app::App;
use crate::audit::{Action, AuditActor, AuditEntry};
use crate::auth::{
    session::Device,
    token::{SignedToken, StorefrontUserSubject},
};
use crate::customer::{Customer, credentials::Beginner, sign_in::issue::issue_to};
use crate::platform::id::{CustomerId, StorefrontUserId};
use crate::reach::HouseReach;
use crate::storefront_user::StorefrontUser;

/// The API client in a token that no API client requested.
const CLIENT: &str = "operator";

pub(super) async fn keys(command: KeysCommand, app: &App, output: Output) -> Result<(), Failure> {
    let KeysCommand::Rotate { now } = command;
    let keys = &app.access.tokens.keys;
    let kid = if now {
        keys.replace_all().await?
    } else {
        keys.rotate().await?
    };
    output.result(&json!({ "kid": kid }), || {
        if now {
            format!(
                "Created the signing key {kid}, which is used at once, and revoked all older keys. Within 5 seconds, \
                 all copies of the gateway refuse tokens of older keys, and all users have to sign in again. Other \
                 verifiers know the new key when they read the JWKS again, within a minute."
            )
        } else {
            format!(
                "Created the signing key {kid}. It is published at once and used after 2 minutes, when every cached \
                 copy of the JWKS contains it. Older keys verify tokens until these expire."
            )
        }
    })
}

pub(super) async fn token(command: TokenCommand, app: &Arc<App>, output: Output) -> Result<(), Failure> {
    let TokenCommand::Issue { owner } = command;
    let signed = match (&owner.storefront_user, &owner.customer) {
        (_, Some(customer)) => sign_in(app, customer).await?,
        (Some(user), None) => issue(app, user).await?,
        (None, None) => return Err(Failure::message("set --storefront-user or --customer")),
    };
    output.result(&json!({ "accessToken": signed.token }), || {
        format!(
            "{}\n\nValid until {} at the gateway {}, in the header \"Authorization: Bearer …\".",
            signed.token,
            signed.expires_at.rfc3339(),
            app.public_url
        )
    })
}

async fn issue(app: &App, id: &StorefrontUserId) -> Result<SignedToken, Failure> {
    let users = app.database.open::<StorefrontUser>(&HouseReach::everywhere());
    let now = app.clock.now();
    let is_current = |user: &StorefrontUser| user.expires_at.is_none_or(|at| now < at);
    let Some(user) = users.get(id).await?.filter(is_current) else {
        return Err(Failure::message(format!("unknown storefront user {id}")));
    };
    if let Some(regular) = user.merged_into {
        return Err(Failure::message(format!(
            "the storefront user {id} was merged into another: use --storefront-user {regular}"
        )));
    }
    let storefront = storefronts::by_id(app, &user.storefront_id).await?;
    let signed = app.access.tokens.issue_storefront_user(
        CLIENT,
        StorefrontUserSubject {
            id: &user.id,
            storefront: &storefront.id,
            organization: &storefront.organization_id,
            external_id: &user.external_id,
            anonymous: user.is_anonymous,
            epoch: user.token_epoch,
        },
    )?;
    if let Some(customer) = &user.customer_id {
        let entry = AuditEntry::new(&storefront.id, customer, Action::StorefrontUserTokenIssued);
        app.audit.note(AuditActor::OPERATOR, entry.on(&user.id)).await?;
    }
    Ok(signed)
}

async fn sign_in(app: &Arc<App>, id: &CustomerId) -> Result<SignedToken, Failure> {
    let customers = app.database.open::<Customer>(&HouseReach::everywhere());
    let Some(customer) = customers.get(id).await? else {
        return Err(Failure::message(format!("unknown customer {id}")));
    };
    let storefront = storefronts::by_id(app, &customer.storefront_id).await?;
    let beginner = Beginner {
        organization: storefront.organization_id.clone(),
        client: CLIENT.to_owned(),
        owner: None,
        device: Device {
            address: None,
            user_agent: Some("storefront-gateway token issue"),
        },
    };
    let signed_in = issue_to(app, &customer, AuditActor::OPERATOR, &beginner).await?;
    Ok(signed_in.pair.access)
}
