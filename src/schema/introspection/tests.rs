//! Compares the responses with those of the library to the same queries.

use async_graphql::{
    EmptyMutation, EmptySubscription, Enum, InputObject, Interface, Object, OneofObject, Request,
    Schema as GraphqlSchema, SimpleObject, Union, parser::parse_query,
};
use serde_json::{Value as Json, json};

use super::graph::IntrospectedValue;
use super::*;
use crate::guard::FULL_INTROSPECTION;

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    #[graphql(deprecation = "Too \"large\".")]
    Large,
}

#[derive(InputObject)]
struct Filter {
    #[graphql(default = 5)]
    most: i32,
    names: Option<Vec<Vec<String>>>,
    #[graphql(deprecation)]
    size: Option<Size>,
}

#[derive(OneofObject)]
enum Key {
    /// By number.
    Number(i32),
    Name(String),
}

#[derive(SimpleObject)]
struct Cup {
    id: String,
    size: Size,
}

#[derive(SimpleObject)]
struct Plate {
    id: String,
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "&String"))]
enum Thing {
    Cup(Cup),
    Plate(Plate),
}

#[derive(Union)]
enum Either {
    Cup(Cup),
    Plate(Plate),
}

struct Query;

/// What can be asked for.
#[Object]
impl Query {
    async fn thing(&self) -> Thing {
        Thing::Plate(Plate { id: "1".to_owned() })
    }
    async fn either(&self, #[graphql(deprecation = "No.")] key: Option<Key>) -> Option<Either> {
        key.map(|key| match key {
            Key::Number(id) => Either::Plate(Plate { id: id.to_string() }),
            Key::Name(id) => Either::Cup(Cup {
                id,
                size: Size::Small,
            }),
        })
    }
    #[graphql(deprecation = "Use thing.")]
    async fn things(&self, filter: Filter) -> Vec<Vec<String>> {
        assert!(filter.most > 0 && filter.size.is_none());
        filter.names.unwrap_or_default()
    }
    async fn fails(&self) -> async_graphql::Result<i32> {
        Err("no".into())
    }
}

fn schema() -> GraphqlSchema<Query, EmptyMutation, EmptySubscription> {
    GraphqlSchema::build(Query, EmptyMutation, EmptySubscription)
        .register_output_type::<Thing>()
        .finish()
}

const REST: &str = "{ kind name description specifiedByURL isOneOf ofType { name } enumValues { name } inputFields { name } \
                    possibleTypes { name } interfaces { name } fields { name } }";

/// Returns both responses as text, because the order of fields matters.
async fn both(query: &str, variables: Json) -> (String, String) {
    let schema = schema();
    let request = Request::new(query).variables(Variables::from_json(variables.clone()));
    let theirs = schema.execute(request).await;
    let theirs = serde_json::to_string(&theirs.data).unwrap();
    let mut document = parse_query(query).unwrap();
    let variables = Variables::from_json(variables);
    let described = Introspection::by(&Graph::of(&schema), &mut document, None, &variables);
    let rest = if described.is_all() {
        Value::Null
    } else {
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(document);
        schema.execute(request).await.data
    };
    let ours = described.joined(&rest).unwrap();
    (ours.get().to_owned(), theirs)
}

// GQL-01
#[tokio::test]
async fn the_schema_describes_itself_as_the_library_would() {
    let of_types = format!(
        "{{ __schema {{ types {{ ...T all: fields(includeDeprecated: true) {{ type {{ ...T }} args {{ type {{ ...T }} }} }} }} }} }} \
         fragment T on __Type {REST}"
    );
    let without_variables = [
        FULL_INTROSPECTION,
        &of_types,
        "{ __typename }",
        "{ a: __schema { b: queryType { c: name name } } d: __typename }",
        "{ __schema { queryType { name } ... on __Schema { queryType { kind } types { name } } } __schema { types { kind } } }",
        "{ ...Q } fragment Q on Query { __schema { ...S __typename } ... { __typename } } fragment S on __Schema { queryType { fields { __typename args { __typename } } } directives { __typename name locations } types { __typename enumValues { __typename } } }",
        "{ __type(name: \"Size\") { enumValues { name } } no: __type(name: \"Nothing\") { name } }",
        "query($d: Boolean = true) { __type(name: \"Query\") { fields(includeDeprecated: $d) { name deprecationReason } } }",
        "{ __type(name: \"Filter\") { inputFields(includeDeprecated: true) { name defaultValue isDeprecated type { name ofType { kind ofType { kind ofType { name } } } } } } }",
        "{ thing { id } __schema { queryType { name } } either(key: {name: \"x\"}) { __typename } }",
        "{ ... on Query { thing { __typename } __type(name: \"Cup\") { name } } }",
        "{ __schema { queryType { name } } fails }",
    ];
    let with_variables = [
        (
            "query($n: String!) { __type(name: $n) { name enumValues(includeDeprecated: true) { name isDeprecated deprecationReason } } }",
            json!({ "n": "Size" }),
        ),
        (
            "query($d: Boolean = true) { __type(name: \"Query\") { fields(includeDeprecated: $d) { name } } }",
            json!({ "d": false }),
        ),
        (
            "query($y: Boolean!, $n: Boolean!) { __schema @include(if: $n) { description } __typename @skip(if: $y) ... @include(if: $y) { __type(name: \"Key\") { isOneOf name @skip(if: $n) } } }",
            json!({ "y": true, "n": false }),
        ),
    ];
    let without_variables = without_variables.into_iter().map(|query| (query, json!({})));
    for (query, variables) in without_variables.chain(with_variables) {
        let (ours, theirs) = both(query, variables).await;
        assert_eq!(ours, theirs, "{query}");
    }
}

// GQL-01
#[tokio::test]
async fn deprecated_members_are_shown_on_demand() {
    let (ours, theirs) = both(
        "{ __type(name: \"Query\") { some: fields { name } all: fields(includeDeprecated: true) { name } } }",
        json!({}),
    )
    .await;
    let shown: Json = serde_json::from_str(&ours).unwrap();
    assert_eq!(ours, theirs);
    assert_eq!(shown["__type"]["some"].as_array().unwrap().len(), 3);
    assert_eq!(shown["__type"]["all"].as_array().unwrap().len(), 4);
}

#[test]
fn no_field_of_introspection_is_forgotten() {
    use ObjectKind::{Directive, EnumValue, Field, InputValue, Schema, Type};
    for kind in [Schema, Type, Field, InputValue, EnumValue, Directive] {
        let described = &DESCRIBED.objects[DESCRIBED.types[kind.name()]];
        let at = Type.fields().iter().position(|(name, _)| *name == "fields");
        let IntrospectedValue::Many(fields) = &described.slots[at.unwrap()] else {
            panic!("{kind:?} has fields");
        };
        let named = fields.iter().map(|at| match &DESCRIBED.objects[*at].slots[0] {
            IntrospectedValue::Leaf(name) => name.trim_matches('"').to_owned(),
            other => panic!("a name: {other:?}"),
        });
        let mut named: Vec<String> = named.collect();
        let mut known: Vec<String> = kind.fields().iter().map(|(name, _)| (*name).to_owned()).collect();
        named.sort();
        known.sort();
        assert_eq!(named, known, "{kind:?}");
    }
}
