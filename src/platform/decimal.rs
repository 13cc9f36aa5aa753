//! Exact decimal numbers, for amounts of money. Stored as the database's decimal128, so that it can add them up.
//!
//! Written by hand, because bson's decimal128 compares bytes and not numbers, and the usual crate (rust_decimal) holds
//! 28 digits instead of its 34.

use std::fmt;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use bson::Decimal128;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Maximum digits before and after the point together: what a decimal128 holds exactly (IEEE 754-2019 §3.6).
const MAX_DIGITS: usize = 34;
/// The smallest number with more digits than that.
const TOO_MANY_UNITS: u128 = 10_u128.pow(34);
/// The bias that is added to a decimal128's exponent (IEEE 754-2019 §3.6).
const BIAS: u128 = 6176;
/// Bits of a decimal128's coefficient, below its exponent of 14 bits and its sign.
const COEFFICIENT: u32 = 113;

/// A decimal number of at most 34 digits. It keeps the number of decimals it was written with: `10.50` stays `10.50`,
/// and is equal to `10.5`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The number without its point.
    units: i128,
    /// How many digits follow the point.
    scale: u8,
}

impl Decimal {
    /// Parses a number such as `-12.50`: an optional minus sign, digits without leading zeros, and optionally a point
    /// followed by digits. Exponents are rejected.
    #[must_use]
    pub fn parse_text(text: &str) -> Option<Self> {
        let number = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = match number.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (number, ""),
        };
        let digits = format!("{whole}{decimals}");
        let has_form = !whole.is_empty()
            && (whole == "0" || !whole.starts_with('0'))
            && digits.len() <= MAX_DIGITS
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !has_form {
            return None;
        }
        let units: i128 = digits.parse().ok()?;
        Some(Self {
            units: if number == text { units } else { -units },
            scale: u8::try_from(decimals.len()).ok()?,
        })
    }

    /// Returns whether the number is less than zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.units < 0
    }

    /// Returns how many decimals the value needs: one for `10.50`.
    #[must_use]
    pub fn decimals(self) -> u8 {
        self.shortest().scale
    }

    /// Returns the same value without trailing zeros.
    #[must_use]
    pub fn shortest(mut self) -> Self {
        while self.scale > 0 && self.units % 10 == 0 {
            self.units /= 10;
            self.scale -= 1;
        }
        self
    }

    /// Encodes the sign, the exponent of 14 bits, and the coefficient.
    fn to_database(self) -> Decimal128 {
        let sign = u128::from(self.is_negative()) << 127;
        let exponent = (BIAS - u128::from(self.scale)) << COEFFICIENT;
        Decimal128::from_bytes((sign | exponent | self.units.unsigned_abs()).to_le_bytes())
    }

    /// Decodes a decimal128; `None` for values that this type does not represent: infinite, NaN, or with a positive
    /// exponent.
    /// Reads the stored form; `None` for a number that this type does not store.
    #[must_use]
    pub fn from_database(stored: Decimal128) -> Option<Self> {
        let bits = u128::from_le_bytes(stored.bytes());
        let coefficient = bits & ((1 << COEFFICIENT) - 1);
        let exponent = (bits >> COEFFICIENT) & 0x3fff;
        let scale = u8::try_from(BIAS.checked_sub(exponent)?).ok()?;
        if coefficient >= TOO_MANY_UNITS || usize::from(scale) > MAX_DIGITS {
            return None;
        }
        let units = i128::try_from(coefficient).ok()?;
        Some(Self {
            units: if bits >> 127 == 1 { -units } else { units },
            scale,
        })
    }

    fn of_wire(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse_text(text),
            // A whole number is exact; one with decimals has already been converted to binary floating point.
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Self::parse_text(&number.to_string())
            }
            _ => None,
        }
    }
}

/// Compares by value, regardless of the number of decimals written.
impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.shortest(), other.shortest());
        (one.units, one.scale) == (other.units, other.scale)
    }
}

impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let digits = format!("{:0width$}", self.units.unsigned_abs(), width = scale + 1);
        let (whole, decimals) = digits.split_at(digits.len() - scale);
        let sign = if self.is_negative() { "-" } else { "" };
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{decimals}")
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_database().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Decimal128::deserialize(deserializer)?;
        Self::from_database(stored).ok_or_else(|| D::Error::custom("not a decimal of ours"))
    }
}

/// An exact decimal number, written as a string: `"5.25"`, `"-3"`.
/// It has at most 34 digits before and after the decimal point in total, no exponent and no leading zeros, and is
/// returned with as many decimals as it was sent with. A whole number may also be sent as a JSON number. A number with
/// decimals may not, because JSON parsers do not keep it exact.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        Self::of_wire(&value).ok_or_else(|| {
            InputValueError::custom(
                "expected a decimal number of at most 34 digits as a text, such as \"10.50\"",
            )
        })
    }

    fn is_valid(value: &Value) -> bool {
        Self::of_wire(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> impl Iterator<Item = &'static str> {
        let short = ["0", "1", "10.50", "10.5", "-3", "-0.01", "0.00", "100"].into_iter();
        short.chain([
            "0.0000001",
            "0.000000000000000000000000000000001",
            "9999999999999999999999999999999999",
            "-99999999999999999999999999999999.99",
            "1.000000000000000000000000000000000",
        ])
    }

    fn decimal(text: &str) -> Decimal {
        Decimal::parse_text(text).unwrap_or_else(|| panic!("{text} is a decimal"))
    }

    // DEF-01
    #[test]
    fn no_text_breaks_the_reader() {
        crate::fuzz::each_text(14, &["-10.50", "9999999999999999999999999999999999"], |text| {
            if let Some(decimal) = Decimal::parse_text(text) {
                assert_eq!(Decimal::parse_text(&decimal.to_string()), Some(decimal), "{text}");
            }
        });
    }

    #[test]
    fn a_decimal_comes_back_as_it_was_written_from_the_wire_and_from_the_database() {
        for text in good() {
            assert_eq!(decimal(text).to_string(), text);
            let stored = bson::serialize_to_bson(&decimal(text)).expect("stored");
            assert!(matches!(stored, bson::Bson::Decimal128(_)), "{text}: {stored}");
            let read: Decimal = bson::deserialize_from_bson(stored).expect("read");
            assert_eq!(read.to_string(), text);
        }
        assert_eq!(decimal("-0").to_string(), "0", "there is one zero");
    }

    // Compares with the BSON library's own parser of decimal128.
    #[test]
    fn what_is_stored_is_the_same_number_to_others() {
        for text in good() {
            let theirs: Decimal128 = text.parse().expect("a decimal128");
            assert_eq!(decimal(text).to_database().bytes(), theirs.bytes(), "{text}");
        }
        for foreign in ["NaN", "Infinity", "-Infinity", "1E+3", "1E-40"] {
            let theirs: Decimal128 = foreign.parse().expect("a decimal128");
            assert!(Decimal::from_database(theirs).is_none(), "{foreign}");
        }
    }

    #[test]
    fn what_is_no_decimal_or_cannot_be_kept_exactly_is_refused() {
        let forty = "1".repeat(40);
        let thirty_five = format!("0.{}", "1".repeat(34));
        let no_number = ["", " ", "-", ".", "NaN", "Infinity", "١", "$gt", "1\u{0}"];
        let wrong_form = ["1.", ".5", "-.5", "+1", "01", "00", "-01", "1e400", "1E2", "0x1"];
        let foreign = [
            "1,5",
            "1 000",
            " 1",
            "1 ",
            "1.5.0",
            "--1",
            "1-",
            &forty,
            &thirty_five,
        ];
        for bad in no_number.iter().chain(&wrong_form).chain(&foreign) {
            assert!(Decimal::parse_text(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_number_of_json_is_taken_where_it_is_exact() {
        let parse = |value| <Decimal as ScalarType>::parse(Value::from_json(value).expect("a value"));
        for (sent, read) in [
            (json!(10), "10"),
            (json!(-3), "-3"),
            (json!(u64::MAX), "18446744073709551615"),
        ] {
            assert_eq!(parse(sent).expect("exact").to_string(), read);
        }
        for bad in [
            json!(10.5),
            json!(1e30),
            json!(1.0),
            json!(true),
            json!(["1"]),
            json!({ "$gt": "" }),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn equal_is_what_is_worth_the_same() {
        for (one, other) in [("10.50", "10.5"), ("0", "0.00"), ("-0", "0"), ("100", "100.000")] {
            assert_eq!(decimal(one), decimal(other));
        }
        for (one, other) in [("10.5", "10.05"), ("1", "-1"), ("100", "1"), ("0.1", "1")] {
            assert_ne!(decimal(one), decimal(other));
        }
        assert_eq!(
            ["10.50", "10", "100.00", "0.001"].map(|text| decimal(text).decimals()),
            [1, 0, 0, 3]
        );
    }
}
