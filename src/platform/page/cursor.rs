//! Cursors: opaque texts of at most 1 KiB that only the gateway can create.
//!
//! A cursor is the base64url form of a 16-byte tag followed by the values of a position in an order. The tag is a
//! truncated HMAC-SHA256 over the order and the values, so that a cursor that a client invented, changed, or took from
//! another list is rejected before its values are read. The values are flat: a byte for the type, then a fixed number
//! of bytes, or a length and a text.

use std::sync::Arc;

use bson::Bson;
use data_encoding::BASE64URL_NOPAD;

use super::order::{SortOrder, Values};
use crate::error::{Error, Result};
use crate::platform::crypto::{CursorKey, TAG_LENGTH};

/// Maximum length of a cursor, in characters.
pub const MAX_CURSOR: usize = 1024;

/// Maximum length of a text in a cursor, in bytes. Every sort field must keep to it. The longest at present are a last
/// name, 100 characters of at most 4 bytes, and the compared form of an e-mail address of at most 254 bytes, which
/// lower-casing lengthens by half at most.
pub const MAX_TEXT: usize = 640;

const NULL: u8 = 0;
const TEXT: u8 = 1;
const TIME: u8 = 2;
const NUMBER: u8 = 3;

/// A list's order, and the key that authenticates its cursors.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) order: SortOrder,
    pub(super) key: CursorKey,
}

impl Signed {
    /// Returns the text that the tag covers in addition to the values. Names are chosen by the gateway and contain no
    /// NUL.
    pub(super) fn label(&self) -> String {
        let SortOrder {
            name,
            field,
            values,
            descending,
        } = &self.order;
        let width = values.width();
        format!("1\0{name}\0{field}\0{width}\0{descending}\0")
    }
}

/// A position in an order: the sort value, and the id if other rows may have the same value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Position(pub(super) Vec<Bson>);

/// The cursor of a row, encoded on demand.
#[derive(Clone, Debug)]
pub struct Cursor {
    pub(super) of: Arc<Signed>,
    pub(super) position: Position,
}

impl Cursor {
    /// Returns the cursor as clients see it.
    ///
    /// # Errors
    /// [`Error::Internal`] for a value that a cursor cannot contain, which is a fault in the code or in a stored
    /// document.
    pub fn write(&self) -> Result<String> {
        let mut bytes = vec![0; TAG_LENGTH];
        for value in &self.position.0 {
            put(value, &mut bytes)?;
        }
        let tag = self.of.key.tag(self.of.label().as_bytes(), &bytes[TAG_LENGTH..]);
        bytes[..TAG_LENGTH].copy_from_slice(&tag);
        Ok(BASE64URL_NOPAD.encode(&bytes))
    }
}

impl Position {
    /// Decodes a cursor; `None` for a text that is not a cursor of this order.
    pub(super) fn read(cursor: &str, of: &Signed) -> Option<Self> {
        if cursor.len() > MAX_CURSOR {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
        let (tag, mut rest) = bytes.split_at_checked(TAG_LENGTH)?;
        if !of.key.is_tag_of(tag, of.label().as_bytes(), rest) {
            return None;
        }
        let mut values = Vec::with_capacity(of.order.values.width());
        for _ in 0..of.order.values.width() {
            values.push(take(&mut rest)?);
        }
        rest.is_empty().then_some(Self(values))
    }
}

impl Values {
    /// Returns the number of values of a position.
    pub(super) fn width(self) -> usize {
        if self == Self::Unique { 1 } else { 2 }
    }
}

fn put(value: &Bson, bytes: &mut Vec<u8>) -> Result<()> {
    match value {
        Bson::Null => bytes.push(NULL),
        Bson::String(text) => {
            let length = u16::try_from(text.len()).ok();
            let length = length.filter(|_| text.len() <= MAX_TEXT);
            let length = length.ok_or_else(|| Error::internal("a sort value is too long for a cursor"))?;
            bytes.push(TEXT);
            bytes.extend(length.to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        Bson::DateTime(time) => {
            bytes.push(TIME);
            bytes.extend(time.timestamp_millis().to_be_bytes());
        }
        Bson::Int64(number) => {
            bytes.push(NUMBER);
            bytes.extend(number.to_be_bytes());
        }
        _ => {
            return Err(Error::internal(
                "a sort value has a type that cursors do not support",
            ));
        }
    }
    Ok(())
}

fn take(rest: &mut &[u8]) -> Option<Bson> {
    let (kind, after) = rest.split_first()?;
    let (value, after) = match *kind {
        NULL => (Bson::Null, after),
        TEXT => {
            let (length, after) = after.split_first_chunk::<2>()?;
            let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            (Bson::String(std::str::from_utf8(text).ok()?.to_owned()), after)
        }
        TIME | NUMBER => {
            let (number, after) = after.split_first_chunk::<8>()?;
            let number = i64::from_be_bytes(*number);
            let value = match *kind {
                TIME => Bson::DateTime(bson::DateTime::from_millis(number)),
                _ => Bson::Int64(number),
            };
            (value, after)
        }
        _ => return None,
    };
    *rest = after;
    Some(value)
}
