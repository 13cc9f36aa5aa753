//! `organization` and `member`.

use serde_json::json;

use super::arguments::{MemberCommand, OrganizationCommand};
use super::failure::Failure;
use super::output::Output;
use crate::app::App;
use crate::organization::{Member, Organization};
use crate::platform::id::OrganizationId;

pub(super) async fn organization(
    command: OrganizationCommand,
    app: &App,
    output: Output,
) -> Result<(), Failure> {
    let OrganizationCommand::Create { name } = command;
    let Organization { id, name, .. } = app.access.organizations.create(&name).await?;
    output.result(&json!({ "id": id }), || {
        format!(
            "Created the organization {name} ({id}).\nNext: storefront-gateway storefront create --organization {id} \
             --name NAME --code CODE"
        )
    })
}

pub(super) async fn member(command: MemberCommand, app: &App, output: Output) -> Result<(), Failure> {
    let MemberCommand::Add {
        organization,
        name,
        email,
    } = command;
    let organization = known(app, &organization).await?;
    let members = &app.access.organizations;
    let added = members.add_member(&organization.id, &name, email.as_deref());
    let Member { id, name, .. } = added.await?;
    output.result(&json!({ "id": id }), || {
        format!(
            "Added the member {name} ({id}).\nNext: an integration requests access tokens on behalf of this member \
             with owner={id} at /oauth/token."
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
