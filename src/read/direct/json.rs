//! Stored values as JSON, equal to what the scalars of the schema write.

use async_graphql::{ID, Value};
use bson::raw::RawBsonRef;
use serde::de::{
    DeserializeOwned, IntoDeserializer,
    value::{Error, StrDeserializer},
};

use super::{Direct, ValueShape};
use crate::platform::{
    clock::Timestamp,
    decimal::Decimal,
    scalar::{Date, wire_count},
};

/// Writes a result as JSON. The parts of it that are written already, which are binary values, are copied.
///
/// # Errors
/// A value that has no form in JSON; the schema's scalars produce none.
pub fn write_result(value: &Value, out: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Binary(written) => out.extend_from_slice(written),
        Value::Object(fields) => {
            out.push(b'{');
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, key.as_str())?;
                out.push(b':');
                write_result(value, out)?;
            }
            out.push(b'}');
        }
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_result(item, out)?;
            }
            out.push(b']');
        }
        scalar => serde_json::to_writer(out, scalar)?,
    }
    Ok(())
}

/// Writes a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) -> bool {
    serde_json::to_writer(out, text).is_ok()
}

pub(super) fn plain(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> bool {
    matches!(value, RawBsonRef::String(value) if write_text(value, out))
}

/// Reads a value of `T` that is stored as a text.
pub fn parsed<T: DeserializeOwned>(value: RawBsonRef<'_>) -> Option<T> {
    let RawBsonRef::String(value) = value else {
        return None;
    };
    let deserializer: StrDeserializer<'_, Error> = value.into_deserializer();
    T::deserialize(deserializer).ok()
}

/// Writes a text that is valid for `T`, such as a value of an enum, whose stored form is that of GraphQL.
pub fn write_checked<T: DeserializeOwned>(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> bool {
    parsed::<T>(value).is_some() && plain(value, out)
}

fn time(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> bool {
    let RawBsonRef::DateTime(time) = value else {
        return false;
    };
    write_text(&Timestamp::from_millis(time.timestamp_millis()).rfc3339(), out)
}

fn number(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> bool {
    let number = match value {
        RawBsonRef::Int32(number) => i64::from(number),
        RawBsonRef::Int64(number) => number,
        _ => return false,
    };
    serde_json::to_writer(out, &wire_count(number)).is_ok()
}

fn boolean(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> bool {
    let RawBsonRef::Boolean(value) = value else {
        return false;
    };
    out.extend_from_slice(if value { b"true" } else { b"false" });
    true
}

fn decimal(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> bool {
    let RawBsonRef::Decimal128(stored) = value else {
        return false;
    };
    Decimal::from_database(stored).is_some_and(|decimal| write_text(&decimal.to_string(), out))
}

macro_rules! leaves {
    ($($type:ty: $write:path,)*) => {
        $( impl Direct for $type {
            const SHAPE: ValueShape = ValueShape::Leaf($write);
        } )*
    };
}

leaves! {
    str: plain,
    String: plain,
    ID: plain,
    bool: boolean,
    i32: number,
    Timestamp: time,
    Decimal: decimal,
    Date: write_checked::<Date>,
}

/// Declares enums whose stored form is that of GraphQL.
macro_rules! stored_enums {
    ($($type:ty),*) => {
        $( impl $crate::read::direct::Direct for $type {
            const SHAPE: $crate::read::direct::ValueShape =
                $crate::read::direct::ValueShape::Leaf($crate::read::direct::write_checked::<$type>);
        } )*
    };
}

pub(crate) use stored_enums;
