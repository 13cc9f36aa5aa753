//! Malicious documents. Each is refused, by the check that is meant for it, after little work.

use std::fmt::Write;

use tokio::time::Instant;

use super::{
    super::RefusalKind::{self, Limit, Parse, Validation},
    *,
};

const KIB: usize = 1024;

/// Fragments each of which spreads the next twice: 2²⁶ selections in about 919 bytes.
fn doubling() -> String {
    let mut text = "{...A}".to_owned();
    for index in 0..25 {
        let [letter, next] = [index, index + 1].map(|own| char::from(b'A' + own));
        write!(text, "fragment {letter} on Query{{...{next} ...{next}}}").unwrap();
    }
    text.push_str("fragment Z on Query{__typename}");
    text
}

/// Fragments each of which spreads those twice whose number `spreads` allows.
fn spreading(fragments: usize, spreads: fn(usize, usize) -> bool) -> String {
    let mut text = "{...F0}".to_owned();
    for own in 0..fragments {
        write!(text, "fragment F{own} on Query{{__typename ").unwrap();
        for other in (0..fragments).filter(|other| spreads(own, *other)) {
            write!(text, "...F{other} ...F{other} ").unwrap();
        }
        text.push('}');
    }
    text
}

/// A name, the document, and the kind of its refusal.
type Attack = (&'static str, String, RefusalKind);

/// Attacks on the parser's stack.
fn deep() -> Vec<Attack> {
    let around = |open: &str, inner: &str, close: &str| open.repeat(2000) + inner + &close.repeat(2000);
    let literal = |open: &str, close: &str| format!("{{node(id:{}){{id}}}}", around(open, "1", close));
    let types = format!("query($v:{}){{__typename}}", around("[", "Int", "]"));
    [
        ("lists 2,000 deep", literal("[", "]")),
        ("objects 2,000 deep", literal("{a:", "}")),
        ("types 2,000 deep", types),
        ("selections 2,000 deep", around("{a", "", "}")),
        ("inline fragments 2,000 deep", around("{...", "{id}", "}")),
        ("256 KiB of {", "{".repeat(256 * KIB)),
        ("256 KiB of [", format!("{{a(b:{}", "[".repeat(256 * KIB))),
        ("256 KiB of (", "(".repeat(256 * KIB)),
    ]
    .map(|(name, text)| (name, text, Limit))
    .into()
}

/// Attacks on the parser's time.
fn long() -> Vec<Attack> {
    let list = |value: &str| format!("{{a(b:[{}])}}", value.repeat(256 * KIB / value.len()));
    let inside = |text: &str| format!("{{viewer{}{{id}}}}", text.repeat(256 * KIB / text.len()));
    let numbered = |count: usize, item: fn(usize) -> String| (0..count).map(item).collect::<String>();
    let text = format!("{{a(b:\"{}", "x".repeat(256 * KIB));
    let aliases = numbered(20_000, |n| format!("a{n}:viewer{{id}} "));
    let variables = numbered(10_000, |n| format!("$v{n}:Int "));
    vec![
        ("256 KiB of }", "}".repeat(256 * KIB), Parse),
        ("256 KiB of @", inside("@"), Limit),
        ("256 KiB of $", inside("$"), Limit),
        ("256 KiB of !", inside("!"), Limit),
        ("256 KiB of ...", inside("..."), Limit),
        ("256 KiB of empty strings", list("\"\" "), Limit),
        ("256 KiB of zeros", list("0"), Parse),
        ("256 KiB of one number", list("1"), Limit),
        ("256 KiB of minus signs", list("-"), Parse),
        ("256 KiB of true", list("true"), Limit),
        ("256 KiB of one name", list("a"), Limit),
        ("256 KiB in one string", text.clone() + "\")}", Limit),
        ("256 KiB in a string without an end", text.clone(), Parse),
        (
            "256 KiB in a block string without an end",
            text.replace("b:", "b:\"\""),
            Parse,
        ),
        ("256 KiB of blanks", inside(" "), Limit),
        ("256 KiB of commas", inside(","), Limit),
        ("256 KiB of comments", inside("#\n"), Limit),
        ("256 KiB of aliases", format!("{{{aliases}}}"), Limit),
        ("100,000 tokens", inside("{id id}"), Limit),
        (
            "10,000 variables",
            format!("query({variables}){{__typename}}"),
            Limit,
        ),
    ]
}

/// Small documents that cause much work.
fn bombs() -> Vec<Attack> {
    let repeated = "{shops(first:70){nodes{people(first:69){nodes{%}}}}}".replace('%', &"id ".repeat(1900));
    let introspection = format!(
        "{{__schema{{types{{{}name{}}}}}}}",
        "fields{type{".repeat(7),
        "}}".repeat(7)
    );
    let later = |count| spreading(count, |own, other| other > own);
    let circles = spreading(12, |own, other| other != own);
    let wide = "__schema{types{fields{args{type{name kind}} type{fields{name args{name type{name}}}}}}}";
    let aliases: String = (0..51).map(|n| format!("a{n}:viewer{{id}}")).collect();
    let directives = "@skip(if:true)".repeat(60);
    vec![
        ("26 fragments that double", doubling(), Limit),
        ("50 fragments that spread all later ones twice", later(50), Limit),
        ("28 fragments that spread all later ones twice", later(28), Limit),
        ("12 fragments in circles", circles, Validation),
        ("1,900 fields of 4,900 objects", repeated, Limit),
        (
            "60 directives on a field",
            format!("{{viewer{{id{directives}}}}}"),
            Limit,
        ),
        (
            "60 directives on a variable",
            format!("query($a:Int{directives}){{viewer{{id}}}}"),
            Limit,
        ),
        ("51 aliases", format!("{{{aliases}}}"), Limit),
        (
            "pages in pages",
            "{shops(first:100){nodes{people(first:100){nodes{id}}}}}".to_owned(),
            Limit,
        ),
        ("introspection in circles", introspection, Limit),
        (
            "introspection twenty times",
            format!("{{{}}}", wide.repeat(20)),
            Limit,
        ),
    ]
}

fn attacks() -> impl Iterator<Item = Attack> {
    [deep(), long(), bombs()].into_iter().flatten()
}

#[test]
fn every_attack_is_refused_by_its_gate() {
    for (name, text, kind) in attacks() {
        let refusal = admit(&text).expect_err(name);
        assert_eq!(refusal.kind, kind, "{name}: {}", refusal.message);
    }
}

/// Prints how long each refusal takes; asserts nothing, because a test must not depend on speed. Meant for `cargo test
/// --release attacks -- --nocapture`.
#[test]
fn what_a_refusal_takes() {
    const RUNS: u32 = 20;
    let guard = guard();
    for (name, text, _) in attacks() {
        let mut best = std::time::Duration::MAX;
        for _ in 0..RUNS {
            let begin = Instant::now();
            let result = admit_with(&guard, &text, serde_json::json!({}));
            best = best.min(begin.elapsed());
            assert!(result.is_err());
        }
        println!("{:>8} µs {:>8} bytes  {name}", best.as_micros(), text.len());
    }
}

// DEF-01
#[test]
fn no_text_breaks_the_guard() {
    let valid = "query A($first: Int = 2, $b: Boolean!) { shops(first: $first) @skip(if: $b) { nodes { ...S } } } \
        fragment S on Shop { id people { nodes { id } } } # end";
    let guard = guard();
    crate::fuzz::each_text(
        23,
        &[valid, "{ a(b: \"\\u0041\", c: [1, {d: -1.5e3}]) }"],
        |text| {
            let _admitted_or_not = admit_with(&guard, text, serde_json::json!({ "first": 3 }));
        },
    );
}
