//! Why a mail was not sent.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use lettre::transport::smtp::Error as SmtpError;

use crate::error::Error;
use crate::platform::job::{JobFailure, PublicCause};

/// Why a mail was not sent, and whether a retry can succeed. Nothing of the server's reply is repeated, because servers
/// repeat the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// This mail will be refused however often it is retried.
    Permanent(Reason),
    /// The cause is the server, the connection to it, or the settings: a retry may succeed.
    Temporary(Reason),
}

/// The cause of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The recipient's address is invalid, or cannot be used in a mail.
    Address,
    /// The message id contains characters that are not allowed in one (RFC 5322 §3.6.4).
    MessageId,
    /// The message could not be built for another reason.
    Message,
    /// An address has characters outside ASCII, and the server does not offer SMTPUTF8 (RFC 6531).
    International,
    /// The server refused with this code (RFC 5321 §4.2).
    Refused(SmtpStep, u16),
    /// The server did not answer in time.
    Silent(SmtpStep),
    /// The server cannot be reached, or the connection broke.
    Network(SmtpStep, io::ErrorKind),
    /// The connection could not be encrypted.
    Tls,
    /// The server does not offer the encryption that the settings require, or an attacker removed the offer from its
    /// response.
    NoTls,
    /// The server's response is not valid SMTP, or lacks what the settings require.
    Protocol(SmtpStep),
    /// The file could not be written.
    File(io::ErrorKind),
}

/// The step at which sending a mail failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpStep {
    /// Connecting, greeting, encrypting.
    Connect,
    /// Authentication.
    SignIn,
    /// Naming the sender (`MAIL FROM`).
    Sender,
    /// Naming the recipient (`RCPT TO`).
    Recipient,
    /// Transferring the content.
    Content,
    /// Checking that the server responds.
    Probe,
}

impl SmtpStep {
    const fn words(self) -> &'static str {
        match self {
            Self::Connect => "the connection",
            Self::SignIn => "the sign-in",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Content => "the content",
            Self::Probe => "the test command",
        }
    }
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent(reason) => write!(f, "the mail cannot be sent: {reason}"),
            Self::Temporary(reason) => write!(f, "the mail was not sent: {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address is not valid in a mail"),
            Self::MessageId => f.write_str("the message id is not valid in a mail"),
            Self::Message => f.write_str("the message cannot be created"),
            Self::International => f.write_str(
                "an address has non-ASCII characters, which the mail server does not support (SMTPUTF8)",
            ),
            Self::Refused(step, code) => write!(f, "the mail server refused {} ({code})", step.words()),
            Self::Silent(step) => write!(f, "the mail server did not answer in time after {}", step.words()),
            Self::Network(SmtpStep::Connect, kind) => write!(f, "the mail server cannot be reached ({kind})"),
            Self::Network(step, kind) => {
                let step = step.words();
                write!(f, "the mail server closed the connection after {step} ({kind})")
            }
            Self::Tls => f.write_str("cannot encrypt the connection to the mail server"),
            Self::NoTls => f.write_str(NO_TLS),
            Self::Protocol(step) => {
                let step = step.words();
                write!(f, "the mail server sent an unexpected response after {step}")
            }
            Self::File(kind) => write!(f, "cannot write the file ({kind})"),
        }
    }
}

const NO_TLS: &str = "the mail server does not offer encryption (STARTTLS), which GATEWAY_SMTP_URL requires for the \
     login and mails; ?tls=none sends both unencrypted";

impl StdError for SendFailure {}

/// Converts to the failure of a job.
impl From<SendFailure> for JobFailure {
    fn from(failure: SendFailure) -> Self {
        let error = Error::internal(PublicCause(failure.to_string()));
        match failure {
            SendFailure::Permanent(_) => Self::Fail(error),
            SendFailure::Temporary(_) => Self::Retry(error),
        }
    }
}

/// Why mails cannot be sent at present. Unlike [`SendFailure`] it contains the cause, because no person is involved.
#[derive(Debug)]
pub enum ProbeFailure {
    /// The server did not answer in time.
    Silent(SmtpStep),
    /// The server refused, or cannot be reached.
    Server(SmtpError),
    /// The server does not offer the encryption that the settings require.
    NoTls,
    /// The folder cannot be written to.
    Folder(io::Error),
}

impl fmt::Display for ProbeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(step) => write!(f, "it did not answer in time after {}", step.words()),
            Self::Server(_) => f.write_str("the connection failed"),
            Self::NoTls => f.write_str(NO_TLS),
            Self::Folder(_) => f.write_str("cannot write a file"),
        }
    }
}

impl StdError for ProbeFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Silent(_) | Self::NoTls => None,
            Self::Server(error) => Some(error),
            Self::Folder(error) => Some(error),
        }
    }
}

/// A failed step of the session with a server.
#[derive(Debug)]
pub(super) enum SmtpFault {
    /// The server did not answer in time.
    Silent(SmtpStep),
    /// The server does not accept addresses outside ASCII.
    International,
    /// The server does not offer STARTTLS, which the settings require.
    NoTls,
    /// The server refused, closed the connection, or sent an invalid response.
    Smtp(SmtpStep, SmtpError),
}

/// Codes that concern the gateway's authentication, at whatever step they occur (RFC 4954 §6).
const SIGN_IN_CODES: [u16; 4] = [530, 534, 535, 538];

impl From<SmtpFault> for SendFailure {
    fn from(fault: SmtpFault) -> Self {
        let (step, error) = match fault {
            SmtpFault::Silent(step) => return Self::Temporary(Reason::Silent(step)),
            SmtpFault::International => return Self::Permanent(Reason::International),
            SmtpFault::NoTls => return Self::Temporary(Reason::NoTls),
            SmtpFault::Smtp(step, error) => (step, error),
        };
        if let Some(code) = error.status() {
            let code = code.into();
            // Refusals before the recipient concern the gateway: its operator can fix the cause while the mail waits.
            let about_the_mail = matches!(step, SmtpStep::Recipient | SmtpStep::Content);
            let is_permanent = error.is_permanent() && about_the_mail && !SIGN_IN_CODES.contains(&code);
            let failure = if is_permanent {
                Self::Permanent
            } else {
                Self::Temporary
            };
            return failure(Reason::Refused(step, code));
        }
        Self::Temporary(match io_kind(&error) {
            _ if error.is_tls() => Reason::Tls,
            // rustls reports TLS errors as I/O errors of this kind.
            Some(io::ErrorKind::InvalidData) => Reason::Tls,
            Some(kind) => Reason::Network(step, kind),
            None if step == SmtpStep::Connect && !error.is_response() && !error.is_client() => {
                Reason::Network(step, io::ErrorKind::NotFound)
            }
            None => Reason::Protocol(step),
        })
    }
}

impl From<SmtpFault> for ProbeFailure {
    fn from(fault: SmtpFault) -> Self {
        match fault {
            SmtpFault::Smtp(_, error) => Self::Server(error),
            SmtpFault::NoTls => Self::NoTls,
            SmtpFault::Silent(step) => Self::Silent(step),
            // A probe names no address.
            SmtpFault::International => Self::Silent(SmtpStep::Sender),
        }
    }
}

fn io_kind(error: &SmtpError) -> Option<io::ErrorKind> {
    let mut sources = std::iter::successors(error.source(), |error| (**error).source());
    sources
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}
