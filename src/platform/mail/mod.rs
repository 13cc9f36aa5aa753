//! Mails: one message to one address, by SMTP, or into a file where no mail server is set.
//!
//! A mail is sent by a job, outside any transaction, and may be sent twice when the job dies between the server's
//! answer and its own note of it; both copies then have the same Message-ID. What goes wrong is told apart by whether
//! trying again can help ([`SendFailure`]), and never told with an address or a text.

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

pub use failure::{ProbeFailure, Reason, SendFailure, Step};
pub use message::Message;
pub use smtp::Limits;

/// The folder in the data directory that mails are written to where there is no mail server.
pub const FOLDER: &str = "mail";

/// Sends mails. Each has a connection of its own: nothing is left to go stale when the server is started anew, and a
/// server that hangs holds up no other mail.
pub struct Mailer {
    from: Mailbox,
    clock: Clock,
    route: Route,
}

/// Where mails go.
enum Route {
    Server(Box<Smtp>),
    Files(Folder),
}

impl Mailer {
    /// A mailer with these settings; `data_dir` is where mails without a server are written to. Asks the server
    /// nothing yet.
    ///
    /// # Errors
    /// Internal, when TLS cannot be set up.
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

    /// The same with other limits of time; they are about a server, not about files.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if let Route::Server(server) = &mut self.route {
            server.limits = limits;
        }
        self
    }

    /// Sends a mail: when it returns, the server has taken it, or the file is there.
    ///
    /// # Errors
    /// [`SendFailure`] says whether trying again can help.
    pub async fn send(&self, message: Message) -> Result<(), SendFailure> {
        let now = self.clock.now();
        let mail = message.compose(&self.from, now).map_err(SendFailure::Permanent)?;
        match &self.route {
            Route::Server(server) => Ok(server.send(mail.envelope(), &mail.formatted()).await?),
            Route::Files(folder) => {
                let name = file::name(now, &message.concerns, &message.message_id);
                folder
                    .write(name.clone(), mail.formatted())
                    .await
                    .map_err(|error| SendFailure::Temporary(Reason::File(error.kind())))?;
                tracing::info!(file = name, "mail written to {FOLDER}/ of the data directory");
                Ok(())
            }
        }
    }

    /// Removes the files of mails that concern somebody, by their id. What a server has taken is out of our hands.
    ///
    /// # Errors
    /// [`Error::Internal`] when a file cannot be removed.
    pub async fn forget(&self, concerns: &str) -> Result<()> {
        match &self.route {
            Route::Server(_) => Ok(()),
            Route::Files(folder) => folder.forget(concerns).await.map_err(Error::internal),
        }
    }

    /// Whether mails could be sent now: connects, encrypts and signs in as for a mail, or writes and removes a file.
    ///
    /// # Errors
    /// What stands in the way, for an operator.
    pub async fn probe(&self) -> Result<(), ProbeFailure> {
        match &self.route {
            Route::Server(server) => server.probe().await,
            Route::Files(folder) => folder.probe().await.map_err(ProbeFailure::Folder),
        }
    }
}
