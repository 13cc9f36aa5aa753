//! Checks the literals of a document and the positions of its variables (GraphQL §5.6, §5.8).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, DirectiveList, InputValueDefinition, Type, Value, VariableDefinition},
    executable::{Operation, Selection, SelectionSet},
};
use async_graphql::{Pos, Value as Constant};

use super::input::{Check, Findings, Input, Path, PositionRules, Shape, VariableType, Whole};
use super::{Problems, Rules};
use crate::guard::{convert, places::LinePositions, refusal::Refusal};

/// Checks all literals and all uses of variables.
pub(super) fn check<'a>(
    rules: &'a Rules,
    document: &'a ExecutableDocument,
    places: &'a LinePositions,
) -> Problems {
    let mut walker = Walker {
        rules,
        places,
        problems: Problems::default(),
        part: DefinitionPart::default(),
    };
    let mut fragments = HashMap::new();
    for (name, fragment) in &document.fragments {
        let part = walker.definition(&[], &fragment.directives, &fragment.selection_set);
        fragments.insert(name, part);
    }
    let mut operations = Vec::new();
    for operation in document.operations.iter() {
        let Operation {
            variables,
            directives,
            selection_set,
            ..
        } = &**operation;
        operations.push((operation, walker.definition(variables, directives, selection_set)));
    }
    let mut problems = walker.problems;
    for (operation, part) in &operations {
        check_variables(operation, &reachable(part, &fragments), places, &mut problems);
    }
    problems
}

/// The variables and spreads of one definition, without those of the fragments that it spreads.
#[derive(Default)]
struct DefinitionPart<'a> {
    uses: Vec<Use<'a>>,
    spreads: Vec<&'a Name>,
}

/// A use of a variable.
struct Use<'a> {
    name: &'a Name,
    at: Pos,
    wanted: VariableType<'a>,
}

/// Returns a definition and the fragments that it reaches, each once.
fn reachable<'a>(
    part: &'a DefinitionPart<'a>,
    fragments: &'a HashMap<&Name, DefinitionPart<'a>>,
) -> Vec<&'a DefinitionPart<'a>> {
    let mut seen = HashSet::new();
    let mut parts = vec![part];
    let mut next = 0;
    while let Some(part) = parts.get(next).copied() {
        next += 1;
        for name in &part.spreads {
            if let Some(fragment) = fragments.get(*name).filter(|_| seen.insert(name)) {
                parts.push(fragment);
            }
        }
    }
    parts
}

/// Checks that all variables are defined, used, and of a type that matches their positions (§5.8.3 to §5.8.5).
fn check_variables(
    operation: &Operation,
    parts: &[&DefinitionPart<'_>],
    places: &LinePositions,
    problems: &mut Problems,
) {
    let mut unused: Vec<&Node<VariableDefinition>> = operation.variables.iter().collect();
    for part in parts {
        for used in &part.uses {
            let known = operation.variables.iter().find(|known| known.name == *used.name);
            let Some(known) = known else {
                problems.add(|| {
                    let of = operation.name.as_ref().map(|name| format!(" \"{name}\""));
                    let of = of.unwrap_or_default();
                    let message = format!(
                        "The variable \"${}\" is not defined by the operation{of}.",
                        used.name
                    );
                    Refusal::validation(message).at(used.at)
                });
                continue;
            };
            unused.retain(|variable| variable.name != *used.name);
            if let Some(wanted) = misplaced(known, used.wanted) {
                problems.add(|| {
                    let message = format!(
                        "The variable \"${}\" of type \"{}\" is used where a value of type \"{wanted}\" is expected.",
                        used.name, known.ty
                    );
                    Refusal::validation(message).at(used.at)
                });
            }
        }
    }
    for variable in unused {
        problems.add(|| {
            let message = format!("The variable \"${}\" is never used.", variable.name);
            Refusal::validation(message).at(places.of_span(variable.location()))
        });
    }
}

/// Returns the type that a position requires, if the variable's type does not match (§5.8.5, `IsVariableUsageAllowed`).
fn misplaced(variable: &VariableDefinition, wanted: VariableType<'_>) -> Option<Type> {
    let (wanted, fits) = match wanted {
        VariableType::Anything => return None,
        VariableType::OneOf { ty } => {
            let wanted = ty.clone().non_null();
            let fits = variable.ty.is_assignable_to(&wanted);
            (wanted, fits)
        }
        VariableType::Value { ty, has_default } => {
            let own_default = variable.default_value.as_ref();
            let has_value = has_default || own_default.is_some_and(|value| !value.is_null());
            let fits = if ty.is_non_null() && !variable.ty.is_non_null() && has_value {
                variable.ty.is_assignable_to(&ty.clone().nullable())
            } else {
                variable.ty.is_assignable_to(ty)
            };
            (ty.clone(), fits)
        }
    };
    (!fits).then_some(wanted)
}

struct Walker<'a> {
    rules: &'a Rules,
    places: &'a LinePositions,
    problems: Problems,
    /// Of the definition that is checked.
    part: DefinitionPart<'a>,
}

impl<'a> Walker<'a> {
    fn definition(
        &mut self,
        variables: &'a [Node<VariableDefinition>],
        directives: &'a DirectiveList,
        set: &'a SelectionSet,
    ) -> DefinitionPart<'a> {
        for variable in variables {
            self.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                let path = Path::Variable(&variable.name);
                self.literal(default, &variable.ty, PositionRules::default(), &path);
            }
        }
        self.directives(directives);
        self.selections(set);
        std::mem::take(&mut self.part)
    }

    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    self.selections(&field.selection_set);
                }
                Selection::FragmentSpread(spread) => self.part.spreads.push(&spread.fragment_name),
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
            }
        }
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives {
            let known = self.rules.schema.directive_definitions.get(&directive.name);
            let arguments = known.map_or(&[][..], |known| &known.arguments);
            self.arguments(&directive.arguments, arguments);
        }
    }

    fn arguments(&mut self, given: &'a [Node<Argument>], known: &'a [Node<InputValueDefinition>]) {
        for argument in given {
            let path = Path::Argument(&argument.name);
            match known.iter().find(|known| known.name == argument.name) {
                // A null in a required argument is reported together with missing arguments.
                Some(known) if known.is_required() && argument.value.is_null() => {}
                Some(known) => {
                    let place = PositionRules {
                        has_default: known.default_value.is_some(),
                        is_one_of: false,
                    };
                    self.literal(&argument.value, &known.ty, place, &path);
                }
                // The unknown argument is reported elsewhere; its variables still count as used.
                None => self.loose(&argument.value),
            }
        }
    }

    fn literal(&mut self, value: &'a Node<Value>, ty: &'a Type, place: PositionRules, path: &Path<'_>) {
        self.names_are_unique(value, path);
        let rules = self.rules;
        Check {
            rules,
            findings: self,
        }
        .value(value, ty, place, path);
    }

    /// Checks that each field of an input object is given once (§5.6.3).
    fn names_are_unique(&mut self, value: &Node<Value>, path: &Path<'_>) {
        match &**value {
            Value::Object(fields) => {
                let mut seen = HashSet::with_capacity(fields.len());
                for (name, value) in fields {
                    if !seen.insert(name) {
                        let at = self.places.of_span(name.location());
                        self.problems.add(|| {
                            Refusal::validation(format!("\"{path}\" has the field \"{name}\" twice.")).at(at)
                        });
                    }
                    self.names_are_unique(value, path);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.names_are_unique(item, path)),
            _ => {}
        }
    }

    fn loose(&mut self, value: &'a Node<Value>) {
        match &**value {
            Value::Variable(name) => self.variable(value, name, VariableType::Anything),
            Value::List(items) => items.iter().for_each(|item| self.loose(item)),
            Value::Object(fields) => fields.iter().for_each(|(_, item)| self.loose(item)),
            _ => {}
        }
    }
}

impl<'a> Findings<'a> for Walker<'a> {
    type Value = Node<Value>;

    fn misfit(&mut self, at: &'a Node<Value>, message: impl FnOnce() -> String) {
        let at = self.places.of_span(at.location());
        self.problems.add(|| Refusal::bad_input(message()).at(at));
    }

    fn variable(&mut self, at: &'a Node<Value>, name: &'a Name, wanted: VariableType<'a>) {
        let at = self.places.of_span(at.location());
        self.part.uses.push(Use { name, at, wanted });
    }
}

impl Input for Node<Value> {
    const ENUMS_ARE_TEXTS: bool = false;

    fn shape(&self) -> Shape<'_, Self> {
        match &**self {
            Value::Null => Shape::Null,
            Value::Variable(name) => Shape::Variable(name),
            Value::Boolean(_) => Shape::Boolean,
            Value::Int(digits) => Shape::Int(if digits.try_to_i32().is_ok() {
                Whole::Small
            } else if digits.as_str().parse::<i64>().is_ok() || digits.as_str().parse::<u64>().is_ok() {
                Whole::Large
            } else {
                Whole::Huge
            }),
            Value::Float(_) => Shape::Float,
            Value::String(text) => Shape::Text(text),
            Value::Enum(name) => Shape::Symbol(name),
            Value::List(items) => Shape::List(items),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value));
                Shape::Object(fields.collect())
            }
        }
    }

    fn constant(&self) -> Option<Cow<'_, Constant>> {
        convert::constant(self).map(Cow::Owned)
    }
}
