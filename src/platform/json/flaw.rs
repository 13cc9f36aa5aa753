//! Explains to the sender of an invalid JSON text what is wrong with it: where, and what was expected there. Nothing of
//! the text is repeated (ERR-02).

use std::fmt;

use memchr::{memchr_iter, memrchr};

/// White space allowed between JSON's values (RFC 8259 §2).
pub const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// The first flaw of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonFlaw {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// `line 1, column 12: …`.
impl fmt::Display for JsonFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.expected)
    }
}

/// Explains the parser's error in a part of a text, or in all of it. The position is relative to the whole text. Takes
/// time proportional to the text.
#[must_use]
pub fn explain(whole: &str, part: &str, error: &serde_json::Error) -> JsonFlaw {
    let at = offset(part, error);
    let before = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    flaw_at(
        whole,
        before.saturating_add(at),
        expected(part, at, &error.to_string()),
    )
}

/// Returns the position where a sequence of bytes stops being UTF-8.
#[must_use]
pub fn not_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> JsonFlaw {
    let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let text = std::str::from_utf8(valid).unwrap_or_default();
    flaw_at(text, text.len(), "text in UTF-8 is expected (RFC 8259 §8.1)")
}

/// Returns a flaw at an offset in a text.
fn flaw_at(text: &str, at: usize, expected: &'static str) -> JsonFlaw {
    let before = text.get(..at).unwrap_or(text);
    let line = memchr_iter(b'\n', before.as_bytes()).count() + 1;
    let start = memrchr(b'\n', before.as_bytes()).map_or(0, |at| at + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    JsonFlaw {
        line,
        column,
        expected,
    }
}

/// Returns where the parser stopped, in bytes. The parser's column includes the offending byte and counts bytes from
/// the beginning of the line.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.trim_end_matches(BLANKS).len();
    }
    let mut line_breaks = memchr_iter(b'\n', text.as_bytes());
    let start = match error.line() {
        0 | 1 => 0,
        line => line_breaks.nth(line - 2).map_or(0, |at| at + 1),
    };
    let mut at = (start + error.column()).saturating_sub(1).min(text.len());
    // While it skips a string, the parser stops before the control character; otherwise behind it.
    let is_control = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_control);
    if error.to_string().starts_with(CONTROL) && !is_control(at) && is_control(at + 1) {
        at += 1;
    }
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Returns what was expected, based on the text at the position and on the parser's message, which is not repeated.
fn expected(text: &str, at: usize, said: &str) -> &'static str {
    if let Some(expected) = inside_a_string(said) {
        return expected;
    }
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let before = before.trim_end_matches(BLANKS);
    match rest.trim_start_matches(BLANKS).chars().next() {
        None => at_the_end(said),
        Some('\u{feff}') => {
            "a byte order mark is not allowed in JSON (RFC 8259 §8.1); send the text without it"
        }
        Some('}' | ']') if before.ends_with(',') => "no comma is allowed before a closing bracket",
        Some('\'' | '`') => "a text or a name is written in double quotes (\"…\"), not in other ones",
        Some('“' | '”' | '„' | '‘' | '’' | '«' | '»') => {
            "a text or a name is written in straight double quotes (\"…\"), not in typographic ones"
        }
        Some('/' | '#') => "JSON has no comments",
        Some(other) if other.is_whitespace() => {
            "only blanks, tabs and line breaks are allowed between values, no other white space"
        }
        Some(_) => between_values(said, before),
    }
}

fn inside_a_string(said: &str) -> Option<&'static str> {
    let rules = [
        (
            "EOF while parsing a string",
            "the text ends inside a string, whose closing quote is missing",
        ),
        (
            CONTROL,
            "a line break or another control character in a string is written as an escape, such as \\n",
        ),
        (
            "invalid escape",
            "an escape in a string is \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t, or \\u with four hexadecimal digits",
        ),
        ("lone leading surrogate", PAIR),
        ("unexpected end of hex escape", PAIR),
        ("invalid unicode code point", PAIR),
    ];
    let rule = rules.iter().find(|(begin, _)| said.starts_with(begin));
    rule.map(|(_, expected)| *expected)
}

/// The beginning of the parser's message about a control character in a string.
const CONTROL: &str = "control character";

const PAIR: &str =
    "a character beyond U+FFFF is written as it is, or as two \\u escapes, a high and a low surrogate";

fn at_the_end(said: &str) -> &'static str {
    if said.starts_with("EOF while parsing a list") {
        "the text ends inside a list: \",\" or \"]\" is expected"
    } else if said.starts_with("EOF while parsing an object") {
        "the text ends inside an object: a bracket is not closed, or a member is incomplete"
    } else {
        "the text ends where a value is expected"
    }
}

fn between_values(said: &str, before: &str) -> &'static str {
    let rules = [
        ("expected `:`", "\":\" is expected after a member's name"),
        (
            "expected `,` or `]`",
            "\",\" or \"]\" is expected after an element",
        ),
        ("expected `,` or `}`", "\",\" or \"}\" is expected after a member"),
        (
            "key must be a string",
            "a member's name in double quotes is expected",
        ),
        ("trailing comma", "no comma is allowed before a closing bracket"),
        (
            "trailing characters",
            "nothing more is expected after the end of the value",
        ),
        (
            "invalid number",
            "a number is expected in the form of JSON, such as 5, -0.25 or 1e3",
        ),
        ("number out of range", "the number is too large"),
        (
            "recursion limit exceeded",
            "objects and lists are nested too deep",
        ),
    ];
    let found = rules.iter().find(|(begin, _)| said.starts_with(begin));
    match found {
        // Most likely the string was not meant to end here.
        Some((rule, _)) if rule.starts_with("expected `,`") && before.ends_with('"') => {
            "\",\" or a closing bracket is expected after a string; a quotation mark inside one is written \\\""
        }
        Some((_, expected)) => expected,
        None => {
            "a value is expected: a text in double quotes, a number, an object, a list, true, false or null; words \
             such as undefined, NaN, True or None are not values"
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn flaw(text: &str) -> JsonFlaw {
        let error = serde_json::from_str::<Value>(text).expect_err(text);
        explain(text, text, &error)
    }

    // GQL-07
    #[test]
    fn a_flaw_has_its_place_and_what_was_expected_there() {
        for (text, place, expected) in [
            ("\u{feff}{}", (1, 1), "a byte order mark"),
            ("{\"a\": 1,}", (1, 9), "no comma"),
            ("{\"a\": [1,\n  2,\n]}", (3, 1), "no comma"),
            ("{'a': 1}", (1, 2), "double quotes"),
            ("{\"a\": 'b'}", (1, 7), "double quotes"),
            ("{“a”: 1}", (1, 2), "straight double quotes"),
            ("{a: 1}", (1, 2), "a member's name in double quotes"),
            ("{\"a\" 1}", (1, 6), "\":\" is expected"),
            ("{\"ä\": 1 \"b\": 2}", (1, 9), "\",\" or \"}\""),
            ("{\"a\": \"b(c: \"d\")\"}", (1, 14), "quotation mark inside"),
            ("[1 2]", (1, 4), "\",\" or \"]\""),
            ("{\"a\": undefined}", (1, 7), "a value is expected"),
            ("{\"a\": True}", (1, 7), "a value is expected"),
            ("{\"a\": nil}", (1, 8), "a value is expected"),
            ("{\"a\": 01}", (1, 8), "a number is expected"),
            ("{\"a\": 1e999}", (1, 11), "the number is too large"),
            ("{\"a\": 1} x", (1, 10), "nothing more"),
            ("{\"a\": 1} // x", (1, 10), "no comments"),
            ("{\"a\":\u{a0}1}", (1, 6), "no other white space"),
            ("{\"a\": \"b\nc\"}", (1, 9), "control character"),
            ("{\"a\": \"\\x\"}", (1, 9), "an escape in a string"),
            ("{\"a\": \"\\ud83dx\"}", (1, 14), "surrogate"),
            ("{\"a\": \"b", (1, 9), "closing quote is missing"),
            ("{\"a\": {\"b\": 1}\n", (1, 15), "ends inside an object"),
            ("{\"a\":", (1, 6), "ends where a value is expected"),
            ("[1", (1, 3), "ends inside a list"),
            ("", (1, 1), "ends where a value is expected"),
        ] {
            let flaw = flaw(text);
            assert!(flaw.expected.contains(expected), "{text}: {flaw}");
            assert_eq!((flaw.line, flaw.column), place, "{text}: {flaw}");
        }
    }

    // GQL-07
    #[test]
    fn the_place_of_a_flaw_in_a_part_is_that_in_the_whole() {
        let whole = "{\n  \"query\": \"\\ud83d\"\n}";
        let part = whole.get(13..21).expect("a part");
        let error = serde_json::from_str::<String>(part).expect_err("half a character");
        let JsonFlaw { line, column, .. } = explain(whole, part, &error);
        assert_eq!((line, column), (2, 19));
    }

    // DEF-01, ERR-02
    #[test]
    fn every_text_that_is_no_json_gets_a_place_within_it() {
        let good =
            r#"{"query":"query A($x: Int) {a(x: $x)}","variables":{"x":[1,{"y":"\u00e9\ud83d\ude00"}]}}"#;
        crate::fuzz::each_text(8, &[good], |text| {
            if let Err(error) = serde_json::from_str::<Value>(text) {
                let flaw = explain(text, text, &error);
                assert!(flaw.line <= text.lines().count().max(1) + 1 && flaw.column <= text.len() + 1);
            }
        });
    }

    #[test]
    fn bytes_that_are_no_utf8_have_their_place() {
        let bytes = b"{\n\"\xc3\xa4\": \"\xe4\"}".to_vec();
        let error = std::str::from_utf8(&bytes).expect_err("no UTF-8");
        let JsonFlaw { line, column, .. } = not_utf8(&bytes, &error);
        assert_eq!((line, column), (2, 7));
    }
}
