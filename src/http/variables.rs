//! What can be said of the variables before anything runs (GraphQL §6.1.2). Strict validation looks at the rest, but at a
//! text that was sent before it does not look again, and the library's directives take a wrong value for none.

use async_graphql::{
    Name, Value, Variables,
    parser::types::{BaseType, OperationDefinition, VariableDefinition},
};

use super::answer::{Denied, coded};
use crate::guard::Prepared;

/// Checks that each variable of the operation has the value that it needs. True when nothing is left for the executor to
/// find wrong with one.
///
/// # Errors
/// BAD_USER_INPUT that names the first variable that has not.
pub(super) fn check(prepared: &Prepared, name: Option<&str>, variables: &Variables) -> Result<bool, Denied> {
    let mut operations = prepared.document().operations.iter();
    let found = operations.find(|(own, _)| own.map(Name::as_str) == name);
    let Some((_, operation)) = found else {
        return Ok(false);
    };
    let mut all_fit = true;
    let operation: &OperationDefinition = &operation.node;
    for definition in &operation.variable_definitions {
        let wanted = &definition.node;
        let value = variables.get(&wanted.name.node);
        all_fit &= fits(wanted, value);
        if let Some(fault) = fault(wanted, value) {
            let (name, kind) = (&wanted.name.node, &wanted.var_type.node);
            let message = format!("The variable \"${name}\" of type \"{kind}\" {fault}.");
            let mut error = coded("BAD_USER_INPUT", message);
            error.locations.push(definition.pos);
            return Err(error.into());
        }
    }
    Ok(all_fit)
}

/// Whether a value is one that its type takes, whatever it holds.
fn fits(wanted: &VariableDefinition, value: Option<&Value>) -> bool {
    let BaseType::Named(name) = &wanted.var_type.node.base else {
        return false;
    };
    matches!(
        (name.as_str(), value),
        ("ID" | "String", Some(Value::String(_))) | ("Boolean", Some(Value::Boolean(_)))
    )
}

/// What is wrong with the value of a variable.
fn fault(wanted: &VariableDefinition, value: Option<&Value>) -> Option<&'static str> {
    let kind = &wanted.var_type.node;
    let is_boolean = matches!(&kind.base, BaseType::Named(name) if name == "Boolean");
    match value {
        None if !kind.nullable && wanted.default_value.is_none() => {
            Some("is required, but no value was sent for it")
        }
        Some(Value::Null) if !kind.nullable => Some("must not be null"),
        None | Some(Value::Null | Value::Boolean(_)) => None,
        Some(_) => is_boolean.then_some("must be true or false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn faults(definition: &str, json: &str) -> Option<&'static str> {
        let document = parse_query(format!("query({definition}) {{ a }}")).expect("parses");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let variables: Variables = serde_json::from_str(json).expect("variables");
        let wanted = &operation.node.variable_definitions[0].node;
        fault(wanted, variables.get(&wanted.name.node))
    }

    // ERR-02
    #[test]
    fn a_variable_has_the_value_that_it_needs() {
        for (definition, json, refused) in [
            ("$a: ID!", "{}", true),
            ("$a: ID!", r#"{"a":null}"#, true),
            ("$a: ID!", r#"{"a":"x"}"#, false),
            ("$a: ID! = 1", "{}", false),
            ("$a: ID! = 1", r#"{"a":null}"#, true),
            ("$a: ID", "{}", false),
            ("$a: ID", r#"{"a":null}"#, false),
            ("$a: Boolean", r#"{"a":"yes"}"#, true),
            ("$a: Boolean", r#"{"a":true}"#, false),
            ("$a: [Boolean]", r#"{"a":[true]}"#, false),
        ] {
            assert_eq!(faults(definition, json).is_some(), refused, "{definition} {json}");
        }
    }
}
