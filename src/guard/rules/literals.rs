//! Checks the literals of a document and the positions of its variables (GraphQL §5.6, §5.8).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, DirectiveList, InputValueDefinition, Type, Value, VariableDefinition},
    executable::{Operation, Selection, SelectionSet},
};
use async_graphql::{Pos, Value as Constant};

use super::input::{Findings, Input, Path, PositionRules, Shape, VariableType, Whole};
use super::{Problems, Rules};
use crate::guard::{convert, places::LinePositions, refusal::Refusal};

/// Checks all literals and all uses of variables.
pub(super) fn check(rules: &Rules, document: &ExecutableDocument, places: &LinePositions) -> Problems {
    let mut problems = Problems::default();
    let mut walk =
        |variables: &[Node<VariableDefinition>], directives: &DirectiveList, set: &SelectionSet| {
            let mut walker = Walker {
                rules,
                places,
                problems: &mut problems,
                part: DefinitionPart::default(),
            };
            walker.defaults(variables);
            walker.directives(directives);
            walker.selections(set);
            walker.part
        };
    let fragments: HashMap<&Name, DefinitionPart> = document
        .fragments
        .iter()
        .map(|(name, fragment)| (name, walk(&[], &fragment.directives, &fragment.selection_set)))
        .collect();
    let operations: Vec<(&Node<Operation>, DefinitionPart)> = document
        .operations
        .iter()
        .map(|operation| {
            let part = walk(
                &operation.variables,
                &operation.directives,
                &operation.selection_set,
            );
            (operation, part)
        })
        .collect();
    for (operation, part) in &operations {
        check_variables(operation, &reachable(part, &fragments), places, &mut problems);
    }
    problems
}

/// The variables and spreads of one definition, without those of the fragments that it spreads.
#[derive(Default)]
struct DefinitionPart {
    uses: Vec<Use>,
    spreads: Vec<Name>,
}

/// A use of a variable.
struct Use {
    name: Name,
    at: Pos,
    wanted: Demand,
}

/// [`VariableType`] with owned types.
enum Demand {
    Value { ty: Type, has_default: bool },
    OneOf { ty: Type },
    Anything,
}

impl Demand {
    fn of(wanted: VariableType<'_>) -> Self {
        match wanted {
            VariableType::Value { ty, has_default } => Self::Value {
                ty: ty.clone(),
                has_default,
            },
            VariableType::OneOf { ty } => Self::OneOf { ty: ty.clone() },
            VariableType::Anything => Self::Anything,
        }
    }
}

/// Returns a definition and the fragments that it reaches, each once.
fn reachable<'a>(
    part: &'a DefinitionPart,
    fragments: &'a HashMap<&Name, DefinitionPart>,
) -> Vec<&'a DefinitionPart> {
    let mut seen = HashSet::new();
    let mut parts = vec![part];
    let mut next = 0;
    while let Some(part) = parts.get(next).copied() {
        next += 1;
        for name in &part.spreads {
            if let Some(fragment) = fragments.get(name).filter(|_| seen.insert(name)) {
                parts.push(fragment);
            }
        }
    }
    parts
}

/// Checks that all variables are defined, used, and of a type that matches their positions (§5.8.3 to §5.8.5).
fn check_variables(
    operation: &Operation,
    parts: &[&DefinitionPart],
    places: &LinePositions,
    problems: &mut Problems,
) {
    let mut unused: Vec<&Node<VariableDefinition>> = operation.variables.iter().collect();
    for part in parts {
        for used in &part.uses {
            let known = operation.variables.iter().find(|known| known.name == used.name);
            let Some(known) = known else {
                problems.add(|| {
                    let of = match &operation.name {
                        Some(name) => format!("the operation \"{name}\""),
                        None => "the operation".to_owned(),
                    };
                    let message = format!("The variable \"${}\" is not defined by {of}.", used.name);
                    Refusal::validation(message).at(used.at)
                });
                continue;
            };
            unused.retain(|variable| variable.name != used.name);
            if let Some(wanted) = misplaced(known, &used.wanted) {
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
fn misplaced(variable: &VariableDefinition, demand: &Demand) -> Option<Type> {
    let (wanted, fits) = match demand {
        Demand::Anything => return None,
        Demand::OneOf { ty } => {
            let wanted = ty.clone().non_null();
            let fits = variable.ty.is_assignable_to(&wanted);
            (wanted, fits)
        }
        Demand::Value { ty, has_default } => {
            let own_default = variable.default_value.as_ref();
            let has_value = *has_default || own_default.is_some_and(|value| !value.is_null());
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
    problems: &'a mut Problems,
    part: DefinitionPart,
}

impl Walker<'_> {
    fn defaults(&mut self, variables: &[Node<VariableDefinition>]) {
        for variable in variables {
            self.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                self.literal(
                    default,
                    &variable.ty,
                    PositionRules::default(),
                    &Path::variable(&variable.name),
                );
            }
        }
    }

    fn selections(&mut self, set: &SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    self.selections(&field.selection_set);
                }
                Selection::FragmentSpread(spread) => self.part.spreads.push(spread.fragment_name.clone()),
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives {
            let known = self.rules.schema.directive_definitions.get(&directive.name);
            let arguments = known.map_or(&[][..], |known| &known.arguments);
            self.arguments(&directive.arguments, arguments);
        }
    }

    fn arguments(&mut self, given: &[Node<Argument>], known: &[Node<InputValueDefinition>]) {
        for argument in given {
            let path = Path::argument(&argument.name);
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

    fn literal(&mut self, value: &Node<Value>, ty: &Type, place: PositionRules, path: &Path<'_>) {
        self.names_are_unique(value, path);
        let rules = self.rules;
        rules.check(value, ty, place, path, &mut FoundLiteral { walker: self });
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
            Value::List(items) => {
                for item in items {
                    self.names_are_unique(item, path);
                }
            }
            _ => {}
        }
    }

    fn loose(&mut self, value: &Node<Value>) {
        match &**value {
            Value::Variable(name) => self.used(value, name, Demand::Anything),
            Value::List(items) => items.iter().for_each(|item| self.loose(item)),
            Value::Object(fields) => fields.iter().for_each(|(_, item)| self.loose(item)),
            _ => {}
        }
    }

    fn used(&mut self, value: &Node<Value>, name: &Name, wanted: Demand) {
        self.part.uses.push(Use {
            name: name.clone(),
            at: self.places.of_span(value.location()),
            wanted,
        });
    }
}

struct FoundLiteral<'w, 'a> {
    walker: &'w mut Walker<'a>,
}

impl<'v> Findings<'v, Node<Value>> for FoundLiteral<'_, '_> {
    fn misfit(&mut self, at: &'v Node<Value>, message: impl FnOnce() -> String) {
        let at = self.walker.places.of_span(at.location());
        self.walker.problems.add(|| Refusal::bad_input(message()).at(at));
    }

    fn variable(&mut self, at: &'v Node<Value>, name: &'v Name, wanted: VariableType<'v>) {
        self.walker.used(at, name, Demand::of(wanted));
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
            Value::Object(fields) => Shape::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), value))
                    .collect(),
            ),
        }
    }

    fn constant(&self) -> Option<Cow<'_, Constant>> {
        convert::constant(self).map(Cow::Owned)
    }
}
