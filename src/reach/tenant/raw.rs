//! Documents of a tenants' collection as the database sends them, without a copy of each.

use bson::{Document, RawDocument, RawDocumentBuf};
use futures_util::TryStreamExt;
use mongodb::raw_batch_cursor::{RawBatch, SessionRawBatchCursor};

use super::{BATCH, SEARCH_LIMIT, Tenant, TenantDocument};
use crate::error::{Error, Result};
use crate::platform::database::Tx;

/// A search for documents.
// No `Debug`: a condition can contain personal data.
#[derive(Default)]
pub struct Search {
    /// The condition.
    pub filter: Document,
    /// The sort order.
    pub sort: Document,
    /// The maximum number of documents.
    pub limit: i64,
    /// The fields to return; all of them if it is empty.
    pub projection: Document,
}

/// A collection, limited to a reach, of which documents are read as the database sends them.
#[derive(Clone, Debug)]
pub struct RawTenant(pub(super) Tenant<RawDocumentBuf>);

impl RawTenant {
    /// The documents that a search finds, in one command.
    ///
    /// # Errors
    /// [`Error::SearchTimeout`] if the search takes too long.
    pub async fn find(&self, search: Search) -> Result<RawRows> {
        let Search {
            filter,
            sort,
            limit,
            projection,
        } = search;
        let found = self.0.commands().find(self.0.confined(filter));
        let mut found = found
            .sort(sort)
            .limit(limit)
            .batch_size(BATCH)
            .max_time(SEARCH_LIMIT);
        if !projection.is_empty() {
            found = found.projection(projection);
        }
        let mut session = self.0.sessions.borrow().await?;
        let found = found.session(&mut *session).batch().await?;
        let rows = RawRows::read(found, &mut session).await?;
        self.0.sessions.give_back(session);
        Ok(rows)
    }

    /// The rows of a pipeline that starts with the reach's conditions.
    ///
    /// # Errors
    /// Any database error.
    pub async fn aggregate(&self, pipeline: impl IntoIterator<Item = Document>) -> Result<RawRows> {
        let mut whole = vec![bson::doc! { "$match": self.0.confine.clone() }];
        whole.extend(pipeline);
        let found = self.0.commands().aggregate(whole).batch_size(BATCH);
        let mut session = self.0.sessions.borrow().await?;
        let found = found.session(&mut *session).batch().await?;
        let rows = RawRows::read(found, &mut session).await?;
        self.0.sessions.give_back(session);
        Ok(rows)
    }

    /// A `$lookup` stage to another collection, limited to the reach with which it was opened.
    #[must_use]
    pub fn joined(
        &self,
        others: &Self,
        local: &str,
        foreign: &str,
        into: &str,
        pipeline: Vec<Document>,
    ) -> Document {
        self.0.joined(&others.0, local, foreign, into, pipeline)
    }
}

/// Documents in the messages of the database that contain them.
// No `Debug`: the documents contain personal data.
#[derive(Default)]
pub struct RawRows(Vec<RawBatch>);

impl RawRows {
    async fn read(mut found: SessionRawBatchCursor, session: &mut Tx) -> Result<Self> {
        let batches = found.stream(session).try_collect().await?;
        Ok(Self(batches))
    }

    /// Adds the rows of another command.
    pub fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
    }

    /// The documents, in order.
    ///
    /// # Errors
    /// [`Error::Internal`] for a message that is none of the database's.
    pub fn documents(&self) -> Result<Vec<&RawDocument>> {
        let mut all = Vec::new();
        for batch in &self.0 {
            for row in batch.doc_slices()? {
                let row = row.map_err(Error::internal)?.as_document();
                all.push(row.ok_or_else(|| Error::internal("a row of a search is not a document"))?);
            }
        }
        Ok(all)
    }
}

/// Decodes a document.
///
/// # Errors
/// [`Error::Internal`] for a document of another form.
pub fn decoded<T: TenantDocument>(document: &RawDocument) -> Result<T> {
    bson::deserialize_from_slice(document.as_bytes()).map_err(Error::internal)
}
