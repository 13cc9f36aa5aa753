//! Tests of the guard through its public interface.

mod attacks;
mod cost;
mod document;
mod scan;
mod shape;
mod stack;
mod syntax;
mod values;

use std::sync::Arc;

use async_graphql::Variables;

use super::{Cost, CostModel, Guard, GuardLimits, Prepared, Refusal, Rules, Scalar};

const SDL: &str = include_str!("schema.graphql");

fn model() -> CostModel {
    CostModel::from_sdl(SDL, &["login", "register"]).expect("the schema is sound")
}

fn rules() -> Rules {
    let date = Scalar {
        name: "DateTime",
        form: "a moment",
        is_valid: |value| matches!(value, async_graphql::Value::String(text) if text.starts_with("20")),
    };
    Rules::from_sdl(SDL, &[date], true).expect("the schema is sound")
}

fn guard() -> Guard {
    Guard::new(GuardLimits::default(), model(), rules())
}

impl Guard {
    /// Reads and validates a document.
    fn prepare(&self, text: &str) -> Result<Arc<Prepared>, Vec<Refusal>> {
        let read = self.read(text).map_err(|refusal| vec![refusal])?;
        self.validate(read)
    }
}

/// Reads a table: each row is a line, and after it the messages about it, on lines that begin with a dash.
fn table(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("- "), rows.last_mut()) {
            (Some(message), Some((_, messages))) => messages.push(message),
            _ => rows.push((line, Vec::new())),
        }
    }
    rows
}

fn variables(json: serde_json::Value) -> Variables {
    Variables::from_json(json)
}

/// Runs a document's only operation through all checks.
fn admit(text: &str) -> Result<Cost, Refusal> {
    admit_with(&guard(), text, serde_json::json!({}))
}

fn admit_with(guard: &Guard, text: &str, values: serde_json::Value) -> Result<Cost, Refusal> {
    let prepared = guard.prepare(text).map_err(|mut refusals| refusals.remove(0))?;
    let operation = prepared.operation(None)?;
    guard.admit(&operation, &variables(values))
}

fn refused(text: &str) -> Refusal {
    let shown: String = text.chars().take(200).collect();
    admit(text).expect_err(&shown)
}
