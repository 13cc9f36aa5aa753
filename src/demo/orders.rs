//! The demo's orders, recorded as the store's back end would record them.

use std::sync::Arc;
use std::time::Duration;

use super::people::reach_into;
use super::{CUSTOMER_EMAIL, Demo};
use crate::app::App;
use crate::customer::{email, store};
use crate::error::{Error, Result};
use crate::order::{
    Line, Money,
    currency::CurrencyCode,
    record::{address::AddressSource, new_order::NewOrder, write::OrderRecording},
    store::Orders,
};
use crate::platform::decimal::Decimal;
use crate::reach::Reach;

/// SKU, name, quantity, unit price.
type Article = (&'static str, &'static str, i32, &'static str);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The orders of [`CUSTOMER_EMAIL`]: the number, how many days ago the order was placed, the lines, and the total.
const PURCHASES: &[(&str, u32, &[Article], &str)] = &[
    (
        "DE-1001",
        40,
        &[("MUG-WHITE", "Mug with your photo", 2, "12.90")],
        "25.80",
    ),
    (
        "DE-1002",
        3,
        &[
            ("POSTER-A2", "Poster, A2, matt", 1, "19.00"),
            ("FRAME-A2", "Frame for A2, oak", 1, "34.50"),
            ("WELCOME-5", "Discount for your second order", 1, "-5.00"),
        ],
        "48.50",
    ),
];

/// Adds the orders that are missing, with the customer's default addresses.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    let fault = || Error::internal("an order of the demo is not valid");
    let place = reach_into(reach, demo, "DE")?;
    let email = email::parse(CUSTOMER_EMAIL).ok_or_else(fault)?;
    let customer = store::by_email(&app.database, place.reach(), &email).await?;
    let customer = customer.ok_or_else(fault)?;
    for (number, days, articles, total) in PURCHASES {
        let orders = Orders::of(app, place.reach());
        if orders.by_number(number).await?.is_some() {
            continue;
        }
        let order = NewOrder {
            number: (*number).to_owned(),
            customer_id: Some(customer.id.clone()),
            email: Some(email.written.clone()),
            shipping: AddressSource::Default,
            billing: AddressSource::Default,
            lines: lines(articles).ok_or_else(fault)?,
            total: euros(total).ok_or_else(fault)?,
            placed_at: Some(app.clock.now().before(DAY * *days)),
        };
        OrderRecording::of(app, &place, &order)?.run().await?;
    }
    Ok(())
}

fn lines(articles: &[Article]) -> Option<Vec<Line>> {
    let line = |(sku, name, quantity, price): &Article| {
        Some(Line {
            sku: (*sku).to_owned(),
            name: (*name).to_owned(),
            quantity: *quantity,
            unit_price: euros(price)?,
        })
    };
    articles.iter().map(line).collect()
}

/// Returns an amount in euros; `None` if the text is not a number.
pub(super) fn euros(amount: &str) -> Option<Money> {
    Some(Money {
        amount: Decimal::parse_text(amount)?,
        currency_code: CurrencyCode::parse_text("EUR")?,
    })
}
