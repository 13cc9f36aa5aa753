//! `organization` and `member`.

use serde_json::json;

use super::arguments::{MemberCommand, OrganizationCommand};
use super::failure::Failure;
use super::open::Opened;
use super::output::Output;
use crate::app::App;
use crate::config::Config;
use crate::organization::Organization;
use crate::platform::id::OrganizationId;

pub(super) async fn organization(
    command: OrganizationCommand,
    config: Config,
    output: Output,
) -> Result<(), Failure> {
    let OrganizationCommand::Create { name } = command;
    let made = Opened::with(config, output, async |app| {
        Ok(app.access.organizations.create(&name).await?)
    })
    .await?;
    output.result(&json!({ "id": made.id }), || {
        format!(
            "Created the organization {} ({}).\nNext: storefront-gateway storefront create \
             --organization {} --name NAME --code CODE",
            made.name, made.id, made.id
        )
    })
}

pub(super) async fn member(command: MemberCommand, config: Config, output: Output) -> Result<(), Failure> {
    let MemberCommand::Add {
        organization,
        name,
        email,
    } = command;
    let member = Opened::with(config, output, async |app| {
        let organization = known(app, &organization).await?;
        let members = &app.access.organizations;
        Ok(members
            .add_member(&organization.id, &name, email.as_deref())
            .await?)
    })
    .await?;
    output.result(&json!({ "id": member.id }), || {
        format!(
            "Added the member {} ({}).\nNext: an integration requests access tokens on behalf of this member \
             with owner={} at /oauth/token.",
            member.name, member.id, member.id
        )
    })
}

/// The organization with this id.
pub(super) async fn known(app: &App, id: &OrganizationId) -> Result<Organization, Failure> {
    let found = app.access.organizations.find(id).await?;
    found.ok_or_else(|| {
        Failure::message(format!(
            "unknown organization {id}: `storefront-gateway storefront list` lists organizations that have \
             storefronts, and `storefront-gateway organization create` creates an organization"
        ))
    })
}
