//! How a command ends that did not do what it was asked for.

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

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong use, or help that was asked for.
    Usage(Box<clap::Error>),
    /// An error, in words.
    Message(String),
    /// An error that was told already, on standard output or in the log.
    Known,
    /// A second Ctrl-C while the gateway was stopping.
    Interrupted,
}

impl Failure {
    /// An error in words: begins with a small letter, names the thing and the way out.
    pub(super) fn message(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// Writes the error, and says what the process is to end with.
    pub(super) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // Where standard error is closed there is nobody to tell.
                let _unheard = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(ERROR));
            }
            Self::Message(message) => {
                let _unheard = writeln!(std::io::stderr().lock(), "error: {message}");
            }
            Self::Known => {}
            Self::Interrupted => return ExitCode::from(INTERRUPTED),
        }
        ExitCode::from(ERROR)
    }
}

impl From<ConfigFaults> for Failure {
    fn from(ConfigFaults(faults): ConfigFaults) -> Self {
        let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
        Self::Message(format!(
            "{} not valid:{}",
            if faults.len() == 1 {
                "1 setting is".to_owned()
            } else {
                format!("{} settings are", faults.len())
            },
            lines.concat()
        ))
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

/// An error of the house for an operator, who may know the cause.
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

/// An error with its causes, leaving out those that it repeats itself.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
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
    fn all_wrong_settings_are_told_at_once() {
        let fault = |variable: &str| SettingFault {
            variable: variable.to_owned(),
            message: "is wrong".to_owned(),
        };
        let Failure::Message(message) = ConfigFaults(vec![fault("GATEWAY_A"), fault("GATEWAY_B")]).into()
        else {
            panic!("told")
        };
        assert_eq!(
            message,
            "2 settings are not valid:\n  GATEWAY_A: is wrong\n  GATEWAY_B: is wrong"
        );
    }

    #[test]
    fn an_operator_is_told_the_cause() {
        let Failure::Message(message) = Error::internal("the index is in the way").into() else {
            panic!("told")
        };
        assert_eq!(message, "the index is in the way");
    }
}
