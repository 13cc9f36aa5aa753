//! Tests of the limits that do not depend on the schema.

use async_graphql::parser::parse_query;

use crate::guard::{GuardLimits, Refusal, RefusalKind, shape};

fn check(text: &str) -> Result<Vec<String>, Refusal> {
    let order = shape::check(&parse_query(text).expect(text), &GuardLimits::default())?;
    Ok(order.iter().map(ToString::to_string).collect())
}

fn message(text: &str) -> String {
    let refusal = check(text).expect_err(text);
    assert_eq!(refusal.kind, RefusalKind::Limit);
    refusal.message
}

fn nested(depth: usize) -> String {
    "{a".repeat(depth) + &"}".repeat(depth)
}

#[test]
fn fragments_come_after_those_that_they_spread() {
    let text =
        "{...A} fragment B on Q{x{...D ...C}} fragment C on Q{...D} fragment A on Q{...B ...C ...Unknown}
        fragment D on Q{x}";
    assert_eq!(check(text).unwrap(), ["D", "C", "B", "A"]);
}

#[test]
fn a_circle_is_refused_at_a_fragment_that_is_part_of_it() {
    let text = "{...A}\nfragment A on Q{...B}\nfragment B on Q{x ...on Q{...C}}\nfragment C on Q{y{...B}}";
    let refusal = check(text).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Validation);
    assert!([3, 4].contains(&refusal.locations[0].line));
    assert!(check("{x} fragment A on Q{...A}").is_err());
}

#[test]
fn depth_counts_fields_through_fragments() {
    assert!(check(&nested(15)).is_ok());
    assert_eq!(
        message(&nested(16)),
        "The operation is 16 fields deep; the limit is 15. Request the deeper objects in another request."
    );
    let spread = |depth| format!("{{a{{...A}}}} fragment A on Q{}", nested(depth));
    assert!(check(&spread(14)).is_ok());
    assert!(check(&spread(15)).is_err());
    assert!(check(&("{...".repeat(30) + &nested(1) + &"}".repeat(30))).is_ok());
}

#[test]
fn selection_sets_nest_through_fragments_too() {
    let inline = |levels| "{...".repeat(levels) + "{a}" + &"}".repeat(levels);
    let text = |levels| format!("{{...A}} fragment A on Q{}", inline(levels));
    assert!(check(&text(30)).is_ok());
    assert_eq!(
        message(&text(31)),
        "With its fragments expanded, the operation nests 33 selection sets; the limit is 32. Use fewer fragments \
         inside one another."
    );
}

#[test]
fn the_whole_document_counts() {
    let aliases = |count| "x:a ".repeat(count);
    assert!(check(&format!("query A{{{}}} query B{{{}}}", aliases(25), aliases(25))).is_ok());
    assert_eq!(
        message(&format!("query A{{{}}} query B{{{}}}", aliases(25), aliases(26))),
        "The document has 51 aliases; the limit is 50. Split it into several requests."
    );
    let fragments: String = (0..51).map(|n| format!("fragment F{n} on Q{{a}}")).collect();
    assert!(message(&format!("{{a}}{fragments}")).contains("51 fragments"));
    let places = "query($a:Int @d)@d{a@d ...@d{a} ...A@d} fragment A on Q@d{a}";
    assert!(check(places).is_ok());
    let directives = places.replace("@d", &"@d".repeat(9));
    assert!(message(&directives).contains("54 directives"));
}

#[test]
fn an_operation_that_is_not_run_counts_too() {
    let mut text = "query Good{a} query Bad{...F0}".to_owned();
    for own in 0..20 {
        text += &format!("fragment F{own} on Q{{...F{0} ...F{0}}}", own + 1);
    }
    text += "fragment F20 on Q{a}";
    assert!(message(&text).starts_with("With its fragments expanded, the document contains up to 3,"));
}

#[test]
fn sums_do_not_overflow() {
    let mut text = "{...F0}".to_owned();
    for own in 0..29 {
        text += &format!(
            "fragment F{own} on Q{{{}}}",
            format!("...F{}", own + 1).repeat(30)
        );
    }
    text += "fragment F29 on Q{a}";
    assert!(message(&text).contains("more than a trillion selections"));
}

#[test]
fn introspection_has_a_depth_of_its_own() {
    let of_type = |count| {
        format!(
            "{{a{{b{{__schema{{types{{fields{{args{{type{{{}name{}}}}}}}}}}}}}}}}}",
            "ofType{".repeat(count),
            "}".repeat(count)
        )
    };
    assert!(check(&of_type(14)).is_ok());
    assert!(message(&of_type(15)).contains("deeper than 20 fields"));
    assert!(check("{__type(name:\"A\"){fields{type{fields{type{name}}}}}}").is_ok());
    let circle = "{__type(name:\"A\"){...T}} fragment T on __Type{fields{type{...U}}}
        fragment U on __Type{possibleTypes{inputFields{name}}}";
    assert!(message(circle).contains("2 lists of types"));
}
