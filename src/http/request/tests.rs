use super::*;

const BOUNDS: Bounds = Bounds {
    depth: 64,
    values: 1000,
};

fn of_body(body: &[u8]) -> Result<Params, NotExecuted> {
    from_json(body, JsonPart::Body, &BOUNDS)
}

/// Returns the fault for which a request is refused.
#[track_caller]
fn fault(refused: Result<Params, NotExecuted>) -> Fault {
    match refused {
        Err(NotExecuted::Fault(fault)) => fault,
        other => panic!("no fault: {other:?}"),
    }
}

// DEF-01
#[test]
fn json_beyond_the_bounds_is_refused_by_the_name_of_its_parameter() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let many = format!("[1{}]", ",1".repeat(500_000));
    for json in [deep, many] {
        for name in ["variables", "extensions"] {
            let value = format!("{{\"a\":{json}}}");
            let body = format!("{{\"query\":\"{{a}}\",\"{name}\":{value}}}");
            let hash = format!("{{\"extensions\":{{\"persistedQuery\":{json}}}}}");
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let query = format!("query=a&{name}={encoded}");
            for (name, refused) in [
                (name, of_body(body.as_bytes())),
                ("extensions", of_body(hash.as_bytes())),
                (name, from_query(&query, &BOUNDS)),
            ] {
                let fault = fault(refused);
                assert_eq!((fault.status.as_u16(), fault.code), (400, "LIMIT_EXCEEDED"));
                assert!(fault.message.contains(name), "{}", fault.message);
            }
        }
        // Unknown parameters are not parsed, and parameters that must be strings are refused without parsing.
        let unknown = format!("{{\"query\":\"{{a}}\",\"other\":{json}}}");
        assert!(of_body(unknown.as_bytes()).is_ok());
        let no_text = format!("{{\"query\":{json}}}");
        assert!(of_body(no_text.as_bytes()).is_err());
    }
}

// DEF-01
#[test]
fn no_body_and_no_query_string_breaks_the_reader() {
    let body = r#"{"query":"query A($x: Int) {a(x: $x)}","operationName":"A","variables":{"x":[1,{"y":"\u00e9"}]},"extensions":{}}"#;
    crate::fuzz::each(4, &[body.as_bytes()], |body| {
        if let Ok(params) = of_body(body) {
            assert!(params.variables.len() <= BOUNDS.values);
        }
    });
    let query = "query=%7Ba%7D&operationName=A&variables=%7B%22x%22%3A%5B1%5D%7D&extensions=%7B%7D";
    crate::fuzz::each_text(5, &[query], |query| {
        if let Ok(params) = from_query(query, &BOUNDS) {
            assert!(params.variables.len() <= BOUNDS.values);
        }
    });
}

#[test]
fn parameters_come_from_json() {
    let body = br#" {"query":"{a}","variables":{"x":[1,{"y":null}]},"operationName":null,"other":1}"#;
    let params = of_body(body).expect("good");
    assert_eq!(params.query, "{a}");
    assert_eq!(params.operation_name, None);
    assert_eq!(params.variables.len(), 1);
}

/// Bodies, and a part of the message about each.
const BROKEN: &[(&str, &str)] = &[
    ("", "is empty"),
    (" \n", "is empty"),
    ("[{}]", "Batches"),
    ("\"s3cret\"", "but not an object"),
    ("null", "but not an object"),
    ("s3cret", "line 1, column 1: a value is expected"),
    ("query=s3cret", "line 1, column 1: a value is expected"),
    (
        "{\"query\":",
        "line 1, column 10: the text ends where a value is expected",
    ),
    (
        "\u{feff}{\"query\":\"{s3cret}\"}",
        "line 1, column 1: a byte order mark",
    ),
    ("{\"query\":\"{s3cret}\",}", "line 1, column 21: no comma"),
    (
        "{'query':'{s3cret}'}",
        "line 1, column 2: a text or a name is written in double quotes",
    ),
    (
        "{\n  \"query\": \"{\n s3cret }\"}",
        "line 2, column 14: a line break",
    ),
    ("{\"query\":\"{a(b: \"s3cret\")}\"}", "line 1, column 18: \",\""),
    ("{\"query\":\"\\ud83d s3cret\"}", "line 1, column"),
    (
        "{\"query\":\"{a}\",\"variables\":{\"a\":1e999}}",
        "line 1, column",
    ),
    ("{}", "\"query\" is missing"),
    ("{\"mutation\":\"{s3cret}\"}", "\"query\" is missing"),
    ("{\"query\":null}", "\"query\" is missing"),
    ("{\"query\":{\"s3cret\":1}}", "\"query\" must be a string"),
    (
        "{\"query\":\"{a}\",\"query\":\"{s3cret}\"}",
        "\"query\" was sent twice",
    ),
    (
        "{\"query\":\"{a}\",\"operationName\":[\"s3cret\"]}",
        "\"operationName\" must be a string",
    ),
    (
        "{\"query\":\"{a}\",\"variables\":\"{s3cret}\"}",
        "\"variables\" must be an object, not a string",
    ),
    (
        "{\"query\":\"{a}\",\"extensions\":[\"s3cret\"]}",
        "\"extensions\" must be an object",
    ),
];

// ERR-02, GQL-07
#[test]
fn each_fault_is_named_and_no_value_repeated() {
    for (body, named) in BROKEN {
        let fault = fault(of_body(body.as_bytes()));
        assert!(fault.message.contains(named), "{body}: {}", fault.message);
        assert!(!fault.message.contains("s3cret"), "{body}: {}", fault.message);
        assert_eq!((fault.status.as_u16(), fault.code), (400, "BAD_USER_INPUT"));
    }
    let message = fault(of_body(b"{\"query\":\"\xe4\"}")).message;
    assert!(message.contains("line 1, column 11: text in UTF-8"), "{message}");
}

// GQL-07
#[test]
fn json_in_a_query_string_is_read_as_strictly() {
    for (query, named) in [
        ("", "\"query\" is missing"),
        ("query=", "\"query\" is missing"),
        ("query=a&query=b", "\"query\" was sent twice"),
        ("query=a&variables=1", "\"variables\" must be an object"),
        ("query=a&variables=%22%7B%7D%22", "not a string that contains one"),
        (
            "query=a&variables=%7B%27a%27%3A1%7D",
            "\"variables\" is not JSON, line 1, column 2",
        ),
        (
            "query=a&variables=%20%7B%22a%22%3A1",
            "\"variables\" is not JSON, line 1, column 8",
        ),
        (
            "query=a&extensions=%7B",
            "\"extensions\" is not JSON, line 1, column 2",
        ),
    ] {
        let fault = fault(from_query(query, &BOUNDS));
        assert!(fault.message.contains(named), "{query}: {}", fault.message);
    }
}

#[test]
fn parameters_come_from_a_query_string() {
    let query = "query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=&extensions=null";
    let params = from_query(query, &BOUNDS).expect("good");
    assert_eq!((params.query.as_str(), params.variables.len()), ("{a}", 1));
    assert_eq!(params.operation_name, None);
}

// GQL-06
#[test]
fn a_hash_in_place_of_the_document_is_told_from_a_missing_document() {
    let hash = r#"{"persistedQuery":{"version":1,"sha256Hash":"abc"}}"#;
    let encoded: String = url::form_urlencoded::byte_serialize(hash.as_bytes()).collect();
    for refused in [
        of_body(format!(r#"{{"extensions":{hash}}}"#).as_bytes()),
        of_body(format!(r#"{{"query":"","variables":{{}},"extensions":{hash}}}"#).as_bytes()),
        from_query(&format!("extensions={encoded}"), &BOUNDS),
    ] {
        let Err(NotExecuted::Answer(answer)) = refused else {
            panic!("no answer of GraphQL: {refused:?}")
        };
        assert_eq!(answer.errors[0].message, "PersistedQueryNotSupported");
    }
    for extensions in ["{}", r#"{"persistedQuery":null}"#, r#"{"other":1}"#] {
        let body = format!(r#"{{"extensions":{extensions}}}"#);
        let message = fault(of_body(body.as_bytes())).message;
        assert!(message.contains("\"query\" is missing"), "{message}");
    }
    // A hash next to the document is ignored.
    let both = of_body(format!(r#"{{"query":"{{a}}","extensions":{hash}}}"#).as_bytes());
    assert_eq!(both.expect("good").query, "{a}");
}
