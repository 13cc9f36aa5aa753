//! Removes arguments and input fields whose variable has no value (GraphQL §6.4.1 for arguments, §3.10 for input
//! objects).

use std::collections::HashSet;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet};
use async_graphql_value::Value;

/// Removes the arguments and the fields of input objects whose value is one of these variables. In a list such a
/// variable stays, because it is null there.
pub(super) fn leave_out(document: &mut ExecutableDocument, absent: &HashSet<&str>) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => selections(&mut operation.node.selection_set.node, absent),
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                selections(&mut operation.node.selection_set.node, absent);
            }
        }
    }
    for fragment in document.fragments.values_mut() {
        selections(&mut fragment.node.selection_set.node, absent);
    }
}

fn selections(set: &mut SelectionSet, absent: &HashSet<&str>) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                field.node.arguments.retain_mut(|(_, value)| {
                    inside(&mut value.node, absent);
                    !is_absent(&value.node, absent)
                });
                selections(&mut field.node.selection_set.node, absent);
            }
            Selection::InlineFragment(inline) => selections(&mut inline.node.selection_set.node, absent),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_absent(value: &Value, absent: &HashSet<&str>) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name.as_str()))
}

fn inside(value: &mut Value, absent: &HashSet<&str>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !is_absent(value, absent));
            fields.values_mut().for_each(|value| inside(value, absent));
        }
        Value::List(items) => items.iter_mut().for_each(|item| inside(item, absent)),
        _ => {}
    }
}
