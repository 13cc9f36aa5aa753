//! Requirement ids in comments and in test names: docs/REQUIREMENTS.md describes each of them and lists the tests that
//! name it.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::{Source, root, rust_files};

const DOCUMENT: &str = "docs/REQUIREMENTS.md";
const AGAIN: &str =
    "write the tests columns again: UPDATE_REQUIREMENTS=1 cargo test --test it -- requirements";

/// Requirements without a test, with reasons. This list only shrinks.
const UNTESTED: &[(&str, &str)] = &[];
/// The tests column of a requirement without a test.
const NONE_YET: &str = "none yet";
/// The maximum number of tests that a row names; the others are only counted.
const NAMED: usize = 3;
/// Words that look like an id but are none.
const NO_IDS: [&str; 2] = ["UTF-16", "UTF-32"];

/// The ids in use, each with the tests that name it.
type Found = BTreeMap<String, BTreeSet<String>>;

fn is_id(word: &str) -> bool {
    let [area @ .., b'-', tens, ones] = word.as_bytes() else {
        return false;
    };
    area.len() == 3
        && area.iter().all(u8::is_ascii_uppercase)
        && tens.is_ascii_digit()
        && ones.is_ascii_digit()
        && !NO_IDS.contains(&word)
}

/// The ids in a text. Of a range such as SPR-47…56 only the first id is returned.
fn ids(text: &str) -> Vec<String> {
    let in_word = |char: char| char.is_alphanumeric() || char == '-' || char == '_';
    let words = text.split(|char: char| !in_word(char));
    words.filter(|word| is_id(word)).map(str::to_owned).collect()
}

/// The id at the start of a test's name, such as `abc_10_` of `abc_10_the_rest`.
fn prefix(name: &str) -> Option<String> {
    let mut parts = name.splitn(3, '_');
    let (area, number) = (parts.next()?, parts.next()?);
    parts.next()?;
    let is_lower = area.bytes().all(|byte| byte.is_ascii_lowercase());
    let id = format!("{}-{number}", area.to_uppercase());
    (is_lower && is_id(&id)).then_some(id)
}

/// The module path of a file; with the name of the crate, if it is below `crates`.
fn module(path: &str) -> String {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_prefix("it/").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path.split_once("/src/") {
        Some((name, path)) => format!("{}::{}", name.replace('-', "_"), path.replace('/', "::")),
        None => path.replace('/', "::"),
    }
}

/// The name of the function whose definition begins on this line.
fn function(code: &str) -> Option<&str> {
    let code = code.strip_prefix("async ").unwrap_or(code);
    code.strip_prefix("fn ")?.split('(').next()
}

/// Collects the ids that a file uses, each with the tests of the file that name it: in the comment above the test, or
/// at the start of the test's name.
fn note(source: &Source, found: &mut Found) {
    let mut module = module(&source.path);
    let mut head: Vec<&str> = Vec::new();
    for line in source.text.lines() {
        let code = line.trim_start();
        if code.starts_with("//") {
            for id in ids(code) {
                found.entry(id).or_default();
            }
            // A module's own comment is above no test.
            if !code.starts_with("//!") {
                head.push(code);
            }
        } else if code.starts_with("#[") {
            head.push(code);
        } else if let Some(name) = function(code) {
            if head.contains(&"#[test]") || head.contains(&"#[tokio::test]") {
                let comments = head.iter().filter(|above| above.starts_with("//"));
                let named = comments.flat_map(|comment| ids(comment)).chain(prefix(name));
                for id in named {
                    found.entry(id).or_default().insert(format!("{module}::{name}"));
                }
            }
            head.clear();
        } else if line == "mod tests {" {
            module.push_str("::tests");
            head.clear();
        } else if code.is_empty() || code.starts_with('}') {
            head.clear();
        }
    }
}

fn found() -> Found {
    let mut found = Found::new();
    for folder in ["src", "crates", "tests", "benches"] {
        for source in rust_files(folder) {
            note(&source, &mut found);
        }
    }
    found
}

/// The content of the tests column for these tests.
fn column(tests: &BTreeSet<String>) -> String {
    if tests.is_empty() {
        return NONE_YET.to_owned();
    }
    let named: Vec<String> = tests.iter().take(NAMED).map(|test| format!("`{test}`")).collect();
    let named = named.join(", ");
    match tests.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// A row of the document.
struct Row<'a> {
    id: String,
    /// The id as written, which may be a range.
    written: &'a str,
    requirement: &'a str,
    tests: &'a str,
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line
        .strip_prefix('|')?
        .strip_suffix('|')?
        .split('|')
        .map(str::trim);
    let written = cells.next()?;
    Some(Row {
        id: ids(written).into_iter().next()?,
        written,
        requirement: cells.next()?,
        tests: cells.next()?,
    })
}

/// The document with updated tests columns.
fn with_tests(document: &str, found: &Found) -> String {
    let mut lines = String::new();
    for line in document.lines() {
        let row = row(line).and_then(|row| Some((found.get(&row.id)?, row)));
        let line = match row {
            Some((tests, row)) => format!("| {} | {} | {} |", row.written, row.requirement, column(tests)),
            None => line.to_owned(),
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

/// The errors of the document.
fn faults(document: &str, found: &Found) -> Vec<String> {
    let rows: Vec<Row<'_>> = document.lines().filter_map(row).collect();
    let untested = |id: &str| UNTESTED.iter().any(|(known, _)| *known == id);
    let mut faults = Vec::new();
    let mut formatted_response = BTreeSet::new();
    for row in &rows {
        let id = row.id.as_str();
        if !formatted_response.insert(id) {
            faults.push(format!("{id} has two rows"));
        }
        if row.requirement.is_empty() {
            faults.push(format!("{id} has no description"));
        }
        let tests = found.get(id).cloned().unwrap_or_default();
        if tests.is_empty() != untested(id) {
            faults.push(format!("{id} has {} tests: see UNTESTED", tests.len()));
        }
        if row.tests != column(&tests) {
            faults.push(format!("{id} has other tests: {AGAIN}"));
        }
    }
    for id in found
        .keys()
        .filter(|id| !formatted_response.contains(id.as_str()))
    {
        faults.push(format!("{id} is used and has no row"));
    }
    for (id, _) in UNTESTED.iter().filter(|(id, _)| !formatted_response.contains(id)) {
        faults.push(format!("{id} has no row: take it out of UNTESTED"));
    }
    faults
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the gateway"
)]
fn is_to_be_written() -> bool {
    std::env::var("UPDATE_REQUIREMENTS").is_ok_and(|value| value == "1")
}

#[test]
fn every_requirement_is_described_with_its_tests() {
    let path = root().join(DOCUMENT);
    let mut document = std::fs::read_to_string(&path).expect(DOCUMENT);
    let found = found();
    if is_to_be_written() {
        document = with_tests(&document, &found);
        std::fs::write(&path, &document).expect("the document is written");
    }
    let faults = faults(&document, &found);
    assert!(faults.is_empty(), "{DOCUMENT}: {faults:#?}");
}

#[test]
fn ids_are_read_from_comments_and_test_names() {
    let text = [
        "//! ABC-10: no UTF-16, DE--25, SHA-256 or XABC-12.",
        "// ABC-11…19, ABC-20: in words",
        "#[tokio::test]",
        "async fn by_comment() {",
        "    // ABC-21",
        "}",
        "",
        "#[cfg(test)]",
        "mod tests {",
        "    #[test]",
        "    #[expect(",
        "        clippy::todo,",
        "    )]",
        "    fn abc_22_by_name() {}",
        "",
        "    // ABC-22",
        "    fn no_test() {}",
        "}",
    ];
    let source = Source {
        path: "it/orders/mod.rs".to_owned(),
        text: text.join("\n"),
    };
    let mut found = Found::new();
    note(&source, &mut found);
    let read: Vec<String> = found
        .iter()
        .map(|(id, tests)| format!("{id} {}", column(tests)))
        .collect();
    let expected = [
        "ABC-10 none yet",
        "ABC-11 `orders::by_comment`",
        "ABC-20 `orders::by_comment`",
        "ABC-21 none yet",
        "ABC-22 `orders::tests::abc_22_by_name`",
    ];
    assert_eq!(read, expected);
}

#[test]
fn a_row_names_three_tests_and_counts_the_others() {
    let tests = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let found = Found::from([("ABC-10".to_owned(), tests(&["a", "b", "c", "d"]))]);
    let document = with_tests("# Title\n| id |\n| ABC-10…12 | Says. | |\n", &found);
    assert_eq!(
        document,
        "# Title\n| id |\n| ABC-10…12 | Says. | `a`, `b`, `c` and 1 more |\n"
    );
    assert_eq!(faults(&document, &found), [""; 0]);
    assert_eq!(faults("| ABC-11 | | |", &found).len(), 4);
}
