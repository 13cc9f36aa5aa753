//! Reads what belongs to the objects of one level of a query: pages of children, and single children that a parent
//! names, for all parents and all selections in one command. Parents and children can be opened with different reaches.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bson::{Bson, Document, doc};
use serde::Deserialize;

use crate::error::Result;
use crate::platform::{id::StorefrontId, loader::Batch, page::Page};
use crate::reach::tenant::{Tenant, TenantDocument};

/// A document that appears in lists.
pub trait Listed: TenantDocument {
    /// The position in a list: the value by which the list is sorted, and the id. The default is the order of creation.
    fn position(&self) -> (Bson, Bson) {
        let id: Bson = self.id().clone().into();
        (id.clone(), id)
    }
}

/// A parent of children, and how the children are found.
pub trait Leads<C: TenantDocument>: TenantDocument {
    /// The children's field that holds the parent's key. An index starts with the storefront and this field.
    const FIELD: &'static str;
    /// The expression for the parent's key or list of keys.
    fn keys() -> Bson;
}

/// What is requested of each parent.
#[derive(Clone, Debug)]
pub enum Want {
    /// A page of its children.
    Page(Arc<Page>),
    /// The child whose id is in this field of the parent.
    Named(&'static str),
}

impl Want {
    fn key(&self) -> String {
        match self {
            Self::Page(page) => page.key(),
            Self::Named(field) => (*field).to_owned(),
        }
    }
}

// A page has no equality of its own; its key identifies it.
impl PartialEq for Want {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Want {}

impl Hash for Want {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// A parent whose children are requested: its storefront, with which their index starts, and its id.
pub type Parent<P> = (StorefrontId, <P as TenantDocument>::Id);

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
        parents: &[&Parent<P>],
        lookups: impl FnOnce(Document) -> Vec<Lookup>,
    ) -> Result<Vec<ParentRow<P::Id, T>>>
    where
        T: for<'de> Deserialize<'de> + Send + Unpin,
    {
        let ids: Vec<Bson> = parents.iter().map(|(_, id)| id.clone().into()).collect();
        let storefronts: BTreeSet<&StorefrontId> = parents.iter().map(|(storefront, _)| storefront).collect();
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
    type Key = (Parent<P>, Want);
    /// The children as they were read; a page has one more than it shows.
    type Value = Vec<C>;

    async fn load(&self, asked: &[Self::Key]) -> Result<HashMap<Self::Key, Vec<C>>> {
        let mut wants: Vec<&Want> = Vec::new();
        for (_, want) in asked {
            if !wants.contains(&want) {
                wants.push(want);
            }
        }
        let parents: Vec<&Parent<P>> = asked.iter().map(|(parent, _)| parent).collect();
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
        let mut found = HashMap::new();
        for row in self.0.read::<C>(&parents, lookups).await? {
            let parent = (row.storefront, row.id);
            let each = wants.iter().zip(row.found);
            found.extend(each.map(|(want, children)| ((parent.clone(), Want::clone(want)), children)));
        }
        Ok(found)
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
    type Key = Parent<P>;
    type Value = u64;

    async fn load(&self, asked: &[Parent<P>]) -> Result<HashMap<Parent<P>, u64>> {
        let parents: Vec<&Parent<P>> = asked.iter().collect();
        let lookups = |indexed: Document| {
            vec![Lookup {
                local: KEYS,
                foreign: P::FIELD,
                within: vec![doc! { "$match": indexed }, doc! { "$count": "n" }],
            }]
        };
        let rows = self.0.read::<ChildCount>(&parents, lookups).await?;
        let count = |row: ParentRow<P::Id, ChildCount>| {
            let counted = row.found.first().and_then(|counted| counted.first());
            let count = counted.map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0));
            ((row.storefront, row.id), count)
        };
        Ok(rows.into_iter().map(count).collect())
    }
}
