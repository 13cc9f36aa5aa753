//! The demo's customers, their addresses and custom fields, registered as a web shop would register them.

use std::sync::Arc;

use async_graphql::Value;
use bson::doc;

use super::people::reach_into;
use super::{CUSTOMER_EMAIL, Demo};
use crate::address::{Address, AddressContent, country::CountryCode, create::Addition, defaults::Flags};
use crate::app::App;
use crate::auth::session::Device;
use crate::custom_field;
use crate::custom_field::assignment::{self, Assignment, CustomFieldInput, ValueWriter};
use crate::customer::{
    Customer, Salutation,
    credentials::Beginner,
    email::{self, Email},
    register::{
        account::{NewCustomer, Terms},
        registration::Registration,
    },
    store,
};
use crate::error::{Error, Faults, Result};
use crate::platform::{scalar::Date, secret::Secret};
use crate::reach::{Reach, StorefrontReach};
use crate::storefront::Storefront;

/// A customer of the storefront with this code.
struct DemoCustomer {
    code: &'static str,
    email: &'static str,
    first_name: &'static str,
    last_name: &'static str,
    salutation: Option<Salutation>,
    date_of_birth: Option<&'static str>,
    addresses: &'static [DemoAddress],
    /// Keys and values of the storefront's custom fields.
    values: &'static [(&'static str, Sample)],
}

/// A value of a custom field.
enum Sample {
    Flag(bool),
    Text(&'static str),
}

impl Sample {
    fn json(&self) -> Value {
        match self {
            Self::Flag(flag) => Value::Boolean(*flag),
            Self::Text(text) => Value::String((*text).to_owned()),
        }
    }
}

/// An address of a customer; the first one is the default for shipping and billing.
struct DemoAddress {
    label: &'static str,
    company: Option<&'static str>,
    street: &'static str,
    zip_code: &'static str,
    city: &'static str,
    region: Option<&'static str>,
    country: CountryCode,
}

const PEOPLE: &[DemoCustomer] = &[
    DemoCustomer {
        code: "DE",
        email: CUSTOMER_EMAIL,
        first_name: "Mia",
        last_name: "Sommer",
        salutation: Some(Salutation::Ms),
        date_of_birth: Some("1990-05-17"),
        addresses: &[
            DemoAddress {
                label: "Home",
                company: None,
                street: "Lindenallee 12",
                zip_code: "04103",
                city: "Leipzig",
                region: None,
                country: CountryCode::DE,
            },
            DemoAddress {
                label: "Studio",
                company: Some("Sommer Siebdruck"),
                street: "Hafengasse 3a",
                zip_code: "4020",
                city: "Linz",
                region: None,
                country: CountryCode::AT,
            },
        ],
        values: &[
            ("newsletter", Sample::Flag(true)),
            ("tier", Sample::Text("gold")),
            ("vatId", Sample::Text("DE999999999")),
        ],
    },
    DemoCustomer {
        code: "DE",
        email: "jonas@demo-prints.example",
        first_name: "Jonas",
        last_name: "Winter",
        salutation: None,
        date_of_birth: None,
        addresses: &[],
        values: &[
            ("newsletter", Sample::Flag(false)),
            ("tier", Sample::Text("bronze")),
        ],
    },
    DemoCustomer {
        code: "US",
        email: "riley@demo-prints.example",
        first_name: "Riley",
        last_name: "Brooks",
        salutation: None,
        date_of_birth: Some("1984-02-29"),
        addresses: &[DemoAddress {
            label: "Home",
            company: None,
            street: "418 Juniper Street",
            zip_code: "97205",
            city: "Portland",
            region: Some("OR"),
            country: CountryCode::US,
        }],
        values: &[],
    },
];

/// Adds the customers and addresses that are missing.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    for person in PEOPLE {
        let place = reach_into(reach, demo, person.code)?;
        let customer = customer(app, demo, &place, person).await?;
        let addresses = app.database.open::<Address>(place.reach());
        let known = addresses.count(doc! { "customerId": &customer.id }).await?;
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        for (index, address) in person.addresses.iter().enumerate().skip(known) {
            let flags = Flags {
                shipping: Some(index == 0),
                billing: Some(index == 0),
            };
            let addition = Addition {
                app,
                reach: place.reach(),
                customer: customer.id.clone(),
                content: address.content(person),
                flags,
            };
            addition.run().await?;
        }
    }
    Ok(())
}

async fn customer(
    app: &Arc<App>,
    demo: &Demo,
    place: &StorefrontReach,
    person: &DemoCustomer,
) -> Result<Customer> {
    let fault = || Error::internal("a customer of the demo is not valid");
    let email = email::parse(person.email).ok_or_else(fault)?;
    if let Some(known) = store::by_email(&app.database, place.reach(), &email).await? {
        return Ok(known);
    }
    let new = NewCustomer {
        password: Some(Secret::from(demo.customer_password.expose())),
        salutation: person.salutation,
        date_of_birth: person.date_of_birth.and_then(Date::parse_text),
        custom_fields: values(app, place, person).await?,
        ..new_customer(email, person.first_name, person.last_name)
    };
    let beginner = Beginner {
        organization: demo.organization.clone(),
        client: String::new(),
        owner: None,
        device: Device {
            address: None,
            user_agent: Some("the demo, as it was made"),
        },
    };
    let storefronts = app.database.open::<Storefront>(place.reach());
    let storefront = storefronts.get(place.id()).await?.ok_or_else(fault)?;
    let registration = Registration {
        app,
        place,
        storefront: &storefront,
        new,
        anonymous_token: None,
        beginner: &beginner,
    };
    registration.run().await?.customer.ok_or_else(fault)
}

/// Returns the values of those custom fields that exist in the storefront.
async fn values(app: &App, place: &StorefrontReach, person: &DemoCustomer) -> Result<Vec<Assignment>> {
    let fields = custom_field::store::of_storefront(&app.database, place.reach(), place.id()).await?;
    let known = person
        .values
        .iter()
        .filter(|(key, _)| fields.with_key(key).is_some());
    let sent: Vec<CustomFieldInput> = known
        .map(|(key, sample)| CustomFieldInput::new(key, sample.json()))
        .collect();
    let mut faults = Faults::default();
    let assignments = assignment::check(&fields, ValueWriter::Backend, &sent, &mut faults);
    faults.check()?;
    Ok(assignments)
}

impl DemoAddress {
    fn content(&self, person: &DemoCustomer) -> AddressContent {
        let (first_name, last_name) = (person.first_name, person.last_name);
        let street = self.street.to_owned();
        AddressContent {
            label: Some(self.label.to_owned()),
            salutation: person.salutation,
            company: self.company.map(str::to_owned),
            region: self.region.map(str::to_owned),
            iso2_code: self.country,
            ..german_address(first_name, last_name, street, self.zip_code, self.city)
        }
    }
}

/// Returns a customer with a name and accepted terms, and nothing else.
pub(super) fn new_customer(email: Email, first_name: &str, last_name: &str) -> NewCustomer {
    NewCustomer {
        email,
        is_email_verified: false,
        password: None,
        first_name: Some(first_name.to_owned()),
        last_name: Some(last_name.to_owned()),
        salutation: None,
        gender: None,
        date_of_birth: None,
        shopper_reference: None,
        terms: Some(Terms {
            version: Some("2026-01".to_owned()),
        }),
        custom_fields: Vec::new(),
    }
}

/// Returns an address in Germany with the required fields only.
pub(super) fn german_address(
    first_name: &str,
    last_name: &str,
    street: String,
    zip_code: &str,
    city: &str,
) -> AddressContent {
    AddressContent {
        label: None,
        salutation: None,
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        company: None,
        address1: street,
        address2: None,
        address3: None,
        zip_code: Some(zip_code.to_owned()),
        city: city.to_owned(),
        region: None,
        iso2_code: CountryCode::DE,
        country: None,
        phone: None,
    }
}
