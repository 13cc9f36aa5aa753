//! The steps of an erasure, derived from what the domains declare. Each deletes or changes a bounded number of documents
//! in a transaction and counts them in it; a repeated step finds fewer documents.

use std::sync::Arc;

use bson::{Document, doc};

use crate::app::App;
use crate::customer::Customer;
use crate::domain::personal::{Erasure, PersonalKind, Subject};
use crate::error::Result;
use crate::platform::{
    database::{Tx, Write},
    job::pace::Stopwatch,
};
use crate::reach::HouseReach;

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
            let step = |action, counted| ErasureStep {
                app,
                system: &system,
                subject,
                kind,
                action,
                counted,
            };
            match kind.erasure {
                Erasure::Delete { counted } => step(StepAction::Delete, counted).run().await?,
                Erasure::Empty { counted } => {
                    step(StepAction::Empty, Some(counted)).run().await?;
                    if is_deletion {
                        step(StepAction::Detach, None).run().await?;
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

/// What a step does with documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepAction {
    /// Deletes them.
    Delete,
    /// Removes the personal data in them.
    Empty,
    /// Removes their links to the customer.
    Detach,
}

/// One step: an action on all of a customer's documents of one kind.
struct ErasureStep<'a> {
    app: &'a App,
    system: &'a HouseReach,
    subject: &'a Subject,
    kind: &'a PersonalKind,
    action: StepAction,
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
        let mut filter = self.subject.owns_kind(self.kind);
        if self.action == StepAction::Empty {
            filter.extend(self.kind.stored.is_left());
        }
        let documents = self.kind.open(&self.app.database, self.system);
        let ids = documents.stored_ids(filter.clone(), BATCH).await?;
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

    /// Returns the fields that the links of a document to the customer consist of.
    fn links(&self) -> Document {
        let mut links = doc! { "customerId": "", "userId": "" };
        links.insert(self.kind.link.field(), "");
        links
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
        let database = &step.app.database;
        let documents = step.kind.open(database, step.system);
        let filter = self.filter.clone();
        let fields = match step.action {
            StepAction::Delete => None,
            StepAction::Empty => Some(step.kind.stored.unset()),
            StepAction::Detach => Some(step.links()),
        };
        let erased = match fields {
            None => documents.delete_many_in(tx, filter).await?,
            Some(fields) => {
                let update = doc! { "$unset": fields };
                documents.update_many_in(tx, filter, update).await?
            }
        };
        if let Some(counted) = step.counted {
            let erased = i64::try_from(erased).unwrap_or(i64::MAX);
            let count = doc! { "$inc": { format!("anonymization.erased.{counted}"): erased } };
            let customers = database.open::<Customer>(step.system);
            let customer = doc! { "_id": &step.subject.customer };
            customers.update_in(tx, customer, count).await?;
        }
        Ok(())
    }
}
