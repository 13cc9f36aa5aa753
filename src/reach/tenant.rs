//! Tenants' collections. Each is opened with a reach, whose conditions are part of every filter and precede every
//! pipeline, and which is checked at every insert. A query with the wrong reach finds nothing.

mod raw;

use std::fmt::Debug;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::{Stream, TryStreamExt};
use mongodb::options::{Hint, ReturnDocument, UpdateModifications};
use mongodb::{Collection, action::Find};
use serde::{Serialize, de::DeserializeOwned};

pub use self::raw::{RawRows, RawTenant, Search, decoded};
use super::{Confine, Holder, HouseReach, Reach, StorageReach};
use crate::error::{Error, Result};
use crate::platform::{
    database::{Database, DriverSessions, Tx, count_command},
    id::{Id, StorageId, StorefrontId},
    page::{Page, Slice},
};

/// Documents per batch, so that a level of a query is read in one; the server's first batch of 101 documents would cost
/// a second command.
const BATCH: u32 = 20_000;
/// Time limit of a search with a client's filter: a filter without a suitable index scans everything.
const SEARCH_LIMIT: Duration = Duration::from_secs(5);

/// A document that belongs to a storefront.
pub trait TenantDocument: Serialize + DeserializeOwned + Send + Sync + Unpin + 'static {
    /// Type of the id.
    type Id: Id + Into<Bson> + Debug + Unpin + DeserializeOwned;
    /// Name of the collection.
    const COLLECTION: &'static str;
    /// The field with the storefront's id.
    const STOREFRONT: &'static str = "storefrontId";
    /// The holder within the storefront.
    const HOLDER: Holder;
    /// Its id.
    fn id(&self) -> &Self::Id;
    /// Its storefront.
    fn storefront(&self) -> &StorefrontId;
}

/// A private storage, reduced to what access needs.
pub trait StorageDocument: TenantDocument<Id = StorageId> {}

impl Database {
    /// Opens a tenants' collection within the reach.
    pub fn open<T: TenantDocument>(&self, reach: &impl Confine) -> Tenant<T> {
        self.confined_to(T::COLLECTION, reach.confine(T::STOREFRONT, T::HOLDER))
    }

    /// Opens a tenants' collection of the stored documents with this storefront field and this holder.
    pub(crate) fn open_stored(
        &self,
        collection: &str,
        storefront: &'static str,
        holder: Holder,
        reach: &HouseReach,
    ) -> Tenant<Document> {
        self.confined_to(collection, reach.confine(storefront, holder))
    }

    fn confined_to<T: Send + Sync>(&self, collection: &str, confine: Document) -> Tenant<T> {
        Tenant {
            collection: self.uncounted(collection),
            sessions: self.sessions(),
            confine,
        }
    }

    /// Reads the storages of the reach's person; a backend's reach stays unchanged, without a command.
    pub async fn with_storages<S: StorageDocument>(&self, reach: &Reach) -> Result<StorageReach> {
        let mut storages = None;
        if reach.person().is_some() {
            let own: Vec<S> = self.open(reach).find(doc! {}, doc! {}, 0).await?;
            storages = Some(own.iter().map(|storage| storage.id().clone()).collect());
        }
        let reach = reach.clone();
        Ok(StorageReach { reach, storages })
    }
}

fn lookup(from: &str, local: &str, foreign: &str, into: &str, pipeline: Vec<Document>) -> Document {
    doc! { "$lookup": {
        "from": from, "localField": local, "foreignField": foreign, "as": into, "pipeline": pipeline,
    } }
}

/// A collection, limited to a reach.
#[derive(Clone, Debug)]
pub struct Tenant<T: Send + Sync> {
    collection: Collection<T>,
    sessions: Arc<DriverSessions>,
    confine: Document,
}

impl<T: Send + Sync> Tenant<T> {
    /// The collection, for one command, which is counted.
    fn commands(&self) -> &Collection<T> {
        count_command();
        &self.collection
    }

    /// Combines the filter with the reach's conditions. Nothing in `filter` can remove them.
    fn confined(&self, filter: Document) -> Document {
        if self.confine.is_empty() {
            return filter;
        }
        if filter.keys().any(|key| self.confine.contains_key(key)) {
            return doc! { "$and": [self.confine.clone(), filter] };
        }
        let mut whole = filter;
        whole.extend(self.confine.clone());
        whole
    }

    /// Reads all results of a search in one command.
    async fn all<R: DeserializeOwned + Send + Sync>(&self, search: Find<'_, R>) -> Result<Vec<R>> {
        let mut session = self.sessions.borrow().await?;
        let mut found = search.batch_size(BATCH).session(&mut *session).await?;
        let found = found.stream(&mut session).try_collect().await?;
        self.sessions.give_back(session);
        Ok(found)
    }

    /// Streams the stored documents that the filter matches.
    pub async fn stored(&self, filter: Document) -> Result<impl Stream<Item = Result<Document>> + use<T>> {
        let found = self.commands().clone_with_type::<Document>();
        let found = found.find(self.confined(filter)).await?;
        Ok(found.map_err(Error::from))
    }

    /// The stored ids of the documents that the filter matches, at most `limit`; a limit of 0 means no limit.
    pub async fn stored_ids(&self, filter: Document, limit: i64) -> Result<Vec<Bson>> {
        let found = self.commands().clone_with_type::<Document>();
        let found = found.find(self.confined(filter)).projection(doc! { "_id": 1 });
        let found = self.all(found.limit(limit)).await?;
        let ids = found.into_iter().filter_map(|mut row| row.remove("_id"));
        Ok(ids.collect())
    }

    /// Changes all documents that the filter matches within a transaction, and returns their number.
    pub async fn update_many_in(&self, tx: &mut Tx, filter: Document, update: Document) -> Result<u64> {
        let updated = self.commands().update_many(self.confined(filter), update);
        Ok(updated.session(tx).await?.modified_count)
    }

    /// Deletes all documents that the filter matches within a transaction, and returns their number.
    pub async fn delete_many_in(&self, tx: &mut Tx, filter: Document) -> Result<u64> {
        let deleted = self.commands().delete_many(self.confined(filter));
        Ok(deleted.session(tx).await?.deleted_count)
    }

    /// A `$lookup` stage to documents of another holder, limited to the reach with which `others` was opened. `local`
    /// may hold several keys.
    pub fn joined<U: Send + Sync>(
        &self,
        others: &Tenant<U>,
        local: &str,
        foreign: &str,
        into: &str,
        pipeline: Vec<Document>,
    ) -> Document {
        let mut confined = vec![doc! { "$match": others.confine.clone() }];
        confined.extend(pipeline);
        lookup(others.collection.name(), local, foreign, into, confined)
    }
}

impl<T: TenantDocument> Tenant<T> {
    /// The only document that the filter matches.
    pub async fn find_one(&self, filter: Document) -> Result<Option<T>> {
        let found = self.commands().find_one(self.confined(filter));
        let mut session = self.sessions.borrow().await?;
        let found = found.session(&mut *session).await?;
        self.sessions.give_back(session);
        Ok(found)
    }

    /// As [`Tenant::find_one`], within a transaction.
    pub async fn find_one_in(&self, tx: &mut Tx, filter: Document) -> Result<Option<T>> {
        let found = self.commands().find_one(self.confined(filter));
        Ok(found.session(tx).await?)
    }

    /// The first document that the filter matches, within a transaction.
    pub async fn first_in(&self, tx: &mut Tx, filter: Document, sort: Document) -> Result<Option<T>> {
        let found = self.commands().find_one(self.confined(filter));
        Ok(found.sort(sort).session(tx).await?)
    }

    /// The document with this id.
    pub async fn get(&self, id: &T::Id) -> Result<Option<T>> {
        self.find_one(doc! { "_id": id.clone().into() }).await
    }

    /// The documents that the filter matches, in one command; a limit of 0 means no limit.
    pub async fn find(&self, filter: Document, sort: Document, limit: i64) -> Result<Vec<T>> {
        let found = self.commands().find(self.confined(filter));
        self.all(found.sort(sort).limit(limit)).await
    }

    /// The documents that the filter matches, within a transaction.
    pub async fn find_in(&self, tx: &mut Tx, filter: Document) -> Result<Vec<T>> {
        let found = self.commands().find(self.confined(filter)).batch_size(BATCH);
        let mut found = found.session(&mut *tx).await?;
        Ok(found.stream(tx).try_collect().await?)
    }

    /// The same collection, for reads of documents as the database sends them.
    #[must_use]
    pub fn undecoded(&self) -> RawTenant {
        RawTenant(Tenant {
            collection: self.collection.clone_with_type(),
            sessions: Arc::clone(&self.sessions),
            confine: self.confine.clone(),
        })
    }

    /// The rows of a pipeline that starts with the reach's conditions.
    pub async fn aggregate<R: DeserializeOwned + Send + Unpin>(
        &self,
        pipeline: Vec<Document>,
    ) -> Result<Vec<R>> {
        let mut whole = vec![doc! { "$match": self.confine.clone() }];
        whole.extend(pipeline);
        let found = self.commands().aggregate(whole).batch_size(BATCH);
        let mut session = self.sessions.borrow().await?;
        let mut found = found.with_type::<R>().session(&mut *session).await?;
        let found = found.stream(&mut session).try_collect().await?;
        self.sessions.give_back(session);
        Ok(found)
    }

    /// A `$lookup` stage from this collection's rows to their children. It has no conditions of its own: the rows are
    /// within the reach already, and their children have the same holder.
    pub fn children<U: TenantDocument>(
        &self,
        local: &str,
        foreign: &str,
        into: &str,
        pipeline: Vec<Document>,
    ) -> Document {
        lookup(U::COLLECTION, local, foreign, into, pipeline)
    }

    /// The ids of the documents that the filter matches, at most `limit`; a limit of 0 means no limit.
    pub async fn ids(&self, filter: Document, limit: i64) -> Result<Vec<T::Id>> {
        let found = self.stored_ids(filter, limit).await?;
        Ok(found.iter().filter_map(|id| T::Id::parse(id.as_str()?)).collect())
    }

    /// Those of the ids whose documents meet a condition, within a transaction. The search is by id, because an index
    /// for the condition may match very many documents.
    pub async fn among_in(&self, tx: &mut Tx, ids: &[T::Id], condition: Document) -> Result<Vec<T::Id>> {
        let ids: Vec<Bson> = ids.iter().cloned().map(Into::into).collect();
        let mut filter = doc! { "_id": { "$in": ids } };
        filter.extend(condition);
        let found = self.commands().clone_with_type::<Document>();
        let found = found.find(self.confined(filter)).projection(doc! { "_id": 1 });
        let found = found.hint(Hint::Keys(doc! { "_id": 1 })).batch_size(BATCH);
        let mut found = found.session(&mut *tx).await?;
        let found: Vec<Document> = found.stream(tx).try_collect().await?;
        Ok(found.iter().filter_map(id_in::<T>).collect())
    }

    /// A page of the documents that meet a client's condition, in one command.
    ///
    /// # Errors
    /// [`Error::SearchTimeout`] if the search takes too long.
    pub async fn page(
        &self,
        condition: Document,
        page: &Page,
        position: impl Fn(&T) -> (Bson, Bson),
    ) -> Result<Slice<T>> {
        let found = self
            .commands()
            .find(self.confined(page.with(condition)))
            .sort(page.sort());
        let found = found.limit(page.limit()).max_time(SEARCH_LIMIT);
        Ok(page.cut(self.all(found).await?, position))
    }

    /// The number of documents that meet a client's condition.
    ///
    /// # Errors
    /// [`Error::SearchTimeout`] if the count takes too long.
    pub async fn count(&self, condition: Document) -> Result<u64> {
        let counted = self.commands().count_documents(self.confined(condition));
        let mut session = self.sessions.borrow().await?;
        let counted = counted.max_time(SEARCH_LIMIT).session(&mut *session).await?;
        self.sessions.give_back(session);
        Ok(counted)
    }

    /// Changes all documents that the filter matches by a pipeline, outside a transaction, each document by itself. For
    /// migrations and jobs, which may change many documents.
    pub async fn migrate(&self, filter: Document, pipeline: Vec<Document>) -> Result<u64> {
        let changed = self.commands().update_many(self.confined(filter), pipeline);
        Ok(changed.await?.modified_count)
    }

    /// Inserts a document within a transaction.
    ///
    /// # Errors
    /// [`Error::Internal`] for a document outside the reach: a defect of the code, never of the input.
    pub async fn insert_in(&self, tx: &mut Tx, reach: &impl Confine, document: &T) -> Result<()> {
        check_covered(reach, slice::from_ref(document))?;
        self.commands().insert_one(document).session(tx).await?;
        Ok(())
    }

    /// As [`Tenant::insert_in`], for many documents in one command.
    pub async fn insert_many_in(&self, tx: &mut Tx, reach: &impl Confine, documents: &[T]) -> Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        check_covered(reach, documents)?;
        self.commands().insert_many(documents).session(tx).await?;
        Ok(())
    }

    /// Changes one document within a transaction and returns the new version; `None` if the filter matches none.
    pub async fn update_in(&self, tx: &mut Tx, filter: Document, update: Document) -> Result<Option<T>> {
        let updated = self.commands().find_one_and_update(self.confined(filter), update);
        Ok(updated.return_document(ReturnDocument::After).session(tx).await?)
    }

    /// Changes one document without a transaction and returns the new version; `None` if the filter matches none.
    pub async fn update(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> Result<Option<T>> {
        let updated = self.commands().find_one_and_update(self.confined(filter), update);
        Ok(updated.return_document(ReturnDocument::After).await?)
    }

    /// As [`Tenant::update_many_in`]; returns whether the filter matched exactly `expected` documents.
    pub async fn update_just_in(
        &self,
        tx: &mut Tx,
        filter: Document,
        update: Document,
        expected: usize,
    ) -> Result<bool> {
        let updated = self.commands().update_many(self.confined(filter), update);
        Ok(usize::try_from(updated.session(tx).await?.matched_count) == Ok(expected))
    }

    /// Deletes one document within a transaction and returns it.
    pub async fn delete_in(&self, tx: &mut Tx, filter: Document) -> Result<Option<T>> {
        let deleted = self.commands().find_one_and_delete(self.confined(filter));
        Ok(deleted.session(tx).await?)
    }
}

fn check_covered<T: TenantDocument>(reach: &impl Confine, documents: &[T]) -> Result<()> {
    if documents
        .iter()
        .all(|document| reach.covers(document.storefront()))
    {
        return Ok(());
    }
    Err(Error::internal(
        "a document outside the caller's reach cannot be inserted",
    ))
}

fn id_in<T: TenantDocument>(row: &Document) -> Option<T::Id> {
    T::Id::parse(row.get_str("_id").unwrap_or_default())
}
