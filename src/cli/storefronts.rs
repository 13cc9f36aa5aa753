//! `storefront`.

use serde_json::{Value, json};

use super::arguments::{NewAccountUrl, StorefrontChangeArguments, StorefrontCommand, word};
use super::failure::Failure;
use super::organizations;
use super::output::Output;
use crate::app::App;
use crate::platform::id::{OrganizationId, StorefrontId};
use crate::reach::HouseReach;
use crate::storefront::{
    Storefront,
    store::{self, NewStorefront, StorefrontChanges, TakenValue},
};

const SYSTEM: HouseReach = HouseReach::everywhere();

pub(super) async fn run(command: StorefrontCommand, app: &App, output: Output) -> Result<(), Failure> {
    match command {
        StorefrontCommand::Create {
            organization,
            name,
            code,
            integration_type,
            account_url,
            conceal_emails,
        } => {
            let new = NewStorefront {
                organization,
                name,
                code,
                integration_type,
                account_url,
                conceal_emails,
            };
            create(new, app, output).await
        }
        StorefrontCommand::List { organization } => list(organization.as_ref(), app, output).await,
        StorefrontCommand::Update { id, changes } => update(&id, changes, app, output).await,
    }
}

async fn create(new: NewStorefront, app: &App, output: Output) -> Result<(), Failure> {
    organizations::known(app, &new.organization).await?;
    let created = store::create(&app.database, &SYSTEM, &app.clock, &app.random, new).await?;
    let Storefront {
        id,
        organization_id,
        name,
        code,
        ..
    } = created.map_err(taken)?;
    output.result(&json!({ "id": id, "code": code }), || {
        format!(
            "Created the storefront {name} ({id}, code {code}).\nNext: storefront-gateway client create --organization \
             {organization_id} --storefront {id} --kind public --name NAME"
        )
    })
}

async fn list(organization: Option<&OrganizationId>, app: &App, output: Output) -> Result<(), Failure> {
    if let Some(id) = organization {
        organizations::known(app, id).await?;
    }
    let found = store::list(&app.database, &SYSTEM, organization).await?;
    let cells = |storefront: &Storefront| {
        vec![
            storefront.id.to_string(),
            storefront.code.clone(),
            storefront.name.clone(),
            storefront.organization_id.to_string(),
        ]
    };
    output.list(
        &found,
        as_json,
        &["ID", "CODE", "NAME", "ORGANIZATION"],
        cells,
        "There are no storefronts. Create one with `storefront-gateway storefront create`.",
    )
}

async fn update(
    id: &StorefrontId,
    changes: StorefrontChangeArguments,
    app: &App,
    output: Output,
) -> Result<(), Failure> {
    let conceals = changes.conceal_emails;
    let changes = StorefrontChanges {
        name: changes.name,
        integration_type: changes.integration_type,
        account_url: changes.account_url.map(|NewAccountUrl(url)| url),
        conceal_emails: (conceals || changes.reveal_emails).then_some(conceals),
    };
    let updated = store::update(&app.database, &SYSTEM, id, changes).await?;
    let updated = updated.map_err(taken)?.ok_or_else(|| unknown(id))?;
    output.result(&as_json(&updated), || {
        let conceals = if updated.conceal_emails {
            "do not reveal"
        } else {
            "may reveal"
        };
        format!(
            "Changed the storefront {}: {} (code {}), {}; account page {}; responses {conceals} \
             registered e-mail addresses.",
            updated.id,
            updated.name,
            updated.code,
            word(&updated.integration_type),
            updated.account_url.as_deref().unwrap_or("none"),
        )
    })
}

/// The storefront with this id, in this organization.
pub(super) async fn known(
    app: &App,
    organization: &OrganizationId,
    id: &StorefrontId,
) -> Result<Storefront, Failure> {
    let storefront = by_id(app, id).await?;
    if storefront.organization_id == *organization {
        Ok(storefront)
    } else {
        Err(Failure::message(format!(
            "the storefront {id} belongs to another organization, not to {organization}"
        )))
    }
}

/// The storefront with this id.
pub(super) async fn by_id(app: &App, id: &StorefrontId) -> Result<Storefront, Failure> {
    let found = app.database.open::<Storefront>(&SYSTEM).get(id).await?;
    found.ok_or_else(|| unknown(id))
}

fn unknown(id: &StorefrontId) -> Failure {
    Failure::message(format!(
        "unknown storefront {id}: `storefront-gateway storefront list` lists all storefronts"
    ))
}

fn taken(taken: TakenValue) -> Failure {
    Failure::message(match taken {
        TakenValue::Name => "another storefront of the organization has this name: choose another --name",
        TakenValue::Code => "another storefront of the organization has this code: choose another --code",
    })
}

fn as_json(storefront: &Storefront) -> Value {
    let Storefront {
        id,
        organization_id,
        name,
        code,
        integration_type,
        account_url,
        conceal_emails,
        // Backends define custom fields; operators do not set their number.
        custom_field_count: _,
        created_at,
    } = storefront;
    json!({
        "id": id,
        "organizationId": organization_id,
        "name": name,
        "code": code,
        "integrationType": word(integration_type),
        "accountUrl": account_url,
        "concealEmails": conceal_emails,
        "createdAt": created_at.rfc3339(),
    })
}
