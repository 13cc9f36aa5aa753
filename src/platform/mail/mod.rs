//! Mails: one message to one address, by SMTP, or into a file if no mail server is configured.
//!
//! A mail is sent by a job, outside of any transaction, and may be sent twice if the job dies between the server's
//! response and the record of it; both copies then have the same Message-ID. Failures are classified by whether a retry
//! can succeed ([`SendFailure`]), and never contain an address or text of the mail.

mod failure;
mod file;
mod message;
mod smtp;

use std::path::Path;

use lettre::message::Mailbox;

use self::file::Folder;
use self::smtp::Smtp;
use super::clock::Clock;
use crate::config::MailConfig;
use crate::error::{Error, Result};

pub use self::failure::{ProbeFailure, Reason, SendFailure, SmtpStep};
pub use self::smtp::SmtpLimits;
pub use message::Message;

/// The folder in the data directory for mails that are written to files.
pub const FOLDER: &str = "mail";

/// Sends mails. Each mail uses its own connection: no connection becomes stale when the server restarts, and a server
/// that hangs delays no other mail.
pub struct Mailer {
    from: Mailbox,
    clock: Clock,
    route: Route,
}

/// The destination of mails.
enum Route {
    Server(Box<Smtp>),
    Files(Folder),
}

impl Mailer {
    /// Creates a mailer with these settings; mails without a server are written below `data_dir`. Does not connect to
    /// the server yet.
    ///
    /// # Errors
    /// [`Error::Internal`] when TLS cannot be set up.
    pub fn new(config: &MailConfig, data_dir: &Path, clock: Clock) -> Result<Self> {
        let MailConfig { smtp, from } = config;
        let route = match smtp {
            Some(server) => Route::Server(Box::new(Smtp::new(server).map_err(Error::internal)?)),
            None => Route::Files(Folder::new(data_dir.join(FOLDER))),
        };
        Ok(Self {
            from: from.clone(),
            clock,
            route,
        })
    }

    /// Replaces the time limits, which apply to a server and not to files.
    #[must_use]
    pub fn with_limits(mut self, limits: SmtpLimits) -> Self {
        if let Route::Server(server) = &mut self.route {
            server.limits = limits;
        }
        self
    }

    /// Sends a mail. On success, the server has accepted it, or the file is written.
    ///
    /// # Errors
    /// [`SendFailure`] says whether a retry can succeed.
    pub async fn send(&self, message: Message) -> Result<(), SendFailure> {
        let now = self.clock.now();
        let mail = message.compose(&self.from, now).map_err(SendFailure::Permanent)?;
        match &self.route {
            Route::Server(server) => Ok(server.send(mail.envelope(), &mail.formatted()).await?),
            Route::Files(folder) => {
                let name = file::name(now, &message.concerns, &message.message_id);
                let written = folder.write(name.clone(), mail.formatted()).await;
                written.map_err(|error| SendFailure::Temporary(Reason::File(error.kind())))?;
                tracing::info!(file = name, "mail written to {FOLDER}/ of the data directory");
                Ok(())
            }
        }
    }

    /// Removes the files of mails that concern a person, by the person's id. Mails that a server has accepted cannot be
    /// recalled.
    ///
    /// # Errors
    /// [`Error::Internal`] when a file cannot be removed.
    pub async fn forget(&self, concerns: &str) -> Result<()> {
        match &self.route {
            Route::Server(_) => Ok(()),
            Route::Files(folder) => folder.forget(concerns).await.map_err(Error::internal),
        }
    }

    /// Checks whether mails can be sent at present: connects, encrypts and signs in as for a mail, or writes and
    /// removes a file.
    ///
    /// # Errors
    /// The obstacle, for an operator.
    pub async fn probe(&self) -> Result<(), ProbeFailure> {
        match &self.route {
            Route::Server(server) => server.probe().await,
            Route::Files(folder) => folder.probe().await.map_err(ProbeFailure::Folder),
        }
    }
}
