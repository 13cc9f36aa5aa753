//! Masks the errors in a response: each has a code and a message that repeats no value that was sent; an internal error
//! has only the request id (ERR-02).

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use metrics::counter;

use super::fault::internal_message;
use crate::error::Error;

const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
const INTERNAL: &str = "INTERNAL";

/// Masks the errors for the response, and logs those that need attention.
pub(super) fn mask(errors: &mut [ServerError], request_id: &str) {
    for error in errors {
        match error.source::<Error>() {
            Some(Error::Internal(cause)) => {
                tracing::error!(request_id, cause = ?cause, "request failed");
                error.message = internal_message(request_id);
            }
            Some(Error::Rejected(faults)) => {
                tracing::error!(request_id, codes = ?faults.iter().map(|fault| fault.code).collect::<Vec<_>>(),
                    "user errors raised by a field without userErrors in its payload");
                error.message = internal_message(request_id);
            }
            Some(ours @ (Error::Unavailable(_) | Error::Timeout | Error::SearchTimeout)) => {
                tracing::debug!(request_id, error = ?ours, "cannot answer a request");
            }
            Some(_) => {}
            None if code_of(error).is_some() => {}
            None => {
                let (code, message) = of_library(&error.message);
                if code == INTERNAL {
                    tracing::error!(request_id, "GraphQL error without a known cause");
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

/// Returns the code of an error, if it has one.
pub(super) fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Returns the code for an error of the library, and a replacement for its message if that repeats a value that was
/// sent. Names of fields, types, arguments and variables may be repeated; values may not.
fn of_library(message: &str) -> (&'static str, Option<String>) {
    if let Some(rest) = message.strip_prefix("Expected input type \"") {
        return (BAD_USER_INPUT, Some(wrong_type(rest)));
    }
    if let Some(rest) = message.strip_prefix("Failed to parse \"") {
        let is_enum = rest.contains("\": Enumeration type does not contain value ");
        return (BAD_USER_INPUT, is_enum.then(|| wrong_type(rest)));
    }
    if message.starts_with("The recursion depth of the query") {
        return (LIMIT_EXCEEDED, None);
    }
    (INTERNAL, None)
}

/// Makes a message about the type whose name ends at the next quote.
fn wrong_type(rest: &str) -> String {
    let name = rest.split('"').next().unwrap_or_default();
    format!("A value does not fit its type: expected \"{name}\".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{UserError, UserErrorCode};

    fn masked(error: ServerError) -> (String, String) {
        let mut errors = [error];
        mask(&mut errors, "r1");
        let [error] = errors;
        assert!(error.source.is_none());
        (code_of(&error).expect("a code").to_owned(), error.message)
    }

    // ERR-02
    #[test]
    fn an_internal_error_says_its_request_id_only() {
        let rejected = UserError::new(UserErrorCode::Required, ["name"], "s3cret");
        for error in [Error::internal("s3cret"), Error::rejected(rejected)] {
            let (code, message) = masked(error.to_server_error());
            assert_eq!(code, "INTERNAL");
            assert_eq!(message, "Something went wrong on our side. Request id: r1");
        }
    }

    // ERR-02
    #[test]
    fn what_the_library_says_repeats_no_value() {
        for message in [
            r#"Expected input type "Int", found "s3cret"."#,
            r#"Expected input type "Int", found {a: "s3cret"}. (occurred while parsing "Input")"#,
            r#"Failed to parse "Kind": Enumeration type does not contain value "s3cret"."#,
        ] {
            let (code, said) = masked(ServerError::new(message, None));
            assert_eq!(code, BAD_USER_INPUT, "{message}");
            assert!(!said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn what_a_validator_of_the_library_says_stays() {
        let message = r#"Failed to parse "Int": Only integers from 1 to 2 are accepted."#;
        assert_eq!(masked(ServerError::new(message, None)).1, message);
        assert_eq!(masked(ServerError::new("unheard of", None)).0, INTERNAL);
    }
}
