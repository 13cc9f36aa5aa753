//! Classifies the driver's errors and limits what is disclosed of them: the server repeats keys and documents in its
//! messages, which contain personal data (EPC-05).

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use mongodb::error::{
    CommandError, Error as DriverError, ErrorKind, GridFsErrorKind, RETRYABLE_WRITE_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteConcernError, WriteError,
    WriteFailure,
};

use crate::error::Error;

/// Error code of a violated unique index.
const DUPLICATE_KEY: i32 = 11000;
/// Error code of a command that exceeded its time limit; only searches have one.
const MAX_TIME_EXPIRED: i32 = 50;

/// An error of the driver. Its `Debug` and `Display` say what happened and where: codes, labels, the violated index,
/// the field that could not be read. They omit the server's messages, which contain values, and its replies.
#[derive(Clone)]
pub struct DatabaseFault(DriverError);

impl DatabaseFault {
    /// Returns the name of the unique index that a write violated.
    fn violated_index(&self) -> Option<&str> {
        match &*self.0.kind {
            ErrorKind::Write(WriteFailure::WriteError(write)) => index_in(write.code, &write.message),
            ErrorKind::Command(command) => index_in(command.code, &command.message),
            _ => None,
        }
    }

    fn was_not_kept(&self) -> bool {
        let Self(error) = self;
        if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
            || error.contains_label(RETRYABLE_WRITE_ERROR)
        {
            return false;
        }
        let refused = matches!(
            &*error.kind,
            ErrorKind::Command(_)
                | ErrorKind::Write(WriteFailure::WriteError(_))
                | ErrorKind::ServerSelection { .. }
        );
        // An aborted transaction is rolled back.
        refused || error.contains_label(TRANSIENT_TRANSACTION_ERROR)
    }

    /// Returns whether a later retry may succeed.
    fn is_passing(&self) -> bool {
        let Self(error) = self;
        let labels = [
            TRANSIENT_TRANSACTION_ERROR,
            RETRYABLE_WRITE_ERROR,
            UNKNOWN_TRANSACTION_COMMIT_RESULT,
        ];
        labels.iter().any(|label| error.contains_label(label))
            || matches!(
                &*error.kind,
                ErrorKind::ServerSelection { .. }
                    | ErrorKind::ConnectionPoolCleared { .. }
                    | ErrorKind::Io(_)
                    | ErrorKind::Shutdown
            )
            // NotWritablePrimary, PrimarySteppedDown, ShutdownInProgress, InterruptedAtShutdown,
            // InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary
            || matches!(command_code(error), Some(10107 | 189 | 91 | 11600 | 11602 | 13435 | 13436))
    }
}

/// Returns the code with which the server refused a command.
pub(super) fn command_code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}

/// Returns the index that the server's message on a duplicate key names.
fn index_in(code: i32, message: &str) -> Option<&str> {
    let (_, rest) = (code == DUPLICATE_KEY).then(|| message.split_once(" index: "))??;
    rest.split_whitespace().next()
}

impl fmt::Display for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.0, f)
    }
}

impl fmt::Debug for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseFault({self})")
    }
}

// Has no source, because its message would be disclosed as well.
impl StdError for DatabaseFault {}

fn describe(error: &DriverError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &*error.kind {
        ErrorKind::Command(CommandError {
            code,
            code_name,
            message,
            ..
        }) => refused(f, "a command", *code, code_name, message)?,
        ErrorKind::Write(WriteFailure::WriteError(WriteError {
            code,
            code_name,
            message,
            ..
        })) => {
            let name = code_name.as_deref().unwrap_or_default();
            refused(f, "a write", *code, name, message)?;
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(WriteConcernError { code, code_name, .. })) => {
            refused(f, "to acknowledge a write", *code, code_name, "")?;
        }
        ErrorKind::InsertMany(many) => {
            let first = many.write_errors.iter().flatten().next();
            let (code, message) = first.map_or((0, ""), |write| (write.code, &write.message));
            refused(f, "one of several writes", code, "", message)?;
        }
        ErrorKind::Bson(bson) => {
            f.write_str("a document cannot be converted from or to its type")?;
            if let Some(key) = &bson.key {
                write!(f, ", at {key}")?;
            }
        }
        ErrorKind::GridFs(GridFsErrorKind::AbortError { delete_error, .. }) => describe(delete_error, f)?,
        // The driver's own messages, about servers, settings and chunks of files.
        kind @ (ErrorKind::Authentication { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::GridFs(_)
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::Internal { .. }
        | ErrorKind::InvalidArgument { .. }
        | ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::SessionsNotSupported
        | ErrorKind::Shutdown
        | ErrorKind::Transaction { .. }) => write!(f, "{kind}")?,
        ErrorKind::InvalidResponse { .. } => f.write_str("the server's reply cannot be read")?,
        _ => f.write_str("the driver failed in another way")?,
    }
    let mut labels: Vec<&str> = error.labels().iter().map(String::as_str).collect();
    labels.sort_unstable();
    if !labels.is_empty() {
        write!(f, ", labels {}", labels.join(" "))?;
    }
    // The driver retried the operation; the source is the error of the first attempt.
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(earlier) => {
            f.write_str("; before that, ")?;
            describe(earlier, f)
        }
        None => Ok(()),
    }
}

fn refused(f: &mut fmt::Formatter<'_>, what: &str, code: i32, name: &str, message: &str) -> fmt::Result {
    write!(f, "the server refused {what}: code {code}")?;
    if !name.is_empty() {
        write!(f, " ({name})")?;
    }
    match index_in(code, message) {
        Some(index) => write!(f, ", index {index}"),
        None => Ok(()),
    }
}

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Self {
        let fault = DatabaseFault(error);
        if fault.is_passing() {
            Self::Unavailable(Arc::new(fault))
        } else if command_code(&fault.0) == Some(MAX_TIME_EXPIRED) {
            Self::SearchTimeout
        } else {
            Self::Internal(Arc::new(fault))
        }
    }
}

impl From<bson::error::Error> for Error {
    /// A document of another form than the code expects; its values are not disclosed.
    fn from(error: bson::error::Error) -> Self {
        DriverError::from(error).into()
    }
}

/// Converts to the driver's own error, whose labels decide on a retry; other errors are wrapped.
pub(super) fn to_driver(error: Error) -> DriverError {
    match fault(&error) {
        Some(DatabaseFault(driver)) => driver.clone(),
        None => DriverError::custom(error),
    }
}

/// Reverses [`to_driver`].
pub(super) fn from_driver(error: DriverError) -> Error {
    match error.get_custom::<Error>() {
        Some(ours) => ours.clone(),
        None => error.into(),
    }
}

fn fault(error: &Error) -> Option<&DatabaseFault> {
    match error {
        Error::Unavailable(source) | Error::Internal(source) => source.downcast_ref(),
        _ => None,
    }
}

/// Returns whether the database itself refused the operation or never received it, so that nothing was stored. Returns
/// `false` for errors of other origin, and where the response was lost, so that the result is unknown.
#[must_use]
pub fn was_not_kept(error: &Error) -> bool {
    fault(error).is_some_and(DatabaseFault::was_not_kept)
}

/// Returns the name of the unique index that a write violated, if the error is such a violation.
#[must_use]
pub fn violated_index(error: &Error) -> Option<&str> {
    fault(error)?.violated_index()
}
