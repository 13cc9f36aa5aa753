//! A row: what is called, and what each caller gets.

use std::fmt;

use serde_json::{Value, json};
use storefront_gateway::access::scope::Scope;

use super::cell::Cell;
use crate::kit::{self, Answer, Caller, Upload, png};

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Nobody,
    Public,
    /// A backend without the scope that counts.
    Without,
    With,
    /// Another organization's backend, with every scope.
    Rival,
    /// The storefront user whose objects they are.
    Owner,
    Other,
    /// A guest that was merged into the owner.
    Merged,
    /// The storefront user of the customer whose objects they are, with a token of its own.
    Linked,
    /// The customer whose objects they are.
    Customer,
    OtherCustomer,
    /// A customer of another storefront of the same organization.
    CustomerElsewhere,
}

impl Who {
    pub(super) const COUNT: usize = 12;
}

/// What a row does.
pub(super) enum Act {
    Query(fn(&Cell) -> String),
    Mutation(fn(&Cell) -> Value),
    Upload(fn(&Cell) -> Value),
}

/// What a caller gets. `ours`: sees it; `else`: an answer without anything of it; `null`; `done`: took effect; `no change`:
/// success without one; `user …`: a user error; else the code of the top-level error.
type Outcome = &'static str;

pub(super) const NONE: Outcome = "UNAUTHENTICATED";
pub(super) const NO: Outcome = "FORBIDDEN";
pub(super) const MERGED: Outcome = "user STOREFRONT_USER_ALREADY_MERGED";
pub(super) const NO_STOREFRONT: Outcome = "user STOREFRONT_NOT_FOUND";

pub(super) struct Row {
    /// The root field.
    pub(super) field: &'static str,
    what: &'static str,
    pub(super) act: Act,
    /// The scopes of the backend that may, and of the one that lacks the one which counts. No scope makes a difference
    /// where none is needed.
    pub(super) with: &'static [Scope],
    pub(super) without: &'static [Scope],
    pub(super) outcomes: Vec<(Who, Outcome)>,
    /// Whether it is done by what the input holds, so that an access token which has lapsed counts as none (TOK-07).
    pub(super) redeems: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.what)
    }
}

/// A row to be filled.
pub(super) fn row(field: &'static str, what: &'static str, act: Act) -> Row {
    Row {
        field,
        what,
        act,
        with: &[],
        without: &[],
        outcomes: Vec::with_capacity(Who::COUNT),
        redeems: false,
    }
}

/// A query's row.
pub(super) fn asks(field: &'static str, what: &'static str, query: fn(&Cell) -> String) -> Row {
    row(field, what, Act::Query(query))
}

/// A mutation's row.
pub(super) fn does(field: &'static str, what: &'static str, input: fn(&Cell) -> Value) -> Row {
    row(field, what, Act::Mutation(input))
}

impl Row {
    pub(super) fn scopes(self, with: &'static [Scope], without: &'static [Scope]) -> Self {
        Self {
            with,
            without,
            ..self
        }
    }

    /// It is done by what the input holds.
    pub(super) fn redeeming(self) -> Self {
        Self {
            redeems: true,
            ..self
        }
    }

    /// Of nobody, and of a publishable key.
    pub(super) fn anyone(mut self, [nobody, public]: [Outcome; 2]) -> Self {
        self.outcomes
            .extend([(Who::Nobody, nobody), (Who::Public, public)]);
        self
    }

    /// Of backends: without the scope, with it, another organization's.
    pub(super) fn backends(mut self, [without, with, rival]: [Outcome; 3]) -> Self {
        let backends = [(Who::Without, without), (Who::With, with), (Who::Rival, rival)];
        self.outcomes.extend(backends);
        self
    }

    /// Of storefront users: the owner, another, a merged one, the one of the customer.
    pub(super) fn users(mut self, [owner, other, merged, linked]: [Outcome; 4]) -> Self {
        self.outcomes.extend([
            (Who::Owner, owner),
            (Who::Other, other),
            (Who::Merged, merged),
            (Who::Linked, linked),
        ]);
        self
    }

    /// Of customers: the one that it is about, another, one of another storefront.
    pub(super) fn customers(mut self, [own, other, elsewhere]: [Outcome; 3]) -> Self {
        self.outcomes.extend([
            (Who::Customer, own),
            (Who::OtherCustomer, other),
            (Who::CustomerElsewhere, elsewhere),
        ]);
        self
    }

    /// Of storefront users and customers: none may.
    pub(super) fn no_persons(self) -> Self {
        self.users([NO; 4]).customers([NO; 3])
    }

    pub(super) async fn call(&self, cell: &Cell, caller: &Caller) -> Answer {
        match self.act {
            Act::Query(query) => caller.send(&query(cell), json!({})).await,
            Act::Mutation(input) => {
                let input = json!({ "input": input(cell) });
                caller.send(&kit::mutation(self.field), input).await
            }
            Act::Upload(input) => {
                let upload = Upload {
                    file_name: "dog.png",
                    bytes: png(2),
                    input: input(cell),
                };
                caller.send_file(upload).await
            }
        }
    }

    /// What nobody gets.
    pub(super) fn outcome_of_nobody(&self) -> Outcome {
        let mut outcomes = self.outcomes.iter();
        let of_nobody = outcomes.find(|(who, _)| matches!(who, Who::Nobody));
        of_nobody.expect("an outcome for everybody").1
    }

    pub(super) fn outcome(&self, cell: &Cell, answer: &Answer, changed: bool) -> String {
        if answer.status != 200 {
            return format!("HTTP {}", answer.status);
        }
        if let Some(code) = answer.codes().first() {
            return (*code).to_owned();
        }
        let seen = &answer.body["data"][self.field];
        let seen = if self.field == "nodes" { &seen[0] } else { seen };
        if let Some(code) = seen["userErrors"][0]["code"].as_str() {
            return format!("user {code}");
        }
        let text = seen.to_string();
        let outcome = match &self.act {
            Act::Query(_) if seen.is_null() => "null",
            Act::Query(_) if cell.secrets().iter().any(|secret| text.contains(secret)) => "ours",
            Act::Query(_) => "else",
            Act::Mutation(_) | Act::Upload(_) if changed => "done",
            Act::Mutation(_) | Act::Upload(_) => "no change",
        };
        outcome.to_owned()
    }
}

/// A node, with its id.
pub(super) fn node(id: &str, selection: &str) -> String {
    format!("{{ node(id: {id:?}) {{ id {selection} }} }}")
}

/// The same without the id itself, so that what is seen comes from behind it.
pub(super) fn behind(id: &str, selection: &str) -> String {
    format!("{{ node(id: {id:?}) {{ {selection} }} }}")
}
