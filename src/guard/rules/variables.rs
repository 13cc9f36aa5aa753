//! Checks the values of variables (GraphQL §6.1.2) for each request, against the operation that runs and no other.

use std::borrow::Cow;

use apollo_compiler::{
    Name, Node,
    ast::{Type, VariableDefinition},
    executable::Operation,
};
use async_graphql::{Name as ExecutorName, Number, Pos, Value as Constant, Variables};

use super::input::{Check, Findings, Input, Path, PositionRules, Shape, VariableType, Whole};
use super::{Problems, Rules};
use crate::guard::{convert::executor_name, places::LinePositions, refusal::Refusal};

/// The variables that an operation declares.
#[derive(Debug)]
pub(in crate::guard) struct Declared {
    operation: Option<Name>,
    variables: Vec<Variable>,
}

#[derive(Debug)]
struct Variable {
    name: ExecutorName,
    definition: Node<VariableDefinition>,
    at: Pos,
}

impl Declared {
    pub(super) fn by(operation: &Operation, places: &LinePositions) -> Self {
        let variables = operation.variables.iter().map(|definition| Variable {
            name: executor_name(&definition.name),
            definition: definition.clone(),
            at: places.of_span(definition.location()),
        });
        Self {
            operation: operation.name.clone(),
            variables: variables.collect(),
        }
    }

    /// Returns the operation's name.
    pub(in crate::guard) fn operation(&self) -> Option<&str> {
        self.operation.as_ref().map(Name::as_str)
    }

    /// Returns the variables without a value in a request: neither sent nor with a default.
    pub(in crate::guard) fn absent<'a>(
        &'a self,
        values: &'a Variables,
    ) -> impl Iterator<Item = &'a ExecutorName> {
        let without_default =
            (self.variables.iter()).filter(|variable| variable.definition.default_value.is_none());
        let names = without_default.map(|variable| &variable.name);
        names.filter(|name| !values.contains_key(*name))
    }
}

impl Rules {
    /// Checks the values of an operation's variables, and converts numbers such as 5.0 into integers: JSON does not
    /// distinguish 5.0 from 5.
    ///
    /// # Errors
    /// All values that do not match their types, each with the variable and the path inside it.
    pub(in crate::guard) fn coerce(
        &self,
        declared: &Declared,
        values: &mut Variables,
    ) -> Result<(), Vec<Refusal>> {
        let mut problems = Problems::default();
        for variable in &declared.variables {
            let (definition, name) = (&variable.definition, &variable.name);
            let mut refuse = |problem: &str| {
                problems.add(|| {
                    let message = format!(
                        "The variable \"${name}\" of type \"{}\" {problem}.",
                        definition.ty
                    );
                    Refusal::bad_input(message).at(variable.at)
                });
            };
            let Some(value) = values.get_mut(name) else {
                if definition.ty.is_non_null() && definition.default_value.is_none() {
                    refuse("is required, but no value was sent for it");
                }
                continue;
            };
            if *value == Constant::Null && definition.ty.is_non_null() {
                refuse("must not be null");
                continue;
            }
            if fits_as_it_is(value, &definition.ty) {
                continue;
            }
            whole_numbers(value);
            let mut found = FoundVariable {
                problems: &mut problems,
                at: variable.at,
            };
            let mut check = Check {
                rules: self,
                findings: &mut found,
            };
            let path = Path::Variable(&definition.name);
            check.value(&*value, &definition.ty, PositionRules::default(), &path);
        }
        problems.into_result()
    }
}

/// Whether a value matches in the common case, which needs no recursive check.
fn fits_as_it_is(value: &Constant, ty: &Type) -> bool {
    let (Type::Named(name) | Type::NonNullNamed(name)) = ty else {
        return false;
    };
    match value {
        Constant::String(_) => matches!(name.as_str(), "ID" | "String"),
        Constant::Boolean(_) => name == "Boolean",
        _ => false,
    }
}

/// The largest integer up to which each integer is exact as a 64-bit float.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Converts numbers such as 5.0 and 1e3 into integers.
fn whole_numbers(value: &mut Constant) {
    match value {
        Constant::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *number = Number::from(whole);
            }
        }
        Constant::List(items) => items.iter_mut().for_each(whole_numbers),
        Constant::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is whole, and within the range in which each is exact"
)]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= LARGEST_EXACT).then_some(number as i64)
}

struct FoundVariable<'r> {
    problems: &'r mut Problems,
    at: Pos,
}

impl<'v> Findings<'v> for FoundVariable<'_> {
    type Value = Constant;

    fn misfit(&mut self, _at: &'v Constant, message: impl FnOnce() -> String) {
        self.problems.add(|| Refusal::bad_input(message()).at(self.at));
    }

    fn variable(&mut self, _at: &'v Constant, _name: &'v Name, _wanted: VariableType<'v>) {
        // Values of variables contain no variables.
    }
}

impl Input for Constant {
    const ENUMS_ARE_TEXTS: bool = true;

    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::Null => Shape::Null,
            Self::Boolean(_) => Shape::Boolean,
            Self::Number(number) => match number.as_i64() {
                Some(whole) if i32::try_from(whole).is_ok() => Shape::Int(Whole::Small),
                Some(_) => Shape::Int(Whole::Large),
                None if number.is_u64() => Shape::Int(Whole::Large),
                None => Shape::Float,
            },
            Self::String(text) => Shape::Text(text),
            Self::Enum(name) => Shape::Symbol(name),
            Self::Binary(_) => Shape::File,
            Self::List(items) => Shape::List(items),
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value));
                Shape::Object(fields.collect())
            }
        }
    }

    fn constant(&self) -> Option<Cow<'_, Constant>> {
        Some(Cow::Borrowed(self))
    }
}
