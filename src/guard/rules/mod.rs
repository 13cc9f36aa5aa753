//! Validates documents (GraphQL §5) and the values of their variables (§6.1.2).
//!
//! A third-party validator checks the structure: fields, arguments, fragments, directives, and whether fields can be
//! merged. Values are checked here, by one algorithm for literals and variables, so that both get the same result and
//! the same message. No message repeats a value that was sent.

mod input;
mod literals;
mod nearest;
mod problems;
mod structure;
mod variables;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{DirectiveList, Document, FieldDefinition},
    executable::{Selection, SelectionSet},
    name,
    schema::ExtendedType,
    ty,
    validation::{Valid, WithErrors},
};
use async_graphql::Value;

use problems::Problems;

use super::ModelError;
use super::places::LinePositions;
use super::refusal::Refusal;

pub(super) use variables::Declared;

/// A custom scalar of the schema.
#[derive(Clone, Copy)]
pub struct Scalar {
    /// Its name in the schema.
    pub name: &'static str,
    /// The form of its values, to end the sentence "… takes": `a day as a text, such as "2026-11-21"`.
    pub form: &'static str,
    /// Whether a value is valid.
    pub is_valid: fn(&Value) -> bool,
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The validation rules of a schema.
#[derive(Debug)]
pub struct Rules {
    schema: Valid<Schema>,
    scalars: Vec<Scalar>,
    introspection: bool,
}

impl Rules {
    /// Makes the rules of a schema. Without `introspection`, messages reveal nothing about the schema either.
    ///
    /// # Errors
    /// The SDL is not a valid schema, or lacks one of the scalars.
    pub fn from_sdl(sdl: &str, scalars: &[Scalar], introspection: bool) -> Result<Self, ModelError> {
        let unsound = |WithErrors { errors, .. }: WithErrors<Schema>| ModelError::Schema(errors.to_string());
        let mut schema = Schema::parse(sdl, "schema.graphql").map_err(unsound)?;
        add_one_of(&mut schema);
        let schema = schema.validate().map_err(unsound)?;
        for scalar in scalars {
            if schema.get_scalar(scalar.name).is_none() {
                return Err(ModelError::NoSuchScalar(scalar.name));
            }
        }
        Ok(Self {
            schema,
            scalars: scalars.to_vec(),
            introspection,
        })
    }

    /// Validates all operations of a document, and returns the variables that each of them declares.
    ///
    /// # Errors
    /// All problems of the document, in the order of the text.
    pub(super) fn validate(
        &self,
        document: &Document,
        text: &str,
        places: &LinePositions,
    ) -> Result<Vec<Declared>, Vec<Refusal>> {
        let (executable, mut problems) = match document.to_executable_validate(&self.schema) {
            Ok(valid) => (valid.into_inner(), Problems::default()),
            Err(WithErrors { partial, errors }) => {
                (partial, structure::problems(self, &errors, text, places))
            }
        };
        problems.extend(literals::check(self, &executable, places));
        if !self.introspection {
            problems.extend(introspection_problems(&executable, places));
        }
        problems.into_result()?;
        let operations = executable.operations.iter();
        let declared = operations.map(|operation| Declared::by(operation, places));
        Ok(declared.collect())
    }

    /// Returns names of the schema for a message; none if introspection is off.
    fn names_to_suggest<'a>(&self, names: impl FnOnce() -> Vec<&'a str>) -> Vec<&'a str> {
        if self.introspection { names() } else { Vec::new() }
    }
}

/// Adds `__Type.isOneOf` (GraphQL §4.2.2), which the validator's introspection does not have yet.
fn add_one_of(schema: &mut Schema) {
    if let Some(ExtendedType::Object(kind)) = schema.types.get_mut("__Type") {
        let field = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: ty!(Boolean),
            directives: DirectiveList::default(),
        };
        kind.make_mut()
            .fields
            .entry(field.name.clone())
            .or_insert(field.into());
    }
}

/// Reports the fields that ask for the schema, if introspection is off.
fn introspection_problems(document: &ExecutableDocument, places: &LinePositions) -> Problems {
    let mut problems = Problems::default();
    let fragments = document.fragments.values();
    let operations = document.operations.iter();
    let mut sets: Vec<&SelectionSet> = fragments.map(|fragment| &fragment.selection_set).collect();
    sets.extend(operations.map(|operation| &operation.selection_set));
    while let Some(set) = sets.pop() {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if matches!(field.name.as_str(), "__schema" | "__type") => {
                    problems.add(|| {
                        let message = format!(
                            "\"{}\" requests the schema, but introspection is disabled on this server.",
                            field.name
                        );
                        Refusal::validation(message).at(places.of_span(field.location()))
                    });
                }
                Selection::Field(field) => sets.push(&field.selection_set),
                Selection::InlineFragment(inline) => sets.push(&inline.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    problems
}
