//! The steps of an erasure, derived from what the domains declare. Each deletes or changes a bounded number of documents
//! in a transaction and counts them in it; a repeated step finds fewer documents.

use std::sync::Arc;

use bson::{Document, doc};

use crate::app::App;
use crate::customer::Customer;
use crate::domain::personal::{Erasure, Subject};
use crate::error::Result;
use crate::platform::{
    database::{Tx, Write},
    id::CustomerId,
    job::pace::Stopwatch,
};
use crate::reach::{HouseReach, tenant::Tenant};

/// Maximum number of documents that one transaction deletes or changes: few, so that it is short and does not block
/// others.
const BATCH: i64 = 50;

/// Erases everything except the customer's own document and storefront user: the personal documents of all domains as
/// they are declared, then what the domains erase themselves. If the customer is deleted, the documents that remain lose
/// their links to the customer.
///
/// # Errors
/// Any error of a step; completed steps are kept.
pub async fn all(app: &Arc<App>, subject: &Subject, is_deletion: bool) -> Result<()> {
    let system = HouseReach::within(&subject.storefront);
    for domain in app.domains {
        for kind in domain.personal {
            let owned = subject.owns_kind(kind);
            let step = |filter, unset, counted| ErasureStep {
                app,
                system: &system,
                customer: &subject.customer,
                documents: kind.open(&app.database, &system),
                filter,
                unset,
                counted,
            };
            match kind.erasure {
                Erasure::Delete { counted } => step(owned, None, counted).run().await?,
                Erasure::Empty { counted } => {
                    let mut left = owned.clone();
                    left.extend(kind.stored.is_left());
                    step(left, Some(kind.stored.unset()), Some(counted)).run().await?;
                    if is_deletion {
                        let mut links = doc! { "customerId": "", "userId": "" };
                        links.insert(kind.link.field(), "");
                        step(owned, Some(links), None).run().await?;
                    }
                }
                Erasure::Elsewhere => {}
            }
        }
    }
    for domain in app.domains {
        if let Some(erase) = domain.erase {
            erase(app, subject).await?;
        }
    }
    Ok(())
}

/// One step: it deletes all of a customer's documents of one kind, or removes fields from them.
struct ErasureStep<'a> {
    app: &'a App,
    system: &'a HouseReach,
    customer: &'a CustomerId,
    documents: Tenant<Document>,
    /// The documents; an erased document does not match any more.
    filter: Document,
    /// The fields that are removed, as the argument of `$unset`; `None` deletes the documents.
    unset: Option<Document>,
    /// The field below `anonymization.erased` that counts the documents.
    counted: Option<&'static str>,
}

impl ErasureStep<'_> {
    /// Runs batches until no document is left.
    async fn run(&self) -> Result<()> {
        while self.run_batch().await? {}
        Ok(())
    }

    /// Runs one batch and returns whether there may be more documents.
    async fn run_batch(&self) -> Result<bool> {
        let pace = Stopwatch::begin();
        let mut filter = self.filter.clone();
        let ids = self.documents.stored_ids(filter.clone(), BATCH).await?;
        if ids.is_empty() {
            return Ok(false);
        }
        let found = ids.len();
        filter.insert("_id", doc! { "$in": ids });
        let batch = StepBatch { step: self, filter };
        self.app.database.run(&batch).await?;
        pace.end(found, BATCH).await;
        Ok(true)
    }
}

/// The write that erases a batch of a step.
struct StepBatch<'a> {
    step: &'a ErasureStep<'a>,
    filter: Document,
}

impl Write for StepBatch<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let step = self.step;
        let filter = self.filter.clone();
        let erased = match step.unset.clone() {
            None => step.documents.delete_many_in(tx, filter).await?,
            Some(fields) => {
                let update = doc! { "$unset": fields };
                step.documents.update_many_in(tx, filter, update).await?
            }
        };
        if let Some(counted) = step.counted {
            let erased = i64::try_from(erased).unwrap_or(i64::MAX);
            let count = doc! { "$inc": { format!("anonymization.erased.{counted}"): erased } };
            let customers = step.app.database.open::<Customer>(step.system);
            let customer = doc! { "_id": step.customer };
            customers.update_in(tx, customer, count).await?;
        }
        Ok(())
    }
}
