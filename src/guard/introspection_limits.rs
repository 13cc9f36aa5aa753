//! The full introspection query, and the limits that are made from it.

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
