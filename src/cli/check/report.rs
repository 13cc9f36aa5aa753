//! The findings of a check.

use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};

/// How well a part works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but an operator should look at it.
    Warn,
    /// Does not work.
    Fail,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The verdict on one part, and why.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    message: String,
}

impl Finding {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, message)
    }

    pub(super) fn warn(message: impl Into<String>) -> Self {
        Self::new(Verdict::Warn, message)
    }

    pub(super) fn fail(message: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, message)
    }

    fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { verdict, message }
    }
}

/// Shows the findings, each with the name of its part; an error when one of them is a failure.
pub(super) fn show(findings: &[(&str, Finding)], output: Output) -> Result<(), Failure> {
    let verdicts = findings.iter().map(|(_, finding)| finding.verdict);
    let worst = verdicts.max().unwrap_or(Verdict::Ok);
    let checks = findings.iter().map(|(part, Finding { verdict, message })| {
        json!({ "name": part, "verdict": verdict.word(), "message": message })
    });
    let checks: Vec<Value> = checks.collect();
    output.result(&json!({ "verdict": worst.word(), "checks": checks }), || {
        let rows = findings.iter().map(|(part, Finding { verdict, message })| {
            vec![(*part).to_owned(), verdict.word().to_owned(), message.clone()]
        });
        table(&["PART", "VERDICT", ""], &rows.collect::<Vec<_>>())
    })?;
    if worst == Verdict::Fail {
        return Err(Failure::Known);
    }
    Ok(())
}
