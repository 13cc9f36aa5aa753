//! The demo's customer groups and markets, created as a backend would create them. The demo's customer has access to
//! one of the two private markets.

use bson::doc;

use super::people::reach_into;
use super::{CUSTOMER_EMAIL, Demo};
use crate::app::App;
use crate::customer::{email, store};
use crate::customer_group::{
    CustomerGroup,
    create::GroupCreation,
    listed::ListedIds,
    membership::{MemberChange, MemberUpdate},
    name::Name,
};
use crate::error::{Error, Result};
use crate::market::{Market, create::MarketCreation};
use crate::reach::{Reach, StorefrontReach};

/// The storefront's code, the group's name, and the e-mail addresses of its members.
const GROUPS: &[(&str, &str, &[&str])] = &[
    ("DE", "Print club", &[CUSTOMER_EMAIL]),
    ("DE", "Schools", &["jonas@demo-prints.example"]),
];

/// The storefront's code, the market's name, and the group that has access; `None` for a public market.
const MARKETS: &[(&str, &str, Option<&str>)] = &[
    ("DE", "Prints", None),
    ("DE", "Studio sale", Some("Print club")),
    ("DE", "Class sets", Some("Schools")),
    ("US", "Prints", None),
];

/// Adds the groups and markets that are missing.
pub(super) async fn add(app: &App, demo: &Demo, reach: &Reach) -> Result<()> {
    for (code, name, addresses) in GROUPS {
        let place = reach_into(reach, demo, code)?;
        let group = match group(app, &place, name).await? {
            Some(group) => group,
            None => {
                let creation = GroupCreation {
                    app,
                    storefront: &place,
                    name: Name::new((*name).to_owned()),
                };
                creation.run().await?
            }
        };
        let mut listed = Vec::new();
        for address in *addresses {
            let address = email::parse(address).ok_or_else(fault)?;
            let customer = store::by_email(&app.database, place.reach(), &address).await?;
            listed.push(customer.ok_or_else(fault)?.id);
        }
        let joining = MemberUpdate {
            app,
            reach: place.reach(),
            group: &group.id,
            customers: &ListedIds::of(listed),
            change: MemberChange::Join,
        };
        app.database.run(&joining).await?;
    }
    for (code, name, opener) in MARKETS {
        let place = reach_into(reach, demo, code)?;
        let name = Name::new((*name).to_owned());
        let known = app.database.open::<Market>(place.reach());
        if known.find_one(doc! { "name.key": &name.key }).await?.is_some() {
            continue;
        }
        let mut openers = Vec::new();
        if let Some(opener) = opener {
            let group = group(app, &place, opener).await?;
            openers.push(group.ok_or_else(fault)?.id);
        }
        let creation = MarketCreation {
            app,
            storefront: &place,
            name,
            groups: ListedIds::of(openers),
        };
        creation.run().await?;
    }
    Ok(())
}

async fn group(app: &App, place: &StorefrontReach, name: &str) -> Result<Option<CustomerGroup>> {
    let groups = app.database.open::<CustomerGroup>(place.reach());
    groups.find_one(doc! { "name.written": name }).await
}

fn fault() -> Error {
    Error::internal("a customer or customer group of the demo does not exist")
}
