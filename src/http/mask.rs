//! What of an error reaches the client: a code with each, a message that repeats nothing that was sent, and of internal
//! errors the request's id only (ERR-02).

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use metrics::counter;

use super::fault::internal_message;
use crate::error::Error;

/// How far the request had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The document was found invalid, and nothing ran.
    Validation,
    /// Resolvers ran.
    Execution,
}

const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
const INTERNAL: &str = "INTERNAL";

/// Makes the errors fit for the wire, and logs those that somebody must see.
pub(super) fn mask(errors: &mut [ServerError], stage: Stage, request_id: &str) {
    for error in errors {
        match error.source::<Error>() {
            Some(Error::Internal(cause)) => {
                tracing::error!(request_id, cause = ?cause, "a request failed");
                error.message = internal_message(request_id);
            }
            Some(Error::Rejected(faults)) => {
                tracing::error!(request_id, codes = ?faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
                    "user errors were raised where no payload takes them");
                error.message = internal_message(request_id);
            }
            Some(ours @ (Error::Unavailable(_) | Error::Timeout | Error::SearchTimeout)) => {
                tracing::debug!(request_id, error = ?ours, "a request could not be answered");
            }
            Some(_) => {}
            None if code_of(error).is_some() => {}
            None => {
                let (code, message) = of_library(&error.message, stage);
                if code == INTERNAL {
                    tracing::error!(request_id, "an error without a known cause was raised");
                    error.message = internal_message(request_id);
                } else if let Some(message) = message {
                    error.message = message;
                }
                let mut extensions = ErrorExtensionValues::default();
                extensions.set("code", code);
                error.extensions = Some(extensions);
            }
        }
        error.source = None;
    }
}

/// Counts errors by their code.
pub(super) fn count(errors: &[ServerError]) {
    for error in errors {
        let code = code_of(error).unwrap_or(INTERNAL).to_owned();
        counter!("gateway_errors_total", "code" => code).increment(1);
    }
}

/// The code of an error that has one.
pub(super) fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Whether the library found a value that does not fit its type, while resolvers ran.
pub(super) fn is_bad_value(error: &ServerError) -> bool {
    error.source.is_none() && of_library(&error.message, Stage::Execution).0 == BAD_USER_INPUT
}

/// The code of an error that the library made, and its message where the library's own repeats what was sent. Names of
/// fields, types, arguments and variables may stand; values may not.
fn of_library(message: &str, stage: Stage) -> (&'static str, Option<String>) {
    if let Some(rest) = message.strip_prefix("Invalid value for argument ") {
        return (
            BAD_USER_INPUT,
            Some(format!("Invalid value for {}.", without_value(rest))),
        );
    }
    if let Some(rest) = message.strip_prefix("Invalid default value for argument: ") {
        return (
            BAD_USER_INPUT,
            Some(format!("Invalid default value for {}.", without_value(rest))),
        );
    }
    if let Some(rest) = message.strip_prefix("Expected input type \"") {
        return (BAD_USER_INPUT, Some(wrong_type(rest)));
    }
    if let Some(rest) = message.strip_prefix("Failed to parse \"") {
        let is_enum = rest.contains("\": Enumeration type does not contain value ");
        return (BAD_USER_INPUT, is_enum.then(|| wrong_type(rest)));
    }
    if let Some(name) = message
        .strip_prefix("Variable ")
        .and_then(|rest| rest.strip_suffix(" is not defined."))
    {
        let message = format!("The variable \"${name}\" is needed here, but no value was sent for it.");
        return (BAD_USER_INPUT, Some(message));
    }
    if message.starts_with("The recursion depth of the query")
        || message.starts_with("The number of directives")
    {
        return (LIMIT_EXCEEDED, None);
    }
    match stage {
        Stage::Validation => (VALIDATION_FAILED, None),
        Stage::Execution => (INTERNAL, None),
    }
}

/// The reason that the library's validation gives, without the value of an enum that is none of its values.
fn without_value(reason: &str) -> String {
    match reason.split_once(" does not contain the value ") {
        Some((place, _value)) => format!("{place} has no such value"),
        None => reason.replace(
            "Oneof input objects requires have exactly one field",
            "exactly one of its fields is needed",
        ),
    }
}

/// A sentence about the type whose name ends at the next quote.
fn wrong_type(rest: &str) -> String {
    let name = rest.split('"').next().unwrap_or_default();
    format!("A value does not fit its type: expected \"{name}\".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{UserError, UserErrorCode};

    fn masked(error: ServerError, stage: Stage) -> (String, String) {
        let mut errors = [error];
        mask(&mut errors, stage, "r1");
        let [error] = errors;
        assert!(error.source.is_none());
        (code_of(&error).expect("a code").to_owned(), error.message)
    }

    // ERR-02
    #[test]
    fn an_internal_error_says_its_request_id_only() {
        let rejected = UserError::new(UserErrorCode::Required, ["name"], "s3cret");
        for error in [Error::internal("s3cret"), Error::rejected(rejected)] {
            let (code, message) = masked(error.to_server_error(), Stage::Execution);
            assert_eq!(code, "INTERNAL");
            assert_eq!(message, "Something went wrong on our side. Request id: r1");
        }
    }

    // ERR-02
    #[test]
    fn what_the_library_says_repeats_no_value() {
        for (message, code) in [
            (
                r#"Invalid value for argument "kind", enumeration type "Kind" does not contain the value "s3cret""#,
                BAD_USER_INPUT,
            ),
            (r#"Expected input type "Int", found "s3cret"."#, BAD_USER_INPUT),
            (
                r#"Expected input type "Int", found {a: "s3cret"}. (occurred while parsing "Input")"#,
                BAD_USER_INPUT,
            ),
            (
                r#"Failed to parse "Kind": Enumeration type does not contain value "s3cret"."#,
                BAD_USER_INPUT,
            ),
        ] {
            for stage in [Stage::Validation, Stage::Execution] {
                let (found, said) = masked(ServerError::new(message, None), stage);
                assert_eq!(found, code, "{message}");
                assert!(!said.contains("s3cret"), "{said}");
            }
        }
    }

    #[test]
    fn a_wrong_value_is_said_to_be_one_and_where() {
        let said = |message: &str| masked(ServerError::new(message, None), Stage::Validation).1;
        assert_eq!(
            said(r#"Invalid value for argument "by.id", expected type "ID""#),
            r#"Invalid value for "by.id", expected type "ID"."#
        );
        assert_eq!(
            said(r#"Failed to parse "Int": Only integers from 1 to 2 are accepted."#),
            r#"Failed to parse "Int": Only integers from 1 to 2 are accepted."#
        );
        assert_eq!(
            said("Variable x is not defined."),
            r#"The variable "$x" is needed here, but no value was sent for it."#
        );
    }

    #[test]
    fn an_invalid_document_is_told_from_a_failed_resolver() {
        let unknown = || ServerError::new(r#"Unknown field "a" on type "Query"."#, None);
        assert_eq!(masked(unknown(), Stage::Validation).0, VALIDATION_FAILED);
        assert_eq!(masked(unknown(), Stage::Execution).0, INTERNAL);
    }
}
