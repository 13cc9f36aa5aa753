//! Reads what belongs to the objects of one level of a query: pages of children, and single children that a parent
//! names, for all parents together. Children that belong to one parent are read by `direct::level`. Those that can belong
//! to several are read at once if a storefront has few of them, all others by one command with a lookup for each parent.
//! Parents and children can be opened with different reaches.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bson::{Bson, Document, RawBsonRef, RawDocument, doc};
use serde::Deserialize;

use super::direct::level::{ParentKey, Relation};
use super::leads::{Leads, Listed};
use crate::error::{Error, Result};
use crate::platform::{
    id::{Id, StorefrontId},
    loader::Batch,
    page::Page,
};
use crate::reach::tenant::{Search, Tenant, TenantDocument, decoded};

/// What is requested of each parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// A page of its children.
    Page(Arc<Page>),
    /// The child whose id is in this field of the parent.
    Named(&'static str),
}

/// A parent whose children are requested.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parent<I> {
    /// Its storefront, with which the index of its children begins.
    pub storefront: StorefrontId,
    /// Its id.
    pub id: I,
    /// What its children name, or the children that it names: [`Leads::own_keys`].
    pub keys: Vec<String>,
}

impl<I> Parent<I> {
    /// The only key of a parent of children that belong to one parent.
    fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }
}

/// The collections of the parents and of the children, each opened with a reach of the caller.
#[derive(Clone)]
pub struct Related<P: TenantDocument, C: TenantDocument> {
    /// The parents.
    pub parents: Tenant<P>,
    /// The children.
    pub children: Tenant<C>,
}

/// The result for one parent, with one list for each [`Want`].
#[derive(Deserialize)]
struct ParentRow<I, T> {
    #[serde(rename = "_id")]
    id: I,
    #[serde(rename = "storefrontId")]
    storefront: StorefrontId,
    found: Vec<Vec<T>>,
}

/// Name of the parent's keys in a row of the pipeline.
const KEYS: &str = "keys";

impl<P, C> Related<P, C>
where
    P: Leads<C>,
    P::Id: Unpin + for<'de> Deserialize<'de>,
    C: TenantDocument,
{
    /// Reads with one command, from each parent through the lookups of its row. `lookups` receives the condition with
    /// which an index of the children starts.
    async fn read<T>(
        &self,
        parents: &[&Parent<P::Id>],
        lookups: impl FnOnce(Document) -> Vec<Lookup>,
    ) -> Result<Vec<ParentRow<P::Id, T>>>
    where
        T: for<'de> Deserialize<'de> + Send + Unpin,
    {
        let ids: Vec<Bson> = parents.iter().map(|parent| parent.id.clone().into()).collect();
        let storefronts: BTreeSet<&StorefrontId> = parents.iter().map(|parent| &parent.storefront).collect();
        let storefronts: Vec<Bson> = storefronts.into_iter().map(Bson::from).collect();
        let lookups = lookups(doc! { C::STOREFRONT: { "$in": storefronts } });
        let mut shown = doc! { "storefrontId": format!("${}", P::STOREFRONT), KEYS: P::keys() };
        shown.extend(
            lookups
                .iter()
                .filter(|lookup| lookup.local != KEYS)
                .map(|lookup| (lookup.local.to_owned(), Bson::from(1))),
        );
        let mut pipeline = vec![
            doc! { "$match": { "_id": { "$in": ids } } },
            doc! { "$project": shown },
        ];
        let into = |number: usize| format!("found{number}");
        let found: Vec<String> = (0..lookups.len())
            .map(|number| format!("${}", into(number)))
            .collect();
        for (number, lookup) in lookups.into_iter().enumerate() {
            let Lookup {
                local,
                foreign,
                within,
            } = lookup;
            pipeline.push(
                self.parents
                    .joined(&self.children, local, foreign, &into(number), within),
            );
        }
        pipeline.push(doc! { "$project": { "storefrontId": 1, "found": found } });
        self.parents.aggregate(pipeline).await
    }
}

/// One lookup from a row to children.
struct Lookup {
    local: &'static str,
    foreign: &'static str,
    within: Vec<Document>,
}

/// Reads what is requested of each parent in a batch.
pub struct Children<P: TenantDocument, C: TenantDocument>(pub Related<P, C>);

impl<P, C> Batch for Children<P, C>
where
    P: Leads<C>,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
    C: Listed,
{
    type Key = (Parent<P::Id>, Want);
    /// The children as they were read; a page has one more than it shows.
    type Value = Vec<Arc<C>>;

    async fn load(&self, asked: &[Self::Key]) -> Result<HashMap<Self::Key, Vec<Arc<C>>>> {
        let mut wants: Vec<&Want> = Vec::new();
        for (_, want) in asked {
            if !wants.contains(&want) {
                wants.push(want);
            }
        }
        let relation = Relation::of(&self.0.parents, &self.0.children);
        let mut found = HashMap::new();
        let mut by_lookup = Vec::new();
        for want in wants {
            let Want::Page(page) = want else {
                by_lookup.push(want);
                continue;
            };
            let parents = asked.iter().filter(|(_, other)| other == want);
            let parents: Vec<_> = parents.map(|(parent, _)| parent).collect();
            match &relation {
                Some(relation) => found.extend(pages(relation, &parents, page).await?),
                None => match self.shared(&parents, page).await? {
                    Some(pages) => found.extend(pages),
                    None => by_lookup.push(want),
                },
            }
        }
        if !by_lookup.is_empty() {
            found.extend(self.look_up(asked, &by_lookup).await?);
        }
        Ok(found)
    }
}

/// Reads the same page of each parent.
async fn pages<I: Id, C: TenantDocument>(
    relation: &Relation,
    parents: &[&Parent<I>],
    page: &Arc<Page>,
) -> Result<HashMap<(Parent<I>, Want), Vec<Arc<C>>>> {
    let keys = parents.iter().map(|parent| ParentKey {
        storefront: parent.storefront.as_str(),
        id: parent.id.as_str(),
        key: parent.key(),
    });
    let children = relation
        .read(&keys.collect::<Vec<_>>(), page, &Document::new())
        .await?;
    let rows = children.rows()?;
    let of = |parent: &&Parent<I>| {
        let rows = rows[children.of(parent.key())].iter();
        let found = rows
            .map(|row| decoded::<C>(row).map(Arc::new))
            .collect::<Result<_>>()?;
        Ok((((*parent).clone(), Want::Page(Arc::clone(page))), found))
    };
    parents.iter().map(of).collect()
}

impl<P, C> Children<P, C>
where
    P: Leads<C>,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
    C: Listed,
{
    /// Reads the same page of each parent if their children can have several parents: all that the parents have together,
    /// if these are no more than the pages can show. `None` if there are more.
    async fn shared(
        &self,
        parents: &[&Parent<P::Id>],
        page: &Arc<Page>,
    ) -> Result<Option<HashMap<(Parent<P::Id>, Want), Vec<Arc<C>>>>> {
        if !P::FEW {
            return Ok(None);
        }
        let each = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let limit = each.saturating_mul(parents.len());
        let of = |texts: BTreeSet<&str>| doc! { "$in": texts.into_iter().collect::<Vec<_>>() };
        let storefronts = of(parents.iter().map(|parent| parent.storefront.as_str()).collect());
        let keys = of(parents
            .iter()
            .flat_map(|parent| &parent.keys)
            .map(String::as_str)
            .collect());
        let search = Search {
            filter: page.with(doc! { C::STOREFRONT: storefronts, P::FIELD: keys }),
            sort: page.sort(),
            // One more tells whether there are more.
            limit: i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX),
            projection: Document::new(),
        };
        let rows = self.0.children.undecoded().find(search).await?;
        let rows = rows.documents()?;
        if rows.len() > limit {
            return Ok(None);
        }
        let mut children = Vec::with_capacity(rows.len());
        let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, row) in rows.into_iter().enumerate() {
            children.push(Arc::new(decoded::<C>(row)?));
            for key in keys_of(row, P::FIELD)? {
                by_key.entry(key).or_default().push(number);
            }
        }
        let of_parent = |parent: &&Parent<P::Id>| {
            let keys = parent.keys.iter().filter_map(|key| by_key.get(key.as_str()));
            // In the order of the search, each once.
            let numbers: BTreeSet<usize> = keys.flatten().copied().collect();
            let found = numbers
                .into_iter()
                .take(each)
                .map(|number| Arc::clone(&children[number]));
            (((*parent).clone(), Want::Page(Arc::clone(page))), found.collect())
        };
        Ok(Some(parents.iter().map(of_parent).collect()))
    }

    /// Reads what is requested of all parents with one command, each by a lookup of its own.
    async fn look_up(
        &self,
        asked: &[(Parent<P::Id>, Want)],
        wants: &[&Want],
    ) -> Result<HashMap<(Parent<P::Id>, Want), Vec<Arc<C>>>> {
        let parents: Vec<&Parent<P::Id>> = asked.iter().map(|(parent, _)| parent).collect();
        let lookups = |indexed: Document| {
            let lookup = |want: &&Want| match want {
                Want::Page(page) => Lookup {
                    local: KEYS,
                    foreign: P::FIELD,
                    within: vec![
                        doc! { "$match": indexed.clone() },
                        doc! { "$match": page.filter() },
                        doc! { "$sort": page.sort() },
                        doc! { "$limit": page.limit() },
                    ],
                },
                Want::Named(field) => Lookup {
                    local: field,
                    foreign: "_id",
                    within: Vec::new(),
                },
            };
            wants.iter().map(lookup).collect()
        };
        let by_id: HashMap<(&str, &str), &Parent<P::Id>> = parents
            .iter()
            .map(|parent| ((parent.storefront.as_str(), parent.id.as_str()), *parent))
            .collect();
        let mut found = HashMap::new();
        for row in self.0.read::<C>(&parents, lookups).await? {
            let Some(parent) = by_id.get(&(row.storefront.as_str(), row.id.as_str())) else {
                continue;
            };
            let shared = |children: Vec<C>| children.into_iter().map(Arc::new).collect();
            let each = wants.iter().zip(row.found);
            found.extend(
                each.map(|(want, children)| (((*parent).clone(), Want::clone(want)), shared(children))),
            );
        }
        Ok(found)
    }
}

/// The text in a field of a row, or the texts of the list in it.
fn keys_of<'a>(row: &'a RawDocument, field: &str) -> Result<Vec<&'a str>> {
    let other = || Error::internal("a key of a document is not a text");
    let text = |value: RawBsonRef<'a>| value.as_str().ok_or_else(other);
    match row.get(field).map_err(Error::internal)? {
        Some(RawBsonRef::Array(list)) => {
            let texts = list.into_iter().map(|item| text(item.map_err(Error::internal)?));
            texts.collect()
        }
        Some(value) => Ok(vec![text(value)?]),
        None => Ok(Vec::new()),
    }
}

/// Counts the children of each parent in a batch.
pub struct ChildCounts<P: TenantDocument, C: TenantDocument>(pub Related<P, C>);

#[derive(Deserialize)]
struct ChildCount {
    n: i64,
}

impl<P, C> Batch for ChildCounts<P, C>
where
    P: Leads<C>,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
    C: Listed,
{
    type Key = Parent<P::Id>;
    type Value = u64;

    async fn load(&self, asked: &[Parent<P::Id>]) -> Result<HashMap<Parent<P::Id>, u64>> {
        let parents: Vec<&Parent<P::Id>> = asked.iter().collect();
        let lookups = |indexed: Document| {
            vec![Lookup {
                local: KEYS,
                foreign: P::FIELD,
                within: vec![doc! { "$match": indexed }, doc! { "$count": "n" }],
            }]
        };
        let rows = self.0.read::<ChildCount>(&parents, lookups).await?;
        let count = |row: &ParentRow<P::Id, ChildCount>| {
            let counted = row.found.first().and_then(|counted| counted.first());
            counted.map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0))
        };
        let counts: HashMap<&str, u64> = rows.iter().map(|row| (row.id.as_str(), count(row))).collect();
        let of = |parent: &Parent<P::Id>| Some((parent.clone(), *counts.get(parent.id.as_str())?));
        Ok(asked.iter().filter_map(of).collect())
    }
}
