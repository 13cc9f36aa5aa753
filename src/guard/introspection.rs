//! Limits introspection to twice the queries that tools send.
//!
//! Introspection has no pages and is circular (`fields { type { fields { type …`), so that neither the depth nor the
//! cost limit of ordinary queries fits it. It is measured in fields of the response, from the average numbers of types,
//! fields and arguments of this schema and the maximum number of lists and non-nulls around a type. The limit is twice
//! the full introspection query; without a credential it is little more than once.

use async_graphql::parser::types::{BaseType, ServiceDocument, Type, TypeKind};

use super::model::{CostModel, FieldModel, Times, TypeId, fields, types};

/// Maximum nesting of fields below `__schema` and `__type`, those included; the full query has 15.
pub(super) const MAX_DEPTH: usize = 20;

/// The lists that lead from a type to further types. In the full query they nest one deep.
pub(super) const LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Maximum nesting of [`LISTS`].
pub(super) const MAX_LISTS: usize = 2;

/// Allowance of an operation, in percent of the full introspection query.
pub(super) const ALLOWANCE: u64 = 200;

/// Allowance of a caller without a credential: the full query, which takes half of the processor time that such a
/// request may take (DEF-01), plus a margin for tools.
pub(super) const ALLOWANCE_OF_NOBODY: u64 = 110;

/// The full introspection query, nine type wrappers deep, as code generators send it.
pub const FULL_INTROSPECTION: &str = "
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

/// Types, including scalars, that every schema has without defining them.
const BUILT_IN_TYPES: u64 = 13;

/// Directives that every schema has without defining them.
const BUILT_IN_DIRECTIVES: u64 = 5;

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
    // A type inside its lists and non-nulls: each `ofType` leads to the next type, and the last one to none.
    let mut inner = ty;
    let mut types = vec![ty];
    for level in 1..=counts.wrappers {
        let outer = inner;
        inner = model.add_alias(&format!("__Type inside {level}"), ty);
        types.push(inner);
        model.add_field(outer, "ofType", introspecting(inner, 1, false));
    }
    model.add_field(inner, "ofType", introspecting(inner, 0, false));
    for holder in types {
        for (name, target, times) in [
            ("fields", field, counts.fields),
            ("interfaces", ty, counts.relations),
            ("possibleTypes", ty, counts.relations),
            ("enumValues", value, counts.values),
            ("inputFields", input, counts.inputs),
        ] {
            model.add_field(holder, name, introspecting(target, times, false));
        }
    }
    let fields = [
        (schema, "queryType", ty, 1),
        (schema, "mutationType", ty, 1),
        (schema, "subscriptionType", ty, 1),
        (schema, "types", ty, counts.types),
        (schema, "directives", directive, counts.directives),
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

/// Counts of the things that introspection lists: first totals, then averages, rounded up.
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
    /// Maximum number of lists and non-nulls around a type.
    wrappers: u64,
}

impl Census {
    fn of(document: &ServiceDocument) -> Self {
        let mut census = Self::default();
        for definition in types(document) {
            census.types += 1;
            for field in fields(&definition.kind) {
                census.fields += 1;
                census.wrappers = census.wrappers.max(wrappers(&field.ty.node));
                for argument in &field.arguments {
                    census.wrappers = census.wrappers.max(wrappers(&argument.node.ty.node));
                }
                census.arguments += field.arguments.len() as u64;
            }
            match &definition.kind {
                TypeKind::Object(object) => census.relations += object.implements.len() as u64,
                TypeKind::Interface(interface) => {
                    census.relations += interface.implements.len() as u64;
                }
                TypeKind::Union(union) => census.relations += union.members.len() as u64,
                TypeKind::Enum(definition) => census.values += definition.values.len() as u64,
                TypeKind::InputObject(input) => {
                    census.inputs += input.fields.len() as u64;
                    for field in &input.fields {
                        census.wrappers = census.wrappers.max(wrappers(&field.node.ty.node));
                    }
                }
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
            wrappers: self.wrappers,
        }
    }
}

/// Counts the lists and non-nulls around a type.
fn wrappers(ty: &Type) -> u64 {
    let inner = match &ty.base {
        BaseType::Named(_) => 0,
        BaseType::List(item) => 1 + wrappers(item),
    };
    inner + u64::from(!ty.nullable)
}
