//! The numbers of objects that a request's arguments ask for: page sizes and lists of ids.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::{
    Value, Variables,
    parser::types::{Field, OperationDefinition},
};
use async_graphql_value as executor;

/// Size of a page without `first` and `last`.
const DEFAULT_PAGE: u64 = 25;

/// Maximum page size. A larger one is rejected when it is read; until then it counts as this size.
const MAX_PAGE: u64 = 100;

/// The sizes that the variables of one request give to the arguments of a document.
pub(super) struct Sizes<'a> {
    variables: &'a Variables,
    defaults: HashMap<&'a str, &'a Value>,
    depend: bool,
}

impl<'a> Sizes<'a> {
    pub(super) fn new(operation: &'a OperationDefinition, variables: &'a Variables) -> Self {
        let definitions = operation.variable_definitions.iter();
        let defaults = definitions.filter_map(|definition| {
            let default = definition.node.default_value.as_ref()?;
            Some((definition.node.name.node.as_str(), &default.node))
        });
        Self {
            variables,
            defaults: defaults.collect(),
            depend: false,
        }
    }

    /// Whether a variable has determined a size so far.
    pub(super) fn depend_on_variables(&self) -> bool {
        self.depend
    }

    /// Returns the size of a page: the larger value if both `first` and `last` are given, which is rejected later.
    pub(super) fn page(&mut self, field: &Field) -> u64 {
        let first = self.with_argument(field, "first", page_size);
        let last = self.with_argument(field, "last", page_size);
        first.max(last).unwrap_or(DEFAULT_PAGE)
    }

    /// Returns the number of ids in the argument `ids`.
    pub(super) fn ids(&mut self, field: &Field) -> u64 {
        self.with_argument(field, "ids", length).unwrap_or(0)
    }

    /// Returns the size that an argument's value gives: the literal, the variable's value, or the variable's default.
    fn with_argument(
        &mut self,
        field: &Field,
        argument: &str,
        size: impl Fn(&Value) -> Option<u64>,
    ) -> Option<u64> {
        let value = &field.get_argument(argument)?.node;
        if let executor::Value::Variable(name) = value {
            self.depend = true;
            let sent = self.variables.get(name);
            return size(sent.or_else(|| self.defaults.get(name.as_str()).copied())?);
        }
        // A variable inside a list or an object leaves the literal around it.
        let literal = value
            .clone()
            .into_const_with(|_| Ok::<_, Infallible>(Value::Null));
        size(&literal.ok()?)
    }
}

/// Returns `None` for null, which means the default. A value that is not an integer counts as the largest page: it is
/// rejected later, and must not bypass the limit until then.
fn page_size(value: &Value) -> Option<u64> {
    match value {
        Value::Null => None,
        Value::Number(number) => Some(match number.as_i64() {
            Some(size) => size.unsigned_abs().clamp(1, MAX_PAGE),
            None => MAX_PAGE,
        }),
        _ => Some(MAX_PAGE),
    }
}

/// A single value is coerced to a list of one item (§3.11).
fn length(value: &Value) -> Option<u64> {
    match value {
        Value::Null => None,
        Value::List(values) => Some(values.len() as u64),
        _ => Some(1),
    }
}
