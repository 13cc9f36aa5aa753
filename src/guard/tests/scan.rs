//! Tests of what the scan counts and what it refuses.

use crate::guard::{
    GuardLimits,
    RefusalKind::{self, Limit, Parse},
    scan::{Scanned, scan},
};

fn scanned(text: &str) -> Scanned {
    scan(text, &GuardLimits::default()).unwrap_or_else(|refusal| panic!("{}", refusal.message))
}

fn counts(text: &str) -> (usize, usize) {
    let scanned = scanned(text);
    (scanned.tokens.len(), scanned.nesting)
}

fn refused(text: &str) -> (RefusalKind, usize, usize) {
    let refusal = scan(text, &GuardLimits::default()).expect_err(text);
    let at = refusal.locations[0];
    (refusal.kind, at.line, at.column)
}

#[test]
fn counts_tokens_and_brackets() {
    assert_eq!(counts(""), (0, 0));
    assert_eq!(counts("{a}"), (3, 1));
    assert_eq!(counts("{a(b:[1,2.5e-3,\"x\"]){...F}}"), (16, 3));
    assert_eq!(counts("query($a:[[Int!]!]=[[1]]){b}"), (22, 3));
    assert_eq!(counts("\u{feff}{a}"), (3, 1));
}

#[test]
fn brackets_in_strings_and_comments_are_text() {
    assert_eq!(counts(r#"{a(b:"[[[{{{(((")}"#), (8, 2));
    assert_eq!(counts(r#"{a(b:"\"[[[")}"#), (8, 2));
    assert_eq!(counts(r#"{a(b:"""[[[ " "" \""" [[[ """)}"#), (8, 2));
    assert_eq!(counts("{a # {{{ \"\r b # {{{ \"\"\"\n}"), (4, 1));
}

#[test]
fn an_empty_string_is_no_block_string() {
    assert_eq!(counts(r#"{a(b:["" ""])}"#), (11, 3));
    assert_eq!(counts(r#"{a(b:["""""" ""])}"#), (11, 3));
}

#[test]
fn strings_that_do_not_end_are_refused_where_they_begin() {
    assert_eq!(refused("{a(b:\"x)}"), (Parse, 1, 6));
    assert_eq!(refused("{a(b:\"x\n\")}"), (Parse, 1, 6));
    assert_eq!(refused("{a(b:\n\"\"\" \" {{{{ ]"), (Parse, 2, 1));
    assert_eq!(refused("{a(b:\"\"\"\\\"\"\")}"), (Parse, 1, 6));
}

#[test]
fn what_the_parser_would_read_differently_is_refused() {
    for text in [
        "0123", "00", "1a", "1.", "1.a", ".5", "1e", "-", "--1", "1.2.3", "1_",
    ] {
        assert_eq!(refused(&format!("{{a(b:{text})}}")), (Parse, 1, 6), "{text}");
    }
    assert_eq!(refused(r#"{a(b:"\q")}"#), (Parse, 1, 7));
    assert_eq!(refused(r#"{a(b:"\u12")}"#), (Parse, 1, 7));
    for character in ['\0', '\u{7f}', '%', 'é', '\u{2028}', ';', '.'] {
        assert_eq!(refused(&format!("{{\n {character}}}")), (Parse, 2, 2));
    }
}

#[test]
fn brackets_that_do_not_match_are_refused_where_they_stand() {
    assert_eq!(refused("{a{b}"), (Parse, 1, 1));
    assert_eq!(refused("{\n a(b:[1)}"), (Parse, 2, 8));
    assert_eq!(refused("{a}}"), (Parse, 1, 4));
    assert_eq!(refused("]"), (Parse, 1, 1));
}

#[test]
fn places_count_lines_and_characters() {
    assert_eq!(refused("#é\r\n#\r#\n{ é"), (Parse, 4, 3));
}

// GQL-03
#[test]
fn escapes_are_those_of_the_specification() {
    for text in [
        r"\u{1F600}",
        r"\u{0}",
        r"\u{000000000041}",
        r"\uD83D\uDE00",
        r"\u00e4",
        r#"\" \\ \/ \b \f \n \r \t"#,
    ] {
        assert_eq!(counts(&format!("{{a(b:\"{text}\")}}")), (8, 2), "{text}");
    }
    for text in [
        r"\u{110000}",
        r"\u{D83D}",
        r"\u{}",
        r"\u{1F600",
        r"\u{x}",
        r"\uD83D",
        r"\uDE00",
        r"\uD83D\u0041",
        r"\uD83D\uD83D",
        r"\u00",
        r"\u{FFFFFFFFFF}",
    ] {
        assert_eq!(refused(&format!("{{a(b:\"{text}\")}}")), (Parse, 1, 7), "{text}");
    }
}

#[test]
fn each_limit_is_the_last_number_that_passes() {
    let nested = |depth| "{".repeat(depth) + &"}".repeat(depth);
    assert_eq!(counts(&nested(32)), (64, 32));
    assert_eq!(refused(&nested(33)), (Limit, 1, 33));
    assert_eq!(counts(&"a ".repeat(2000)), (2000, 0));
    assert_eq!(refused(&"a ".repeat(2001)), (Limit, 1, 4001));
    assert_eq!(counts(&" ".repeat(32 * 1024)), (0, 0));
    assert_eq!(refused(&" ".repeat(32 * 1024 + 1)).0, Limit);
    assert_eq!(refused(&"#".repeat(32 * 1024 + 1)).0, Limit);
    assert_eq!(counts(&"a".repeat(256)), (1, 0));
    assert_eq!(refused(&"a".repeat(257)), (Limit, 1, 1));
    assert_eq!(counts(&"1".repeat(16 * 1024)), (1, 0));
    assert_eq!(refused(&"1".repeat(16 * 1024 + 1)), (Limit, 1, 1));
}
