//! The list of all domains: their parts of query and mutation, their indexes, jobs and migrations. A new domain is
//! registered here and nowhere else.

mod introspection;
mod platform;
mod separately;

use std::sync::{Arc, LazyLock};

use async_graphql::{
    Context, EmptySubscription, ID, Interface, MergedObject, Object, Request, Response, SDLExportOptions,
    ScalarType, Schema as GraphqlSchema, SchemaBuilder, ValidationMode,
};
use futures_util::future::try_join_all;

use crate::app::{App, Domain};
use crate::context::{GlobalNode, RequestContext};
use crate::error::{Error, Result};
use crate::guard::{CostModel, Rules, Scalar};
use crate::order::currency::CurrencyCode;
use crate::platform::scalar::{Date, Json, Upload};
use crate::platform::{clock::Timestamp, database::Index, decimal::Decimal, id::Id};
use crate::platform::{job, migration::Migration, stored::Stored};

pub use introspection::Introspection;
use platform::PLATFORM;
use separately::Part;
pub use separately::Separately;

macro_rules! domains {
    ($($domain:ident: [$($variant:ident($($node:ident)::+)),*];)+) => {
        /// The domains, in the order in which an erasure and an export go through them.
        pub const DOMAINS: &[Domain] = &[PLATFORM, $(crate::$domain::DOMAIN),+];

        /// Root type of all queries.
        #[derive(MergedObject, Default)]
        pub struct Query(NodeQuery, $(Part<crate::$domain::Query>),+);

        /// Root type of all mutations.
        /// The mutations of a document run one after the other, in the order of the document. A mutation that fails with a
        /// top-level error is null and does not affect the others.
        #[derive(MergedObject, Default)]
        #[graphql(name = "Mutation")]
        pub struct Mutations($(Part<crate::$domain::Mutation>),+);

        /// An object with a global id, which `node` and `nodes` look up.
        #[derive(Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "Global id."))]
        pub enum Node {
            $($(
                #[doc = stringify!($variant)]
                $variant(crate::$domain::$($node)::+),
            )*)+
        }

        /// Returns the object with an id, whose prefix names the type. Objects of the same type on one level are read
        /// together.
        async fn node(context: &RequestContext, id: &str) -> Result<Option<Node>> {
            let prefix = id.split_once('_').map_or("", |(prefix, _)| prefix);
            $($(
                if prefix == <<crate::$domain::$($node)::+ as GlobalNode>::Id as Id>::PREFIX {
                    return found::<crate::$domain::$($node)::+>(context, id).await;
                }
            )*)+
            Ok(None)
        }
    };
}

/// Returns the node of this type with an id.
async fn found<N>(context: &RequestContext, id: &str) -> Result<Option<Node>>
where
    N: GlobalNode,
    Node: From<N>,
{
    match N::Id::parse(id) {
        Some(id) => Ok(N::find(context, &id).await?.map(Node::from)),
        None => Ok(None),
    }
}

// The list of all domains, a line each: its folder, and its nodes with global ids. A new domain is registered here and in
// `lib.rs`, and nowhere else.
domains! {
    organization: [Organization(node::OrganizationNode), Member(node::MemberNode), ApiClient(node::ApiClientNode)];
    storefront: [Storefront(node::StorefrontNode)];
    storefront_user: [StorefrontUser(node::StorefrontUserNode)];
    storage: [StorageItem(node::StorageItemNode)];
    customer: [Customer(node::CustomerNode), CustomerSession(sessions::CustomerSessionNode)];
    erasure: [];
    address: [Address(node::AddressNode)];
    customer_note: [CustomerNote(node::CustomerNoteNode)];
    order: [Order(node::OrderNode)];
    custom_field: [CustomFieldDefinition(node::CustomFieldDefinitionNode)];
    customer_group: [CustomerGroup(node::CustomerGroupNode)];
    market: [Market(node::MarketNode)];
    oidc: [];
}

/// The mutations; one that fails does not affect the others of its document (GQL-04).
pub type Mutation = Separately<Mutations>;

/// Mutations that check, look up, set or issue a credential of a customer. A document may contain one of them, once, so
/// that one request is one attempt.
pub const CREDENTIAL_MUTATIONS: &[&str] = &[
    "customerRegister",
    "customerTokenCreate",
    "customerTokenCreateWithOidc",
    "customerTokenIssue",
    "customerTokenRefresh",
    "customerTokenRevoke",
    "customerPasswordChange",
    "customerPasswordSet",
    "customerPasswordReset",
    "customerPasswordResetRequest",
    "customerEmailVerificationRequest",
    "customerEmailVerify",
    "customerEmailChangeRequest",
    "customerEmailChangeConfirm",
    "customerAnonymize",
    "customerDelete",
];

/// Registrations of which a document may contain one, unless the caller is a backend (SFU-40).
pub const REGISTRATIONS: &[&str] = &["storefrontUserRegister"];

/// Maximum number of ids that `nodes` takes.
const MAX_NODES: usize = 100;

/// Objects by global id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Returns the object with this global id; null if it is not found for this credential.
    /// Requires the credential that the type of the object requires; null without a credential.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the object.")] id: ID,
    ) -> Option<Result<Node>> {
        match RequestContext::of(ctx) {
            // Boxed: every field of the query reserves space for the largest future.
            Ok(context) => Box::pin(node(context, &id)).await.transpose(),
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns the objects with these global ids, in the order of the ids.
    /// Requires the credential that the type of each object requires.
    /// An object that is not found for this credential is null. More than 100 ids fail with BAD_USER_INPUT. The number
    /// of database commands does not depend on the number of ids.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids of the objects, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            return Err(Error::BadInput(format!("nodes takes at most {MAX_NODES} ids.")));
        }
        let context = RequestContext::of(ctx)?;
        try_join_all(ids.iter().map(|id| node(context, id))).await
    }
}

/// Returns the indexes of all domains and of the gateway itself.
#[must_use]
pub fn indexes() -> Vec<&'static Index> {
    let of = |domain: &Domain| domain.indexes.iter().copied().flatten();
    DOMAINS.iter().flat_map(of).collect()
}

/// Returns the jobs of all domains.
#[must_use]
pub fn jobs() -> Vec<job::JobKind<Arc<App>>> {
    DOMAINS.iter().flat_map(|domain| domain.jobs).cloned().collect()
}

/// Returns the migrations of all domains, in the order of their numbers.
#[must_use]
pub fn migrations() -> &'static [Migration] {
    static MIGRATIONS: LazyLock<Vec<Migration>> = LazyLock::new(|| {
        let all = DOMAINS.iter().flat_map(|domain| domain.migrations);
        let mut all: Vec<Migration> = all.copied().collect();
        all.sort_by_key(|migration| migration.number);
        all
    });
    &MIGRATIONS
}

/// Returns the declarations of all collections, each once.
#[must_use]
pub fn stored() -> Vec<Stored> {
    let mut all: Vec<Stored> = DOMAINS.iter().flat_map(Domain::all_stored).collect();
    all.dedup_by_key(|stored| stored.collection);
    all
}

/// The executable schema. It does not validate, because the guard has validated before, and does not answer
/// introspection, which [`Introspection`] does.
pub struct Schema(GraphqlSchema<Query, Mutation, EmptySubscription>);

impl Schema {
    /// Builds the schema. `nesting` limits how deep selections and values may nest; it is the guard's limit.
    #[must_use]
    pub fn new(nesting: usize) -> Self {
        let schema = build()
            .limit_recursive_depth(nesting)
            .validation_mode(ValidationMode::Fast)
            .disable_introspection()
            // Federation's fields are never used, because no valid document has them. Without them, the library would
            // walk over all types for each field of the query, to find out that none is an entity.
            .enable_federation();
        Self(schema.finish())
    }

    /// Runs an operation of a valid document.
    pub async fn execute(&self, request: Request) -> Response {
        self.0.execute(request).await
    }
}

fn build() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    GraphqlSchema::build(Query::default(), Mutation::default(), EmptySubscription)
}

/// Returns the SDL, which is the content of `schema.graphql` and of the response of /schema.graphql.
#[must_use]
pub fn sdl() -> &'static str {
    // As in introspection: with the URLs that specify the scalars.
    static SDL: LazyLock<String> = LazyLock::new(|| {
        let export = SDLExportOptions::new().include_specified_by();
        build().finish().sdl_with_options(export)
    });
    &SDL
}

/// The custom scalars of the schema, and the values that each takes.
pub const SCALARS: &[Scalar] = &[
    scalar::<CurrencyCode>("CurrencyCode", "a code of ISO 4217 as a text, such as \"EUR\""),
    scalar::<Date>("Date", "a day as a text, such as \"2026-11-21\""),
    scalar::<Timestamp>(
        "DateTime",
        "a date and time with its offset as a text, such as \"2026-11-21T09:00:00Z\"",
    ),
    scalar::<Decimal>("Decimal", "a decimal number as a text, such as \"5.25\""),
    scalar::<Json>("JSON", "a JSON value"),
    scalar::<Upload>("Upload", "a file, which is sent as a part of a multipart request"),
];

const fn scalar<T: ScalarType>(name: &'static str, form: &'static str) -> Scalar {
    Scalar {
        name,
        form,
        is_valid: T::is_valid,
    }
}

/// Returns the rules for documents and variables. Without `introspection`, messages reveal nothing about the schema.
#[must_use]
pub fn rules(introspection: bool) -> Arc<Rules> {
    static OPEN: LazyLock<Arc<Rules>> = LazyLock::new(|| made(true));
    static SILENT: LazyLock<Arc<Rules>> = LazyLock::new(|| made(false));
    fn made(introspection: bool) -> Arc<Rules> {
        let rules = Rules::from_sdl(sdl(), SCALARS, introspection);
        Arc::new(rules.expect("the SDL that the schema itself writes is a schema"))
    }
    Arc::clone(if introspection { &OPEN } else { &SILENT })
}

/// Returns the cost model of the schema.
#[must_use]
pub fn cost_model() -> Arc<CostModel> {
    static MODEL: LazyLock<Arc<CostModel>> = LazyLock::new(|| {
        let model = CostModel::from_sdl(sdl(), CREDENTIAL_MUTATIONS)
            .and_then(|model| model.with_registrations(REGISTRATIONS));
        Arc::new(model.expect("the SDL that the schema itself writes can be read"))
    });
    Arc::clone(&MODEL)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeDefinition, TypeKind, TypeSystemDefinition};

    use super::*;
    use crate::customer::anonymization::ErasedCounts;
    use crate::domain::personal::Erasure;

    /// Input fields that hold a secret, each use of which is an attempt.
    const SECRETS: &[&str] = &[
        "password",
        "newPassword",
        "refreshToken",
        "restorePasswordKey",
        "token",
        "code",
    ];

    /// Returns the types that the schema defines.
    fn types() -> Vec<TypeDefinition> {
        let document = parse_schema(sdl()).expect("our own schema");
        let definitions = document.definitions.into_iter();
        let types = definitions.filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        });
        types.collect()
    }

    // EXP-01
    #[test]
    fn each_kind_of_personal_documents_has_its_name_in_the_export() {
        let kinds = DOMAINS.iter().flat_map(|domain| domain.personal);
        // The last two names are not those of kinds.
        let names: Vec<&str> = kinds
            .map(|kind| kind.name)
            .chain(["exportedAt", "pendingEmail"])
            .collect();
        let distinct: HashSet<&&str> = names.iter().collect();
        assert_eq!(
            distinct.len(),
            names.len(),
            "two domains export documents under one name: {names:?}"
        );
        assert!(names.len() > 2, "no domain declares personal documents");
    }

    // ERA-01, EXP-01
    #[test]
    fn each_collection_of_personal_documents_is_declared_once() {
        let collections: Vec<&str> = stored().iter().map(|stored| stored.collection).collect();
        for kind in DOMAINS.iter().flat_map(|domain| domain.personal) {
            let collection = kind.stored.collection;
            let declared = collections.iter().filter(|known| **known == collection);
            assert_eq!(declared.count(), 1, "{collection}");
        }
    }

    // ERA-01
    #[test]
    fn what_an_erasure_counts_is_in_the_receipt() {
        let receipt = bson::serialize_to_document(&ErasedCounts::default()).expect("a document");
        for kind in DOMAINS.iter().flat_map(|domain| domain.personal) {
            let counted = match kind.erasure {
                Erasure::Delete { counted } => counted,
                Erasure::Empty { counted } => Some(counted),
                Erasure::Elsewhere => None,
            };
            let is_known = counted.is_none_or(|counted| receipt.contains_key(counted));
            assert!(is_known, "{counted:?} of {}", kind.name);
        }
    }

    // GQL-01
    #[test]
    fn each_scalar_of_the_schema_has_its_rule() {
        let scalars = types()
            .into_iter()
            .filter(|definition| matches!(definition.kind, TypeKind::Scalar));
        let scalars = scalars.map(|definition| definition.name.node.to_string());
        let ruled: Vec<String> = SCALARS.iter().map(|scalar| scalar.name.to_owned()).collect();
        assert_eq!(scalars.collect::<Vec<_>>(), ruled);
        _ = rules(true);
    }

    #[test]
    fn a_mutation_that_takes_a_secret_is_a_credential_mutation() {
        for definition in types() {
            let TypeKind::InputObject(input) = &definition.kind else {
                continue;
            };
            let mut names = input.fields.iter().map(|field| field.node.name.node.as_str());
            let secret = names.any(|name| SECRETS.contains(&name));
            let mut mutation = definition.name.node.trim_end_matches("Input").to_owned();
            if let Some(first) = mutation.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            let is_known = CREDENTIAL_MUTATIONS.contains(&mutation.as_str());
            assert!(
                !secret || is_known,
                "{mutation} takes a secret and may be in a document many times"
            );
        }
    }
}
