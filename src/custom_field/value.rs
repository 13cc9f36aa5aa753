//! Values of custom fields: JSON in requests and responses, typed in the database.

use async_graphql::{Number, ScalarType, Value};
use bson::Bson;

use super::{CustomFieldType, Definition};
use crate::platform::{clock::Timestamp, scalar::Date};

/// Maximum length of a text, in characters.
pub const MAX_TEXT: usize = 1000;
/// The largest whole number that every JSON client reads exactly (RFC 8259 §6): 2^53 − 1.
const MAX_WHOLE: i64 = (1 << 53) - 1;

impl Definition {
    /// The stored form of a sent value; `None` if it is not valid for the field.
    #[must_use]
    pub fn read(&self, sent: &Value) -> Option<Bson> {
        match (self.kind, sent) {
            (CustomFieldType::String, Value::String(text)) => is_text(text).then(|| text.as_str().into()),
            (CustomFieldType::Integer, Value::Number(number)) => whole(number).map(Bson::Int64),
            (CustomFieldType::Float, Value::Number(number)) => finite(number).map(Bson::Double),
            (CustomFieldType::Boolean, Value::Boolean(flag)) => Some(Bson::Boolean(*flag)),
            (CustomFieldType::Date, Value::String(text)) => {
                Date::parse_text(text).map(|day| day.to_string().into())
            }
            (CustomFieldType::DateTime, Value::String(_)) => {
                let moment = <Timestamp as ScalarType>::parse(sent.clone());
                moment.ok().map(Bson::from)
            }
            (CustomFieldType::Select, Value::String(text)) => {
                self.options.contains(text).then(|| text.as_str().into())
            }
            _ => None,
        }
    }

    /// Whether the field still accepts a stored value: a SELECT may have lost the option since.
    #[must_use]
    pub fn still_accepts(&self, value: &Bson) -> bool {
        match (self.kind, value) {
            (CustomFieldType::Select, Bson::String(option)) => self.options.contains(option),
            _ => true,
        }
    }

    /// The accepted values, in words for a message.
    #[must_use]
    pub fn accepted_values(&self) -> &'static str {
        match self.kind {
            CustomFieldType::String => {
                "This custom field takes a text of 1 to 1,000 characters that is not blank, without control characters."
            }
            CustomFieldType::Integer => {
                "This custom field takes a whole number from -(2^53 - 1) to 2^53 - 1."
            }
            CustomFieldType::Float => "This custom field takes a number.",
            CustomFieldType::Boolean => "This custom field takes true or false.",
            CustomFieldType::Date => "This custom field takes a date, such as \"2026-11-21\".",
            CustomFieldType::DateTime => {
                "This custom field takes a date and time of RFC 3339, such as \"2026-11-21T09:00:00Z\"."
            }
            CustomFieldType::Select => {
                "This custom field takes one of its options; its definition lists them."
            }
        }
    }
}

/// Converts a stored value to JSON.
#[must_use]
pub fn shown(stored: &Bson) -> Value {
    match stored {
        Bson::String(text) => Value::String(text.clone()),
        Bson::Int64(number) => Value::Number(Number::from(*number)),
        Bson::Double(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Bson::Boolean(flag) => Value::Boolean(*flag),
        Bson::DateTime(moment) => Timestamp::from_millis(moment.timestamp_millis()).to_value(),
        // Other types are never stored.
        _ => Value::Null,
    }
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// The number as an integer, if it is whole: JSON does not distinguish 1 from 1.0.
fn whole(number: &Number) -> Option<i64> {
    let whole = number
        .as_i64()
        .or_else(|| number.as_f64().and_then(without_fraction))?;
    (-MAX_WHOLE..=MAX_WHOLE).contains(&whole).then_some(whole)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number stays what it is, and one that is too large becomes the largest"
)]
fn without_fraction(number: f64) -> Option<i64> {
    (number.fract() == 0.0).then_some(number as i64)
}

fn finite(number: &Number) -> Option<f64> {
    number.as_f64().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{
        id::{CustomFieldId, StorefrontId},
        random::Random,
    };

    fn field(kind: CustomFieldType) -> Definition {
        let (now, random) = (Timestamp::from_millis(1), Random::seeded(1));
        Definition {
            id: CustomFieldId::fresh(now, &random),
            storefront_id: StorefrontId::fresh(now, &random),
            key: "key".to_owned(),
            name: "Name".to_owned(),
            description: None,
            kind,
            is_required: false,
            options: vec!["red".to_owned(), "$gt".to_owned()],
            is_public: true,
            is_customer_writable: true,
            created_at: now,
        }
    }

    fn json(text: &str) -> Value {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        Value::from_json(value).expect("a value")
    }

    // EPC-30
    #[test]
    fn epc_30_each_type_takes_its_own_values_and_gives_them_back() {
        let long = format!("\"{}\"", "日".repeat(1000));
        for (kind, sent, given) in [
            (CustomFieldType::String, r#""a text""#, r#""a text""#),
            (CustomFieldType::String, r#"" padded ""#, r#"" padded ""#),
            (CustomFieldType::String, r#""{$gt: 1}.x""#, r#""{$gt: 1}.x""#),
            (CustomFieldType::String, &long, &long),
            (CustomFieldType::Integer, "0", "0"),
            (CustomFieldType::Integer, "1.0", "1"),
            (CustomFieldType::Integer, "-1e3", "-1000"),
            (CustomFieldType::Integer, "9007199254740991", "9007199254740991"),
            (CustomFieldType::Integer, "-9007199254740991", "-9007199254740991"),
            (CustomFieldType::Float, "0.1", "0.1"),
            (CustomFieldType::Float, "7", "7.0"),
            (
                CustomFieldType::Float,
                "-1.7976931348623157e308",
                "-1.7976931348623157e+308",
            ),
            (CustomFieldType::Boolean, "true", "true"),
            (CustomFieldType::Boolean, "false", "false"),
            (CustomFieldType::Date, r#""2024-02-29""#, r#""2024-02-29""#),
            (
                CustomFieldType::DateTime,
                r#""2026-11-21T10:00:00.1239+01:00""#,
                r#""2026-11-21T09:00:00.123Z""#,
            ),
            (CustomFieldType::Select, r#""red""#, r#""red""#),
            (CustomFieldType::Select, r#""$gt""#, r#""$gt""#),
        ] {
            let stored = field(kind).read(&json(sent));
            let stored = stored.unwrap_or_else(|| panic!("{kind:?} takes {sent}"));
            let shown = shown(&stored).into_json().expect("JSON").to_string();
            assert_eq!(shown, given, "{kind:?} {sent}");
        }
    }

    // EPC-30
    #[test]
    fn epc_30_no_type_takes_another_ones_values() {
        let wrong_ones = [
            (
                CustomFieldType::String,
                r#"[1, true, "", " \t", "a\u0000", "a\nb"]"#,
            ),
            (
                CustomFieldType::Integer,
                r#"[1.5, "1", true, 9007199254740992, -9007199254740992, 9223372036854775807, 1e300,
                    18446744073709551615, -9223372036854775808]"#,
            ),
            (CustomFieldType::Float, r#"["1.5", "NaN", false]"#),
            (CustomFieldType::Boolean, r#"[0, 1, "true"]"#),
            (
                CustomFieldType::Date,
                r#"["2023-02-29", "2024-2-29", "29.02.2024", "2024-02-29T00:00:00Z", "", 20240229, "02024-2-29"]"#,
            ),
            (
                CustomFieldType::DateTime,
                r#"["2024-02-29", "2024-02-30T00:00:00Z", "2024-02-29T00:00:00", 1700000000, "now"]"#,
            ),
            (CustomFieldType::Select, r#"["blue", "Red", "red ", "", 0, true]"#),
        ];
        for (kind, wrong) in wrong_ones {
            for list in [wrong, r#"[[], {}, ["red"], {"$gt": ""}, null]"#] {
                let Value::List(values) = json(list) else {
                    panic!("{list} is a list")
                };
                for sent in values {
                    assert_eq!(field(kind).read(&sent), None, "{kind:?} {sent}");
                }
            }
        }
        let too_long = Value::String("x".repeat(1001));
        assert_eq!(field(CustomFieldType::String).read(&too_long), None);
        let name = Value::Enum(async_graphql::Name::new("red"));
        assert_eq!(field(CustomFieldType::Select).read(&name), None);
    }
}
