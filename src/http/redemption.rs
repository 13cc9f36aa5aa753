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
        && ContentType::of(&parts.headers).is_some_and(|known| known.is_utf8_of("application/json"))
}

/// Whether the requested operation consists of redemptions only.
pub(super) fn is_asked(guard: &Guard, params: &Params) -> bool {
    let read = guard.read(&params.query).ok();
    let Some(prepared) = read.and_then(|read| guard.validate(read).ok()) else {
        return false;
    };
    let operation = prepared.operation(params.operation_name.as_deref());
    operation.is_ok_and(|operation| redeems(prepared.document(), operation.name, &params.variables))
}

/// Whether the operation with this name consists of redemptions only.
fn redeems(document: &ExecutableDocument, name: Option<&str>, variables: &Variables) -> bool {
    let mut operations = document.operations.iter();
    let found = operations.find(|(own, _)| own.map(Name::as_str) == name);
    let operation = found.map(|(_, definition)| AdmittedOperation {
        document,
        operation: &definition.node,
        variables,
    });
    operation.is_some_and(|operation| operation.is_redemption())
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

    const BY_INPUT: &str = "mutation($i: X!) { customerTokenRevoke(input: $i) }";
    const BY_TOKEN: &str = "mutation($t: X) { customerTokenRevoke(input: {refreshToken: $t}) }";

    /// Documents that contain redemptions only.
    const REDEEMING: [&str; 8] = [
        r#"mutation { customerTokenRefresh(input: {refreshToken: "x"}) }"#,
        "mutation($i: X!) { __typename a: customerTokenRefresh(input: $i) }",
        "mutation { ... { ...F } } fragment F on Mutation { customerEmailVerify(input: {}) }",
        "mutation { customerPasswordReset(input: {}) }",
        "mutation { customerEmailChangeConfirm(input: {}) }",
        r#"mutation { customerTokenRevoke(input: {refreshToken: "x"}) }"#,
        r#"mutation { customerTokenRevoke(input: {refreshToken: "x", all: false}) }"#,
        r#"mutation($t: X = "x") { customerTokenRevoke(input: {refreshToken: $t}) }"#,
    ];

    /// Documents that contain something else.
    const OTHERS: [&str; 12] = [
        r#"mutation { customerTokenRevoke(input: {refreshToken: "x", all: true}) }"#,
        r#"mutation { customerTokenRevoke(input: {refreshToken: "x", sessionId: "y"}) }"#,
        "mutation { customerTokenRevoke(input: {refreshToken: null}) }",
        "mutation { customerTokenRevoke(input: {all: true}) }",
        "mutation { customerTokenRevoke }",
        BY_INPUT,
        BY_TOKEN,
        "mutation { customerTokenRefresh(input: {}) customerUpdate(input: {}) }",
        "mutation { ...F } fragment F on Mutation { customerTokenRefresh(input: {}) x }",
        "mutation { __typename }",
        "query { customerTokenRefresh(input: {}) }",
        "{ viewer { kind } }",
    ];

    // TOK-07
    #[test]
    fn what_redeems_by_what_it_is_is_told_from_all_else() {
        for (documents, expected) in [(&REDEEMING[..], true), (&OTHERS[..], false)] {
            for document in documents {
                assert_eq!(is_asked_by(document, None, "{}"), expected, "{document}");
            }
        }
        for (document, variables, expected) in [
            (BY_INPUT, r#"{"i":{"refreshToken":"x"}}"#, true),
            (BY_INPUT, r#"{"i":{"sessionId":"x"}}"#, false),
            (BY_TOKEN, r#"{"t":"x"}"#, true),
        ] {
            let is_asked = is_asked_by(document, None, variables);
            assert_eq!(is_asked, expected, "{document} {variables}");
        }
        let several = "mutation A { customerTokenRefresh(input: {}) } query B { viewer { kind } }";
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
