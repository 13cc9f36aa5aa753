//! The state that all requests share, built once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::compress::{CompressedDocuments, Recent};
use super::memory::Memory;
use super::multipart::rooms::Uploading;
use super::published::PublishedDocument;
use crate::app::App;
use crate::auth::{keys::JWKS_MAX_AGE, oauth};
use crate::config::Config;
use crate::guard::{Guard, GuardLimits};
use crate::platform::readiness::Ready;
use crate::platform::{id::StorageId, shares::Shares};
use crate::reach::principal::Principal;
use crate::schema::{self, Schema};

/// The path of the GraphQL endpoint.
pub(super) const GRAPHQL: &str = "/graphql";
/// Maximum number of operations that run concurrently; more wait. Five for each database connection.
const RUNNING: usize = 512;
/// Maximum number of operations that wait; more are refused, because each keeps its request in memory.
const WAITING: usize = 2048;
/// Maximum number of concurrent downloads.
const DOWNLOADS: usize = 512;
/// Maximum number of concurrent downloads of one owner's files.
const DOWNLOADS_OF_ONE: usize = 64;

/// The state that all requests share.
pub(super) struct Gateway {
    pub(super) app: Arc<App>,
    pub(super) ready: Ready,
    pub(super) schema: Schema,
    pub(super) guard: Guard,
    /// The SDL; `None` if introspection is off.
    pub(super) sdl: Option<PublishedDocument>,
    /// The authorization server's metadata, as JSON.
    pub(super) metadata: PublishedDocument,
    /// Compressed published documents that never change.
    pub(super) kept: CompressedDocuments,
    /// Compressed results of recent introspection queries.
    pub(super) recent: Recent,
    pub(super) running: Arc<Semaphore>,
    /// Limits the operations that wait.
    pub(super) waiting: Semaphore,
    /// The memory for requests in progress.
    pub(super) memory: Memory,
    pub(super) uploading: Uploading,
    /// Downloads by storage. Each counts as a multiple of an ordinary download, by the memory that it takes.
    pub(super) downloads: Arc<Shares<StorageId>>,
    pub(super) names: OperationNames,
}

impl Gateway {
    pub(super) fn new(app: Arc<App>, ready: Ready) -> Self {
        let limits = limits(&app.config);
        let introspection = app.config.http.introspection;
        Self {
            ready,
            schema: Schema::new(limits.nesting),
            guard: Guard::new(limits, schema::cost_model(), schema::rules(introspection)),
            sdl: introspection
                .then(|| PublishedDocument::text(schema::sdl(), "text/plain; charset=utf-8", Duration::ZERO)),
            metadata: PublishedDocument::text(
                oauth::metadata(&app.public_url).to_string(),
                "application/json",
                JWKS_MAX_AGE,
            ),
            kept: CompressedDocuments::default(),
            recent: Recent::default(),
            running: Arc::new(Semaphore::new(RUNNING)),
            waiting: Semaphore::new(WAITING),
            memory: Memory::new(app.config.http.max_body),
            uploading: Uploading::default(),
            downloads: Shares::new(DOWNLOADS, DOWNLOADS_OF_ONE),
            names: OperationNames::default(),
            app,
        }
    }
}

fn limits(config: &Config) -> GuardLimits {
    let guard = &config.guard;
    GuardLimits {
        tokens: guard.max_tokens,
        nesting: guard.max_nesting.min(GuardLimits::SAFE_NESTING),
        depth: guard.max_depth,
        cost: guard.max_cost,
        aliases: guard.max_aliases,
        fragments: guard.max_fragments,
        directives: guard.max_directives,
    }
}

/// The operation names that logs and metrics use. Clients choose them, so that without a limit they could fill a
/// metrics store. Each kind of principal has a limit of its own, and requests without a credential add no names: nobody
/// can use up the names of others (DEF-06).
#[derive(Debug, Default)]
pub(super) struct OperationNames(RwLock<Names>);

#[derive(Debug, Default)]
struct Names {
    known: HashSet<Arc<str>>,
    /// How many names each kind of principal has added.
    added: HashMap<&'static str, usize>,
}

impl OperationNames {
    /// Maximum number of names that one kind of principal can add.
    const MOST: usize = 200;
    /// Maximum length of a name, in bytes.
    const LONGEST: usize = 80;

    /// Returns the label of a valid document's operation: its name, `anonymous` without one, or `other` beyond the
    /// limits.
    pub(super) fn label(&self, principal: &Principal, name: Option<&str>) -> Arc<str> {
        let Some(name) = name else {
            return "anonymous".into();
        };
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.known.get(name) {
            return Arc::clone(known);
        }
        drop(names);
        if matches!(principal, Principal::Nobody) || name.len() > Self::LONGEST {
            return "other".into();
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let added = names.added.entry(principal.label()).or_default();
        if *added >= Self::MOST {
            return "other".into();
        }
        *added += 1;
        let label: Arc<str> = name.into();
        names.known.insert(Arc::clone(&label));
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::principal::{CredentialKind, Identity};

    fn principal(kind: CredentialKind) -> Principal {
        Principal::Known(Arc::new(Identity::sample(kind)))
    }

    #[test]
    fn a_flood_of_names_does_not_flood_the_metrics() {
        let names = OperationNames::default();
        let [public, backend] = [CredentialKind::Public, CredentialKind::Integration].map(principal);
        let labels = (0..10_000).map(|n| names.label(&public, Some(&format!("Op{n}"))));
        assert_eq!(labels.collect::<HashSet<_>>().len(), OperationNames::MOST + 1);
        assert_eq!(&*names.label(&public, Some("Op7")), "Op7");
        assert_eq!(&*names.label(&public, None), "anonymous");
        assert_eq!(&*names.label(&backend, Some(&"x".repeat(81))), "other");
    }

    // DEF-06
    #[test]
    fn nobody_uses_up_the_names_of_others() {
        let names = OperationNames::default();
        let [public, backend] = [CredentialKind::Public, CredentialKind::Integration].map(principal);
        for n in 0..10_000 {
            let name = format!("Op{n}");
            assert_eq!(&*names.label(&Principal::Nobody, Some(&name)), "other");
            names.label(&public, Some(&format!("Public{n}")));
        }
        assert_eq!(&*names.label(&backend, Some("Op7")), "Op7");
        assert_eq!(&*names.label(&Principal::Nobody, Some("Op7")), "Op7");
        let customer = principal(CredentialKind::Customer);
        assert_eq!(&*names.label(&customer, Some("Mine")), "Mine");
    }
}
