//! Pages of a list, in the form of the GraphQL Cursor Connections Specification: keyset on the sort key and `_id`,
//! one more than asked for to know whether there are more.

use async_graphql::{Object, OutputType, SimpleObject, TypeName};
use bson::{Bson, Document, doc};
use data_encoding::BASE64URL_NOPAD;
use futures_util::future::BoxFuture;
use std::borrow::Cow;

use super::crypto::digest;
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
    /// Sort field; `_id` alone where that is the order of creation.
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

    /// How many values a position in this order has.
    fn width(&self) -> usize {
        if self.values == Values::Unique { 1 } else { 2 }
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
    order: Order,
    size: usize,
    backward: bool,
    after: Option<Position>,
    before: Option<Position>,
}

/// A place in an order: sort value, and id where others may have the same.
#[derive(Clone, Debug)]
struct Position(Vec<Bson>);

impl PageArgs {
    /// Checks the arguments against a list's order.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a size that is not 1 to 100, both directions at once, or a cursor of another list.
    pub fn check(&self, order: Order) -> Result<Page> {
        let (size, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(bad("Give first or last, not both.")),
            (Some(first), None) => (first, false),
            (None, Some(last)) => (last, true),
            // `before` alone means the page that ends there.
            (None, None) => (
                i32::try_from(DEFAULT).unwrap_or(i32::MAX),
                self.before.is_some() && self.after.is_none(),
            ),
        };
        let size = usize::try_from(size).ok().filter(|size| (1..=MAX).contains(size));
        let size = size.ok_or_else(|| bad("first and last are 1 to 100."))?;
        if backward && self.after.is_some() || !backward && self.before.is_some() {
            return Err(bad(
                "Page forward with first and after, or backward with last and before.",
            ));
        }
        let after = self
            .after
            .as_deref()
            .map(|cursor| Position::read(cursor, &order))
            .transpose()?;
        let before = self
            .before
            .as_deref()
            .map(|cursor| Position::read(cursor, &order))
            .transpose()?;
        Ok(Page {
            order,
            size,
            backward,
            after,
            before,
        })
    }
}

fn bad(message: &str) -> Error {
    Error::BadInput(message.to_owned())
}

impl Position {
    /// Cursors are four bytes that name the order, then the values as a BSON document: opaque, and of no use elsewhere.
    fn write(&self, order: &Order) -> String {
        let mut bytes = order_tag(order).to_vec();
        if let Ok(values) = bson::serialize_to_vec(&doc! { "p": self.0.clone() }) {
            bytes.extend(values);
        }
        BASE64URL_NOPAD.encode(&bytes)
    }

    fn read(cursor: &str, order: &Order) -> Result<Self> {
        let wrong = || bad("This cursor is not one of this list.");
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| wrong())?;
        let (tag, values) = bytes.split_at_checked(4).ok_or_else(wrong)?;
        if tag != order_tag(order) {
            return Err(wrong());
        }
        let mut document: Document = bson::deserialize_from_slice(values).map_err(|_| wrong())?;
        let Some(Bson::Array(values)) = document.remove("p") else {
            return Err(wrong());
        };
        let plain = |value: &Bson| {
            matches!(
                value,
                Bson::String(_) | Bson::DateTime(_) | Bson::Int64(_) | Bson::Null
            )
        };
        // Anything else could be an operator in disguise.
        if values.len() == order.width() && values.iter().all(plain) {
            Ok(Self(values))
        } else {
            Err(wrong())
        }
    }
}

fn order_tag(order: &Order) -> [u8; 4] {
    let name = format!("{}\0{}\0{}", order.name, order.field, order.descending);
    let digest = digest(name.as_bytes());
    [digest[0], digest[1], digest[2], digest[3]]
}

impl Page {
    /// Whether sorting runs from high to low for this page.
    fn down(&self) -> bool {
        self.order.descending != self.backward
    }

    /// The filter that starts the page; empty on the first.
    #[must_use]
    pub fn filter(&self) -> Document {
        let (field, operator) = (self.order.field, if self.down() { "$lt" } else { "$gt" });
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
                let range = match (self.down(), self.order.values) {
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
        match self.order.values {
            Values::Unique => doc! { self.order.field: direction },
            Values::Shared | Values::Optional => doc! { self.order.field: direction, "_id": direction },
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
            let mut position = vec![value, id];
            position.truncate(self.order.width());
            Position(position).write(&self.order)
        };
        let rows: Vec<(String, T)> = rows.into_iter().map(|row| (cursor(&row), row)).collect();
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
    pub rows: Vec<(String, T)>,
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

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there are more after this page.
    pub has_next_page: bool,
    /// Whether there are some before this page.
    pub has_previous_page: bool,
    /// Cursor of the first row; null on an empty page.
    pub start_cursor: Option<String>,
    /// Cursor of the last row; null on an empty page.
    pub end_cursor: Option<String>,
}

/// How many there are in all, counted when it is asked for.
pub type Count = Box<dyn Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync>;

/// A page of `N` on the wire.
pub struct Connection<N: OutputType + Clone> {
    edges: Vec<Edge<N>>,
    has_next: bool,
    has_previous: bool,
    count: Count,
}

/// A row of a page, with its cursor.
#[derive(Clone, SimpleObject)]
#[graphql(name_type)]
pub struct Edge<N: OutputType + Clone> {
    /// Where this row stands; pass it as after or before.
    pub cursor: String,
    /// The row.
    pub node: N,
}

impl<N: OutputType + Clone> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

impl<N: OutputType + Clone> Connection<N> {
    /// The wire's form of a page.
    pub fn new(slice: Slice<N>, count: Count) -> Self {
        let edges = slice
            .rows
            .into_iter()
            .map(|(cursor, node)| Edge { cursor, node })
            .collect();
        Self {
            edges,
            has_next: slice.has_next,
            has_previous: slice.has_previous,
            count,
        }
    }
}

impl<N: OutputType + Clone> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// A page of a list.
#[Object(name_type)]
impl<N: OutputType + Clone> Connection<N> {
    /// The rows with their cursors.
    async fn edges(&self) -> &[Edge<N>] {
        &self.edges
    }

    /// The rows.
    async fn nodes(&self) -> Vec<N> {
        self.edges.iter().map(|edge| edge.node.clone()).collect()
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// How many rows the whole list has, with its filter. Counted only when selected.
    async fn total_count(&self) -> async_graphql::Result<i32> {
        let count = (self.count)().await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(first: Option<i32>, last: Option<i32>, after: Option<&str>, before: Option<&str>) -> PageArgs {
        PageArgs {
            first,
            last,
            after: after.map(str::to_owned),
            before: before.map(str::to_owned),
        }
    }

    #[test]
    fn a_wrong_combination_is_an_error_never_a_silent_clamp() {
        let order = || Order::by_id("users");
        for (first, last) in [
            (Some(0), None),
            (Some(101), None),
            (Some(-1), None),
            (None, Some(0)),
            (Some(1), Some(1)),
        ] {
            assert!(
                args(first, last, None, None).check(order()).is_err(),
                "{first:?} {last:?}"
            );
        }
        assert_eq!(
            args(None, None, None, None).check(order()).expect("fine").limit(),
            26
        );
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let order = Order::by_id("users of a");
        let page = args(Some(1), None, None, None)
            .check(order.clone())
            .expect("fine");
        let slice = page.cut(vec!["x1", "x2"], |row| ((*row).into(), (*row).into()));
        assert!(slice.has_next && !slice.has_previous);
        let cursor = slice.rows[0].0.as_str();
        let next = args(Some(1), None, Some(cursor), None)
            .check(order.clone())
            .expect("its own");
        assert_eq!(next.filter(), doc! { "_id": { "$gt": "x1" } });
        assert!(
            args(Some(1), None, Some(cursor), None)
                .check(Order::by_id("users of b"))
                .is_err()
        );
        assert!(args(Some(1), None, Some("!"), None).check(order.clone()).is_err());
        assert!(
            args(None, Some(1), Some(cursor), None).check(order).is_err(),
            "after goes with first"
        );
    }

    #[test]
    fn a_cursor_smuggles_no_operator() {
        let order = Order::by_id("users");
        let mut bytes = order_tag(&order).to_vec();
        bytes.extend(bson::serialize_to_vec(&doc! { "p": [{ "$ne": 1 }] }).expect("bson"));
        let forged = BASE64URL_NOPAD.encode(&bytes);
        assert!(args(Some(1), None, Some(&forged), None).check(order).is_err());
    }

    #[test]
    fn rows_without_a_value_stand_before_all_others() {
        let order = |descending| Order {
            name: "customers".to_owned(),
            field: "lastName",
            values: Values::Optional,
            descending,
        };
        let behind = |value: Bson, descending| {
            let page = args(Some(1), None, None, None)
                .check(order(descending))
                .expect("fine");
            let slice = page.cut(vec![()], |()| (value.clone(), "x1".into()));
            let next = args(Some(1), None, Some(&slice.rows[0].0), None);
            next.check(order(descending)).expect("its own").filter()
        };
        assert_eq!(
            behind(Bson::Null, false),
            doc! { "$or": [{ "lastName": { "$ne": null } }, { "lastName": null, "_id": { "$gt": "x1" } }] }
        );
        assert_eq!(
            behind(Bson::Null, true),
            doc! { "lastName": null, "_id": { "$lt": "x1" } }
        );
        assert_eq!(
            behind("Ng".into(), false),
            doc! {
                "lastName": { "$gte": "Ng" },
                "$or": [{ "lastName": { "$gt": "Ng" } }, { "lastName": "Ng", "_id": { "$gt": "x1" } }],
            }
        );
        assert_eq!(
            behind("Ng".into(), true),
            doc! {
                "lastName": { "$not": { "$gt": "Ng" } },
                "$or": [
                    { "lastName": { "$lt": "Ng" } }, { "lastName": "Ng", "_id": { "$lt": "x1" } }, { "lastName": null },
                ],
            }
        );
    }

    #[test]
    fn a_backward_page_keeps_the_lists_order() {
        let page = args(None, Some(2), None, None)
            .check(Order::by_id("users"))
            .expect("fine");
        assert_eq!(page.sort(), doc! { "_id": -1 });
        let slice = page.cut(vec![3_i64, 2, 1], |row| ((*row).into(), (*row).into()));
        assert_eq!(slice.rows.iter().map(|row| row.1).collect::<Vec<_>>(), [2, 3]);
        assert!(slice.has_previous && !slice.has_next);
    }
}
