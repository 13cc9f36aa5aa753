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
    match admit(text) {
        Ok(cost) => panic!(
            "admitted at {cost:?}: {}",
            text.chars().take(200).collect::<String>()
        ),
        Err(refusal) => refusal,
    }
}
