//! Why a document is not executed.

use async_graphql::Pos;

/// The category of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A limit is exceeded: `LIMIT_EXCEEDED`.
    Limit,
    /// The text is not GraphQL: `GRAPHQL_PARSE_FAILED`.
    Parse,
    /// The document is not valid in the schema: `GRAPHQL_VALIDATION_FAILED`.
    Validation,
    /// The request does not say which operation to run, or a variable has an invalid value: `BAD_USER_INPUT`.
    BadInput,
}

/// The reason why a document is not executed. Its message never repeats a value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The category.
    pub kind: RefusalKind,
    /// What was refused, by which limit, and the remedy.
    pub message: String,
    /// The positions in the text, if there are any; lines and columns count from 1.
    pub locations: Vec<Pos>,
}

impl Refusal {
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Limit, message)
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Validation, message)
    }

    pub(super) fn bad_input(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::BadInput, message)
    }

    /// Makes a syntax error. `problem` ends the sentence that names the position.
    pub(super) fn syntax(at: Pos, problem: &str) -> Self {
        let message = format!(
            "Syntax error at line {}, column {}: {problem}.",
            at.line, at.column
        );
        Self::new(RefusalKind::Parse, message).at(at)
    }

    pub(super) fn at(mut self, place: Pos) -> Self {
        self.locations.push(place);
        self
    }

    fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            locations: Vec::new(),
        }
    }
}

/// Formats an upper bound: `up to 12,500`. Sums saturate, so that a number beyond a trillion is not meaningful.
pub(super) fn up_to(number: u64) -> String {
    const TRILLION: u64 = 1_000_000_000_000;
    if number > TRILLION {
        "more than a trillion".to_owned()
    } else {
        format!("up to {}", grouped(number))
    }
}

/// Formats a number with thousands separators: `12,500`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun: `1 alias` or `51 aliases`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Formats names as alternatives: `"a", "b" or "c"`.
pub(super) fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}
