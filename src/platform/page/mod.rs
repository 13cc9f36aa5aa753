//! Pages of a list, in the form of the GraphQL Cursor Connections Specification: keyset on the sort key and `_id`,
//! one more than asked for to know whether there are more.

mod connection;
mod cursor;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bson::{Bson, Document, doc};

pub use self::connection::{Connection, Count, Edge, PageInfo};
pub use self::cursor::{Cursor, MAX_CURSOR, MAX_TEXT};
use self::cursor::{Position, Signed};
use super::crypto::CursorKey;
use crate::error::{Error, Result};

/// Largest page.
pub const MAX: usize = 100;
/// Page when neither `first` nor `last` is given.
pub const DEFAULT: usize = 25;

/// A list's order: the field that it is sorted by, and a name that its cursors carry so that a cursor of another list is
/// told apart.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is listed, of whom, by what.
    pub name: String,
    /// Sort field; `_id` alone where that is the order of creation. Its texts have at most [`MAX_TEXT`] bytes.
    pub field: &'static str,
    /// Which values the field has.
    pub values: Values,
    /// From high to low.
    pub descending: bool,
}

/// Which values a sort field has in the rows of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Each row its own: the field is an order by itself.
    Unique,
    /// Rows may share one, and are then in the order of their ids.
    Shared,
    /// The same, and some rows have none; they stand before all others.
    Optional,
}

impl Order {
    /// By creation: ids begin with the time.
    pub fn by_id(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            field: "_id",
            values: Values::Unique,
            descending: false,
        }
    }
}

/// Page arguments as they came.
#[derive(Clone, Debug, Default)]
pub struct PageArgs {
    /// How many from the start, or after `after`.
    pub first: Option<i32>,
    /// Cursor to start behind.
    pub after: Option<String>,
    /// How many from the end, or before `before`.
    pub last: Option<i32>,
    /// Cursor to stop at.
    pub before: Option<String>,
}

/// A checked page of one list.
#[derive(Clone, Debug)]
pub struct Page {
    of: Arc<Signed>,
    size: usize,
    backward: bool,
    after: Option<Position>,
    before: Option<Position>,
}

impl PageArgs {
    /// Checks the arguments against a list's order. `key` authenticates its cursors.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a size that is not 1 to 100, both directions at once, or a text that is not a cursor of
    /// this list.
    pub fn check(&self, key: &CursorKey, order: Order) -> Result<Page> {
        let (argument, size, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(bad(
                    "The arguments \"first\" and \"last\" exclude each other. Send one of them.",
                ));
            }
            (Some(first), None) => ("first", first, false),
            (None, Some(last)) => ("last", last, true),
            // `before` alone means the page that ends there.
            (None, None) => (
                "first",
                i32::try_from(DEFAULT).unwrap_or(i32::MAX),
                self.before.is_some() && self.after.is_none(),
            ),
        };
        let size = usize::try_from(size).ok().filter(|size| (1..=MAX).contains(size));
        let size = size.ok_or_else(|| wrong_size(argument))?;
        if backward && self.after.is_some() || !backward && self.before.is_some() {
            return Err(bad(
                "The arguments \"first\" and \"after\" page forward, \"last\" and \"before\" backward. Do not mix them.",
            ));
        }
        let of = Arc::new(Signed {
            order,
            key: key.clone(),
        });
        let place = |argument: &str, cursor: &Option<String>| {
            let Some(cursor) = cursor else { return Ok(None) };
            match Position::read(cursor, &of) {
                Some(place) => Ok(Some(place)),
                None => Err(Error::BadInput(format!(
                    "The argument \"{argument}\" is not a cursor of this list. Pass a cursor as an edge or pageInfo of the \
                     same list returned it."
                ))),
            }
        };
        let after = place("after", &self.after)?;
        let before = place("before", &self.before)?;
        Ok(Page {
            of,
            size,
            backward,
            after,
            before,
        })
    }
}

fn wrong_size(argument: &str) -> Error {
    let (next, cursor) = match argument {
        "last" => ("before", "startCursor"),
        _ => ("after", "endCursor"),
    };
    Error::BadInput(format!(
        "The argument \"{argument}\" takes a number from 1 to {MAX}. Ask for the rest of a longer list page by page, with \
         pageInfo.{cursor} as \"{next}\"."
    ))
}

fn bad(message: &str) -> Error {
    Error::BadInput(message.to_owned())
}

impl Page {
    /// Whether sorting runs from high to low for this page.
    fn down(&self) -> bool {
        self.of.order.descending != self.backward
    }

    /// The filter that starts the page; empty on the first.
    #[must_use]
    pub fn filter(&self) -> Document {
        let (field, operator) = (self.of.order.field, if self.down() { "$lt" } else { "$gt" });
        let position = self.after.as_ref().or(self.before.as_ref());
        match position.map(|position| position.0.as_slice()) {
            None | Some([]) => Document::new(),
            Some([value]) => doc! { field: { operator: value } },
            // The database compares values of one type only: what has none must be asked for by name.
            Some([Bson::Null, id, ..]) if self.down() => doc! { field: null, "_id": { operator: id } },
            Some([Bson::Null, id, ..]) => doc! { "$or": [
                { field: { "$ne": null } },
                { field: null, "_id": { operator: id } },
            ] },
            Some([value, id, ..]) => {
                let mut behind = vec![
                    doc! { field: { operator: value } },
                    doc! { field: value, "_id": { operator: id } },
                ];
                // Said once more as one range, which the database can narrow by another condition on the same field; it
                // would go over all that meets that one, from the first page on, otherwise.
                let range = match (self.down(), self.of.order.values) {
                    (true, Values::Optional) => {
                        behind.push(doc! { field: null });
                        doc! { "$not": { "$gt": value } }
                    }
                    (true, _) => doc! { "$lte": value },
                    (false, _) => doc! { "$gte": value },
                };
                doc! { field: range, "$or": behind }
            }
        }
    }

    /// The sort of the page's command.
    #[must_use]
    pub fn sort(&self) -> Document {
        let direction = if self.down() { -1 } else { 1 };
        match self.of.order.values {
            Values::Unique => doc! { self.of.order.field: direction },
            Values::Shared | Values::Optional => doc! { self.of.order.field: direction, "_id": direction },
        }
    }

    /// How many documents to ask for: one more than the page has.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size + 1).unwrap_or(i64::MAX)
    }

    /// What tells pages apart: siblings with equal pages share a loader.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{self:?}")
    }

    /// The page from what the command found; `position` gives a row's sort value and id.
    pub fn cut<T>(&self, mut rows: Vec<T>, position: impl Fn(&T) -> (Bson, Bson)) -> Slice<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        if self.backward {
            rows.reverse();
        }
        let cursor = |row: &T| {
            let (value, id) = position(row);
            let position = match self.of.order.values {
                Values::Unique => vec![value],
                Values::Shared | Values::Optional => vec![value, id],
            };
            Cursor {
                of: Arc::clone(&self.of),
                position: Position(position),
            }
        };
        let rows = rows.into_iter().map(|row| (cursor(&row), row)).collect();
        Slice {
            rows,
            // The specification lets the far side be answered by whether the page began behind a cursor.
            has_next: if self.backward {
                self.before.is_some()
            } else {
                more
            },
            has_previous: if self.backward { more } else { self.after.is_some() },
        }
    }
}

/// The rows of a page, with their cursors.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// Rows in the list's order.
    pub rows: Vec<(Cursor, T)>,
    /// Whether rows follow.
    pub has_next: bool,
    /// Whether rows go before.
    pub has_previous: bool,
}

impl<T> Slice<T> {
    /// A page of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            has_next: false,
            has_previous: false,
        }
    }

    /// The same page of other rows.
    pub fn map<U>(self, mut to: impl FnMut(T) -> U) -> Slice<U> {
        Slice {
            rows: self
                .rows
                .into_iter()
                .map(|(cursor, row)| (cursor, to(row)))
                .collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
        }
    }
}
