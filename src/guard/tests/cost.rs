//! Tests of the cost limits.

use async_graphql::parser::parse_query;
use serde_json::json;

use super::{
    super::{ModelError, RefusalKind, cost, introspection, shape},
    *,
};

fn objects(text: &str) -> u64 {
    objects_with(text, json!({}))
}

fn objects_with(text: &str, values: serde_json::Value) -> u64 {
    let cost = admit_with(&guard(), text, values);
    cost.unwrap_or_else(|refusal| panic!("{text}: {}", refusal.message))
        .objects
}

/// Checks the numbers of objects of documents.
fn check_objects(rows: &[(&str, u64)]) {
    for (text, expected) in rows {
        assert_eq!(objects(text), *expected, "{text}");
    }
}

#[test]
fn scalars_count_nothing_and_an_object_one() {
    check_objects(&[
        ("{__typename colors}", 0),
        ("{viewer{id name}}", 1),
        ("{viewer{id shop{id tags owner{__typename}}}}", 3),
        ("mutation{rename(name:\"a\"){person{id}}}", 2),
    ]);
}

#[test]
fn lists_count_ten() {
    check_objects(&[
        ("{viewer{friends{id}}}", 1 + 10),
        ("{viewer{friends{friends{id}}}}", 1 + 10 + 100),
        ("{viewer{grid{id}}}", 1 + 100),
        ("{pinned{nodes{id}}}", 10),
    ]);
}

#[test]
fn a_page_counts_its_size() {
    let edges = "{shops(first:7){edges{cursor node{id shop:owner{__typename}}}}}";
    let pages = "{shops(first:7){nodes{people(first:3){nodes{id}}}}}";
    check_objects(&[
        ("{shops{nodes{id}}}", 25),
        ("{shops(first:7){nodes{id}}}", 7),
        ("{shops(last:8){nodes{id}}}", 8),
        ("{shops(first:null,last:8){nodes{id}}}", 8),
        ("{shops(first:null){nodes{id}}}", 25),
        (edges, 14),
        ("{shops(first:7){nodes{id} edges{cursor}}}", 14),
        ("{shops(first:7){totalCount pageInfo{hasNextPage}}}", 0),
        (pages, 7 + 21),
    ]);
}

#[test]
fn a_page_size_that_will_be_refused_is_no_way_around() {
    check_objects(&[
        ("{shops(first:100000){nodes{id}}}", 100),
        ("{shops(first:-1){nodes{id}}}", 1),
        ("{shops(first:0){nodes{id}}}", 1),
        ("{shops(first:7,last:9){nodes{id}}}", 9),
    ]);
}

#[test]
fn variables_say_sizes() {
    let text = "query($n:Int){shops(first:$n){nodes{id}}}";
    assert_eq!(objects_with(text, json!({"n": 3})), 3);
    assert_eq!(objects_with(text, json!({"n": null})), 25);
    assert_eq!(objects_with(text, json!({})), 25);
    assert_eq!(objects_with(text, json!({"n": u64::MAX})), 100);
    assert_eq!(objects_with(text, json!({"n": [1]})), 100);
    let text = "query($n:Int=4){shops(last:$n){nodes{id}}}";
    assert_eq!(objects_with(text, json!({})), 4);
    assert_eq!(objects_with(text, json!({"n": null})), 25);
    let text = "query($n:Int){...A} fragment A on Query{shops(first:$n){...B}} fragment B on ShopConnection{nodes{id}}";
    assert_eq!(objects_with(text, json!({"n": 9})), 9);
}

#[test]
fn a_list_of_ids_counts_its_ids() {
    assert_eq!(objects("{nodes(ids:[]){id}}"), 0);
    assert_eq!(objects("{nodes(ids:[\"a\",\"b\",\"c\"]){id}}"), 3);
    assert_eq!(objects("{nodes(ids:\"a\"){id}}"), 1);
    let text = "query($a:[ID!]!){nodes(ids:$a){id}}";
    assert_eq!(objects_with(text, json!({"a": ["x", "y"]})), 2);
    let many: Vec<_> = (0..5001).map(|n| n.to_string()).collect();
    assert!(admit_with(&guard(), text, json!({"a": many})).is_err());
    let text = "query($a:ID!){nodes(ids:[$a,\"b\"]){id}}";
    assert_eq!(objects_with(text, json!({"a": "x"})), 2);
}

#[test]
fn an_object_has_one_type_and_the_dearest_counts() {
    let text = "{node(id:1){id ...on Shop{people(first:3){nodes{id}}} ...on Person{friends{id}}}}";
    assert_eq!(objects(text), 1 + 10);
    let text =
        "{node(id:1){...on Shop{owner{...on Person{shop{id}} ...on Shop{people(first:5){nodes{id}}}}}}}";
    assert_eq!(objects(text), 1 + 1 + 5);
    let text =
        "{node(id:1){...A ...A ...on Person{shop{id}}}} fragment A on Node{id ...on Person{friends{id}}}";
    assert_eq!(objects(text), 1 + 10 + 10 + 1);
    let text = "{viewer{...on Node{...on Person{friends{id}} ...on Shop{people{nodes{id}}}}}}";
    assert_eq!(objects(text), 1 + 10);
    let text = "{node(id:1){...{...on Owner{...on Node{...on Shop{people(first:3){nodes{id}}}}}}}}";
    assert_eq!(objects(text), 1 + 3);
}

#[test]
fn what_stands_twice_counts_twice_and_what_may_be_skipped_counts() {
    assert_eq!(objects("{viewer{id} viewer{id} a:viewer{id}}"), 3);
    let skipped = "{viewer@skip(if:true){friends@include(if:false){id}}}";
    assert_eq!(objects(skipped), 11);
}

#[test]
fn a_refusal_names_the_count_and_the_limit() {
    let refusal = refused("{shops(first:100){nodes{people(first:100){nodes{id}}}}}");
    assert_eq!(refusal.kind, RefusalKind::Limit);
    assert_eq!(
        refusal.message,
        "The query requests up to 10,100 objects; the limit is 5,000. Request smaller pages."
    );
    let most = "{shops(first:100){nodes{people(first:49){nodes{id}}}}}";
    assert_eq!(objects(most), 5000);
    assert!(admit("{viewer{id} shops(first:100){nodes{people(first:49){nodes{id}}}}}").is_err());
}

#[test]
fn fields_that_repeat_over_and_over_are_refused() {
    let text = |count: usize| {
        format!(
            "{{shops(first:100){{nodes{{people(first:49){{nodes{{{}}}}}}}}}}}",
            "id ".repeat(count)
        )
    };
    assert!(admit(&text(100)).is_ok());
    let message = refused(&text(110)).message;
    assert!(message.contains("fields; the limit is 500,000"));
}

#[test]
fn every_selection_is_measured_once() {
    let mut text = "{...F0}".to_owned();
    for own in 0..30 {
        text += &format!(
            "fragment F{own} on Query{{{}}}",
            format!("...F{} ", own + 1).repeat(20)
        );
    }
    text += "fragment F30 on Query{viewer{id}}";
    let document = parse_query(&text).unwrap();
    let order = (0..=30)
        .rev()
        .map(|n| async_graphql::Name::new(format!("F{n}")))
        .collect();
    let (_, operation) = document.operations.iter().next().unwrap();
    let (model, none) = (model(), Variables::default());
    let measure = cost::measure(&model, &document, &order, &operation.node, &none);
    assert_eq!(measure.visits, 30 * 20 + 2 + 1);
    assert_eq!(measure.cost.objects, u64::MAX);
}

#[test]
fn credential_mutations_stand_alone() {
    let login = "login(name:\"a\",password:\"b\"){person{id}}";
    let register = "register(name:\"a\"){person{id}}";
    let rename = "rename(name:\"a\"){person{id}}";
    let one = format!("mutation{{{login} {rename} b:{rename}}}");
    assert_eq!(admit(&one).unwrap().credentials, 1);
    for text in [
        format!("mutation{{{login} b:{login}}}"),
        format!("mutation{{{login} {register}}}"),
        format!("mutation{{...on Mutation{{{login}}} ...{{b:{login}}}}}"),
        format!("mutation{{...A ...A}} fragment A on Mutation{{{login}}}"),
        format!(
            "mutation{{...A b:{login}}} fragment A on Mutation{{...B}} fragment B on Mutation{{{login}}}"
        ),
        format!("mutation($s:Boolean!){{{login} ...@skip(if:$s){{b:{login}}}}}"),
    ] {
        let refusal = refused(&text);
        assert_eq!(refusal.kind, RefusalKind::Limit, "{text}");
        assert!(refusal.message.contains("allowed only once"), "{text}");
    }
}

#[test]
fn registrations_stand_once_but_in_a_backends_document() {
    let sdl = "type Query { a: Int } type Mutation { add: Int other: Int }";
    let model = CostModel::from_sdl(sdl, &[]);
    let model = model.unwrap().with_registrations(&["add"]).unwrap();
    let rules = Rules::from_sdl(sdl, &[], true).unwrap();
    let guard = Guard::new(GuardLimits::default(), model, rules);
    let admit = |text: &str| {
        let prepared = guard.prepare(text).unwrap();
        let operation = prepared.operation(None).unwrap();
        guard.admit(&operation, &Variables::default()).unwrap()
    };
    for once in ["mutation{add}", "mutation{add other b:other}"] {
        assert_eq!(admit(once).check_for_the_public(), Ok(()), "{once}");
    }
    for twice in [
        "mutation{add b:add}",
        "mutation{...A b:add} fragment A on Mutation{add}",
    ] {
        let refusal = admit(twice).check_for_the_public().unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Limit);
    }
    let model = CostModel::from_sdl("type Query { a: Int }", &[]).unwrap();
    assert!(model.with_registrations(&["add"]).is_err());
}

#[test]
fn full_introspection_passes_twice_and_no_more() {
    let cost = admit(introspection::FULL_INTROSPECTION).unwrap();
    assert_eq!(cost.objects, 0);
    assert!(cost.introspection > 0);
    let schema = introspection::FULL_INTROSPECTION
        .trim_start()
        .strip_prefix("query {")
        .unwrap();
    let (root, fragments) = schema.split_once("\n}\n").unwrap();
    let times = |count: usize| format!("query {{ {} }} {fragments}", root.repeat(count));
    assert_eq!(admit(&times(2)).unwrap().introspection, 2 * cost.introspection);
    let message = refused(&times(3)).message;
    assert!(message.starts_with("The introspection requests up to"));
    let with_object = format!("{{viewer{{id}} {root} }} {fragments}");
    assert_eq!(admit(&with_object).unwrap().objects, 1);
}

#[test]
fn the_constant_query_is_sound() {
    let document = parse_query(introspection::FULL_INTROSPECTION).unwrap();
    assert!(shape::check(&document, &GuardLimits::default()).is_ok());
}

#[test]
fn a_model_needs_a_sound_schema() {
    let unsound = CostModel::from_sdl("type {", &[]);
    assert!(matches!(unsound, Err(ModelError::Sdl(_))));
    let missing = CostModel::from_sdl(SDL, &["login", "logon"]).unwrap_err();
    assert_eq!(missing.to_string(), "the schema has no mutation logon");
}
