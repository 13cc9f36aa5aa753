//! Turns the validator's errors on the structure of a document into messages with suggestions. The validator's result
//! is used unchanged, and its messages repeat names only. Values and variables are checked in `literals`.

use apollo_compiler::{
    Name,
    diagnostic::ToCliReport as _,
    schema::ExtendedType,
    validation::{DiagnosticData, DiagnosticList},
};

use super::{
    Problems, Rules,
    nearest::{did_you_mean, nearest},
};
use crate::guard::{
    places::LinePositions,
    refusal::{Refusal, alternatives},
};

/// Errors that `literals` checks with more precise rules: variables inside lists and objects, one-of input objects,
/// custom scalars.
const CHECKED_ELSEWHERE: &[&str] = &[
    "UndefinedEnumValue",
    "UndefinedInputValue",
    "UnsupportedValueType",
    "IntCoercionError",
    "FloatCoercionError",
    "RequiredField",
    "DisallowedVariableUsage",
    "UndefinedVariable",
    "UnusedVariable",
];

/// Converts the validator's errors.
pub(super) fn problems(
    rules: &Rules,
    errors: &DiagnosticList,
    text: &str,
    places: &LinePositions,
) -> Problems {
    let mut problems = Problems::default();
    for diagnostic in errors.iter() {
        let error = diagnostic.error;
        if !is_checked_elsewhere(error) && !only_follows(error, text) {
            problems.add(|| refusal(rules, error, places));
        }
    }
    problems
}

fn is_checked_elsewhere(error: &DiagnosticData) -> bool {
    let kind = error.unstable_error_name();
    kind.is_some_and(|kind| CHECKED_ELSEWHERE.contains(&kind))
}

/// Whether the error says that a field has no selections although it has some, all of which are unknown. In that case
/// the field ends with a brace.
fn only_follows(error: &DiagnosticData, text: &str) -> bool {
    let field = error
        .location()
        .and_then(|span| text.get(span.offset()..span.end_offset()));
    error.unstable_error_name() == Some("MissingSubselection")
        && field.is_some_and(|field| field.ends_with('}'))
}

// Only these two functions of the validator return the kind of an error, and a message without the surrounding text;
// its makers keep them for a product of their own. The version is pinned, and tests check the texts.
fn refusal(rules: &Rules, error: &DiagnosticData, places: &LinePositions) -> Refusal {
    match (error.unstable_error_name(), error.unstable_compat_message()) {
        (Some(kind), Some(message)) => {
            let message = explained(rules, kind, message);
            Refusal::validation(message).at(places.of_span(error.location()))
        }
        // The validator reached its recursion limit.
        _ => Refusal::limit("The document is nested too deeply to be validated. Select fewer levels."),
    }
}

/// Returns the message with suggestions.
fn explained(rules: &Rules, kind: &str, mut message: String) -> String {
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let hint = match (kind, &quoted[..]) {
        ("UndefinedField", [field, parent]) => field_hint(rules, field, parent),
        ("UndefinedArgument", [argument, coordinate]) => argument_hint(rules, argument, coordinate),
        // The type of a variable.
        ("UndefinedDefinition", [name]) => did_you_mean(&rules.names_to_suggest(|| {
            let kinds = rules.schema.types.values().filter(|kind| kind.is_input_type());
            nearest(name, kinds.map(|kind| kind.name().as_str()))
        })),
        ("RequiredArgument", [field, argument, kind]) => {
            return format!(
                "Field \"{field}\" needs the argument \"{argument}\" of type \"{kind}\", which must be neither left out nor null."
            );
        }
        (
            "UndefinedTypeInNamedFragmentTypeCondition" | "UndefinedTypeInInlineFragmentTypeCondition",
            [name],
        ) => did_you_mean(&rules.names_to_suggest(|| {
            let names = rules.schema.types.keys().map(Name::as_str);
            nearest(name, names.filter(|name| !name.starts_with("__")))
        })),
        ("UndefinedDirective", [name]) => {
            let known = rules.schema.directive_definitions.keys();
            let known = known.map(Name::as_str);
            let meant = rules.names_to_suggest(|| nearest(name.trim_start_matches('@'), known));
            let meant: Vec<String> = meant.iter().map(|name| format!("@{name}")).collect();
            did_you_mean(&meant.iter().map(String::as_str).collect::<Vec<_>>())
        }
        _ => String::new(),
    };
    if kind == "UndefinedArgument" {
        message = message.replace("on field \"@", "on directive \"@");
    }
    if !message.ends_with(['.', '?']) {
        message.push('.');
    }
    message + &hint
}

fn field_hint(rules: &Rules, field: &str, parent: &str) -> String {
    let Some(kind) = rules.schema.types.get(parent) else {
        return String::new();
    };
    // A field of the object types of an interface or a union is selected in a fragment.
    let holders = rules.names_to_suggest(|| holders(rules, field, kind));
    if let Some(first) = holders.first() {
        let names = alternatives(&holders);
        return format!(" Only {names} has it: select it in a fragment, \"... on {first} {{ {field} }}\".");
    }
    did_you_mean(&rules.names_to_suggest(|| nearest(field, fields(kind))))
}

/// Returns the first object types of an interface or a union that have a field.
fn holders<'r>(rules: &'r Rules, field: &str, parent: &ExtendedType) -> Vec<&'r str> {
    if parent.is_object() {
        return Vec::new();
    }
    let types = rules.schema.types.values().filter(|kind| kind.is_object());
    types
        .filter(|kind| rules.schema.is_subtype(parent.name(), kind.name()))
        .filter(|kind| fields(kind).any(|name| name == field))
        .map(|kind| kind.name().as_str())
        .take(MOST_HOLDERS)
        .collect()
}

/// Maximum number of types named in a message.
const MOST_HOLDERS: usize = 3;

fn fields(kind: &ExtendedType) -> impl Iterator<Item = &str> {
    let fields = match kind {
        ExtendedType::Object(object) => Some(&object.fields),
        ExtendedType::Interface(interface) => Some(&interface.fields),
        _ => None,
    };
    let fields = fields.into_iter().flat_map(|fields| fields.keys());
    fields.map(Name::as_str)
}

/// Returns suggestions for an argument; `coordinate` is `Type.field` or `@directive`.
fn argument_hint(rules: &Rules, argument: &str, coordinate: &str) -> String {
    let definitions = if let Some((parent, field)) = coordinate.split_once('.') {
        let field = rules.schema.type_field(parent, field).ok();
        field.map(|field| &field.arguments)
    } else {
        let known = &rules.schema.directive_definitions;
        let directive = known.get(coordinate.trim_start_matches('@'));
        directive.map(|directive| &directive.arguments)
    };
    let known = definitions.into_iter().flatten().map(|known| known.name.as_str());
    did_you_mean(&rules.names_to_suggest(|| nearest(argument, known)))
}
