//! Reading a GraphQL request: its body within bounds of size and time, its parameters with a word for each fault.

use std::borrow::Cow;
use std::time::Duration;

use async_graphql::Variables;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::fault::Fault;

/// A body that is not whole after this time is cut.
pub(super) const BODY_TIME: Duration = Duration::from_secs(15);

/// The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters").
#[derive(Debug)]
pub(super) struct Params {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
}

/// The whole body of a request.
///
/// # Errors
/// 413 for one beyond `limit` bytes, 408 for one that does not come in time, 400 for one that breaks off.
pub(super) async fn whole_body(headers: &HeaderMap, body: Body, limit: u64) -> Result<Bytes, Fault> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Fault::too_large(limit));
    }
    let deadline = Instant::now() + BODY_TIME;
    let mut pieces = body.into_data_stream();
    let mut next = async || {
        // What has come with the head needs no timer.
        let piece = match pieces.next().now_or_never() {
            Some(piece) => piece,
            None => (timeout_at(deadline, pieces.next()).await).map_err(|_elapsed| Fault::too_slow())?,
        };
        let broken = |_cause| Fault::bad_request("The request's body did not arrive whole.");
        piece.transpose().map_err(broken)
    };
    let fits = |length: usize| u64::try_from(length).is_ok_and(|length| length <= limit);
    let Some(first) = next().await? else {
        return Ok(Bytes::new());
    };
    if !fits(first.len()) {
        return Err(Fault::too_large(limit));
    }
    // Most bodies come in one piece, which then need not be copied.
    let Some(second) = next().await? else {
        return Ok(first);
    };
    let mut whole = BytesMut::from(first);
    let mut piece = Some(second);
    while let Some(more) = piece {
        if !fits(whole.len() + more.len()) {
            return Err(Fault::too_large(limit));
        }
        whole.extend_from_slice(&more);
        piece = next().await?;
    }
    Ok(whole.freeze())
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
/// 400 that names what is wrong with which parameter.
pub(super) fn from_json(body: &[u8]) -> Result<Params, Fault> {
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
        object("extensions", extensions.get())?;
    }
    let operation_name = raw.operation_name.map(|name| string("operationName", name.get()));
    Ok(Params {
        query: string("query", query.get())?,
        operation_name: operation_name.transpose()?.filter(|name| !name.is_empty()),
        variables: match raw.variables {
            Some(variables) => parse_variables(variables.get())?,
            None => Variables::default(),
        },
    })
}

/// The parameters in a query string; `variables` and `extensions` are JSON in it.
///
/// # Errors
/// As [`from_json`].
pub(super) fn from_query(query: &str) -> Result<Params, Fault> {
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
        object("extensions", extensions.trim())?;
    }
    Ok(Params {
        query: query.into_owned(),
        operation_name: operation_name.map(Cow::into_owned),
        variables: match variables.filter(is_sent) {
            Some(variables) => parse_variables(variables.trim())?,
            None => Variables::default(),
        },
    })
}

fn string(name: &'static str, json: &str) -> Result<String, Fault> {
    serde_json::from_str(json).map_err(|_cause| must_be(name, "a string"))
}

fn object(name: &'static str, json: &str) -> Result<(), Fault> {
    if json.starts_with('{') {
        Ok(())
    } else {
        Err(must_be(name, "an object"))
    }
}

fn parse_variables(json: &str) -> Result<Variables, Fault> {
    object("variables", json)?;
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

    #[test]
    fn parameters_come_from_json() {
        let body = br#" {"query":"{a}","variables":{"x":[1,{"y":null}]},"operationName":null,"other":1}"#;
        let params = from_json(body).expect("good");
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
            let fault = from_json(body.as_bytes()).expect_err(body);
            assert!(fault.message.contains(named), "{body}: {}", fault.message);
            assert!(!fault.message.contains("s3cret"), "{body}: {}", fault.message);
        }
    }

    #[test]
    fn parameters_come_from_a_query_string() {
        let params = from_query("query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=").expect("good");
        assert_eq!((params.query.as_str(), params.variables.len()), ("{a}", 1));
        assert_eq!(params.operation_name, None);
        for bad in [
            "",
            "query=",
            "query=a&query=b",
            "query=a&variables=1",
            "query=a&extensions=%7B",
        ] {
            assert!(from_query(bad).is_err(), "{bad}");
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
