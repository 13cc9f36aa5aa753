//! Why a document is not run.

use std::fmt::Write;

use async_graphql::Pos;

/// Whose rule a document broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// It asks for more than a limit allows: `LIMIT_EXCEEDED`.
    Limit,
    /// It is not GraphQL: `GRAPHQL_PARSE_FAILED`.
    Parse,
    /// It is GraphQL, but has no meaning: `GRAPHQL_VALIDATION_FAILED`.
    Validation,
    /// The request does not say which operation to run: `BAD_USER_INPUT`.
    BadInput,
}

/// A document that is not run. Its message never repeats anything that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose rule was broken.
    pub kind: RefusalKind,
    /// What was refused, by which limit, and the way out.
    pub message: String,
    /// Where in the text, as far as there is a place; lines and columns count from 1.
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

    /// A syntax error: `problem` ends the sentence that names the place.
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

/// What something may come to, as people read it: `up to 12,500`. Sums stop at the end of their type, so that
/// beyond a trillion a number says nothing more.
pub(super) fn up_to(number: u64) -> String {
    const TRILLION: u64 = 1_000_000_000_000;
    if number > TRILLION {
        "more than a trillion".to_owned()
    } else {
        format!("up to {}", grouped(number))
    }
}

/// A number as people read it: `12,500`.
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

/// A count and its noun, `1 alias` or `51 aliases`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    let mut text = grouped(number);
    let noun = if number == 1 { one } else { many };
    write!(text, " {noun}").expect("writing to a string cannot fail");
    text
}
