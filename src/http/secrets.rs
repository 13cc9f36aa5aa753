//! Detects responses of GraphQL that contain secrets. They are not compressed: an attacker who observes the length of
//! responses, and controls a part of them, could recover a secret next to that part, because a correct guess makes the
//! response shorter (BREACH, CVE-2013-3587).
//!
//! A secret is anything that grants access to its holder: a token, and also a signed link to content, which anyone may
//! use for ten minutes. The name of an item is next to its link, and is chosen by its owner, who need not be the person
//! whose link follows in a backend's list. Personal data that grants no access, such as an e-mail address, does not
//! count: otherwise no response could be compressed.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use crate::schema::{CREDENTIAL_MUTATIONS, REGISTRATIONS};

/// Fields that contain a secret, in any type.
const SECRETS: [&str; 3] = ["accessToken", "refreshToken", "url"];

/// Fields of the query that describe the schema only.
const INTROSPECTION: [&str; 3] = ["__schema", "__type", "__typename"];

/// What the responses to a document may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holding {
    /// A secret, or the result of a mutation that handles one.
    Secrets,
    /// The schema, which is the same for all callers.
    TheSchema,
    /// Anything else.
    Data,
}

impl Holding {
    /// Classifies a document by all of its selections, each visited once, whichever operation runs.
    pub(super) fn of(document: &ExecutableDocument) -> Self {
        let operations = document.operations.iter();
        let roots: Vec<&SelectionSet> = operations
            .map(|(_, operation)| &operation.node.selection_set.node)
            .collect();
        let fragments = document.fragments.values();
        let fragments = fragments.map(|fragment| &fragment.node.selection_set.node);
        if roots.iter().copied().chain(fragments).any(selects_a_secret) {
            Self::Secrets
        } else if roots.iter().all(|root| is_about_the_schema(root)) {
            Self::TheSchema
        } else {
            Self::Data
        }
    }
}

/// Recurses as deep as the document, which the guard has bounded.
fn selects_a_secret(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            SECRETS.contains(&name)
                || CREDENTIAL_MUTATIONS.contains(&name)
                || REGISTRATIONS.contains(&name)
                || selects_a_secret(&field.node.selection_set.node)
        }
        Selection::InlineFragment(inline) => selects_a_secret(&inline.node.selection_set.node),
        // Each fragment is checked by itself.
        Selection::FragmentSpread(_) => false,
    })
}

/// Whether a root selects only introspection, without fragments.
fn is_about_the_schema(root: &SelectionSet) -> bool {
    root.items.iter().all(|selection| {
        matches!(&selection.node, Selection::Field(field) if INTROSPECTION.contains(&field.node.name.node.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{
        parse_query, parse_schema,
        types::{BaseType, TypeKind, TypeSystemDefinition},
    };

    use super::*;
    use crate::schema;

    #[test]
    fn a_document_is_told_by_what_it_selects() {
        let data = [
            "{ viewer { customer { email } } }",
            "query A { __schema { types { name } } } query B { viewer { kind } }",
            "{ __schema { types { name } } viewer { kind } }",
            "mutation { orderRecord(input: {}) { order { id } } }",
        ];
        let schema = [r#"{ __schema { types { name } } __typename a: __type(name: "X") { name } }"#];
        let secrets = [
            r#"{ node(id: "x") { ... on StorageItem { name link: url } } }"#,
            r#"{ ...F } fragment F on Query { node(id: "x") { ...G } } fragment G on StorageItem { url }"#,
            r#"query A { viewer { kind } } query B { node(id: "x") { ... { url } } }"#,
            "mutation { storefrontUserTokenIssue(input: {}) { token { accessToken } } }",
            "mutation { customerTokenRefresh(input: {}) { userErrors { code } } }",
            "mutation { storefrontUserRegister(input: {}) { userErrors { code } } }",
        ];
        for (documents, expected) in [
            (&data[..], Holding::Data),
            (&schema[..], Holding::TheSchema),
            (&secrets[..], Holding::Secrets),
        ] {
            for document in documents {
                let parsed = parse_query(document).expect(document);
                assert_eq!(Holding::of(&parsed), expected, "{document}");
            }
        }
    }

    /// Words that occur in the names of most fields with a secret.
    const SUSPICIOUS: [&str; 6] = ["token", "secret", "password", "url", "link", "signature"];

    /// Fields with such a name that contain no secret.
    const HARMLESS: [&str; 5] = [
        // Contains the caller's own state, nonce and challenge, and nothing of the gateway's.
        "authorizationUrl",
        "hasPassword",
        "refreshTokenExpiresAt",
        "tokenType",
        "urlExpiresAt",
    ];

    // A new field with such a name fails this test until it is added to one of the lists.
    #[test]
    fn every_field_of_the_schema_that_may_hold_a_secret_was_decided_about() {
        let document = parse_schema(schema::sdl()).expect("our own schema");
        let mut seen = 0;
        for definition in &document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let fields = match &definition.node.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) | TypeKind::InputObject(_) => {
                    continue;
                }
            };
            for field in fields {
                let name = field.node.name.node.as_str();
                let is_scalar = matches!(&field.node.ty.node.base, BaseType::Named(base)
                    if ["String", "ID", "Boolean", "DateTime", "JSON"].contains(&base.as_str()));
                let lower = name.to_lowercase();
                if is_scalar && SUSPICIOUS.iter().any(|word| lower.contains(word)) {
                    assert!(SECRETS.contains(&name) || HARMLESS.contains(&name), "{name}");
                    seen += 1;
                }
            }
        }
        assert!(seen >= SECRETS.len() + HARMLESS.len(), "{seen}");
    }
}
