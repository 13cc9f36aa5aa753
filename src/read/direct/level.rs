//! Reads the children of all parents of one level: the pages of a list behind each of them.
//!
//! The children of all parents are one range after the other in the index that begins with the parent's key, so that one
//! search with one limit reads them in order. If a parent has so many children that the limit ends before the pages of
//! others, these others are read by a second command, each by a lookup of its own.

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
use crate::read::related::{Leads, list_name};

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

/// Written the list is read by.
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
    /// Written its children name.
    pub key: &'a str,
}

/// ChildRows of many parents. A page has one row more than it shows if there are more.
#[derive(Debug, Default)]
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
            parents: parents.raw(),
            children: children.raw(),
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
        let rows = self.children.find(search).await?;
        let mut groups = RowGroups::default();
        let documents = rows.documents()?;
        for (at, row) in documents.iter().enumerate() {
            groups.add(text(row, self.field)?, at);
        }
        if documents.len() < limit {
            drop(documents);
            return Ok(groups.children(rows, each));
        }
        // The limit has ended the search: the last parent's page is complete only if it is full.
        let last = documents.last().copied();
        let last = match last {
            Some(row) => {
                let storefront = match storefronts[..] {
                    [only] => only,
                    _ => text(row, STOREFRONT)?,
                };
                Some((storefront.to_owned(), text(row, self.field)?.to_owned()))
            }
            None => None,
        };
        drop(documents);
        let is_behind = |parent: &&ParentKey<'_>| {
            last.as_ref().is_none_or(|(storefront, key)| {
                let place = (parent.storefront, parent.key).cmp(&(storefront.as_str(), key.as_str()));
                let place = if page.is_descending() {
                    place.reverse()
                } else {
                    place
                };
                place.is_gt() || place.is_eq() && groups.len_of(key) < each
            })
        };
        let unread: Vec<&ParentKey<'_>> = parents.iter().filter(is_behind).collect();
        if unread.is_empty() {
            return Ok(groups.children(rows, each));
        }
        for parent in &unread {
            groups.remove(parent.key);
        }
        let more = self.look_up(&unread, page, &projection).await?;
        let before = rows.documents()?.len();
        for (at, row) in more.documents()?.into_iter().enumerate() {
            groups.add(text(row, self.field)?, before + at);
        }
        let mut rows = rows;
        rows.append(more);
        Ok(groups.children(rows, each))
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
struct RowGroups(HashMap<String, Range<usize>>);

impl RowGroups {
    fn add(&mut self, key: &str, at: usize) {
        match self.0.get_mut(key) {
            Some(range) => range.end = at + 1,
            None => _ = self.0.insert(key.to_owned(), at..at + 1),
        }
    }

    fn len_of(&self, key: &str) -> usize {
        self.0.get(key).map_or(0, ExactSizeIterator::len)
    }

    fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// The children, of each parent at most this number.
    fn children(mut self, rows: RawRows, each: usize) -> ChildRows {
        for range in self.0.values_mut() {
            range.end = range.end.min(range.start + each);
        }
        let by_parent = self.0;
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
