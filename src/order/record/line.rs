//! The lines of an order as `orderRecord` receives them, and their checks.

use async_graphql::InputObject;

use crate::error::{Faults, UserError, UserErrorCode};
use crate::order::{Line, MAX_LINES, MAX_TEXT, Money, currency::CurrencyCode};
use crate::platform::{decimal::Decimal, text};

/// An amount of money.
#[derive(InputObject)]
pub struct MoneyInput {
    /// Amount, such as `"5.25"`.
    amount: Decimal,
    /// Currency of the amount.
    currency_code: CurrencyCode,
}

impl From<MoneyInput> for Money {
    fn from(
        MoneyInput {
            amount,
            currency_code,
        }: MoneyInput,
    ) -> Self {
        Self {
            amount,
            currency_code,
        }
    }
}

/// A line of an order.
#[derive(InputObject)]
pub struct OrderLineInput {
    /// Article number of the online store (SKU): 1 to 255 characters, not blank.
    sku: String,
    /// Name of the article: 1 to 255 characters, not blank.
    name: String,
    /// Quantity of the article: 1 or more.
    quantity: i32,
    /// Price of one article. It may be negative, for a discount, and may have more decimals than the currency.
    unit_price: MoneyInput,
}

impl OrderLineInput {
    /// Returns the line; `None` if an error was added, whose path names the line.
    fn checked(self, index: usize, faults: &mut Faults) -> Option<Line> {
        let mut inside = Faults::default();
        let sku = inside.take(text::required(&self.sku, "sku", MAX_TEXT));
        let name = inside.take(text::required(&self.name, "name", MAX_TEXT));
        if self.quantity < 1 {
            let message = "A line's quantity must be 1 or more.";
            inside.push(UserError::new(UserErrorCode::Invalid, ["quantity"], message));
        }
        faults.push_within(&["lines", &index.to_string()], inside);
        Some(Line {
            sku: sku?,
            name: name?,
            quantity: self.quantity,
            unit_price: self.unit_price.into(),
        })
    }
}

/// Checks the lines: 1 to 1,000. Adds REQUIRED and TOO_LONG on `lines`, and the errors of each line.
pub(super) fn checked_lines(lines: Vec<OrderLineInput>, faults: &mut Faults) -> Option<Vec<Line>> {
    if lines.is_empty() {
        let message = "An order needs at least one line.";
        faults.push(UserError::new(UserErrorCode::Required, ["lines"], message));
        return None;
    }
    if lines.len() > MAX_LINES {
        let message = format!("An order has at most {MAX_LINES} lines.");
        faults.push(UserError::new(UserErrorCode::TooLong, ["lines"], message));
        return None;
    }
    let lines = lines.into_iter().enumerate();
    // Every line is checked, so that all errors are reported.
    let checked: Vec<Option<Line>> = lines.map(|(index, line)| line.checked(index, faults)).collect();
    checked.into_iter().collect()
}
