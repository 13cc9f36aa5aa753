//! `storefront`.

use serde_json::{Value, json};

use super::arguments::{NewAccountUrl, StorefrontChangeArguments, StorefrontCommand};
use super::failure::Failure;
use super::open::Opened;
use super::organizations;
use super::output::Output;
use crate::app::App;
use crate::config::Config;
use crate::platform::id::{OrganizationId, StorefrontId};
use crate::reach::HouseReach;
use crate::storefront::{
    Storefront,
    store::{self, NewStorefront, StorefrontChanges, TakenValue},
};

const SYSTEM: HouseReach = HouseReach::everywhere();

pub(super) async fn run(command: StorefrontCommand, config: Config, output: Output) -> Result<(), Failure> {
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
            create(new, config, output).await
        }
        StorefrontCommand::List { organization } => list(organization, config, output).await,
        StorefrontCommand::Update { id, changes } => update(id, changes, config, output).await,
    }
}

async fn create(new: NewStorefront, config: Config, output: Output) -> Result<(), Failure> {
    let created = Opened::with(config, output, async |app| {
        organizations::known(app, &new.organization).await?;
        let created = store::create(&app.database, &SYSTEM, &app.clock, &app.random, new.clone()).await?;
        created.map_err(taken)
    })
    .await?;
    let Storefront {
        id,
        organization_id,
        name,
        code,
        ..
    } = &created;
    output.result(&json!({ "id": id, "code": code }), || {
        format!(
            "Created the storefront {name} ({id}, code {code}).\nNext: storefront-gateway client create --organization \
             {organization_id} --storefront {id} --kind public --name NAME"
        )
    })
}

async fn list(organization: Option<OrganizationId>, config: Config, output: Output) -> Result<(), Failure> {
    let found = Opened::with(config, output, async |app| {
        if let Some(id) = &organization {
            organizations::known(app, id).await?;
        }
        Ok(store::list(&app.database, &SYSTEM, organization.as_ref()).await?)
    })
    .await?;
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
    id: StorefrontId,
    changes: StorefrontChangeArguments,
    config: Config,
    output: Output,
) -> Result<(), Failure> {
    let StorefrontChangeArguments {
        name,
        integration_type,
        account_url,
        conceal_emails,
        reveal_emails,
    } = changes;
    let changes = StorefrontChanges {
        name,
        integration_type,
        account_url: account_url.map(|NewAccountUrl(url)| url),
        conceal_emails: (conceal_emails || reveal_emails).then_some(conceal_emails),
    };
    let updated = Opened::with(config, output, async |app| {
        let updated = store::update(&app.database, &SYSTEM, &id, changes.clone()).await?;
        updated.map_err(taken)?.ok_or_else(|| unknown(&id))
    })
    .await?;
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
            integration(&updated),
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
        integration_type: _,
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
        "integrationType": integration(storefront),
        "accountUrl": account_url,
        "concealEmails": conceal_emails,
        "createdAt": created_at.rfc3339(),
    })
}

/// The integration type as it is written on the command line.
fn integration(storefront: &Storefront) -> String {
    use clap::ValueEnum;
    storefront
        .integration_type
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}
