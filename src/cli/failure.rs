//! Errors of commands, and how the process ends then.

use std::error::Error as StdError;
use std::io::Write;
use std::process::ExitCode;

use crate::config::ConfigFaults;
use crate::error::Error;
use crate::telemetry;

/// Exit code of an error.
const ERROR: u8 = 1;
/// Exit code of a second Ctrl-C: 128 and the signal's number, as shells count it.
const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong use, or a request for help.
    Usage(Box<clap::Error>),
    /// An error, in words.
    Message(String),
    /// An error that was reported already, on standard output or in the log.
    Known,
    /// A second Ctrl-C while the gateway was stopping.
    Interrupted,
}

impl Failure {
    /// An error in words: begins with a small letter, and names the object and the remedy.
    pub(super) fn message(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// Writes the error, and returns the exit code of the process.
    pub(super) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // A closed standard error is no failure.
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(ERROR));
            }
            Self::Message(message) => {
                let _ = writeln!(std::io::stderr().lock(), "error: {message}");
            }
            Self::Known => {}
            Self::Interrupted => return ExitCode::from(INTERRUPTED),
        }
        ExitCode::from(ERROR)
    }
}

impl From<ConfigFaults> for Failure {
    fn from(ConfigFaults(faults): ConfigFaults) -> Self {
        let lines: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
        let count = match faults.len() {
            1 => "1 setting is".to_owned(),
            many => format!("{many} settings are"),
        };
        Self::Message(format!("{count} not valid:{lines}"))
    }
}

impl From<telemetry::TelemetryFault> for Failure {
    fn from(fault: telemetry::TelemetryFault) -> Self {
        Self::Message(chain(&fault))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Message(explain(&error))
    }
}

/// Returns an error's text for an operator, with its cause.
pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::Unavailable(source) => format!(
            "the database does not answer (check GATEWAY_MONGODB_URI if it is set): {}",
            chain(&**source)
        ),
        Error::Internal(source) => chain(&**source),
        Error::Rejected(faults) => {
            let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            messages.join(" ")
        }
        other => other.message(),
    }
}

/// Returns an error with its causes, except those that its text contains already.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SettingFault;

    #[test]
    fn all_wrong_settings_are_reported_at_once() {
        let fault = |variable: &str| SettingFault {
            variable: variable.to_owned(),
            message: "is wrong".to_owned(),
        };
        let Failure::Message(message) = ConfigFaults(vec![fault("GATEWAY_A"), fault("GATEWAY_B")]).into()
        else {
            panic!("a message")
        };
        assert_eq!(
            message,
            "2 settings are not valid:\n  GATEWAY_A: is wrong\n  GATEWAY_B: is wrong"
        );
    }

    #[test]
    fn an_operator_learns_the_cause() {
        let Failure::Message(message) = Error::internal("the index is in the way").into() else {
            panic!("a message")
        };
        assert_eq!(message, "the index is in the way");
    }
}
