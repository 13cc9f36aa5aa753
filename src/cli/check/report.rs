//! What a check has found.

use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};

/// How one part does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but somebody should look at it.
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
    part: &'static str,
    pub(super) verdict: Verdict,
    pub(super) message: String,
}

impl Finding {
    pub(super) fn ok(part: &'static str, message: impl Into<String>) -> Self {
        Self::new(part, Verdict::Ok, message)
    }

    pub(super) fn warn(part: &'static str, message: impl Into<String>) -> Self {
        Self::new(part, Verdict::Warn, message)
    }

    pub(super) fn fail(part: &'static str, message: impl Into<String>) -> Self {
        Self::new(part, Verdict::Fail, message)
    }

    fn new(part: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            part,
            verdict,
            message,
        }
    }

    fn as_json(&self) -> Value {
        json!({ "name": self.part, "verdict": self.verdict.word(), "message": self.message })
    }
}

/// Shows the findings; an error when one of them is a failure.
pub(super) fn show(findings: &[Finding], output: Output) -> Result<(), Failure> {
    let worst = findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Ok);
    let checks: Vec<Value> = findings.iter().map(Finding::as_json).collect();
    output.result(&json!({ "verdict": worst.word(), "checks": checks }), || {
        let rows: Vec<Vec<String>> = findings
            .iter()
            .map(|finding| {
                vec![
                    finding.part.to_owned(),
                    finding.verdict.word().to_owned(),
                    finding.message.clone(),
                ]
            })
            .collect();
        table(&["PART", "VERDICT", ""], &rows)
    })?;
    if worst == Verdict::Fail {
        Err(Failure::Known)
    } else {
        Ok(())
    }
}
