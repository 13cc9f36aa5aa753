//! Parses a scanned text, and explains syntax errors.
//!
//! The parser's own messages may contain a part of the text, and with it a secret such as a password. The messages made
//! here name the position and what is expected there, from a fixed list.

use apollo_compiler::{
    ast::Document,
    diagnostic::ToCliReport,
    parser::Parser,
    validation::{DiagnosticData, DiagnosticList, WithErrors},
};

use super::GuardLimits;
use super::places::LinePositions;
use super::refusal::Refusal;

/// Recursion levels of the parser for each open bracket. The scan has bounded the brackets; this is a second bound,
/// which the parser itself enforces.
const LEVELS_PER_BRACKET: usize = 4;

/// Parses a text that has passed the scan.
///
/// # Errors
/// A refusal of kind `Parse`.
pub(super) fn parse(text: &str, places: &LinePositions) -> Result<Document, Refusal> {
    let parsed = Parser::new()
        .recursion_limit(GuardLimits::SAFE_NESTING * LEVELS_PER_BRACKET)
        .parse_ast(text, "");
    parsed.map_err(|WithErrors { errors, .. }| refusal(text, &errors, places))
}

/// Makes the refusal for the first error; later ones are often consequences of it.
fn refusal(text: &str, errors: &DiagnosticList, places: &LinePositions) -> Refusal {
    let first = errors.iter().map(|diagnostic| diagnostic.error).next();
    let span = first.and_then(ToCliReport::location);
    let at = span.map_or(0, |span| span.offset());
    let problem = match first {
        Some(_) if follows_variable(text, at) => "expected a colon and the type of the variable",
        Some(error) => problem(error),
        None => NOT_ALLOWED,
    };
    Refusal::syntax(places.at(at), problem)
}

const NOT_ALLOWED: &str = "this is not allowed here";

/// Whether the text before a byte is a variable definition that lacks its type: the parser says there that it expected
/// a name.
fn follows_variable(text: &str, at: usize) -> bool {
    let is_ignored = |character: char| character.is_whitespace() || matches!(character, ',' | '\u{feff}');
    let before = text.get(..at).unwrap_or_default().trim_end_matches(is_ignored);
    let name =
        before.trim_end_matches(|character: char| character == '_' || character.is_ascii_alphanumeric());
    let dollar = name.trim_end_matches(is_ignored).strip_suffix('$');
    let list = dollar.map(|before| before.trim_end_matches(is_ignored));
    name.len() < before.len() && list.is_some_and(|before| before.ends_with('('))
}

/// Returns the parser's message in the terms of the specification. Only fixed texts are returned, never a part of the
/// message.
fn problem(error: &DiagnosticData) -> &'static str {
    let message = error.to_string();
    let message = message.strip_prefix("syntax error: ").unwrap_or(&message);
    // The part after ", got" repeats the text.
    let expected = message.split(", got ").next().unwrap_or_default();
    match expected {
        "Unexpected <EOF>." => "the document is empty. Write an operation, such as { __typename }",
        "expected a definition"
        | "expected definition"
        | "expected a StringValue, Name or OperationDefinition"
        | "expected a definition after this StringValue"
        | "expected a definition after this Name" => "expected the definition of an operation or fragment",
        "expected an Operation Type or a Selection Set" => {
            "expected query, mutation or a selection set in braces"
        }
        "expected either a 'mutation', a 'query', or a 'subscription'" => {
            "expected query, mutation or subscription"
        }
        "expected a Selection Set" | "expected Selection Set" => "expected a selection set in braces",
        "expected at least one Selection in Selection Set" => "expected a selection",
        "expected a Name" => "expected a name",
        "expected Fragment Name" => "expected the name of a fragment",
        "Fragment Name cannot be 'on'" => "a fragment cannot be named on",
        "expected 'on'" | "expected Type Condition" => "expected a type condition, which begins with on",
        "expected a Name in Type Condition" => "expected the name of a type",
        "expected an Inline Fragment or a Fragment Spread" => {
            "expected a type condition or the name of a fragment"
        }
        "expected an Argument" => "expected an argument and its value",
        "expected a Variable Definition" => "expected a variable and its type",
        "expected a Type" | "expected a type" => "expected a type",
        "expected a valid Value" => "expected a value",
        "invalid Enum Value" => "true, false and null are not enum values",
        "expected Enum Value" => "expected an enum value",
        "expected COLON" => "expected a colon",
        "expected R_CURLY" => "expected a closing brace",
        "expected R_PAREN" => "expected a closing parenthesis",
        "expected R_BRACK" => "expected a closing bracket",
        "unexpected variable value in a Const context" => "a variable is not allowed in a default value",
        "expected @ symbol" => "expected a directive, which begins with @",
        _ => NOT_ALLOWED,
    }
}
