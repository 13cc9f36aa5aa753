//! A page as GraphQL types. Cursors are encoded only if a query selects them.

use std::borrow::Cow;

use async_graphql::{Object, OutputType, TypeName};
use futures_util::future::BoxFuture;

use super::{Cursor, Slice};
use crate::error::Result;

/// The position of a page in its list.
#[derive(Clone, Debug)]
pub struct PageInfo {
    has_next: bool,
    has_previous: bool,
    start: Option<Cursor>,
    end: Option<Cursor>,
}

/// Position of a page in its list.
#[Object]
impl PageInfo {
    /// Whether there are items after this page.
    async fn has_next_page(&self) -> bool {
        self.has_next
    }

    /// Whether there are items before this page.
    async fn has_previous_page(&self) -> bool {
        self.has_previous
    }

    /// Cursor of the first item; null for an empty page.
    async fn start_cursor(&self) -> Result<Option<String>> {
        self.start.as_ref().map(Cursor::write).transpose()
    }

    /// Cursor of the last item; null for an empty page.
    async fn end_cursor(&self) -> Result<Option<String>> {
        self.end.as_ref().map(Cursor::write).transpose()
    }
}

/// Counts the items of the whole list, when it is called.
pub type Count = Box<dyn Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync>;

/// A page of `N` as a GraphQL type.
pub struct Connection<N: OutputType + Clone> {
    edges: Vec<Edge<N>>,
    has_next: bool,
    has_previous: bool,
    count: Count,
}

/// A row of a page, with its cursor.
#[derive(Clone)]
pub struct Edge<N: OutputType + Clone> {
    cursor: Cursor,
    node: N,
}

/// An item of a page, with its cursor.
#[Object(name_type)]
impl<N: OutputType + Clone> Edge<N> {
    /// Cursor of this item, for `after` and `before`.
    async fn cursor(&self) -> Result<String> {
        self.cursor.write()
    }

    /// The item itself.
    async fn node(&self) -> &N {
        &self.node
    }
}

impl<N: OutputType + Clone> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

impl<N: OutputType + Clone> Connection<N> {
    /// Creates the GraphQL type of a page.
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

/// A page of a list, as in the GraphQL Cursor Connections Specification.
#[Object(name_type)]
impl<N: OutputType + Clone> Connection<N> {
    /// Items of the page, each with its cursor.
    async fn edges(&self) -> &[Edge<N>] {
        &self.edges
    }

    /// Items of the page, without cursors.
    async fn nodes(&self) -> Vec<N> {
        self.edges.iter().map(|edge| edge.node.clone()).collect()
    }

    /// Position of this page in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |edge: &Edge<N>| edge.cursor.clone();
        PageInfo {
            has_next: self.has_next,
            has_previous: self.has_previous,
            start: self.edges.first().map(cursor),
            end: self.edges.last().map(cursor),
        }
    }

    /// Number of items of the whole list that match the filter. Counted only if selected.
    async fn total_count(&self) -> async_graphql::Result<i32> {
        let count = (self.count)().await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}
