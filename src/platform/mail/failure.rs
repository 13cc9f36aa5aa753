//! Why a mail was not sent.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use lettre::transport::smtp::Error as SmtpError;

use crate::error::Error;
use crate::platform::job::{Failure, Shown};

/// Why a mail was not sent, and whether trying again can help. It repeats nothing that the server said, because
/// servers repeat the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// This mail will be refused however often it is tried.
    Permanent(Reason),
    /// The fault is with the server, the way to it, or the settings: the mail may go later.
    Temporary(Reason),
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The recipient's address is none, or none that can stand in a mail.
    Address,
    /// The message's id has other characters than an id in a mail may have (RFC 5322 §3.6.4).
    MessageId,
    /// The message cannot be made for another reason.
    Message,
    /// An address has characters outside ASCII, and the server takes none (it does not offer SMTPUTF8, RFC 6531).
    International,
    /// The server refused, with this code (RFC 5321 §4.2).
    Refused(Step, u16),
    /// The server did not answer in time.
    Silent(Step),
    /// The way to the server is closed, or broke off.
    Network(Step, io::ErrorKind),
    /// The connection could not be encrypted.
    Tls,
    /// The server does not offer the encryption that the settings ask for, or somebody took the offer out of its answer.
    NoTls,
    /// The server's answer is none that SMTP knows, or it lacks what the settings ask for.
    Protocol(Step),
    /// The file could not be written.
    File(io::ErrorKind),
}

/// How far a mail came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Connecting, greeting, encrypting.
    Connect,
    /// Signing in.
    SignIn,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Handing over the text.
    Content,
    /// Asking for a sign of life.
    Probe,
}

impl Step {
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
            Self::Network(Step::Connect, kind) => write!(f, "the mail server cannot be reached ({kind})"),
            Self::Network(step, kind) => {
                write!(
                    f,
                    "the mail server closed the connection after {} ({kind})",
                    step.words()
                )
            }
            Self::Tls => f.write_str("cannot encrypt the connection to the mail server"),
            Self::NoTls => f.write_str(NO_TLS),
            Self::Protocol(step) => {
                write!(
                    f,
                    "the mail server sent an unexpected answer after {}",
                    step.words()
                )
            }
            Self::File(kind) => write!(f, "cannot write the file ({kind})"),
        }
    }
}

const NO_TLS: &str = "the mail server does not offer encryption (STARTTLS), which GATEWAY_SMTP_URL requires for the \
     login and mails; ?tls=none sends both unencrypted";

impl StdError for SendFailure {}

/// A job's way to say the same.
impl From<SendFailure> for Failure {
    fn from(failure: SendFailure) -> Self {
        let error = Error::internal(Shown(failure.to_string()));
        match failure {
            SendFailure::Permanent(_) => Self::Fail(error),
            SendFailure::Temporary(_) => Self::Retry(error),
        }
    }
}

/// Why mails could not be sent now. Unlike [`SendFailure`] it has the cause, which concerns no person.
#[derive(Debug)]
pub enum ProbeFailure {
    /// The server did not answer in time.
    Silent(Step),
    /// The server refused, or cannot be reached.
    Server(SmtpError),
    /// The server does not offer the encryption that the settings ask for.
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

/// What a step of the conversation with a server ended with.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) step: Step,
    pub(super) cause: Cause,
}

/// What a server did.
#[derive(Debug)]
pub(super) enum Cause {
    /// It did not answer in time.
    Silent,
    /// It takes no addresses outside ASCII.
    International,
    /// It does not offer STARTTLS, which is needed.
    NoTls,
    /// It refused, broke off, or could not be understood.
    Smtp(SmtpError),
}

/// Codes that are about the gateway's own standing with the server, wherever they come (RFC 4954 §6).
const SIGN_IN_CODES: [u16; 4] = [530, 534, 535, 538];

impl From<Fault> for SendFailure {
    fn from(Fault { step, cause }: Fault) -> Self {
        let error = match cause {
            Cause::Silent => return Self::Temporary(Reason::Silent(step)),
            Cause::International => return Self::Permanent(Reason::International),
            Cause::NoTls => return Self::Temporary(Reason::NoTls),
            Cause::Smtp(error) => error,
        };
        if let Some(code) = error.status() {
            let code = code.into();
            let reason = Reason::Refused(step, code);
            // What is refused before the recipient is the gateway's: its operator can mend it while the mail waits.
            let about_the_mail = matches!(step, Step::Recipient | Step::Content);
            if error.is_permanent() && about_the_mail && !SIGN_IN_CODES.contains(&code) {
                return Self::Permanent(reason);
            }
            return Self::Temporary(reason);
        }
        Self::Temporary(match io_kind(&error) {
            _ if error.is_tls() => Reason::Tls,
            // What rustls finds wrong comes as an i/o error of this kind.
            Some(io::ErrorKind::InvalidData) => Reason::Tls,
            Some(kind) => Reason::Network(step, kind),
            None if step == Step::Connect && !error.is_response() && !error.is_client() => {
                Reason::Network(step, io::ErrorKind::NotFound)
            }
            None => Reason::Protocol(step),
        })
    }
}

impl From<Fault> for ProbeFailure {
    fn from(Fault { step, cause }: Fault) -> Self {
        match cause {
            Cause::Smtp(error) => Self::Server(error),
            Cause::NoTls => Self::NoTls,
            Cause::Silent | Cause::International => Self::Silent(step),
        }
    }
}

fn io_kind(error: &SmtpError) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}
