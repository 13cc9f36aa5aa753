//! Reading a GraphQL request: its body within bounds of size and time, its parameters with a word for each fault.

use std::borrow::Cow;
use std::time::Duration;

use async_graphql::Variables;
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::body::discard;
use super::fault::Fault;
use super::memory::{Held, exhausted};
use crate::platform::json::{self, Bounds};

/// A body that is not whole after this time is cut.
pub(super) const BODY_TIME: Duration = Duration::from_secs(15);

/// The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters").
#[derive(Debug)]
pub(super) struct Params {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
}

/// Bytes of a body that a request may have without being counted, as long as they are there at once.
const SMALL: usize = 16 * 1024;
/// Bytes by which a body in memory grows at least.
const GROWTH: usize = 64 * 1024;

/// The whole body of a request. What it takes of the memory for requests is held as long as `held` is.
///
/// # Errors
/// 413 for one beyond `limit` bytes, 408 for one that does not come in time, 400 for one that breaks off, 503 when there is
/// no memory for it.
pub(super) async fn whole_body(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    held: &mut Held,
) -> Result<Bytes, Fault> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        discard(body);
        return Err(Fault::too_large(limit));
    }
    let mut receiving = Receiving {
        pieces: body.into_data_stream(),
        deadline: None,
        limit,
        length: 0,
        held,
    };
    let Some(first) = receiving.next().await? else {
        return Ok(Bytes::new());
    };
    // Most bodies come in one piece, which then need not be copied.
    let Some(second) = receiving.next().await? else {
        return Ok(first);
    };
    let mut whole = Vec::new();
    let mut piece = Some(second);
    append(&mut whole, &first);
    drop(first);
    while let Some(more) = piece {
        append(&mut whole, &more);
        piece = receiving.next().await?;
    }
    Ok(whole.into())
}

/// Appends, without the room to spare that a vector takes by itself: it would be as much again.
pub(super) fn append(whole: &mut Vec<u8>, piece: &[u8]) {
    let spare = whole.capacity() - whole.len();
    if spare < piece.len() {
        whole.reserve_exact(piece.len().max(GROWTH).max(whole.len() / 4));
    }
    whole.extend_from_slice(piece);
}

/// A body that is being received.
struct Receiving<'a> {
    pieces: BodyDataStream,
    /// From the first wait on.
    deadline: Option<Instant>,
    limit: u64,
    length: usize,
    held: &'a mut Held,
}

impl Receiving<'_> {
    /// The next piece, within all limits.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        // What has come with the head needs no timer.
        let piece = match self.pieces.next().now_or_never() {
            Some(piece) => piece,
            None => {
                self.held.hold(self.length).map_err(exhausted)?;
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + BODY_TIME);
                (timeout_at(deadline, self.pieces.next()).await).map_err(|_elapsed| Fault::too_slow())?
            }
        };
        let broken = |_cause| Fault::bad_request("The request's body did not arrive whole.");
        let Some(piece) = piece.transpose().map_err(broken)? else {
            return Ok(None);
        };
        self.length += piece.len();
        if u64::try_from(self.length).is_ok_and(|length| length > self.limit) {
            return Err(Fault::too_large(self.limit));
        }
        if self.length > SMALL {
            self.held.hold(self.length).map_err(exhausted)?;
        }
        Ok(Some(piece))
    }
}

/// The parameters as they stand in JSON, each to be looked at by itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawParams<'a> {
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    operation_name: Option<&'a RawValue>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

/// The parameters in a JSON body.
///
/// # Errors
/// 400 that names what is wrong with which parameter; `LIMIT_EXCEEDED` for one that exceeds the bounds.
pub(super) fn from_json(body: &[u8], bounds: &Bounds) -> Result<Params, Fault> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(Fault::bad_request("The request's body is not UTF-8."));
    };
    let text = text.trim_start();
    if text.is_empty() {
        return Err(Fault::bad_request(
            "The request has no body. Send a JSON object with the parameter \"query\".",
        ));
    }
    if text.starts_with('[') {
        return Err(Fault::bad_request(
            "Batches are not supported: send each operation in a request of its own.",
        ));
    }
    if !text.starts_with('{') {
        return Err(not_an_object());
    }
    let raw: RawParams<'_> = serde_json::from_str(text).map_err(|_cause| not_an_object())?;
    let Some(query) = raw.query else {
        return Err(no_query());
    };
    if let Some(extensions) = raw.extensions {
        object("extensions", extensions.get(), bounds)?;
    }
    let operation_name = raw.operation_name.map(|name| string("operationName", name.get()));
    Ok(Params {
        query: string("query", query.get())?,
        operation_name: operation_name.transpose()?.filter(|name| !name.is_empty()),
        variables: match raw.variables {
            Some(variables) => parse_variables(variables.get(), bounds)?,
            None => Variables::default(),
        },
    })
}

/// The parameters in a query string; `variables` and `extensions` are JSON in it.
///
/// # Errors
/// As [`from_json`].
pub(super) fn from_query(query: &str, bounds: &Bounds) -> Result<Params, Fault> {
    let mut texts: [(&'static str, Option<Cow<'_, str>>); 4] = [
        ("query", None),
        ("operationName", None),
        ("variables", None),
        ("extensions", None),
    ];
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some((known, text)) = texts.iter_mut().find(|(known, _)| *known == name) else {
            continue;
        };
        if text.replace(value).is_some() {
            return Err(Fault::bad_request(format!(
                "The parameter \"{known}\" stands twice."
            )));
        }
    }
    let [query, operation_name, variables, extensions] =
        texts.map(|(_, text)| text.filter(|text| !text.is_empty()));
    let Some(query) = query else {
        return Err(no_query());
    };
    let is_sent = |text: &Cow<'_, str>| text.trim() != "null";
    if let Some(extensions) = extensions.filter(is_sent) {
        let _parsed: &RawValue =
            serde_json::from_str(&extensions).map_err(|_cause| must_be("extensions", "a JSON object"))?;
        object("extensions", extensions.trim(), bounds)?;
    }
    Ok(Params {
        query: query.into_owned(),
        operation_name: operation_name.map(Cow::into_owned),
        variables: match variables.filter(is_sent) {
            Some(variables) => parse_variables(variables.trim(), bounds)?,
            None => Variables::default(),
        },
    })
}

fn string(name: &'static str, json: &str) -> Result<String, Fault> {
    serde_json::from_str(json).map_err(|_cause| must_be(name, "a string"))
}

fn object(name: &'static str, json: &str, bounds: &Bounds) -> Result<(), Fault> {
    if !json.starts_with('{') {
        return Err(must_be(name, "an object"));
    }
    json::check(json.as_bytes(), bounds).map_err(|excess| {
        let message = format!("The parameter \"{name}\" {excess}, which is the limit.");
        Fault::new(StatusCode::BAD_REQUEST, "LIMIT_EXCEEDED", message)
    })
}

fn parse_variables(json: &str, bounds: &Bounds) -> Result<Variables, Fault> {
    object("variables", json, bounds)?;
    serde_json::from_str(json).map_err(|_cause| must_be("variables", "a JSON object of variables by name"))
}

fn must_be(name: &str, what: &str) -> Fault {
    Fault::bad_request(format!("The parameter \"{name}\" must be {what}."))
}

fn no_query() -> Fault {
    Fault::bad_request("The parameter \"query\" is missing: it holds the GraphQL document.")
}

fn not_an_object() -> Fault {
    Fault::bad_request(
        "The request's body is not a JSON object with \"query\", and where needed \"variables\" and \
         \"operationName\", each at most once.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::memory::Memory;

    const BOUNDS: Bounds = Bounds {
        depth: 64,
        values: 1000,
    };

    // DEF-01
    #[test]
    fn json_beyond_the_bounds_is_refused_by_the_name_of_its_parameter() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        let many = format!("[1{}]", ",1".repeat(500_000));
        for json in [deep, many] {
            for name in ["variables", "extensions"] {
                let value = format!("{{\"a\":{json}}}");
                let body = format!("{{\"query\":\"{{a}}\",\"{name}\":{value}}}");
                let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
                let query = format!("query=a&{name}={encoded}");
                for refused in [from_json(body.as_bytes(), &BOUNDS), from_query(&query, &BOUNDS)] {
                    let fault = refused.expect_err(name);
                    assert_eq!((fault.status.as_u16(), fault.code), (400, "LIMIT_EXCEEDED"));
                    assert!(fault.message.contains(name), "{}", fault.message);
                }
            }
            // Nothing is made of parameters that nobody knows, and those that are no text are refused unread.
            let unknown = format!("{{\"query\":\"{{a}}\",\"other\":{json}}}");
            assert!(from_json(unknown.as_bytes(), &BOUNDS).is_ok());
            let no_text = format!("{{\"query\":{json}}}");
            assert!(from_json(no_text.as_bytes(), &BOUNDS).is_err());
        }
    }

    // DEF-01
    #[test]
    fn no_body_and_no_query_string_breaks_the_reader() {
        let body = r#"{"query":"query A($x: Int) {a(x: $x)}","operationName":"A","variables":{"x":[1,{"y":"\u00e9"}]},"extensions":{}}"#;
        crate::fuzz::each(4, &[body.as_bytes()], |body| {
            if let Ok(params) = from_json(body, &BOUNDS) {
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
        let params = from_json(body, &BOUNDS).expect("good");
        assert_eq!(params.query, "{a}");
        assert_eq!(params.operation_name, None);
        assert_eq!(params.variables.len(), 1);
    }

    // ERR-02
    #[test]
    fn each_fault_is_named_and_no_value_repeated() {
        for (body, named) in [
            ("", "no body"),
            ("[{}]", "Batches"),
            ("\"s3cret\"", "JSON object"),
            ("{\"query\":", "JSON object"),
            ("{}", "\"query\""),
            ("{\"query\":null}", "\"query\""),
            ("{\"query\":{\"s3cret\":1}}", "\"query\""),
            ("{\"query\":\"{a}\",\"query\":\"{s3cret}\"}", "at most once"),
            (
                "{\"query\":\"{a}\",\"operationName\":[\"s3cret\"]}",
                "\"operationName\"",
            ),
            ("{\"query\":\"{a}\",\"variables\":\"s3cret\"}", "\"variables\""),
            (
                "{\"query\":\"{a}\",\"extensions\":[\"s3cret\"]}",
                "\"extensions\"",
            ),
        ] {
            let fault = from_json(body.as_bytes(), &BOUNDS).expect_err(body);
            assert!(fault.message.contains(named), "{body}: {}", fault.message);
            assert!(!fault.message.contains("s3cret"), "{body}: {}", fault.message);
        }
    }

    #[test]
    fn parameters_come_from_a_query_string() {
        let params = from_query(
            "query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=",
            &BOUNDS,
        )
        .expect("good");
        assert_eq!((params.query.as_str(), params.variables.len()), ("{a}", 1));
        assert_eq!(params.operation_name, None);
        for bad in [
            "",
            "query=",
            "query=a&query=b",
            "query=a&variables=1",
            "query=a&extensions=%7B",
        ] {
            assert!(from_query(bad, &BOUNDS).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_refused() {
        let none = HeaderMap::new();
        let read = async |pieces: Vec<&'static str>, limit| {
            let pieces = pieces
                .into_iter()
                .map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
            whole_body(
                &none,
                Body::from_stream(futures_util::stream::iter(pieces)),
                limit,
                &mut Memory::new(limit).of_known(None),
            )
            .await
        };
        assert_eq!(read(vec!["ab", "c"], 3).await.expect("fits"), "abc");
        assert_eq!(read(vec![], 3).await.expect("fits"), "");
        for pieces in [vec!["abcd"], vec!["ab", "cd"], vec!["a", "b", "c", "d"]] {
            assert_eq!(read(pieces, 3).await.expect_err("refused").status, 413);
        }
    }
}
