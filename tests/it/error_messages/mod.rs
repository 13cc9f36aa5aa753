//! Error messages for common mistakes: each response says what is wrong, where, and what to send instead, the first time and when
//! repeated (GQL-05, GQL-07, ERR-02).
//!
//! One file for each topic, with one snapshot of all its responses in a form that a reader new to the gateway
//! understands:
//!
//! ```text
//! # the mistake
//! HTTP status
//! headers that say something about it
//! CODE line:column path: message                   (a top-level error)
//! userErrors CODE (legacy code) field: message     (of a payload; or warnings)
//! data                                             (what is left of it)
//! ```

#![expect(clippy::too_many_lines, reason = "snapshots are most of the lines")]

mod credentials;
mod documents;
mod limits;
mod outcomes;
mod requests;
mod values;

use serde_json::{Value, json};

use crate::kit::{Answer, Caller, redact};

/// The selection of each mutation's user errors.
const SAID: &str = "userErrors { code field message legacyCode }";

/// Headers that may explain a mistake.
const HEADERS: [&str; 3] = ["www-authenticate", "allow", "retry-after"];

/// The responses of the gateway to one mistake after the other.
#[derive(Default)]
struct Answers(String);

impl Answers {
    /// Sends a document.
    async fn query(&mut self, mistake: &str, who: &Caller, query: &str) {
        self.ask_with(mistake, who, query, json!({})).await;
    }

    /// Sends a document with variables.
    async fn ask_with(&mut self, mistake: &str, who: &Caller, query: &str, variables: Value) {
        self.repeat(mistake, async || who.send(query, variables.clone()).await)
            .await;
    }

    /// Sends a body unchanged.
    async fn post(&mut self, mistake: &str, who: &Caller, content_type: Option<&str>, body: &str) {
        self.repeat(mistake, async || {
            who.send_body(content_type, body.to_owned()).await
        })
        .await;
    }

    /// Sends a GET request.
    async fn get(&mut self, mistake: &str, who: &Caller, path: &str) {
        self.repeat(mistake, async || who.get(path).await).await;
    }

    /// Makes a mistake twice; both responses must be the same.
    async fn repeat(&mut self, mistake: &str, send: impl AsyncFn() -> Answer) {
        let formatted = formatted_response(&send().await);
        assert_eq!(
            formatted_response(&send().await),
            formatted,
            "{mistake}: the second time"
        );
        self.0.push_str(&format!("# {mistake}\n{formatted}\n\n"));
    }
}

/// Formats a response for the snapshot.
fn formatted_response(answer: &Answer) -> String {
    let mut lines = vec![answer.status.to_string()];
    for name in HEADERS {
        if let Some(value) = answer.headers.get(name) {
            lines.push(format!("{name}: {}", value.to_str().expect("ASCII")));
        }
    }
    lines.extend(list(&answer.body["errors"]).iter().map(top_level));
    if let Some(data) = answer.body.get("data") {
        let mut data = redact(data.clone());
        let payloads = data
            .as_object_mut()
            .into_iter()
            .flat_map(|data| data.values_mut());
        for payload in payloads.filter_map(Value::as_object_mut) {
            for name in ["userErrors", "warnings"] {
                let entries = payload.remove(name).unwrap_or_default();
                lines.extend(list(&entries).iter().map(|entry| of_payload(name, entry)));
            }
        }
        lines.push(data.to_string());
    }
    lines.join("\n")
}

fn top_level(error: &Value) -> String {
    let mut formatted = vec![text(&error["extensions"]["code"]).to_owned()];
    let places = list(&error["locations"]).iter();
    formatted.extend(places.map(|place| format!("{}:{}", place["line"], place["column"])));
    formatted.extend(joined_path(&error["path"]));
    format!("{}: {}", formatted.join(" "), text(&error["message"]))
}

fn of_payload(name: &str, entry: &Value) -> String {
    let mut formatted = vec![name.to_owned(), text(&entry["code"]).to_owned()];
    formatted.extend(entry["legacyCode"].as_i64().map(|code| format!("({code})")));
    formatted.extend(joined_path(&entry["field"]));
    format!("{}: {}", formatted.join(" "), text(&entry["message"]))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Joins the steps of a path by dots; `None` if there is no path.
fn joined_path(path: &Value) -> Option<String> {
    let steps = path.as_array()?.iter();
    let steps: Vec<String> = steps
        .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
        .collect();
    Some(steps.join("."))
}
