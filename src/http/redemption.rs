//! Requests that redeem a refresh token or a mailed key. They need no credential, so an expired or revoked access token
//! is no reason to refuse them (TOK-07): clients attach theirs to every request, including the one that gets the next.

use async_graphql::{
    Name, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};
use axum::http::{Method, request::Parts};

use super::media::ContentType;
use super::request::Params;
use crate::guard::{Guard, value_of};

/// Mutations that redeem a token or a key in their input, independent of the caller.
const REDEMPTIONS: [&str; 4] = [
    "customerTokenRefresh",
    "customerPasswordReset",
    "customerEmailVerify",
    "customerEmailChangeConfirm",
];

/// The mutation that redeems a refresh token if its input contains nothing else.
const REVOCATION: &str = "customerTokenRevoke";

/// Whether a request may be a redemption, before its body is read.
pub(super) fn may_follow(parts: &Parts) -> bool {
    parts.method == Method::POST
        && ContentType::of(&parts.headers).is_some_and(|known| known.is_json() && known.is_utf8())
}

/// Whether the requested operation consists of redemptions only.
pub(super) fn is_asked(guard: &Guard, params: &Params) -> bool {
    let Ok(read) = guard.read(&params.query) else {
        return false;
    };
    let Ok(prepared) = guard.validate(read) else {
        return false;
    };
    match prepared.operation(params.operation_name.as_deref()) {
        Ok(operation) => redeems(prepared.document(), operation.name, &params.variables),
        Err(_refusal) => false,
    }
}

/// Whether the operation with this name consists of redemptions only.
fn redeems(document: &ExecutableDocument, name: Option<&str>, variables: &Variables) -> bool {
    let mut operations = document.operations.iter();
    let found = operations.find(|(own, _)| own.map(Name::as_str) == name);
    found.is_some_and(|(_, definition)| {
        let asked = AdmittedOperation {
            document,
            operation: &definition.node,
            variables,
        };
        asked.is_redemption()
    })
}

/// An operation of a document that the guard has admitted: no fragment spreads itself, and its expanded size is
/// bounded.
struct AdmittedOperation<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

impl AdmittedOperation<'_> {
    fn is_redemption(&self) -> bool {
        let mut redeems = false;
        self.operation.ty == OperationType::Mutation
            && self.has_nothing_else(&self.operation.selection_set.node, &mut redeems)
            && redeems
    }

    /// Whether a selection on the mutation root contains only redemptions; sets `redeems` for each.
    fn has_nothing_else(&self, set: &SelectionSet, redeems: &mut bool) -> bool {
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" => true,
            Selection::Field(field) => {
                let is_one = self.redeems(&field.node);
                *redeems |= is_one;
                is_one
            }
            Selection::InlineFragment(inline) => {
                self.has_nothing_else(&inline.node.selection_set.node, redeems)
            }
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment
                    .is_some_and(|fragment| self.has_nothing_else(&fragment.node.selection_set.node, redeems))
            }
        })
    }

    fn redeems(&self, field: &Field) -> bool {
        match field.name.node.as_str() {
            REVOCATION => self.names_a_refresh_token_only(field),
            name => REDEMPTIONS.contains(&name),
        }
    }

    /// Whether the input of a revocation contains a refresh token, and neither a session nor `all`.
    fn names_a_refresh_token_only(&self, field: &Field) -> bool {
        let Some(input) = field.get_argument("input") else {
            return false;
        };
        // Null counts as missing.
        let valued = |name: Name| {
            let value = value_of(self.operation, self.variables, &name);
            Ok::<_, std::convert::Infallible>(value.unwrap_or_default())
        };
        let Ok(Value::Object(input)) = input.node.clone().into_const_with(valued) else {
            return false;
        };
        let is_named = |name: &str| input.get(name).is_some_and(|value| *value != Value::Null);
        let is_all = matches!(input.get("all"), Some(Value::Boolean(true)));
        is_named("refreshToken") && !is_named("sessionId") && !is_all
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;
    use crate::schema;

    fn is_asked_by(query: &str, operation: Option<&str>, variables: &str) -> bool {
        let document = parse_query(query).expect(query);
        let variables = serde_json::from_str(variables).expect("variables");
        redeems(&document, operation, &variables)
    }

    /// Documents, variables, and whether they contain redemptions only.
    const REDEEMING: &[(&str, &str, bool)] = &[
        (
            "mutation { customerTokenRefresh(input: {refreshToken: \"x\"}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation($i: X!) { __typename a: customerTokenRefresh(input: $i) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { ... { ...F } } fragment F on Mutation { customerEmailVerify(input: {}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { customerPasswordReset(input: {}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { customerEmailChangeConfirm(input: {}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { customerTokenRevoke(input: {refreshToken: \"x\"}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { customerTokenRevoke(input: {refreshToken: \"x\", all: false}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { customerTokenRevoke(input: {refreshToken: \"x\", all: true}) { __typename } }",
            "{}",
            false,
        ),
        (
            "mutation { customerTokenRevoke(input: {refreshToken: \"x\", sessionId: \"y\"}) { __typename } }",
            "{}",
            false,
        ),
        (
            "mutation { customerTokenRevoke(input: {refreshToken: null}) { __typename } }",
            "{}",
            false,
        ),
        (
            "mutation { customerTokenRevoke(input: {all: true}) { __typename } }",
            "{}",
            false,
        ),
        ("mutation { customerTokenRevoke { __typename } }", "{}", false),
        (
            "mutation($i: X!) { customerTokenRevoke(input: $i) { __typename } }",
            r#"{"i":{"refreshToken":"x"}}"#,
            true,
        ),
        (
            "mutation($i: X!) { customerTokenRevoke(input: $i) { __typename } }",
            r#"{"i":{"sessionId":"x"}}"#,
            false,
        ),
        (
            "mutation($i: X!) { customerTokenRevoke(input: $i) { __typename } }",
            "{}",
            false,
        ),
        (
            "mutation($t: X) { customerTokenRevoke(input: {refreshToken: $t}) { __typename } }",
            r#"{"t":"x"}"#,
            true,
        ),
        (
            "mutation($t: X) { customerTokenRevoke(input: {refreshToken: $t}) { __typename } }",
            "{}",
            false,
        ),
        (
            "mutation($t: X = \"x\") { customerTokenRevoke(input: {refreshToken: $t}) { __typename } }",
            "{}",
            true,
        ),
        (
            "mutation { customerTokenRefresh(input: {}) { __typename } customerUpdate(input: {}) { __typename } }",
            "{}",
            false,
        ),
        (
            "mutation { ...F } fragment F on Mutation { customerTokenRefresh(input: {}) { __typename } x }",
            "{}",
            false,
        ),
        ("mutation { __typename }", "{}", false),
        (
            "query { customerTokenRefresh(input: {}) { __typename } }",
            "{}",
            false,
        ),
        ("{ viewer { kind } }", "{}", false),
    ];

    // TOK-07
    #[test]
    fn what_redeems_by_what_it_is_is_told_from_all_else() {
        for (query, variables, expected) in REDEEMING {
            assert_eq!(
                is_asked_by(query, None, variables),
                *expected,
                "{query} {variables}"
            );
        }
        let several =
            "mutation A { customerTokenRefresh(input: {}) { __typename } } query B { viewer { kind } }";
        for (name, expected) in [(Some("A"), true), (Some("B"), false), (Some("C"), false)] {
            assert_eq!(is_asked_by(several, name, "{}"), expected, "{name:?}");
        }
    }

    #[test]
    fn each_redemption_is_a_credential_mutation_of_the_schema() {
        for name in REDEMPTIONS.into_iter().chain([REVOCATION]) {
            assert!(schema::CREDENTIAL_MUTATIONS.contains(&name), "{name}");
        }
    }
}
