//! What belongs to the objects of one level of a query: pages of children, and single children that a parent names, for
//! all parents and all that is asked for in one command; from parents as far as one reach goes to what another reach
//! shows of theirs.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bson::{Bson, Document, doc};
use serde::Deserialize;

use super::tenant::{Tenant, TenantDocument};
use crate::error::Result;
use crate::platform::{id::StorefrontId, loader::Batch, page::Page};

/// What stands in lists.
pub trait Listed: TenantDocument {
    /// Where: the value that its lists are sorted by, and its id; here in the order of creation.
    fn position(&self) -> (Bson, Bson) {
        let id: Bson = self.id().clone().into();
        (id.clone(), id)
    }
}

/// A parent of children, and how they are found.
pub trait Leads<C: TenantDocument>: TenantDocument {
    /// The children's field that holds the parent's key. An index begins with the storefront and this field.
    const FIELD: &'static str;
    /// An expression for the parent's keys, one or a list of them.
    fn keys() -> Bson;
}

/// What is asked for of each parent.
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

// A page says what it is by a text.
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

/// A parent as its children are asked for: with its storefront, by which their index begins.
pub type Parent<P> = (StorefrontId, <P as TenantDocument>::Id);

/// The parents and the children, each opened as far as the caller reaches.
#[derive(Clone)]
pub struct Related<P: TenantDocument, C: TenantDocument> {
    /// Whose.
    pub parents: Tenant<P>,
    /// What.
    pub children: Tenant<C>,
}

/// What one parent has, a list for each thing that was wanted.
#[derive(Deserialize)]
struct Row<I, T> {
    #[serde(rename = "_id")]
    id: I,
    #[serde(rename = "storefrontId")]
    storefront: StorefrontId,
    found: Vec<Vec<T>>,
}

/// The keys' name in a row of the pipeline.
const KEYS: &str = "keys";

impl<P, C> Related<P, C>
where
    P: Leads<C>,
    P::Id: Unpin + for<'de> Deserialize<'de>,
    C: TenantDocument,
{
    /// One command: from each parent over the lookups of its row. `lookups` is given the condition by which an index of
    /// the children begins.
    async fn read<T>(
        &self,
        parents: &[&Parent<P>],
        lookups: impl FnOnce(Document) -> Vec<Lookup>,
    ) -> Result<Vec<Row<P::Id, T>>>
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

/// One way from a row to children.
struct Lookup {
    local: &'static str,
    foreign: &'static str,
    within: Vec<Document>,
}

/// Reads what is wanted of each of a level of parents.
pub struct Children<P: TenantDocument, C: TenantDocument>(pub Related<P, C>);

impl<P, C> Batch for Children<P, C>
where
    P: Leads<C>,
    P::Id: std::fmt::Debug + Unpin + for<'de> Deserialize<'de>,
    C: Listed,
{
    type Key = (Parent<P>, Want);
    /// As the command found them; a page has one more than it shows.
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

/// Counts the children of each of a level of parents.
pub struct Counts<P: TenantDocument, C: TenantDocument>(pub Related<P, C>);

#[derive(Deserialize)]
struct Counted {
    n: i64,
}

impl<P, C> Batch for Counts<P, C>
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
        let rows = self.0.read::<Counted>(&parents, lookups).await?;
        let count = |row: Row<P::Id, Counted>| {
            let counted = row.found.first().and_then(|counted| counted.first());
            let count = counted.map_or(0, |counted| u64::try_from(counted.n).unwrap_or(0));
            ((row.storefront, row.id), count)
        };
        Ok(rows.into_iter().map(count).collect())
    }
}
