//! What introspection may ask for: the questions that tools ask, twice over, and no bombs.
//!
//! Introspection has no pages and goes in circles (`fields { type { fields { type …`), so that neither the depth nor
//! the cost of ordinary queries fits it. It is measured in fields that the answer holds, by how many types, fields
//! and arguments this schema has on average, and may come to twice what the full introspection query comes to.

use async_graphql::parser::types::{ServiceDocument, TypeKind};

use super::model::{CostModel, FieldModel, Times, TypeId, fields, types};

/// Fields inside one another below `__schema` and `__type`, themselves counted; the full query has 15.
pub(super) const MAX_DEPTH: usize = 20;

/// The lists that lead from a type to further types; what the full query has inside one another is one.
pub(super) const LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// How many of [`LISTS`] may stand inside one another.
pub(super) const MAX_LISTS: usize = 2;

/// How many times the full introspection query an operation may ask for.
pub(super) const ALLOWANCE: u64 = 2;

/// Types, scalars among them, that every schema has without defining them.
const BUILT_IN_TYPES: u64 = 13;

/// Directives that every schema has without defining them.
const BUILT_IN_DIRECTIVES: u64 = 5;

/// Asks for everything that can be asked about a schema, nine wrappers deep, as the tools that generate code do.
pub(super) const FULL: &str = "
query {
  __schema {
    description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...Everything }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...Input } }
  }
}
fragment Everything on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description isDeprecated deprecationReason
    args(includeDeprecated: true) { ...Input }
    type { ...Reference }
  }
  inputFields(includeDeprecated: true) { ...Input }
  interfaces { ...Reference }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...Reference }
}
fragment Input on __InputValue {
  name description type { ...Reference } defaultValue isDeprecated deprecationReason
}
fragment Reference on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";

/// Adds the introspection types to a model, with `__schema` and `__type` on its query root.
pub(super) fn add(model: &mut CostModel, document: &ServiceDocument) {
    let counts = Census::of(document).averages();
    let [schema, ty, field, input, value, directive] = [
        "__Schema",
        "__Type",
        "__Field",
        "__InputValue",
        "__EnumValue",
        "__Directive",
    ]
    .map(|name| model.add_type(name));
    let fields = [
        (schema, "queryType", ty, 1),
        (schema, "mutationType", ty, 1),
        (schema, "subscriptionType", ty, 1),
        (schema, "types", ty, counts.types),
        (schema, "directives", directive, counts.directives),
        (ty, "fields", field, counts.fields),
        (ty, "interfaces", ty, counts.relations),
        (ty, "possibleTypes", ty, counts.relations),
        (ty, "enumValues", value, counts.values),
        (ty, "inputFields", input, counts.inputs),
        (ty, "ofType", ty, 1),
        (field, "args", input, counts.arguments),
        (field, "type", ty, 1),
        (input, "type", ty, 1),
        (directive, "args", input, counts.arguments),
    ];
    for (parent, name, target, times) in fields {
        model.add_field(parent, name, introspecting(target, times, false));
    }
    if let Some(query) = model.query {
        model.add_field(query, "__schema", introspecting(schema, 1, true));
        model.add_field(query, "__type", introspecting(ty, 1, true));
    }
}

fn introspecting(target: TypeId, times: u64, introspects: bool) -> FieldModel {
    FieldModel {
        target: Some(target),
        times: Times::Fixed(times),
        counts: false,
        introspects,
        credential: false,
        registration: false,
    }
}

/// How many there are of what introspection lists, in all; then on average, rounded up.
#[derive(Default)]
struct Census {
    types: u64,
    directives: u64,
    fields: u64,
    arguments: u64,
    inputs: u64,
    values: u64,
    /// Interfaces of objects and members of unions.
    relations: u64,
}

impl Census {
    fn of(document: &ServiceDocument) -> Self {
        let mut census = Self::default();
        for definition in types(document) {
            census.types += 1;
            for field in fields(&definition.kind) {
                census.fields += 1;
                census.arguments += field.arguments.len() as u64;
            }
            match &definition.kind {
                TypeKind::Object(object) => census.relations += object.implements.len() as u64,
                TypeKind::Interface(interface) => {
                    census.relations += interface.implements.len() as u64;
                }
                TypeKind::Union(union) => census.relations += union.members.len() as u64,
                TypeKind::Enum(definition) => census.values += definition.values.len() as u64,
                TypeKind::InputObject(input) => census.inputs += input.fields.len() as u64,
                TypeKind::Scalar => {}
            }
        }
        census.directives = document.definitions.len() as u64 - census.types;
        census
    }

    fn averages(&self) -> Self {
        let types = self.types.max(1);
        Self {
            types: self.types + BUILT_IN_TYPES,
            directives: self.directives + BUILT_IN_DIRECTIVES,
            fields: self.fields.div_ceil(types),
            arguments: self.arguments.div_ceil(self.fields.max(1)),
            inputs: self.inputs.div_ceil(types),
            values: self.values.div_ceil(types),
            relations: self.relations.div_ceil(types),
        }
    }
}
