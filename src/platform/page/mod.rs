//! Pages of a list, in the form of the GraphQL Cursor Connections Specification: keyset pagination on the sort key and
//! `_id`, with one row more than requested to detect whether there are more.

mod connection;
mod cursor;
mod order;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bson::{Bson, Document, doc};

pub use self::connection::{Connection, Count, Edge, Listing, PageInfo};
pub use self::cursor::{Cursor, MAX_CURSOR, MAX_TEXT};
use self::cursor::{Position, Signed};
pub use self::order::{SortOrder, Values};
use super::crypto::CursorKey;
use crate::error::{Error, Result};

/// Maximum page size.
pub const MAX: usize = 100;
/// Page size if neither `first` nor `last` is given.
pub const DEFAULT: usize = 25;

/// Page arguments as received.
#[derive(Clone, Debug, Default)]
pub struct PageArgs {
    /// Number of items from the start, or after `after`.
    pub first: Option<i32>,
    /// Cursor of the item before the page.
    pub after: Option<String>,
    /// Number of items from the end, or before `before`.
    pub last: Option<i32>,
    /// Cursor of the item after the page.
    pub before: Option<String>,
}

/// A validated page of one list.
#[derive(Clone, Debug)]
pub struct Page {
    of: Arc<Signed>,
    size: usize,
    backward: bool,
    after: Option<Position>,
    before: Option<Position>,
}

impl PageArgs {
    /// The arguments of a list, as a resolver receives them.
    #[must_use]
    pub const fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Self {
        Self {
            first,
            after,
            last,
            before,
        }
    }

    /// Validates the arguments against a list's order. `key` authenticates its cursors.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a size that is not 1 to 100, both directions at once, or a text that is not a cursor of
    /// this list.
    pub fn check(&self, key: &CursorKey, order: SortOrder) -> Result<Page> {
        let (argument, size, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(bad(
                    "The arguments \"first\" and \"last\" cannot be combined. Send one of them.",
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
        "The argument \"{argument}\" takes a number from 1 to {MAX}. Request the rest of a longer list page by page, \
         with pageInfo.{cursor} as \"{next}\"."
    ))
}

fn bad(message: &str) -> Error {
    Error::BadInput(message.to_owned())
}

impl Page {
    /// Returns whether this page is read in descending order.
    fn down(&self) -> bool {
        self.of.order.descending != self.backward
    }

    /// Returns the filter that starts the page; empty on the first page.
    #[must_use]
    pub fn filter(&self) -> Document {
        let (field, operator) = (self.of.order.field, if self.down() { "$lt" } else { "$gt" });
        let position = self.after.as_ref().or(self.before.as_ref());
        match position.map(|position| position.0.as_slice()) {
            None | Some([]) => Document::new(),
            Some([value]) => doc! { field: { operator: value } },
            // The database's comparisons match only values of the same type: missing values need a condition of their
            // own.
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
                // Repeats the condition as one range, which the database can intersect with another condition on the
                // same field; otherwise it would scan everything that meets that condition, from the first page on.
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

    /// Returns the filter of the page together with another condition.
    #[must_use]
    pub fn with(&self, condition: Document) -> Document {
        match self.filter() {
            place if place.is_empty() => condition,
            place if condition.is_empty() => place,
            place => doc! { "$and": [place, condition] },
        }
    }

    /// Returns the sort order of the page's command.
    #[must_use]
    pub fn sort(&self) -> Document {
        let direction = if self.down() { -1 } else { 1 };
        match self.of.order.values {
            Values::Unique => doc! { self.of.order.field: direction },
            Values::Shared | Values::Optional => doc! { self.of.order.field: direction, "_id": direction },
        }
    }

    /// Returns the number of documents to request: one more than the page has.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size + 1).unwrap_or(i64::MAX)
    }

    /// Returns a key of the page: siblings with equal pages share a loader.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{self:?}")
    }

    /// Returns the sort order of the pages of several parents in one command: by these fields of the parents' keys, then
    /// as [`Self::sort`].
    #[must_use]
    pub fn sort_behind(&self, keys: &[&str]) -> Document {
        let direction = if self.down() { -1 } else { 1 };
        let mut sort: Document = keys
            .iter()
            .map(|key| ((*key).to_owned(), direction.into()))
            .collect();
        sort.extend(self.sort());
        sort
    }

    /// Whether [`Self::sort_behind`] sorts in descending order.
    #[must_use]
    pub fn is_descending(&self) -> bool {
        self.down()
    }

    /// Returns the field by which the list is sorted.
    #[must_use]
    pub fn sort_field(&self) -> &'static str {
        self.of.order.field
    }

    /// Returns the maximum number of rows that the page shows.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the rows are read in the opposite order of the list.
    #[must_use]
    pub fn is_backward(&self) -> bool {
        self.backward
    }

    /// Returns whether there are rows after and before the page, if the command found this number of rows. For the side
    /// opposite to the direction of paging, the specification permits to report whether the page has a cursor there.
    #[must_use]
    pub fn neighbours(&self, found: usize) -> Neighbours {
        let more = found > self.size;
        Neighbours {
            next: if self.backward {
                self.before.is_some()
            } else {
                more
            },
            previous: if self.backward { more } else { self.after.is_some() },
        }
    }

    /// Returns the cursor of a row by its sort value and id.
    #[must_use]
    pub fn cursor(&self, value: Bson, id: Bson) -> Cursor {
        let position = match self.of.order.values {
            Values::Unique => vec![value],
            Values::Shared | Values::Optional => vec![value, id],
        };
        Cursor {
            of: Arc::clone(&self.of),
            position: Position(position),
        }
    }

    /// Creates the page from the documents that the command found; `position` returns a row's sort value and id.
    pub fn cut<T>(&self, mut rows: Vec<T>, position: impl Fn(&T) -> (Bson, Bson)) -> Slice<T> {
        let Neighbours { next, previous } = self.neighbours(rows.len());
        rows.truncate(self.size);
        if self.backward {
            rows.reverse();
        }
        let cursor = |row: &T| {
            let (value, id) = position(row);
            self.cursor(value, id)
        };
        Slice {
            rows: rows.into_iter().map(|row| (cursor(&row), row)).collect(),
            has_next: next,
            has_previous: previous,
        }
    }
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        let key = |page: &Self| (page.size, page.backward);
        key(self) == key(other)
            && self.after == other.after
            && self.before == other.before
            && self.of.order == other.of.order
    }
}

impl Eq for Page {}

// Most pages of a request are equal, because siblings request the same.

impl Hash for Page {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (
            self.size,
            self.backward,
            self.after.is_some(),
            self.before.is_some(),
        )
            .hash(state);
    }
}

/// Whether a list has rows beside a page.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours {
    /// Whether there are rows after the page.
    pub next: bool,
    /// Whether there are rows before the page.
    pub previous: bool,
}

/// The rows of a page, with their cursors.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// Rows in the list's order.
    pub rows: Vec<(Cursor, T)>,
    /// Whether there are rows after the page.
    pub has_next: bool,
    /// Whether there are rows before the page.
    pub has_previous: bool,
}

impl<T> Slice<T> {
    /// Returns an empty page.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            has_next: false,
            has_previous: false,
        }
    }

    /// Maps the rows of the page.
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
