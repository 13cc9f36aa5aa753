//! A page as GraphQL types. Cursors are encoded only if a query selects them.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Object, OutputType, Positioned, ServerResult, TypeName, Value, parser::types::Field,
    registry::Registry,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{Cursor, Slice};
use crate::error::{Error, Result};

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

/// A list of which a page is read when the selection is known.
pub trait Listing<N>: Send + Sync {
    /// Reads what the selection needs and writes it as JSON; `None` if the selection needs objects in memory.
    fn written<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> BoxFuture<'a, Option<Result<Bytes>>>;

    /// Reads the page.
    fn rows(&self) -> BoxFuture<'_, Result<Slice<N>>>;
}

/// A page of `N` as a GraphQL type.
pub struct Connection<N: OutputType + Clone> {
    rows: ConnectionRows<N>,
    count: Count,
}

enum ConnectionRows<N> {
    Read(Slice<N>),
    Later(Box<dyn Listing<N>>),
}

impl<N: OutputType + Clone> Connection<N> {
    /// Creates the GraphQL type of a page.
    pub fn new(slice: Slice<N>, count: Count) -> Self {
        let rows = ConnectionRows::Read(slice);
        Self { rows, count }
    }

    /// Creates the GraphQL type of a page that is read when the selection is known.
    pub fn later(listing: Box<dyn Listing<N>>, count: Count) -> Self {
        let rows = ConnectionRows::Later(listing);
        Self { rows, count }
    }

    async fn resolved(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let read;
        let slice = match &self.rows {
            ConnectionRows::Read(slice) => slice,
            ConnectionRows::Later(listing) => {
                let fail = |error: Error| ctx.set_error_path(error.to_wire().into_server_error(field.pos));
                if let Some(written) = listing.written(ctx).await {
                    return written.map(Value::Binary).map_err(fail);
                }
                read = listing.rows().await.map_err(fail)?;
                &read
            }
        };
        let page = ConnectionPage {
            slice,
            count: &self.count,
        };
        OutputType::resolve(&page, ctx, field).await
    }
}

impl<N: OutputType + Clone> OutputType for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        <ConnectionPage<'_, N> as TypeName>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        ConnectionPage::<N>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.resolved(ctx, field).await
    }
}

/// A page that was read.
struct ConnectionPage<'a, N: OutputType + Clone> {
    slice: &'a Slice<N>,
    count: &'a Count,
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

impl<N: OutputType + Clone> TypeName for ConnectionPage<'_, N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// A page of a list, as in the GraphQL Cursor Connections Specification.
#[Object(name_type)]
impl<N: OutputType + Clone> ConnectionPage<'_, N> {
    /// Items of the page, each with its cursor.
    async fn edges(&self) -> Vec<Edge<N>> {
        let edge = |(cursor, node): &(Cursor, N)| Edge {
            cursor: cursor.clone(),
            node: node.clone(),
        };
        self.slice.rows.iter().map(edge).collect()
    }

    /// Items of the page, without cursors.
    async fn nodes(&self) -> Vec<&N> {
        self.slice.rows.iter().map(|(_, node)| node).collect()
    }

    /// Position of this page in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |row: &(Cursor, N)| row.0.clone();
        PageInfo {
            has_next: self.slice.has_next,
            has_previous: self.slice.has_previous,
            start: self.slice.rows.first().map(cursor),
            end: self.slice.rows.last().map(cursor),
        }
    }

    /// Number of items of the whole list that match the filter. Counted only if selected.
    async fn total_count(&self) -> async_graphql::Result<i32> {
        let count = (self.count)().await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}
