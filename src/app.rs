//! What the whole process shares, built once at start.

use std::sync::{Arc, OnceLock};

use tokio_util::task::TaskTracker;

use crate::access::{
    Access,
    audit::Audit,
    client::Clients,
    keys::{KeyRing, Lifetimes},
    one_time::OneTimeKeys,
    organization::Organizations,
    password::Passwords,
    session::Sessions,
    token::Tokens,
};
use crate::config::Config;
use crate::error::Result;
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

/// The process's parts. Requests see them through their context.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Where clients reach the gateway, without a slash at the end.
    pub public_url: String,
    /// The database.
    pub database: Database,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Keys derived from the master key.
    pub vault: Arc<Vault>,
    /// Who may.
    pub access: Access,
    /// Rules for passwords, and the threads that hash them.
    pub passwords: Passwords,
    /// How often one may try.
    pub throttle: Throttle,
    /// Keys that are mailed.
    pub one_time: OneTimeKeys,
    /// Writes that only cost what others cost.
    pub decoys: Decoys,
    /// Who did what to which customer.
    pub audit: Audit,
    /// Content of files.
    pub blobs: Blobs,
    /// Asks other people's web servers.
    pub fetcher: Fetcher,
    /// What those publish.
    pub documents: Documents,
    /// Sends mails; jobs do.
    pub mailer: Mailer,
    /// Jobs to come.
    pub queue: Queue,
    /// Work that outlives its request, waited for at shutdown.
    pub tasks: TaskTracker,
    /// Names this process among the nodes.
    pub node: String,
    runner: OnceLock<Runner<Arc<App>>>,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The settings.
    pub config: Config,
    /// Where clients reach the gateway.
    pub public_url: String,
    /// The database.
    pub database: Database,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Encrypts what is stored encrypted.
    pub master_key: MasterKey,
}

impl App {
    /// Puts the parts together. Asks the database nothing yet.
    pub fn new(parts: Parts) -> Result<Arc<Self>> {
        let vault = Arc::new(Vault::new(&parts.master_key)?);
        let access = access(&parts, &vault);
        let Parts {
            config,
            public_url,
            database,
            clock,
            random,
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

    /// Gives the app its job runner, made of the domains' jobs; once, at start.
    pub fn install_runner(&self, runner: Runner<Arc<Self>>) {
        // A second one would be a fault of the start code; the first stays.
        let _first = self.runner.set(runner);
    }

    /// The job runner, once the start has installed it.
    #[must_use]
    pub fn runner(&self) -> Option<&Runner<Arc<Self>>> {
        self.runner.get()
    }
}

/// Who may, on these parts.
fn access(parts: &Parts, vault: &Arc<Vault>) -> Access {
    let Parts {
        config,
        public_url,
        database,
        clock,
        random,
        ..
    } = parts;
    let (ttl, access_ttl) = (config.tokens.storefront_user, config.tokens.access);
    let keys = KeyRing::new(
        database.clone(),
        clock.clone(),
        random.clone(),
        Arc::clone(vault),
        Lifetimes {
            longest_token: ttl.max(access_ttl),
            renewable: config.anonymous_ttl,
        },
    );
    let tokens = Tokens::new(
        keys,
        clock.clone(),
        random.clone(),
        public_url.clone(),
        ttl,
        access_ttl,
    );
    let sessions = Sessions::new(
        database.clone(),
        clock.clone(),
        random.clone(),
        Arc::clone(vault),
        config.tokens.refresh,
    );
    Access::new(
        database.clone(),
        clock.clone(),
        Organizations::new(database.clone(), clock.clone(), random.clone()),
        Clients::new(database.clone(), clock.clone(), random.clone()),
        tokens,
        sessions,
        config.anonymous_ttl,
    )
}
