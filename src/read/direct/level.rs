//! Reads the children of all parents of one level: the pages of a list behind each of them.
//!
//! The children of all parents are one range after the other in the index that begins with the parent's key, so that one
//! search with one limit reads them in order. If a parent has so many children that the limit ends before the pages of
//! others, these others are read by a second command, each by a lookup of its own.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::Range;

use bson::{Bson, Document, RawDocument, doc};

use super::ObjectShape;
use crate::error::{Error, Result};
use crate::platform::{
    database::Database,
    page::{Page, SortOrder},
};
use crate::reach::{
    principal::{Policy, Principal},
    tenant::{RawRows, RawTenant, Search, Tenant, TenantDocument},
};
use crate::read::leads::{Leads, list_name};

/// The field with the storefront's id, in parents and children.
const STOREFRONT: &str = "storefrontId";

/// A list of objects behind other objects, each of which belongs to one of them.
pub trait ListBehind: Sync {
    /// The name of the field in GraphQL.
    fn name(&self) -> &'static str;
    /// The objects.
    fn item(&self) -> ObjectShape;
    /// The list's order. Cursors are valid for all parents of a storefront.
    fn order(&self, storefront: &str) -> SortOrder;
    /// Opens the collections for a caller; `None` if the caller may not read the list, or what it may read depends on
    /// more than its reach.
    fn open(&self, database: &Database, principal: &Principal) -> Option<Relation>;
}

/// The list of the children of objects of one kind.
pub struct ListOf<P, C> {
    /// The name of the field in GraphQL.
    pub name: &'static str,
    /// The children as GraphQL objects.
    pub item: ObjectShape,
    /// Who may read the parents and the children.
    pub policy: Policy,
    /// Makes the order of the list, from its name.
    pub order: fn(String) -> SortOrder,
    /// The parents and the children.
    pub of: PhantomData<fn(P) -> C>,
}

impl<P: Leads<C>, C: TenantDocument> ListBehind for ListOf<P, C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn item(&self) -> ObjectShape {
        self.item
    }

    fn order(&self, storefront: &str) -> SortOrder {
        (self.order)(list_name::<P, C>(storefront))
    }

    fn open(&self, database: &Database, principal: &Principal) -> Option<Relation> {
        let reach = principal.reach(&self.policy).ok()?;
        Relation::of(&database.open::<P>(&reach), &database.open::<C>(&reach))
    }
}

/// What the list is read by.
pub struct Relation {
    /// The parents.
    pub parents: RawTenant,
    /// The children.
    pub children: RawTenant,
    /// The stored field of the parent with its key.
    pub key: &'static str,
    /// The stored field of the child with the parent's key. An index begins with the storefront and this field, and goes
    /// on with the order of the list.
    pub field: &'static str,
}

/// A parent whose children are read.
#[derive(Clone, Copy, Debug)]
pub struct ParentKey<'a> {
    /// Its storefront.
    pub storefront: &'a str,
    /// Its id.
    pub id: &'a str,
    /// What its children name.
    pub key: &'a str,
}

/// Children of many parents. A page has one row more than it shows if there are more.
// No `Debug`: the rows contain personal data.
#[derive(Default)]
pub struct ChildRows {
    rows: RawRows,
    /// The rows of each parent that has any, by its key.
    by_parent: HashMap<String, Range<usize>>,
}

impl ChildRows {
    /// All rows, of which [`Self::of`] is a part.
    ///
    /// # Errors
    /// [`Error::Internal`] for a message that is none of the database's.
    pub fn rows(&self) -> Result<Vec<&RawDocument>> {
        self.rows.documents()
    }

    /// The rows of a parent.
    #[must_use]
    pub fn of(&self, key: &str) -> Range<usize> {
        self.by_parent.get(key).cloned().unwrap_or_default()
    }
}

impl Relation {
    /// The relation between two collections; `None` if children can have several parents.
    #[must_use]
    pub fn of<P: Leads<C>, C: TenantDocument>(parents: &Tenant<P>, children: &Tenant<C>) -> Option<Self> {
        Some(Self {
            parents: parents.undecoded(),
            children: children.undecoded(),
            key: P::KEY?,
            field: P::FIELD,
        })
    }

    /// Reads a page of the children of each parent.
    ///
    /// # Errors
    /// Any database error.
    pub async fn read(
        &self,
        parents: &[ParentKey<'_>],
        page: &Page,
        projection: &Document,
    ) -> Result<ChildRows> {
        if parents.is_empty() {
            return Ok(ChildRows::default());
        }
        let storefronts = storefronts(parents.iter());
        let mut projection = projection.clone();
        if storefronts.len() > 1 && !projection.is_empty() {
            projection.insert(STOREFRONT, 1);
        }
        let each = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let limit = each.saturating_mul(parents.len());
        let search = Search {
            filter: both(self.of_all(parents, &storefronts), page.filter()),
            sort: page.sort_behind(&[STOREFRONT, self.field]),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            projection: projection.clone(),
        };
        let mut rows = self.children.find(search).await?;
        let mut groups = RowGroups::of(&rows, self.field)?;
        if groups.rows == limit {
            let unread = self.unread(parents, page, &rows, &groups)?;
            if !unread.is_empty() {
                let more = self.look_up(&unread, page, &projection).await?;
                groups.replace(&unread, RowGroups::of(&more, self.field)?);
                rows.append(more);
            }
        }
        Ok(groups.children(rows, each))
    }

    /// The parents whose pages a search has not reached that its limit has ended: all behind the last row in the order of
    /// the search, and the parent of the last row, unless its page is full.
    fn unread<'p>(
        &self,
        parents: &'p [ParentKey<'p>],
        page: &Page,
        rows: &RawRows,
        groups: &RowGroups,
    ) -> Result<Vec<&'p ParentKey<'p>>> {
        let rows = rows.documents()?;
        let (Some(last), Some(parent)) = (rows.last(), parents.first()) else {
            return Ok(Vec::new());
        };
        let is_of_one_storefront = parents.iter().all(|other| other.storefront == parent.storefront);
        let storefront = if is_of_one_storefront {
            parent.storefront
        } else {
            text(last, STOREFRONT)?
        };
        let last = (storefront, text(last, self.field)?);
        let is_full = i64::try_from(groups.len_of(last.1)) == Ok(page.limit());
        let is_unread = |parent: &&ParentKey<'_>| match (parent.storefront, parent.key).cmp(&last) {
            Ordering::Equal => !is_full,
            Ordering::Greater => !page.is_descending(),
            Ordering::Less => page.is_descending(),
        };
        Ok(parents.iter().filter(is_unread).collect())
    }

    /// The condition with which the index of the children begins.
    fn of_all(&self, parents: &[ParentKey<'_>], storefronts: &[&str]) -> Document {
        let keys: Vec<&str> = parents.iter().map(|parent| parent.key).collect();
        doc! { STOREFRONT: one_of(storefronts), self.field: one_of(&keys) }
    }

    /// Reads the pages of these parents, each by a lookup.
    async fn look_up(
        &self,
        parents: &[&ParentKey<'_>],
        page: &Page,
        projection: &Document,
    ) -> Result<RawRows> {
        let ids: Vec<&str> = parents.iter().map(|parent| parent.id).collect();
        let storefronts = storefronts(parents.iter().copied());
        let mut within = vec![
            doc! { "$match": { STOREFRONT: one_of(&storefronts) } },
            doc! { "$match": page.filter() },
            doc! { "$sort": page.sort() },
            doc! { "$limit": page.limit() },
        ];
        if !projection.is_empty() {
            within.push(doc! { "$project": projection.clone() });
        }
        let pipeline = [
            doc! { "$match": { "_id": one_of(&ids) } },
            doc! { "$project": { self.key: 1 } },
            self.parents
                .joined(&self.children, self.key, self.field, "found", within),
            doc! { "$unwind": "$found" },
            doc! { "$replaceRoot": { "newRoot": "$found" } },
        ];
        self.parents.aggregate(pipeline).await
    }
}

/// The rows of each parent, while they are read.
#[derive(Default)]
struct RowGroups {
    /// The number of all rows.
    rows: usize,
    by_parent: HashMap<String, Range<usize>>,
}

impl RowGroups {
    /// Groups rows by the parent that this field names; the rows of a parent follow each other.
    fn of(rows: &RawRows, field: &str) -> Result<Self> {
        let mut groups = Self::default();
        for row in rows.documents()? {
            let (key, end) = (text(row, field)?, groups.rows + 1);
            match groups.by_parent.get_mut(key) {
                Some(range) => range.end = end,
                None => _ = groups.by_parent.insert(key.to_owned(), groups.rows..end),
            }
            groups.rows = end;
        }
        Ok(groups)
    }

    /// Replaces the rows of these parents by those of a later command.
    fn replace(&mut self, parents: &[&ParentKey<'_>], more: Self) {
        for parent in parents {
            self.by_parent.remove(parent.key);
        }
        let moved = |range: Range<usize>| range.start + self.rows..range.end + self.rows;
        let more = more.by_parent.into_iter().map(|(key, range)| (key, moved(range)));
        self.by_parent.extend(more.collect::<Vec<_>>());
    }

    fn len_of(&self, key: &str) -> usize {
        self.by_parent.get(key).map_or(0, ExactSizeIterator::len)
    }

    /// The children, of each parent at most this number.
    fn children(self, rows: RawRows, each: usize) -> ChildRows {
        let mut by_parent = self.by_parent;
        for range in by_parent.values_mut() {
            range.end = range.end.min(range.start + each);
        }
        ChildRows { rows, by_parent }
    }
}

fn storefronts<'a>(parents: impl Iterator<Item = &'a ParentKey<'a>>) -> Vec<&'a str> {
    let mut all: Vec<&str> = parents.map(|parent| parent.storefront).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn one_of(values: &[&str]) -> Bson {
    match values {
        [only] => (*only).into(),
        _ => doc! { "$in": values }.into(),
    }
}

/// Both conditions.
fn both(mut one: Document, other: Document) -> Document {
    if other.keys().any(|key| one.contains_key(key)) {
        return doc! { "$and": [one, other] };
    }
    one.extend(other);
    one
}

/// The text in a field of a row.
///
/// # Errors
/// [`Error::Internal`] if it has none.
pub fn text<'a>(row: &'a RawDocument, field: &str) -> Result<&'a str> {
    row.get_str(field).map_err(Error::internal)
}
