//! The order of a list.

/// A list's order: the sort field, and a name that is part of its cursors, so that a cursor of another list is
/// rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortOrder {
    /// Identifies the list: what it contains, its owner, and its order.
    pub name: String,
    /// Sort field; only `_id` if the order is that of creation. Its texts have at most [`MAX_TEXT`](super::MAX_TEXT) bytes.
    pub field: &'static str,
    /// The kind of values that the field has.
    pub values: Values,
    /// Whether the order is descending.
    pub descending: bool,
}

/// The kind of values that a sort field has in the rows of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Every row has a different value: the field alone defines the order.
    Unique,
    /// Rows may share a value; those are ordered by their ids.
    Shared,
    /// As [`Self::Shared`], but rows may lack the value; they come before all others.
    Optional,
}

impl SortOrder {
    /// Orders by creation, because ids begin with the time.
    pub fn by_id(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            field: "_id",
            values: Values::Unique,
            descending: false,
        }
    }
}
