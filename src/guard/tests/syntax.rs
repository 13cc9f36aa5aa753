//! What a message about a text that is not GraphQL says, and what it never says.

use super::{super::RefusalKind, *};

fn message(text: &str) -> String {
    let refusal = refused(text);
    assert_eq!(refusal.kind, RefusalKind::Parse, "{text}");
    assert_eq!(refusal.locations.len(), 1, "{text}");
    refusal.message
}

#[test]
fn a_message_says_where_and_what_could_stand_there() {
    assert_eq!(
        message("{viewer{id}"),
        "Syntax error at line 1, column 1: this bracket is never closed."
    );
    assert_eq!(
        message("{viewer{}}"),
        "Syntax error at line 1, column 9: expected a selection."
    );
    assert_eq!(
        message("{\n  viewer(: 1){id}}"),
        "Syntax error at line 2, column 10: expected a name."
    );
    assert_eq!(
        message(""),
        "Syntax error at line 1, column 1: expected the definition of an operation or fragment."
    );
    assert_eq!(
        message("{node(id:1e999){id}}"),
        "Syntax error at line 1, column 10: this number is out of range."
    );
    assert_eq!(
        message("query($a){id}"),
        "Syntax error at line 1, column 9: expected a colon and the type of the variable."
    );
}

#[test]
fn a_message_never_repeats_the_text() {
    for text in [
        "mutation{login(name:\"a\",password:\"hunter2\"}",
        "mutation{login(name:\"a\",password:\"hunter2)}",
        "mutation{login(password:hunter2 hunter2)}",
        "mutation{login(password:\"\"\"hunter2)}",
        "{hunter2(expected: value, name, hunter2",
        "hunter2",
        "= expected field\n hunter2",
        "query hunter2{a} query hunter2{a}",
        "{...hunter2} fragment hunter2 on A{b} fragment hunter2 on A{b}",
        "{...hunter2} fragment hunter2 on Query{...hunter2}",
        "fragment hunter2 on Query{id}",
    ] {
        let refusal = refused(text);
        assert!(!refusal.message.contains("hunter2"), "{}", refusal.message);
        assert!(!refusal.message.contains('|'), "{}", refusal.message);
    }
}

#[test]
fn a_document_without_sense_is_told_apart_from_one_that_is_not_graphql() {
    for (text, place) in [
        ("query a{id} query a{id}", (1, 13)),
        ("{id} query a{id}", (1, 1)),
        ("{id} fragment A on Query{id} fragment A on Query{id}", (1, 30)),
        ("{...A}\nfragment A on Query{...A}", (2, 1)),
    ] {
        let refusal = refused(text);
        assert_eq!(refusal.kind, RefusalKind::Validation, "{text}");
        let first = refusal.locations[0];
        assert_eq!((first.line, first.column), place, "{text}");
    }
}
