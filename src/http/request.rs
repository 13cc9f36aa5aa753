//! The parameters of a GraphQL request. An error message names the position and what to send instead (GQL-07), and
//! repeats no value that was sent (ERR-02).

use std::borrow::Cow;
use std::fmt;

use async_graphql::Variables;
use axum::http::StatusCode;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{error::Category, value::RawValue};

use super::answer::{NotExecuted, coded};
use super::fault::Fault;
use crate::platform::json::{
    self, Bounds,
    flaw::{self, BLANKS},
};

/// The parameters of a GraphQL request (GraphQL over HTTP, "Request Parameters").
#[derive(Debug)]
pub(super) struct Params {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
}

/// The part of a request that is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonPart {
    /// The whole body.
    Body,
    /// A part of a multipart body.
    Part(&'static str),
    /// A parameter of the query string.
    Parameter(&'static str),
}

/// Formats the source as the subject of a sentence.
impl fmt::Display for JsonPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("The request's body"),
            Self::Part(name) => write!(f, "The part \"{name}\""),
            Self::Parameter(name) => write!(f, "The parameter \"{name}\""),
        }
    }
}

impl JsonPart {
    /// Returns what is expected; follows "Send".
    fn wanted(self) -> &'static str {
        match self {
            Self::Body | Self::Part("operations") => {
                "a JSON object such as {\"query\": \"{ __typename }\"}, with \"variables\" and \"operationName\" where needed"
            }
            Self::Part(_) => "a JSON object of lists of paths, such as {\"0\": [\"variables.input.file\"]}",
            Self::Parameter(_) => "a JSON object, percent-encoded (encodeURIComponent)",
        }
    }

    /// 400 for invalid JSON.
    fn no_json(self, flaw: flaw::JsonFlaw) -> Fault {
        let wanted = self.wanted();
        Fault::bad_request(format!("{self} is not JSON, {flaw}. Send {wanted}."))
    }

    /// 400 for JSON of the wrong form.
    pub(super) fn wrong(self, what: &str) -> Fault {
        let wanted = self.wanted();
        Fault::bad_request(format!("{self} {what}. Send {wanted}."))
    }

    /// Parses the JSON, or a part of it.
    ///
    /// # Errors
    /// 400 with line, column and the expected token for invalid JSON; `wrong` for JSON that does not match the type.
    pub(super) fn parse<'a, T: Deserialize<'a>>(
        self,
        whole: &str,
        part: &'a str,
        wrong: impl FnOnce(&serde_json::Error) -> Fault,
    ) -> Result<T, Fault> {
        serde_json::from_str(part).map_err(|error| match error.classify() {
            Category::Data => wrong(&error),
            Category::Syntax | Category::Eof | Category::Io => {
                self.no_json(flaw::explain(whole, part, &error))
            }
        })
    }

    /// Returns the bytes as text.
    ///
    /// # Errors
    /// 400 with the position of invalid UTF-8.
    pub(super) fn text(self, bytes: &[u8]) -> Result<&str, Fault> {
        std::str::from_utf8(bytes).map_err(|error| self.no_json(flaw::not_utf8(bytes, &error)))
    }
}

const NAMES: [&str; 4] = ["query", "operationName", "variables", "extensions"];

/// The parameters as raw JSON, each to be checked by itself.
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

/// The extensions that the gateway recognizes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    persisted_query: Option<IgnoredAny>,
}

/// Reads the parameters from JSON.
///
/// # Errors
/// 400 that names the parameter and its problem; `LIMIT_EXCEEDED` for one that exceeds the limits;
/// `PERSISTED_QUERY_NOT_SUPPORTED` for a hash in place of the document.
pub(super) fn from_json(body: &[u8], source: JsonPart, bounds: &Bounds) -> Result<Params, NotExecuted> {
    let text = source.text(body)?;
    match text.trim_start_matches(BLANKS).chars().next() {
        None => return Err(source.wrong("is empty").into()),
        Some('[') => {
            let message =
                "Batches are not supported: send each operation in a request of its own, as a JSON object.";
            return Err(Fault::bad_request(message).into());
        }
        _ => {}
    }
    let raw: RawParams<'_> = source.parse(text, text, |error| not_parameters(source, error))?;
    let string = |name, value: Option<&RawValue>| {
        let value = value.map(|value| string(source, text, name, value.get()));
        value.transpose()
    };
    if let Some(extensions) = raw.extensions {
        object("extensions", extensions.get(), bounds)?;
    }
    Ok(Params {
        query: document(string("query", raw.query)?, raw.extensions.map(RawValue::get))?,
        operation_name: string("operationName", raw.operation_name)?.filter(|name| !name.is_empty()),
        variables: match raw.variables {
            Some(variables) => parse_variables(source, text, variables.get(), bounds)?,
            None => Variables::default(),
        },
    })
}

/// Reads the parameters from a query string, in which `variables` and `extensions` are JSON.
///
/// # Errors
/// As for [`from_json`].
pub(super) fn from_query(query: &str, bounds: &Bounds) -> Result<Params, NotExecuted> {
    let mut texts: [(&'static str, Option<Cow<'_, str>>); 4] = NAMES.map(|name| (name, None));
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some((known, text)) = texts.iter_mut().find(|(known, _)| *known == name) else {
            continue;
        };
        if text.replace(value).is_some() {
            return Err(twice(known).into());
        }
    }
    let [query, operation_name, variables, extensions] =
        texts.map(|(_, text)| text.filter(|text| !text.is_empty()));
    let is_sent = |text: &Cow<'_, str>| text.trim_matches(BLANKS) != "null";
    let extensions = extensions.filter(is_sent);
    if let Some(text) = &extensions {
        object("extensions", json_in_query("extensions", text)?, bounds)?;
    }
    Ok(Params {
        query: document(query.map(Cow::into_owned), extensions.as_deref())?,
        operation_name: operation_name.map(Cow::into_owned),
        variables: match variables.filter(is_sent) {
            Some(text) => {
                let json = json_in_query("variables", &text)?;
                parse_variables(JsonPart::Parameter("variables"), &text, json, bounds)?
            }
            None => Variables::default(),
        },
    })
}

/// Returns the document.
///
/// # Errors
/// `PERSISTED_QUERY_NOT_SUPPORTED` for a hash in its place (GQL-06); 400 if there is neither.
fn document(query: Option<String>, extensions: Option<&str>) -> Result<String, NotExecuted> {
    let is_hash = || {
        let extensions = extensions.and_then(|json| serde_json::from_str::<Extensions>(json).ok());
        extensions.is_some_and(|extensions| extensions.persisted_query.is_some())
    };
    match query {
        Some(query) if !query.is_empty() => Ok(query),
        _ if is_hash() => Err(not_persisted()),
        Some(empty) => Ok(empty),
        None => Err(Fault::bad_request(
            "The parameter \"query\" is missing: it contains the GraphQL document, whether that is a query or a mutation.",
        )
        .into()),
    }
}

/// Makes the error that clients of automatic persisted queries look for before they send the text, by message or by
/// code. It is a GraphQL response: 200 for clients that accept `application/json`, some of which read no other status.
fn not_persisted() -> NotExecuted {
    coded("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported").into()
}

/// Reads a parameter that is a string. The position of an error is that in the `whole` text.
fn string(source: JsonPart, whole: &str, name: &'static str, json: &str) -> Result<String, Fault> {
    if !json.starts_with('"') {
        let what = match name {
            "query" => {
                "a string that contains the GraphQL document; a client that has it as a syntax tree prints it before it sends it"
            }
            _ => "a string",
        };
        return Err(must_be(name, what));
    }
    source.parse(whole, json, |_error| must_be(name, "a string"))
}

/// Parses a parameter of the query string as JSON, without surrounding blanks.
fn json_in_query<'a>(name: &'static str, text: &'a str) -> Result<&'a str, Fault> {
    let no_object = |_error: &serde_json::Error| must_be(name, "a JSON object");
    let json: &RawValue = JsonPart::Parameter(name).parse(text, text, no_object)?;
    Ok(json.get())
}

/// Checks that JSON is an object within the limits.
fn object(name: &'static str, json: &str, bounds: &Bounds) -> Result<(), Fault> {
    if json.starts_with('"') {
        return Err(must_be(name, "an object, not a string that contains one as JSON"));
    }
    if !json.starts_with('{') {
        return Err(must_be(name, "an object"));
    }
    json::check(json.as_bytes(), bounds).map_err(|excess| {
        let message = format!("The parameter \"{name}\" {excess}, which is the limit.");
        Fault::new(StatusCode::BAD_REQUEST, "LIMIT_EXCEEDED", message)
    })
}

fn parse_variables(source: JsonPart, whole: &str, json: &str, bounds: &Bounds) -> Result<Variables, Fault> {
    object("variables", json, bounds)?;
    source.parse(whole, json, |_error| {
        must_be("variables", "a JSON object of variables by name")
    })
}

fn must_be(name: &str, what: &str) -> Fault {
    Fault::bad_request(format!("The parameter \"{name}\" must be {what}."))
}

fn twice(name: &str) -> Fault {
    Fault::bad_request(format!("The parameter \"{name}\" was sent twice; send it once."))
}

/// Makes the fault for JSON that is no object, or has a parameter twice.
fn not_parameters(source: JsonPart, error: &serde_json::Error) -> Fault {
    let said = error.to_string();
    let doubled = NAMES
        .iter()
        .find(|name| said.starts_with(&format!("duplicate field `{name}`")));
    match doubled {
        Some(name) => twice(name),
        None => source.wrong("is JSON, but not an object"),
    }
}

#[cfg(test)]
mod tests;
