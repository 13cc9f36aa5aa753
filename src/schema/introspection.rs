//! Introspection (GraphQL §4.2).
//!
//! The library answers introspection field by field, each with a future of its own, which takes 17 ms for the whole
//! schema: more than a request without a credential may take (DEF-01). Therefore the library is queried once for the
//! full schema, and the result is kept as a graph whose leaves are JSON already. An introspection query is turned into
//! a plan, as large as its document, and the plan is written out over the graph.

mod graph;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection,
        SelectionSet,
    },
};
use serde_json::value::RawValue;

use self::graph::{Graph, ObjectKind, Planned, What};
use crate::guard::value_of;
use crate::read::direct::write_result;

/// The schema of this program, which is the same for all callers.
static DESCRIBED: LazyLock<Graph> = LazyLock::new(|| Graph::of(&super::build().finish()));

/// An introspection operation. Its document is valid, so that the type of each fragment is the one it is spread on.
#[derive(Clone, Copy)]
struct IntrospectionQuery<'a> {
    graph: &'a Graph,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

/// The fields of each response key, in the order of the text.
type Collected<'a> = Vec<(&'a str, Vec<&'a Field>)>;

impl<'a> IntrospectionQuery<'a> {
    /// Collects the fields that a selection set has on one object, merged by response key (GraphQL §6.3.2).
    fn collect(&self, set: &'a SelectionSet, into: &mut Collected<'a>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) if self.includes(&field.node.directives) => {
                    let field = &field.node;
                    let key = field.response_key().node.as_str();
                    match into.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, fields)) => fields.push(field),
                        None => into.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(inline) if self.includes(&inline.node.directives) => {
                    self.collect(&inline.node.selection_set.node, into);
                }
                Selection::FragmentSpread(spread) if self.includes(&spread.node.directives) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.collect(&fragment.node.selection_set.node, into);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether `@skip` and `@include` keep a selection.
    fn includes(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let directive = &directive.node;
            let condition = || directive.get_argument("if").map(|value| self.value(&value.node));
            match directive.name.node.as_str() {
                "skip" => condition() != Some(Value::Boolean(true)),
                "include" => condition() != Some(Value::Boolean(false)),
                _ => true,
            }
        })
    }

    /// Returns the value of an argument, with variables resolved.
    fn value(&self, value: &async_graphql_value::Value) -> Value {
        let known = |name: Name| value_of(self.operation, self.variables, &name).ok_or(());
        value.clone().into_const_with(known).unwrap_or_default()
    }

    /// Plans the selections below fields of the same response key, on objects of a kind.
    fn plan(&self, kind: ObjectKind, fields: &[&'a Field]) -> Vec<Planned> {
        let mut collected = Collected::new();
        for field in fields {
            self.collect(&field.selection_set.node, &mut collected);
        }
        let planned = collected.iter().map(|(key, fields)| {
            let name = fields[0].name.node.as_str();
            let slot = kind.fields().iter().position(|(known, _)| *known == name);
            let what = match slot {
                Some(slot) => What::Slot(slot),
                // A valid document has no other field than `__typename`.
                None => What::Json(format!("\"{}\"", kind.name())),
            };
            let target = slot.and_then(|slot| kind.fields()[slot].1);
            let deprecated = fields[0].get_argument("includeDeprecated");
            Planned {
                key: format!("\"{key}\":"),
                what,
                below: target.map_or_else(Vec::new, |target| self.plan(target, fields)),
                with_deprecated: deprecated
                    .is_some_and(|value| self.value(&value.node) == Value::Boolean(true)),
            }
        });
        planned.collect()
    }

    /// Returns the JSON of a field of the query; `None` for a field that is not about the schema.
    fn answer(&self, fields: &[&'a Field]) -> Option<String> {
        let (at, kind) = match fields[0].name.node.as_str() {
            "__typename" => return Some("\"Query\"".to_owned()),
            "__schema" => (self.graph.schema, ObjectKind::Schema),
            "__type" => {
                let name = fields[0].get_argument("name").map(|name| self.value(&name.node));
                let Some(Value::String(name)) = name else {
                    return Some("null".to_owned());
                };
                match self.graph.types.get(&name) {
                    Some(at) => (*at, ObjectKind::Type),
                    None => return Some("null".to_owned()),
                }
            }
            _ => return None,
        };
        let mut out = String::new();
        self.graph.write(at, &self.plan(kind, fields), &mut out);
        Some(out)
    }
}

/// The part of a response that describes the schema.
#[derive(Debug)]
pub struct Introspection {
    /// The response keys in their order; `None`: not about the schema.
    parts: Vec<(String, Option<String>)>,
}

impl Introspection {
    /// Answers the introspection fields of a query, and removes them from its document, so that the rest can be
    /// executed.
    #[must_use]
    pub fn of(document: &mut ExecutableDocument, name: Option<&str>, variables: &Variables) -> Self {
        Self::by(&DESCRIBED, document, name, variables)
    }

    fn by(
        graph: &Graph,
        document: &mut ExecutableDocument,
        name: Option<&str>,
        variables: &Variables,
    ) -> Self {
        let mut operations = document.operations.iter();
        let found = operations.find(|(own, _)| name.is_none() || own.map(Name::as_str) == name);
        let parts = found.map(|(_, operation)| {
            let query = IntrospectionQuery {
                graph,
                document,
                operation: &operation.node,
                variables,
            };
            let mut collected = Collected::new();
            query.collect(&operation.node.selection_set.node, &mut collected);
            let answers = collected
                .iter()
                .map(|(key, fields)| ((*key).to_owned(), query.answer(fields)));
            answers.collect()
        });
        let parts = parts.unwrap_or_default();
        let operations = match &mut document.operations {
            DocumentOperations::Single(only) => vec![only],
            DocumentOperations::Multiple(several) => several.values_mut().collect(),
        };
        for operation in operations {
            take_out(&mut operation.node.selection_set.node);
        }
        for fragment in document.fragments.values_mut() {
            take_out(&mut fragment.node.selection_set.node);
        }
        Self { parts }
    }

    /// Whether no field is left to execute.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.parts.iter().all(|(_, answer)| answer.is_some())
    }

    /// Joins the introspection results with the data of the executed rest.
    ///
    /// # Errors
    /// A value that has no JSON form; the schema's scalars produce none.
    pub fn joined(self, rest: &Value) -> serde_json::Result<Box<RawValue>> {
        let rest = match rest {
            Value::Object(rest) => Some(rest),
            _ if self.is_all() => None,
            // A non-null field failed.
            _ => return RawValue::from_string("null".to_owned()),
        };
        let mut out = vec![b'{'];
        for (index, (key, answer)) in self.parts.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"{key}\":").as_bytes());
            match answer {
                Some(json) => out.extend_from_slice(json.as_bytes()),
                None => {
                    let value = rest.and_then(|rest| rest.get(key.as_str()));
                    write_result(value.unwrap_or(&Value::Null), &mut out)?;
                }
            }
        }
        out.push(b'}');
        RawValue::from_string(String::from_utf8(out).map_err(serde::ser::Error::custom)?)
    }
}

/// Removes the introspection fields from a selection on the query, including those in inline fragments.
fn take_out(set: &mut SelectionSet) {
    set.items.retain(|selection| {
        !matches!(&selection.node, Selection::Field(field) if matches!(field.node.name.node.as_str(), "__schema" | "__type"))
    });
    for selection in &mut set.items {
        if let Selection::InlineFragment(inline) = &mut selection.node {
            take_out(&mut inline.node.selection_set.node);
        }
    }
}
