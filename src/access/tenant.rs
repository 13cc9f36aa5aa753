//! Tenants' collections: opened with a reach, which stands in every filter, in front of every pipeline, and guards every
//! insert. Asking with the wrong reach finds nothing.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use futures_util::{Stream, TryStreamExt};
use mongodb::{Collection, action::Find, options::ReturnDocument};
use serde::{Serialize, de::DeserializeOwned};

use super::reach::{Confine, Holder, Reach, StorageReach};
use crate::error::{Error, Result};
use crate::platform::{
    database::{Database, Sessions, Tx, count_command},
    id::{Id, StorageId, StorefrontId},
    page::{Page, Slice},
};

/// A level of a query comes in one batch; the server's first batch of 101 would cost a second command.
const BATCH: u32 = 20_000;
/// How long the database may look for what a client's filter finds: a filter that no index answers looks at everything.
const SEARCH_LIMIT: Duration = Duration::from_secs(5);

/// A document that belongs to a storefront.
pub trait TenantDocument: Serialize + DeserializeOwned + Send + Sync + Unpin + 'static {
    /// Its id's type.
    type Id: Id + Into<Bson>;
    /// Its collection.
    const COLLECTION: &'static str;
    /// The field with the storefront's id.
    const STOREFRONT: &'static str = "storefrontId";
    /// Whose it is within the storefront.
    const HOLDER: Holder;
    /// Its id.
    fn id(&self) -> &Self::Id;
    /// Its storefront.
    fn storefront(&self) -> &StorefrontId;
}

/// A private storage, as far as access needs to know it.
pub trait StorageDocument: TenantDocument<Id = StorageId> {}

impl Database {
    /// Opens a tenants' collection as far as the reach goes.
    pub fn open<T: TenantDocument>(&self, reach: &impl Confine) -> Tenant<T> {
        let confine = reach.confine(T::STOREFRONT, T::HOLDER);
        Tenant {
            collection: self.uncounted(T::COLLECTION),
            sessions: self.sessions(),
            confine,
        }
    }

    /// Finds out which storages the reach's person owns; a backend's reach stays as it is, without a command.
    pub async fn with_storages<S: StorageDocument>(&self, reach: &Reach) -> Result<StorageReach> {
        let storages = match reach.person() {
            None => None,
            Some(_) => {
                let own: Vec<S> = self.open::<S>(reach).find(doc! {}, doc! {}, 0).await?;
                Some(
                    own.iter()
                        .map(|storage| storage.id().clone())
                        .collect::<Arc<[StorageId]>>(),
                )
            }
        };
        Ok(StorageReach {
            reach: reach.clone(),
            storages,
        })
    }
}

/// A collection as far as a reach goes.
#[derive(Clone, Debug)]
pub struct Tenant<T: Send + Sync> {
    collection: Collection<T>,
    sessions: Arc<Sessions>,
    confine: Document,
}

impl<T: TenantDocument> Tenant<T> {
    /// The collection, for one command.
    fn commands(&self) -> &Collection<T> {
        count_command();
        &self.collection
    }

    /// The filter with the reach in it. Nothing in `filter` can take the reach's conditions away.
    fn confined(&self, filter: Document) -> Document {
        if self.confine.is_empty() {
            return filter;
        }
        if filter.keys().any(|key| self.confine.contains_key(key)) {
            return doc! { "$and": [self.confine.clone(), filter] };
        }
        let mut whole = filter;
        whole.extend(
            self.confine
                .iter()
                .map(|(key, condition)| (key.clone(), condition.clone())),
        );
        whole
    }

    /// The one document that the filter names.
    pub async fn find_one(&self, filter: Document) -> Result<Option<T>> {
        let found = self.commands().find_one(self.confined(filter));
        let mut session = self.sessions.borrow().await?;
        let found = found.session(&mut *session).await?;
        self.sessions.give_back(session);
        Ok(found)
    }

    /// The same within a transaction.
    pub async fn find_one_in(&self, tx: &mut Tx, filter: Document) -> Result<Option<T>> {
        Ok(self
            .commands()
            .find_one(self.confined(filter))
            .session(tx)
            .await?)
    }

    /// The first of the documents that the filter finds, within a transaction.
    pub async fn first_in(&self, tx: &mut Tx, filter: Document, sort: Document) -> Result<Option<T>> {
        let found = self.commands().find_one(self.confined(filter));
        Ok(found.sort(sort).session(tx).await?)
    }

    /// The document with this id.
    pub async fn get(&self, id: &T::Id) -> Result<Option<T>> {
        self.find_one(doc! { "_id": id.clone().into() }).await
    }

    /// The documents that the filter finds, in one command; a limit of 0 is none.
    pub async fn find(&self, filter: Document, sort: Document, limit: i64) -> Result<Vec<T>> {
        let found = self.commands().find(self.confined(filter));
        self.all(found.sort(sort).limit(limit)).await
    }

    /// All that a search finds, in one command.
    async fn all<R: DeserializeOwned + Send + Sync>(&self, search: Find<'_, R>) -> Result<Vec<R>> {
        let mut session = self.sessions.borrow().await?;
        let mut found = search.batch_size(BATCH).session(&mut *session).await?;
        let found = found.stream(&mut session).try_collect().await?;
        self.sessions.give_back(session);
        Ok(found)
    }

    /// The same within a transaction.
    pub async fn find_in(&self, tx: &mut Tx, filter: Document) -> Result<Vec<T>> {
        let mut found = self
            .commands()
            .find(self.confined(filter))
            .batch_size(BATCH)
            .session(&mut *tx)
            .await?;
        Ok(found.stream(tx).try_collect().await?)
    }

    /// The rows of a pipeline that begins behind the reach.
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

    /// A `$lookup` stage from this collection's rows to what belongs to them. The rows are confined already, and what
    /// belongs to a row is its holder's.
    pub fn children<U: TenantDocument>(
        &self,
        local: &str,
        foreign: &str,
        into: &str,
        pipeline: Vec<Document>,
    ) -> Document {
        doc! { "$lookup": {
            "from": U::COLLECTION, "localField": local, "foreignField": foreign, "as": into, "pipeline": pipeline,
        } }
    }

    /// The same to documents of others, as far as the reach goes that `others` was opened with. `local` may hold several
    /// keys.
    pub fn joined<U: TenantDocument>(
        &self,
        others: &Tenant<U>,
        local: &str,
        foreign: &str,
        into: &str,
        pipeline: Vec<Document>,
    ) -> Document {
        let mut confined = vec![doc! { "$match": others.confine.clone() }];
        confined.extend(pipeline);
        self.children::<U>(local, foreign, into, confined)
    }

    /// The documents that the filter finds, one after the other, as they are stored.
    pub async fn stored(&self, filter: Document) -> Result<impl Stream<Item = Result<Document>> + use<T>> {
        let found = self.commands().clone_with_type::<Document>();
        let found = found.find(self.confined(filter)).await?;
        Ok(found.map_err(Error::from))
    }

    /// The ids of so many of the documents that the filter finds; a limit of 0 is none.
    pub async fn ids(&self, filter: Document, limit: i64) -> Result<Vec<T::Id>> {
        let found = self.commands().clone_with_type::<Document>();
        let found = found.find(self.confined(filter)).projection(doc! { "_id": 1 });
        let found = self.all(found.limit(limit)).await?;
        Ok(found.iter().filter_map(id_in::<T>).collect())
    }

    /// Those of the ids whose documents meet a condition, whose own index may lead to very many, within a transaction.
    pub async fn among_in(&self, tx: &mut Tx, ids: &[T::Id], condition: Document) -> Result<Vec<T::Id>> {
        let ids: Vec<Bson> = ids.iter().cloned().map(Into::into).collect();
        let mut filter = doc! { "_id": { "$in": ids } };
        filter.extend(condition);
        let found = self.commands().clone_with_type::<Document>();
        let found = found.find(self.confined(filter)).projection(doc! { "_id": 1 });
        let found = found
            .hint(mongodb::options::Hint::Keys(doc! { "_id": 1 }))
            .batch_size(BATCH);
        let mut found = found.session(&mut *tx).await?;
        let found: Vec<Document> = found.stream(tx).try_collect().await?;
        Ok(found.iter().filter_map(id_in::<T>).collect())
    }

    /// A page of what meets a client's condition, in one command.
    ///
    /// # Errors
    /// [`Error::SearchTimeout`] where that takes too long.
    pub async fn page(
        &self,
        condition: Document,
        page: &Page,
        position: impl Fn(&T) -> (Bson, Bson),
    ) -> Result<Slice<T>> {
        let filter = match (page.filter(), condition) {
            (place, condition) if place.is_empty() => condition,
            (place, condition) if condition.is_empty() => place,
            (place, condition) => doc! { "$and": [place, condition] },
        };
        let found = self
            .commands()
            .find(self.confined(filter))
            .sort(page.sort())
            .limit(page.limit())
            .max_time(SEARCH_LIMIT);
        Ok(page.cut(self.all(found).await?, position))
    }

    /// How many documents meet a client's condition.
    ///
    /// # Errors
    /// [`Error::SearchTimeout`] where counting them takes too long.
    pub async fn count(&self, condition: Document) -> Result<u64> {
        let counted = self.commands().count_documents(self.confined(condition));
        let mut session = self.sessions.borrow().await?;
        let counted = counted.max_time(SEARCH_LIMIT).session(&mut *session).await?;
        self.sessions.give_back(session);
        Ok(counted)
    }

    /// Changes all that the filter finds by a pipeline, outside a transaction, each document by itself: for migrations and
    /// jobs, which may be many documents.
    pub async fn migrate(&self, filter: Document, pipeline: Vec<Document>) -> Result<u64> {
        let changed = self.commands().update_many(self.confined(filter), pipeline);
        Ok(changed.await?.modified_count)
    }

    /// Inserts within a transaction.
    ///
    /// # Errors
    /// [`Error::Internal`] for a document outside the reach: a fault in the code, never in the input.
    pub async fn insert_in(&self, tx: &mut Tx, reach: &impl Confine, document: &T) -> Result<()> {
        if !reach.covers(document.storefront()) {
            return Err(Error::internal(
                "a document outside the caller's reach cannot be inserted",
            ));
        }
        self.commands().insert_one(document).session(tx).await?;
        Ok(())
    }

    /// Inserts many within a transaction, in one command.
    ///
    /// # Errors
    /// [`Error::Internal`] for a document outside the reach: a fault in the code, never in the input.
    pub async fn insert_many_in(&self, tx: &mut Tx, reach: &impl Confine, documents: &[T]) -> Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        if !documents
            .iter()
            .all(|document| reach.covers(document.storefront()))
        {
            return Err(Error::internal(
                "a document outside the caller's reach cannot be inserted",
            ));
        }
        self.commands().insert_many(documents).session(tx).await?;
        Ok(())
    }

    /// Changes one document within a transaction and returns it as it is then; `None` when the filter finds none.
    pub async fn update_in(&self, tx: &mut Tx, filter: Document, update: Document) -> Result<Option<T>> {
        Ok(self
            .commands()
            .find_one_and_update(self.confined(filter), update)
            .return_document(ReturnDocument::After)
            .session(tx)
            .await?)
    }

    /// Changes one document by itself and returns it as it is then; `None` when the filter finds none.
    pub async fn update(&self, filter: Document, update: Document) -> Result<Option<T>> {
        Ok(self
            .commands()
            .find_one_and_update(self.confined(filter), update)
            .return_document(ReturnDocument::After)
            .await?)
    }

    /// The same by a pipeline.
    pub async fn update_by(&self, filter: Document, pipeline: Vec<Document>) -> Result<Option<T>> {
        Ok(self
            .commands()
            .find_one_and_update(self.confined(filter), pipeline)
            .return_document(ReturnDocument::After)
            .await?)
    }

    /// Changes all that the filter finds within a transaction.
    pub async fn update_many_in(&self, tx: &mut Tx, filter: Document, update: Document) -> Result<u64> {
        Ok(self
            .commands()
            .update_many(self.confined(filter), update)
            .session(tx)
            .await?
            .modified_count)
    }

    /// The same, and whether the filter finds exactly so many.
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

    /// Removes one document within a transaction and returns it as it was.
    pub async fn delete_in(&self, tx: &mut Tx, filter: Document) -> Result<Option<T>> {
        Ok(self
            .commands()
            .find_one_and_delete(self.confined(filter))
            .session(tx)
            .await?)
    }

    /// Removes all that the filter finds within a transaction.
    pub async fn delete_many_in(&self, tx: &mut Tx, filter: Document) -> Result<u64> {
        Ok(self
            .commands()
            .delete_many(self.confined(filter))
            .session(tx)
            .await?
            .deleted_count)
    }
}

fn id_in<T: TenantDocument>(row: &Document) -> Option<T::Id> {
    T::Id::parse(row.get_str("_id").unwrap_or_default())
}
