//! GraphQL scalars.

use std::fmt;
use std::time::Duration;

use async_graphql::{InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::clock::Timestamp;

/// Maximum length of a text that is parsed as a date and time, in bytes; fractions of a second may have any number of
/// digits.
const LONGEST_MOMENT: usize = 64;

impl Timestamp {
    /// Parses RFC 3339; `None` for anything else. Fractions finer than a millisecond are truncated.
    #[must_use]
    pub fn parse_text(text: &str) -> Option<Self> {
        if text.len() > LONGEST_MOMENT {
            return None;
        }
        let moment = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        // RFC 3339 has no other years, so that such a time could not be written.
        (0..=9999)
            .contains(&moment.year())
            .then(|| Self::from_millis(moment.timestamp_millis()))
    }

    /// Returns the time as RFC 3339 in UTC with milliseconds: `2026-11-21T09:00:00.000Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        DateTime::<Utc>::from_timestamp_millis(self.millis())
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

fn parse_string<T: InputType>(
    value: Value,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> InputValueResult<T> {
    match &value {
        Value::String(text) => parse(text).ok_or_else(|| InputValueError::custom(expected)),
        _ => Err(InputValueError::expected_type(value)),
    }
}

/// A date and time of RFC 3339 in UTC with milliseconds: `2026-11-21T09:00:00.000Z`.
/// An input may have any offset. Fractions finer than a millisecond are cut off.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6"
)]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        let expected = "expected a date and time of RFC 3339, such as 2026-11-21T09:00:00Z";
        parse_string(value, Self::parse_text, expected)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Self::parse_text(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(self.rfc3339())
    }
}

/// A calendar date, without a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(NaiveDate);

impl Date {
    /// The earliest accepted date of birth.
    pub const FIRST_BIRTH: Self = Self(match NaiveDate::from_ymd_opt(1900, 1, 1) {
        Some(day) => day,
        None => NaiveDate::MIN,
    });

    /// Parses `2026-11-21` (RFC 3339 full-date): digits in groups of four, two and two.
    #[must_use]
    pub fn parse_text(text: &str) -> Option<Self> {
        let has_form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day = has_form.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
        day.flatten().map(Self)
    }

    /// Returns the latest date that is current anywhere on Earth at `now`, so that no valid date of birth is rejected.
    #[must_use]
    pub fn latest_at(now: Timestamp) -> Self {
        let ahead = now.after(Duration::from_secs(14 * 3600));
        let ahead = DateTime::<Utc>::from_timestamp_millis(ahead.millis());
        Self(ahead.unwrap_or_default().date_naive())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

// Stored as text: the database's dates are points in time, which a calendar date is not.
impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_text(&text).ok_or_else(|| D::Error::custom("not a date"))
    }
}

/// A date of RFC 3339 (full-date): `2026-11-21`.
#[Scalar(
    name = "Date",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6"
)]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let expected = "expected a date of RFC 3339, such as 2026-11-21";
        parse_string(value, Self::parse_text, expected)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Self::parse_text(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A file of a multipart request (GraphQL multipart request specification), as its index among the request's files.
/// Only the HTTP layer can create one, because JSON has no binary values.
#[derive(Clone, Copy, Debug)]
pub struct Upload(pub usize);

impl Upload {
    /// Returns the variable's value for the request's file with this index.
    #[must_use]
    pub fn variable(number: usize) -> Value {
        Value::Binary(number.to_le_bytes().to_vec().into())
    }
}

/// A file, sent as a part of a request of the GraphQL multipart request specification. The variable itself is null.
#[Scalar(specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec")]
impl ScalarType for Upload {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Binary(bytes) = &value else {
            let message = "a file is sent as a part of a multipart request";
            return Err(InputValueError::custom(message));
        };
        match bytes.as_ref().try_into() {
            Ok(number) => Ok(Self(usize::from_le_bytes(number))),
            Err(_) => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Binary(_))
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

/// Any JSON value.
#[derive(Clone, PartialEq)]
pub struct Json(pub Value);

// The value may be personal data.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}

/// A JSON value: a string, a number, true or false. The field that uses it says which ones it accepts.
/// Numbers are exact up to 2^53.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259"
)]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn is_valid(value: &Value) -> bool {
        match value {
            Value::Binary(_) => false,
            Value::List(items) => items.iter().all(<Self as ScalarType>::is_valid),
            Value::Object(fields) => fields.values().all(<Self as ScalarType>::is_valid),
            _ => true,
        }
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

/// Converts a count to GraphQL's 32-bit Int; larger counts become the maximum.
pub fn wire_count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Converts a number of bytes to GraphQL's Float, exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB, beyond any quota")]
pub fn wire_bytes(bytes: i64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds() {
        let parse = |text: &str| <Timestamp as ScalarType>::parse(Value::from(text));
        let parsed = parse("2026-11-21T10:00:00.1239+01:00").expect("parses");
        assert_eq!(parsed.rfc3339(), "2026-11-21T09:00:00.123Z");
        assert!(parse("yesterday").is_err());
    }

    // UNI-04
    #[test]
    fn a_moment_has_a_year_of_four_digits_in_utc_too() {
        for text in ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"] {
            assert_eq!(Timestamp::parse_text(text), None, "{text}");
        }
        for text in ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
            let moment = Timestamp::parse_text(text).map(Timestamp::rfc3339);
            assert_eq!(moment.as_deref(), Some(text));
        }
    }

    // DEF-01
    #[test]
    fn no_text_breaks_the_readers_of_days_and_moments() {
        let long = format!("2026-11-21T10:00:00.{}Z", "1".repeat(100));
        assert_eq!(Timestamp::parse_text(&long), None);
        let moments = ["2026-11-21T10:00:00.1239+01:00", "0000-01-01T00:00:00Z"];
        crate::fuzz::each_text(8, &moments, |text| {
            if let Some(moment) = Timestamp::parse_text(text) {
                assert_eq!(Timestamp::parse_text(&moment.rfc3339()), Some(moment), "{text}");
            }
        });
        crate::fuzz::each_text(9, &["2026-11-21", "2024-02-29"], |text| {
            if let Some(day) = Date::parse_text(text) {
                assert_eq!(day.to_string(), text);
            }
        });
    }

    #[test]
    fn a_file_cannot_be_forged_in_json() {
        assert!(<Upload as ScalarType>::parse(Value::from("#__graphql_file__:0")).is_err());
        let parsed = <Upload as ScalarType>::parse(Upload::variable(3));
        assert!(matches!(parsed, Ok(Upload(3))));
    }
}
