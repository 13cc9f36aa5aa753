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

/// An order of [`CUSTOMER_EMAIL`].
struct Purchase {
    number: &'static str,
    /// How many days ago the order was placed.
    days: u32,
    lines: &'static [Article],
    total: &'static str,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const PURCHASES: &[Purchase] = &[
    Purchase {
        number: "DE-1001",
        days: 40,
        lines: &[("MUG-WHITE", "Mug with your photo", 2, "12.90")],
        total: "25.80",
    },
    Purchase {
        number: "DE-1002",
        days: 3,
        lines: &[
            ("POSTER-A2", "Poster, A2, matt", 1, "19.00"),
            ("FRAME-A2", "Frame for A2, oak", 1, "34.50"),
            ("WELCOME-5", "Discount for your second order", 1, "-5.00"),
        ],
        total: "48.50",
    },
];

/// Adds the orders that are missing, with the customer's default addresses.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    let fault = || Error::internal("an order of the demo is not valid");
    let place = reach_into(reach, demo, "DE")?;
    let email = email::parse(CUSTOMER_EMAIL).ok_or_else(fault)?;
    let customer = store::by_email(&app.database, place.reach(), &email).await?;
    let customer = customer.ok_or_else(fault)?;
    for purchase in PURCHASES {
        let orders = Orders::of(app, place.reach());
        if orders.by_number(purchase.number).await?.is_some() {
            continue;
        }
        let placed_at = app.clock.now().before(DAY * purchase.days);
        let order = NewOrder {
            number: purchase.number.to_owned(),
            customer_id: Some(customer.id.clone()),
            email: Some(email.written.clone()),
            shipping: AddressSource::Default,
            billing: AddressSource::Default,
            lines: purchase.lines().ok_or_else(fault)?,
            total: euros(purchase.total).ok_or_else(fault)?,
            placed_at: Some(placed_at),
        };
        OrderRecording::of(app, &place, &order)?.run().await?;
    }
    Ok(())
}

impl Purchase {
    fn lines(&self) -> Option<Vec<Line>> {
        let line = |(sku, name, quantity, price): &Article| {
            Some(Line {
                sku: (*sku).to_owned(),
                name: (*name).to_owned(),
                quantity: *quantity,
                unit_price: euros(price)?,
            })
        };
        self.lines.iter().map(line).collect()
    }
}

fn euros(amount: &str) -> Option<Money> {
    Some(Money {
        amount: Decimal::parse_text(amount)?,
        currency_code: CurrencyCode::parse_text("EUR")?,
    })
}
