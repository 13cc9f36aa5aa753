//! Tests of operations and of the document cache.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use serde_json::json;

use super::{
    super::{Prepared, RefusalKind},
    *,
};

#[test]
fn the_operation_to_run_is_the_named_or_the_only_one() {
    let guard = guard();
    let several = guard
        .prepare("query A{viewer{id}} mutation B{rename(name:\"x\"){person{id}}}")
        .unwrap();
    let operation = several.operation(Some("B")).unwrap();
    assert_eq!(
        (operation.kind, operation.name),
        (OperationType::Mutation, Some("B"))
    );
    let message = |prepared: &Prepared, name| {
        let refusal = prepared.operation(name).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::BadInput);
        refusal.message
    };
    assert_eq!(
        message(&several, None),
        "The document contains several operations. Send the name of the one to run as \"operationName\": \"A\" or \"B\"."
    );
    assert_eq!(
        message(&several, Some("secret")),
        "The document has no operation of the name that was sent as \"operationName\". Send \"A\" or \"B\"."
    );
    let many: String = ('A'..='Z')
        .map(|name| format!("query {name}{{viewer{{id}}}} "))
        .collect();
    let many = guard.prepare(&many).unwrap();
    assert!(message(&many, None).ends_with(r#": "A", "B", "C", "D", "E", …."#));
    let one = guard.prepare("query A{viewer{id}}").unwrap();
    assert_eq!(one.operation(None).unwrap().name, Some("A"));
    let anonymous = guard.prepare("{viewer{id}}").unwrap();
    let operation = anonymous.operation(None).unwrap();
    assert_eq!((operation.kind, operation.name), (OperationType::Query, None));
    assert!(message(&anonymous, Some("A")).contains("has no name"));
}

#[test]
fn each_operation_has_its_own_cost() {
    let guard = guard();
    let text = "query A{viewer{id}} query B($n:Int){shops(first:$n){nodes{id}}}";
    let prepared = guard.prepare(text).unwrap();
    let cost = |name, values| {
        let operation = prepared.operation(Some(name)).unwrap();
        guard.admit(&operation, &variables(values)).unwrap().objects
    };
    for _ in 0..2 {
        assert_eq!(cost("A", json!({"n": 3})), 1);
        assert_eq!(cost("B", json!({"n": 3})), 3);
        assert_eq!(cost("B", json!({"n": 4})), 4);
    }
}

#[test]
fn only_valid_documents_are_kept() {
    let guard = guard();
    let text = "{viewer{id}}";
    let first = guard.prepare(text).unwrap();
    let again = guard.clone().prepare(text).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    for _ in 0..2 {
        assert!(guard.prepare("{viewer{ident}}").is_err());
    }
}

#[test]
fn a_kept_document_is_measured_for_each_request() {
    let guard = guard();
    let text = "query($n:Int){shops(first:$n){nodes{people(first:$n){nodes{id}}}}}";
    assert!(admit_with(&guard, text, json!({"n": 10})).is_ok());
    assert!(admit_with(&guard, text, json!({"n": 100})).is_err());
    assert!(admit_with(&guard, text, json!({"n": 10})).is_ok());
}
