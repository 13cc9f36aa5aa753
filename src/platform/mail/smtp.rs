//! A session with a mail server (RFC 5321), step by step, each with a time limit.
//!
//! lettre's own transport neither reports which step was refused nor limits the time of a response, and its `QUIT` can
//! fail after the mail was accepted. The steps are therefore implemented here, on lettre's connection.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{ProbeFailure, SendFailure, SmtpFault, SmtpStep};
use crate::config::{SmtpEncryption, SmtpLogin, SmtpServer};

/// How long the server may take to answer `QUIT`, whose result does not matter.
const FAREWELL: Duration = Duration::from_secs(1);

/// Time limits of a mail server. A mail that times out is retried, so these are far below what RFC 5321 §4.5.3.2 allows
/// a relay.
#[derive(Clone, Copy, Debug)]
pub struct SmtpLimits {
    /// To accept the connection, greet and encrypt.
    pub connect: Duration,
    /// To answer one command; the content counts as one command.
    pub command: Duration,
    /// For the whole mail.
    pub mail: Duration,
}

impl Default for SmtpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            command: Duration::from_secs(30),
            mail: Duration::from_secs(60),
        }
    }
}

/// A mail server.
pub(super) struct Smtp {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    hello: ClientId,
    pub(super) limits: SmtpLimits,
}

impl Smtp {
    pub(super) fn new(server: &SmtpServer) -> Result<Self, SmtpError> {
        let parameters = || TlsParameters::new(server.host.clone());
        let credentials = server.login.as_ref().map(|SmtpLogin { user, password }| {
            Credentials::new(user.expose().to_owned(), password.expose().to_owned())
        });
        Ok(Self {
            host: server.host.clone(),
            port: server.port,
            tls: match server.encryption {
                SmtpEncryption::Off => Tls::None,
                SmtpEncryption::IfOffered => Tls::Opportunistic(parameters()?),
                SmtpEncryption::Required => Tls::Required(parameters()?),
                SmtpEncryption::FromStart => Tls::Wrapper(parameters()?),
            },
            credentials,
            hello: ClientId::default(),
            limits: SmtpLimits::default(),
        })
    }

    /// Sends a mail. On success, the server has accepted it.
    pub(super) async fn send(&self, envelope: &Envelope, content: &[u8]) -> Result<(), SendFailure> {
        let mut session = Box::pin(self.open()).await?;
        let outcome = Box::pin(session.hand_over(envelope, content)).await;
        session.leave(&outcome).await;
        Ok(outcome?)
    }

    /// Performs everything that sending a mail needs, except the mail itself.
    pub(super) async fn probe(&self) -> Result<(), ProbeFailure> {
        let mut session = Box::pin(self.open()).await?;
        let probe = session.connection.command(Noop);
        let outcome = session.time.step(SmtpStep::Probe, probe).await.map(drop);
        session.leave(&outcome).await;
        Ok(outcome?)
    }

    /// Connects, encrypts and signs in.
    async fn open(&self) -> Result<SmtpSession, SmtpFault> {
        let SmtpLimits {
            connect,
            command,
            mail,
        } = self.limits;
        let time = StepTime {
            limit: command,
            end: Instant::now() + mail,
        };
        let connecting = StepTime {
            limit: connect,
            ..time
        };
        let mut connection = connecting.step(SmtpStep::Connect, self.connect()).await?;
        if matches!(self.tls, Tls::Required(_)) && !connection.is_encrypted() {
            // Only the greeting was exchanged.
            let _unheard = timeout(FAREWELL, connection.quit()).await;
            return Err(SmtpFault::NoTls);
        }
        if let Some(credentials) = &self.credentials {
            let signing_in = connection.auth(DEFAULT_MECHANISMS, credentials);
            time.step(SmtpStep::SignIn, signing_in).await?;
        }
        Ok(SmtpSession { connection, time })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let from_start = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let address = (self.host.as_str(), self.port);
        let limit = Some(self.limits.connect);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, limit, &self.hello, from_start, None).await?;
        match &self.tls {
            // If the server offers STARTTLS, its failure is an error: an attacker would want the session to continue
            // unencrypted.
            Tls::Opportunistic(parameters) | Tls::Required(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.hello).await?;
            }
            // If encryption is required but not offered, the caller detects the unencrypted connection.
            _ => {}
        }
        Ok(connection)
    }
}

/// A connection that is ready to send mails.
struct SmtpSession {
    connection: AsyncSmtpConnection,
    time: StepTime,
}

/// The time limits of a step.
#[derive(Clone, Copy)]
struct StepTime {
    /// Time limit of the step.
    limit: Duration,
    /// End of the time limit of the whole mail.
    end: Instant,
}

impl StepTime {
    /// Runs one step within these limits.
    async fn step<T>(
        self,
        step: SmtpStep,
        work: impl Future<Output = Result<T, SmtpError>>,
    ) -> Result<T, SmtpFault> {
        match timeout_at(self.end.min(Instant::now() + self.limit), work).await {
            Ok(outcome) => outcome.map_err(|error| SmtpFault::Smtp(step, error)),
            Err(_elapsed) => Err(SmtpFault::Silent(step)),
        }
    }
}

impl SmtpSession {
    async fn hand_over(&mut self, envelope: &Envelope, content: &[u8]) -> Result<(), SmtpFault> {
        let options = self.options(content)?;
        let Self { connection, time } = self;
        let sender = Mail::new(envelope.from().cloned(), options);
        time.step(SmtpStep::Sender, connection.command(sender)).await?;
        for address in envelope.to() {
            let recipient = Rcpt::new(address.clone(), Vec::new());
            time.step(SmtpStep::Recipient, connection.command(recipient))
                .await?;
        }
        time.step(SmtpStep::Content, connection.command(Data)).await?;
        time.step(SmtpStep::Content, connection.message(content)).await?;
        Ok(())
    }

    /// Returns the parameters that a mail with an address or a header outside ASCII requires (RFC 6531 §3.4).
    /// Everything else is encoded.
    fn options(&self, content: &[u8]) -> Result<Vec<MailParameter>, SmtpFault> {
        if content.is_ascii() {
            return Ok(Vec::new());
        }
        let server = self.connection.server_info();
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(SmtpFault::International);
        }
        Ok(vec![
            MailParameter::SmtpUtfEight,
            MailParameter::Body(MailBodyParameter::EightBitMime),
        ])
    }

    /// Sends `QUIT`, unless the server no longer answers.
    async fn leave(mut self, outcome: &Result<(), SmtpFault>) {
        if !matches!(outcome, Err(SmtpFault::Silent(_))) {
            // The mail has been accepted or refused: how the connection ends does not matter.
            let _unheard = timeout(FAREWELL, self.connection.quit()).await;
        }
    }
}
