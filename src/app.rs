//! The state that the whole process shares, built once at start.

use std::sync::{Arc, OnceLock};

use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::auth::{
    Access,
    authenticate::CredentialStores,
    client::Clients,
    keys::{KeyRing, Lifetimes},
    one_time::OneTimeKeys,
    session::Sessions,
    token::Tokens,
};
use crate::config::Config;
use crate::domain::Declaration;
use crate::error::Result;
use crate::organization::store::Organizations;
use crate::password::Passwords;
use crate::platform::{
    blob::Blobs,
    clock::Clock,
    crypto::Vault,
    database::Database,
    decoy::Decoys,
    fetch::{Documents, Fetcher, Limits},
    job::{Queue, Runner},
    mail::Mailer,
    random::Random,
    secret::MasterKey,
    throttle::Throttle,
};

/// The declaration of a domain, whose jobs and part of an erasure get the app.
pub type Domain = Declaration<Arc<App>>;

/// The components of the process. Resolvers access them through their request context.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The URL at which clients reach the gateway, without a trailing slash.
    pub public_url: String,
    /// The database.
    pub database: Database,
    /// The clock.
    pub clock: Clock,
    /// The random number generator.
    pub random: Random,
    /// Keys derived from the master key.
    pub vault: Arc<Vault>,
    /// Authentication and authorization.
    pub access: Access,
    /// Password rules, and the threads that hash passwords.
    pub passwords: Passwords,
    /// Rate limits.
    pub throttle: Throttle,
    /// One-time keys that are sent by e-mail.
    pub one_time: OneTimeKeys,
    /// Decoy writes, which cost as much as real ones.
    pub decoys: Decoys,
    /// The audit trail: who changed which customer, and how.
    pub audit: Audit,
    /// The content of uploaded files.
    pub blobs: Blobs,
    /// Sends requests to the web servers of third parties.
    pub fetcher: Fetcher,
    /// Documents that those servers publish.
    pub documents: Documents,
    /// Sends e-mails; used by jobs.
    pub mailer: Mailer,
    /// The queue of jobs.
    pub queue: Queue,
    /// Work that outlives its request; shutdown waits for it.
    pub tasks: TaskTracker,
    /// Identifies this process among the nodes.
    pub node: String,
    /// All domains: what they store of a person, for erasure and export.
    pub domains: &'static [Domain],
    runner: OnceLock<Runner<Arc<App>>>,
}

/// The input of [`App::new`].
pub struct AppParts {
    /// The settings.
    pub config: Config,
    /// The URL at which clients reach the gateway.
    pub public_url: String,
    /// The database.
    pub database: Database,
    /// The clock.
    pub clock: Clock,
    /// The random number generator.
    pub random: Random,
    /// The key from which all encryption keys are derived.
    pub master_key: MasterKey,
    /// All domains; see `schema::DOMAINS`.
    pub domains: &'static [Domain],
}

impl App {
    /// Builds the app. Sends nothing to the database yet.
    pub fn new(parts: AppParts) -> Result<Arc<Self>> {
        let vault = Arc::new(Vault::new(&parts.master_key)?);
        let access = access(&parts, &vault);
        let AppParts {
            config,
            public_url,
            database,
            clock,
            random,
            domains,
            ..
        } = parts;
        let fetcher = Fetcher::new(Limits::USUAL);
        Ok(Arc::new(Self {
            documents: Documents::new(fetcher.clone(), clock.clone()),
            fetcher,
            one_time: OneTimeKeys::new(database.clone(), clock.clone(), random.clone()),
            decoys: Decoys::new(
                database.clone(),
                clock.clone(),
                random.clone(),
                Arc::clone(&vault),
            ),
            audit: Audit::new(database.clone(), clock.clone(), random.clone(), config.audit_ttl),
            blobs: Blobs::new(database.clone(), clock.clone()),
            mailer: Mailer::new(&config.mail, &config.data_dir, clock.clone())?,
            queue: Queue::new(database.clone(), clock.clone(), random.clone()),
            passwords: Passwords::new(&config.passwords, random.clone())?,
            throttle: Throttle::new(
                database.clone(),
                clock.clone(),
                Arc::clone(&vault),
                config.rate_limits,
            ),
            tasks: TaskTracker::new(),
            node: random.token(),
            domains,
            runner: OnceLock::new(),
            config,
            public_url,
            database,
            clock,
            random,
            vault,
            access,
        }))
    }

    /// Sets the job runner, which has the jobs of all domains. Called once, at start.
    pub fn install_runner(&self, runner: Runner<Arc<Self>>) {
        // A second call would be a bug in the start code; the first runner is kept.
        let _first = self.runner.set(runner);
    }

    /// Returns the job runner, once it is installed.
    #[must_use]
    pub fn runner(&self) -> Option<&Runner<Arc<Self>>> {
        self.runner.get()
    }
}

/// Builds the access component from these parts.
fn access(parts: &AppParts, vault: &Arc<Vault>) -> Access {
    let config = &parts.config;
    let database = || parts.database.clone();
    let (clock, random, vault) = (
        || parts.clock.clone(),
        || parts.random.clone(),
        || Arc::clone(vault),
    );
    let lifetimes = Lifetimes {
        longest_token: config.tokens.storefront_user.max(config.tokens.access),
        renewable: config.anonymous_ttl,
    };
    let keys = KeyRing::new(database(), clock(), random(), vault(), lifetimes);
    let stores = CredentialStores {
        organizations: Organizations::new(database(), clock(), random()),
        clients: Clients::new(database(), clock(), random()),
        tokens: Tokens::new(keys, clock(), random(), parts.public_url.clone(), config.tokens),
        sessions: Sessions::new(database(), clock(), random(), vault(), config.tokens.refresh),
    };
    Access::new(database(), clock(), stores, config.anonymous_ttl)
}
