//! A row: a call, and the outcome for each caller.

use std::fmt;

use serde_json::{Value, json};
use storefront_gateway::reach::scope::Scope;

use super::cell::Cell;
use crate::kit::{self, Answer, Caller, Upload, png};

/// The callers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Unauthenticated,
    Public,
    /// A backend without the required scope.
    Without,
    With,
    /// Another organization's backend, with every scope.
    Rival,
    /// The storefront user who owns the objects.
    Owner,
    Other,
    /// A guest that was merged into the owner.
    Merged,
    /// The storefront user of the customer who owns the objects, with its own token.
    Linked,
    /// The customer who owns the objects.
    Customer,
    OtherCustomer,
    /// A customer of another storefront of the same organization.
    CustomerElsewhere,
}

impl Who {
    pub(super) const COUNT: usize = 12;
}

/// The call of a row.
pub(super) enum Act {
    Query(fn(&Cell) -> String),
    Mutation(fn(&Cell) -> Value),
    Upload(fn(&Cell) -> Value),
}

/// The outcome for a caller. `ours`: sees the data; `else`: a response without any of the data; `null`; `done`: took
/// effect; `no change`: success without effect; `user …`: a user error; otherwise the code of the top-level error.
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
    /// The scopes of the backend that may, and of the one without the required scope. They make no difference where no
    /// scope is required.
    pub(super) with: &'static [Scope],
    pub(super) without: &'static [Scope],
    pub(super) outcomes: Vec<(Who, Outcome)>,
    /// Whether the input itself is the credential, so that an expired access token is ignored (TOK-07).
    pub(super) redeems: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.what)
    }
}

/// A row without outcomes.
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
pub(super) fn query_row(field: &'static str, what: &'static str, query: fn(&Cell) -> String) -> Row {
    row(field, what, Act::Query(query))
}

/// A mutation's row.
pub(super) fn mutation_row(field: &'static str, what: &'static str, input: fn(&Cell) -> Value) -> Row {
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

    /// Marks the input itself as the credential.
    pub(super) fn redeeming(self) -> Self {
        Self {
            redeems: true,
            ..self
        }
    }

    /// Sets the outcomes without a credential and with a publishable key.
    pub(super) fn public_callers(mut self, [unauthenticated, public]: [Outcome; 2]) -> Self {
        self.outcomes
            .extend([(Who::Unauthenticated, unauthenticated), (Who::Public, public)]);
        self
    }

    /// Sets the outcomes of backends: without the scope, with it, of another organization.
    pub(super) fn backends(mut self, [without, with, rival]: [Outcome; 3]) -> Self {
        let backends = [(Who::Without, without), (Who::With, with), (Who::Rival, rival)];
        self.outcomes.extend(backends);
        self
    }

    /// Sets the outcomes of storefront users: the owner, another, a merged one, the customer's.
    pub(super) fn users(mut self, [owner, other, merged, linked]: [Outcome; 4]) -> Self {
        self.outcomes.extend([
            (Who::Owner, owner),
            (Who::Other, other),
            (Who::Merged, merged),
            (Who::Linked, linked),
        ]);
        self
    }

    /// Sets the outcomes of customers: the owner, another, one of another storefront.
    pub(super) fn customers(mut self, [own, other, elsewhere]: [Outcome; 3]) -> Self {
        self.outcomes.extend([
            (Who::Customer, own),
            (Who::OtherCustomer, other),
            (Who::CustomerElsewhere, elsewhere),
        ]);
        self
    }

    /// Forbids the call to storefront users and customers.
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

    /// The outcome without a credential.
    pub(super) fn outcome_without_credential(&self) -> Outcome {
        let mut outcomes = self.outcomes.iter();
        let without_credential = outcomes.find(|(who, _)| matches!(who, Who::Unauthenticated));
        without_credential.expect("an outcome for every caller").1
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

/// A query of a node with its id.
pub(super) fn node(id: &str, selection: &str) -> String {
    format!("{{ node(id: {id:?}) {{ id {selection} }} }}")
}

/// The same without the id, so that any visible data comes from behind the node.
pub(super) fn nested(id: &str, selection: &str) -> String {
    format!("{{ node(id: {id:?}) {{ {selection} }} }}")
}
