//! Selections that are written to the response directly from stored documents, as the database sent them.
//!
//! A list costs little in the database and much in an executor that resolves each field of each object by itself. If
//! everything that a query selects of a list is stored in its documents, or is a list behind them of which the same holds,
//! the selection becomes a [`plan`] and the documents become JSON in one pass. Every other selection is executed field by
//! field, with the same result.
//!
//! Each field is declared once, by [`fields!`](crate::read::direct::fields): its type, where it is stored, and how it is
//! read from a document in memory.

mod json;
pub mod level;
pub mod listing;
pub mod plan;
pub mod single;
mod write;

use bson::{RawDocument, raw::RawBsonRef};

pub(crate) use json::stored_enums;
pub use json::{parsed, write_checked, write_result, write_text};

/// Writes a stored value as JSON; `false` if it is not such a value.
pub type WriteValue = fn(RawBsonRef<'_>, &mut Vec<u8>) -> bool;

/// The form of a stored value in JSON.
pub enum ValueShape {
    /// A scalar or an enum.
    Leaf(WriteValue),
    /// An object that is stored inside the document.
    Object(ObjectShape),
    /// A list.
    List(&'static ValueShape),
    /// A value that may be absent.
    Nullable(&'static ValueShape),
}

/// The fields of a GraphQL object that a document contains.
#[derive(Clone, Copy)]
pub struct ObjectShape {
    /// Name of the GraphQL type.
    pub name: &'static str,
    /// Its fields that are stored.
    pub fields: &'static [fn() -> &'static [Field]],
    /// Its lists of other objects that are read by the keys of many parents at once.
    pub lists: &'static [&'static dyn level::ListBehind],
}

/// A field of a GraphQL object that its document contains.
pub struct Field {
    /// Its name in snake case.
    pub name: &'static str,
    /// How it is written.
    pub source: FieldSource,
}

/// Where the value of a field comes from.
pub enum FieldSource {
    /// A stored value.
    Stored {
        /// The names of the stored field, joined by dots.
        path: &'static str,
        /// The form of the value.
        shape: &'static ValueShape,
    },
    /// Several stored values.
    Computed {
        /// The stored fields.
        needs: &'static [&'static str],
        /// Writes the value as JSON; `false` if the document has not the form of such documents.
        write: fn(&RawDocument, &mut Vec<u8>) -> bool,
    },
}

impl Field {
    /// Whether this is the name of the field in GraphQL, in camel case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        let mut upper = false;
        let mut rest = name.chars();
        for letter in self.name.chars() {
            if letter == '_' {
                upper = true;
                continue;
            }
            let letter = if upper {
                letter.to_ascii_uppercase()
            } else {
                letter
            };
            upper = false;
            if rest.next() != Some(letter) {
                return false;
            }
        }
        rest.next().is_none()
    }
}

/// A type of values that can be written directly from their stored form.
pub trait Direct {
    /// The form of the values.
    const SHAPE: ValueShape;
}

impl<T: Direct + ?Sized> Direct for &T {
    const SHAPE: ValueShape = T::SHAPE;
}

impl<T: Direct> Direct for Option<T> {
    const SHAPE: ValueShape = ValueShape::Nullable(&T::SHAPE);
}

impl<T: Direct> Direct for Vec<T> {
    const SHAPE: ValueShape = ValueShape::List(&T::SHAPE);
}

/// An object whose fields are stored in a document, or in a part of one.
pub trait DirectObject {
    /// Its form.
    const OBJECT: ObjectShape;
}

/// Declares the fields of a GraphQL object that its document contains. Each has its type, where it is stored, and its value
/// in a document in memory: `name: Type = "path" => |document| value;`. A field that needs more than one stored value
/// lists them and writes itself: `name: Type = ["a", "b"] write_it => |document| value;`.
///
/// `fields! { AddressFields of Address { … } }` makes a part of an object, which flattens it into its own fields.
/// `fields! { MoneyNode of Money as "Money" { … } }` makes the object itself, of a part of a document.
macro_rules! fields {
    (
        $(#[$meta:meta])*
        $fields:ident of $document:ty as $object:literal { $($rows:tt)* }
    ) => {
        $crate::read::direct::fields! { $(#[$meta])* $fields of $document, name = $object { $($rows)* } }

        impl $crate::read::direct::Direct for $fields<'_> {
            const SHAPE: $crate::read::direct::ValueShape =
                $crate::read::direct::ValueShape::Object($crate::read::direct::ObjectShape {
                    name: $object,
                    fields: &[$fields::stored],
                    lists: &[],
                });
        }
    };
    (
        $(#[$meta:meta])*
        $fields:ident of $document:ty $(, name = $object:literal)? { $(
            $(#[$($field_meta:tt)*])*
            $field:ident: $type:ty = $source:tt $($write:path)? => |$name:ident| $value:expr;
        )* }
    ) => {
        $(#[$meta])*
        pub struct $fields<'a>(pub &'a $document);

        $(#[$meta])*
        #[async_graphql::Object$((name = $object))?]
        impl $fields<'_> {
            $(
                $(#[$($field_meta)*])*
                async fn $field(&self) -> $type {
                    let $name = self.0;
                    $value
                }
            )*
        }

        impl $fields<'_> {
            /// The declarations of the fields.
            pub fn stored() -> &'static [$crate::read::direct::Field] {
                const { &[ $(
                    $crate::read::direct::Field {
                        name: stringify!($field),
                        source: $crate::read::direct::source!($type, $source $($write)?),
                    },
                )* ] }
            }
        }
    };
}

/// Where a field's value comes from, in the syntax of [`fields!`].
macro_rules! source {
    ($type:ty, [$($need:literal),+] $write:path) => {
        $crate::read::direct::FieldSource::Computed { needs: &[$($need),+], write: $write }
    };
    ($type:ty, $path:literal) => {
        $crate::read::direct::FieldSource::Stored {
            path: $path,
            shape: &<$type as $crate::read::direct::Direct>::SHAPE,
        }
    };
}

pub(crate) use {fields, source};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name_in_camel_case() {
        for (name, graphql) in [
            ("id", "id"),
            ("first_name", "firstName"),
            ("iso2_code", "iso2Code"),
            ("address1", "address1"),
        ] {
            let source = FieldSource::Stored {
                path: "x",
                shape: &<bool as Direct>::SHAPE,
            };
            let field = Field { name, source };
            assert!(field.is(graphql), "{name}");
            for other in ["lastName", "i", "firstNames", "address"] {
                assert!(!field.is(other), "{name} {other}");
            }
        }
    }
}
