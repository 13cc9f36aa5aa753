//! Parses a scanned text, and says what is wrong with one that is not GraphQL.
//!
//! The parser's own messages hold the line of the text that they are about, and with it whatever somebody wrote
//! there, a password for instance. Ours name the place, and what could stand there by a list of our own words.

use async_graphql::{
    Pos,
    parser::{Error, parse_query, types::ExecutableDocument},
};

use super::refusal::Refusal;

/// Parses a text that has passed the scan.
///
/// # Errors
/// A refusal of kind `Parse` or `Validation`.
pub(super) fn parse(text: &str) -> Result<ExecutableDocument, Refusal> {
    parse_query(text).map_err(|error| refusal(&error))
}

fn refusal(error: &Error) -> Refusal {
    let mut refusal = match error {
        Error::Syntax { message, start, .. } => return syntax(message, *start),
        Error::MultipleOperations { .. } => Refusal::validation(
            "An operation without a name must be the only one. Give each operation a name.",
        ),
        Error::OperationDuplicated { .. } => {
            Refusal::validation("Two operations have the same name. Rename one of them.")
        }
        Error::FragmentDuplicated { .. } => {
            Refusal::validation("Two fragments have the same name. Rename one of them.")
        }
        Error::MissingOperation => {
            Refusal::validation("The document holds no operation. Add a query or a mutation.")
        }
        Error::RecursionLimitExceeded => too_deep(),
        // Two further ones are about schemas, and the enum is open.
        _ => Refusal::parse("The document could not be read as GraphQL."),
    };
    refusal.locations.extend(error.positions());
    refusal
}

fn too_deep() -> Refusal {
    Refusal::limit("The document nests too deep to be read. Select less deep.")
}

fn syntax(message: &str, start: Pos) -> Refusal {
    // The parser stops before it exhausts the stack that it has left, where it can measure that.
    if message.ends_with("stack limit reached") {
        return too_deep();
    }
    let expected = expected(message);
    let problem = match expected.split_last() {
        None if message.starts_with("invalid number") => "this number is out of range".to_owned(),
        None => "this cannot stand here".to_owned(),
        Some((only, [])) => format!("expected {only}"),
        Some((last, others)) => format!("expected {} or {last}", others.join(", ")),
    };
    Refusal::syntax(start, &problem)
}

/// What could stand at the place, out of the parser's message, whose last line reads `  = expected a, b, or c`.
/// Only words of our own get through, whatever the line says.
fn expected(message: &str) -> Vec<&'static str> {
    let last = message.lines().next_back().unwrap_or_default();
    let mut words: Vec<_> = last
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .skip_while(|word| *word != "expected")
        .filter_map(plainly)
        .collect();
    words.dedup();
    words
}

/// A rule of the parser's grammar in the words of the specification.
fn plainly(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "EOI" => "the end of the document",
        "executable_document" | "executable_definition" => "the definition of an operation or fragment",
        "operation_definition" | "named_operation_definition" | "operation_type" => "an operation",
        "fragment_definition" => "a fragment",
        "variable_definitions" => "variable definitions in parentheses",
        "variable_definition" => "a variable and its type",
        "selection_set" => "a selection set in braces",
        "selection" => "a selection",
        "field" => "a field",
        "fragment_spread" | "inline_fragment" => "a fragment spread",
        "type_condition" => "a type condition",
        "alias" => "an alias",
        "name" | "name_start" => "a name",
        "type_" => "a type",
        "default_value" => "a default value",
        "const_value" => "a value without variables",
        "value" => "a value",
        "variable" => "a variable",
        "number" | "int" | "float" | "fractional" | "exponent" => "a number",
        "string"
        | "string_content"
        | "string_character"
        | "block_string_content"
        | "block_string_character"
        | "unicode_scalar_value_hex" => "a character of a string",
        "boolean" => "true or false",
        "null" => "null",
        "enum_value" => "an enum value",
        "list" | "const_list" => "a list",
        "object" | "const_object" => "an object",
        "object_field" | "const_object_field" => "a field and its value",
        "directives" | "const_directives" | "directive" | "const_directive" => "a directive",
        "arguments" | "const_arguments" => "arguments in parentheses",
        "argument" | "const_argument" => "an argument and its value",
        _ => return None,
    })
}
