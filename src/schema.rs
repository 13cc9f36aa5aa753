//! The list of what there is: the domains' parts of query and mutation, their indexes, jobs and migrations. A new domain
//! adds its lines here and nowhere else.

mod separately;
mod stored;

use std::sync::Arc;

use async_graphql::{
    Context, EmptySubscription, ID, Interface, MergedObject, Object, Request, Response, SDLExportOptions,
    Schema as GraphqlSchema, SchemaBuilder, ServerError, ValidationMode, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};
use futures_util::future::try_join_all;

use crate::access::{
    self,
    graphql::{AccessQuery, ApiClient, Member, Organization, client_node, member_node, organization_node},
};
use crate::address::{self, graphql::Address, mutations::AddressMutation};
use crate::app::App;
use crate::context::RequestContext;
use crate::custom_field::{self, graphql::CustomFieldDefinition, mutations::CustomFieldMutation};
use crate::customer::{
    self, graphql::Customer, lookup::CustomerQuery, mail_mutations::CustomerMailMutation,
    mutations::CustomerMutation, password_mutations::CustomerPasswordMutation, sessions::CustomerSession,
    token_mutations::CustomerTokenMutation,
};
use crate::erasure::{self, mutations::ErasureMutation};
use crate::error::{Error, Result};
use crate::market::{
    self,
    graphql::{CustomerGroup, Market, group_node, market_node},
    mutations::MarketMutation,
};
use crate::order::{self, graphql::Order, lookup::OrderQuery, mutations::OrderMutation};
use crate::platform::id::{ApiClientId, Id, MemberId, OrganizationId};
use crate::platform::{blob, database::Index, decoy, job, migration::Migration, throttle};
use crate::sign_on::{self, mutations::SignOnMutation};
use crate::storage::{self, graphql::StorageItem, mutations::StorageMutation};
use crate::storefront::{
    self,
    graphql::{Storefront, StorefrontQuery},
};
use crate::storefront_user::{
    self,
    graphql::{StorefrontUser, StorefrontUserQuery},
    mutations::StorefrontUserMutation,
};

pub use separately::Separately;
pub use stored::stored;

/// What can be asked for.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    AccessQuery,
    StorefrontQuery,
    StorefrontUserQuery,
    CustomerQuery,
    OrderQuery,
);

/// The mutations, of which one that fails leaves the others of its document as they are (GQL-04).
pub type Mutation = Separately<Mutations>;

/// What can be changed. The mutations of a document run one after the other, in its order. One that fails with a top-level
/// error is null, and leaves the others as they are.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutations(
    StorefrontUserMutation,
    StorageMutation,
    CustomerMutation,
    CustomerTokenMutation,
    CustomerPasswordMutation,
    CustomerMailMutation,
    ErasureMutation,
    AddressMutation,
    OrderMutation,
    CustomFieldMutation,
    MarketMutation,
    SignOnMutation,
);

/// Mutations that check, look up, set or hand out a credential of a customer. A document may have one of them, once, so that
/// one request is one try.
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

/// Registrations of which a document may have one, unless it is a backend's (SFU-40).
pub const REGISTRATIONS: &[&str] = &["storefrontUserRegister"];

/// Everything with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id."))]
pub enum Node {
    /// An organization.
    Organization(Organization),
    /// A member of an organization.
    Member(Member),
    /// An API client.
    ApiClient(ApiClient),
    /// A storefront.
    Storefront(Storefront),
    /// A storefront user.
    StorefrontUser(StorefrontUser),
    /// An item of private storage.
    StorageItem(StorageItem),
    /// A customer.
    Customer(Customer),
    /// A signed-in device.
    CustomerSession(CustomerSession),
    /// A customer's address.
    Address(Address),
    /// An order.
    Order(Order),
    /// A custom field.
    CustomFieldDefinition(CustomFieldDefinition),
    /// A customer group.
    CustomerGroup(CustomerGroup),
    /// A market.
    Market(Market),
}

/// Finds the object behind an id; its prefix names the type. Equal types of one level are read together.
async fn node(context: &RequestContext, id: &str) -> Result<Option<Node>> {
    let prefix = id.split_once('_').map_or("", |(prefix, _)| prefix);
    Ok(match prefix {
        "sto" => storefront::graphql::node(context, id).await?.map(Node::from),
        "sfu" => storefront_user::graphql::node(context, id).await?.map(Node::from),
        "itm" => storage::graphql::node(context, id).await?.map(Node::from),
        "cus" => customer::graphql::node(context, id).await?.map(Node::from),
        "ses" => customer::sessions::node(context, id).await?.map(Node::from),
        "adr" => address::graphql::node(context, id).await?.map(Node::from),
        "ord" => order::graphql::node(context, id).await?.map(Node::from),
        "cfd" => custom_field::graphql::node(context, id).await?.map(Node::from),
        "grp" => group_node(context, id).await?.map(Node::from),
        "mkt" => market_node(context, id).await?.map(Node::from),
        "org" => match OrganizationId::parse(id) {
            Some(id) => organization_node(context, &id).await?.map(Node::from),
            None => None,
        },
        "mem" => match MemberId::parse(id) {
            Some(id) => member_node(context, &id).await?.map(Node::from),
            None => None,
        },
        "cli" => match ApiClientId::parse(id) {
            Some(id) => client_node(context, &id).await?.map(Node::from),
            None => None,
        },
        _ => None,
    })
}

/// Most ids that `nodes` takes.
const MAX_NODES: usize = 100;

/// Objects by global id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Any object by its global id; null when it does not exist or the caller may not see it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The object's `id`.")] id: ID,
    ) -> Option<Result<Node>> {
        match RequestContext::of(ctx) {
            // Boxed: every field of the query is given room for the largest of them.
            Ok(context) => Box::pin(node(context, &id)).await.transpose(),
            Err(error) => Some(Err(error)),
        }
    }

    /// As node, in order, at most 100 ids, in a fixed number of database commands.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The objects' `id`s.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_NODES {
            return Err(Error::BadInput(format!("nodes takes at most {MAX_NODES} ids.")));
        }
        let context = RequestContext::of(ctx)?;
        try_join_all(ids.iter().map(|id| node(context, id))).await
    }
}

/// Indexes of all domains and of the house.
#[must_use]
pub fn indexes() -> Vec<&'static Index> {
    [
        job::INDEXES,
        blob::INDEXES,
        throttle::INDEXES,
        decoy::INDEXES,
        access::revocation::INDEXES,
        access::organization::INDEXES,
        access::client::INDEXES,
        access::keys::INDEXES,
        access::session::INDEXES,
        access::one_time::INDEXES,
        access::audit::INDEXES,
        storefront::store::INDEXES,
        storefront_user::store::INDEXES,
        storage::store::INDEXES,
        storage::data_export::INDEXES,
        customer::store::INDEXES,
        address::store::INDEXES,
        order::store::INDEXES,
        custom_field::store::INDEXES,
        market::store::INDEXES,
        sign_on::store::INDEXES,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Jobs of all domains.
#[must_use]
pub fn jobs() -> Vec<job::Kind<Arc<App>>> {
    [
        storefront_user::lifecycle::jobs(),
        storage::jobs::jobs(),
        customer::mail::jobs(),
        market::deletion::jobs(),
        erasure::eraser::jobs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Migrations of all domains, in order.
pub const MIGRATIONS: &[Migration] = &[
    customer::migrations::REFERENCE_NUMBERS,
    customer::migrations::SURPLUS_SESSIONS,
    customer::migrations::ERASED_TERMS,
    erasure::export::SEPARATE_EXPORTS,
    customer::migrations::EMAIL_KEYS,
];

/// The executable schema, twice over the same parts: one that validates a document strictly when it is first seen and
/// tells what there is, and one that does only what each run needs.
pub struct Schema {
    strict: GraphqlSchema<Query, Mutation, EmptySubscription>,
    fast: GraphqlSchema<Query, Mutation, EmptySubscription>,
}

/// How the schema is to be built.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How deep selections and values may nest; the guard's limit.
    pub nesting: usize,
    /// Whether the schema can be asked for.
    pub introspection: bool,
}

impl Schema {
    /// The schema.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            strict: build(options).extension(NoteValidation).finish(),
            fast: fast(options.nesting),
        }
    }

    /// Runs a query whose document was found valid before. It must not ask for the schema, which is not told this way.
    pub async fn execute_validated(&self, request: Request) -> Response {
        self.fast.execute(request).await
    }

    /// Validates and runs. `valid` is told when the document is found valid.
    pub async fn execute(&self, request: Request, valid: OnValid) -> Response {
        self.strict.execute(request.data(valid)).await
    }
}

fn fast(nesting: usize) -> GraphqlSchema<Query, Mutation, EmptySubscription> {
    let options = Options {
        nesting,
        introspection: false,
    };
    build(options)
        // Nobody sees federation's fields, which no strictly validated document has. But without them the library walks
        // over all types for each field of the query, to find out that none is an entity.
        .enable_federation()
        .validation_mode(ValidationMode::Fast)
        .finish()
}

fn build(options: Options) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    let builder = GraphqlSchema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_recursive_depth(options.nesting)
        .disable_suggestions();
    if options.introspection {
        builder
    } else {
        builder.disable_introspection()
    }
}

/// The SDL: what `schema.graphql` holds and /schema.graphql answers.
#[must_use]
pub fn sdl() -> String {
    let options = Options {
        nesting: 32,
        introspection: true,
    };
    // As introspection tells it: with the texts that specify the scalars.
    let export = SDLExportOptions::new().include_specified_by();
    build(options).finish().sdl_with_options(export)
}

/// Called when a document has passed strict validation.
pub struct OnValid(pub Box<dyn Fn() + Send + Sync>);

struct NoteValidation;

impl ExtensionFactory for NoteValidation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for NoteValidation {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await;
        if let (Ok(_), Some(OnValid(valid))) = (&result, ctx.data_opt::<OnValid>()) {
            valid();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    };

    use super::*;

    /// Fields of inputs that hold a secret, whose every use is a try.
    const SECRETS: &[&str] = &[
        "password",
        "newPassword",
        "refreshToken",
        "restorePasswordKey",
        "token",
        "code",
    ];

    #[test]
    fn a_mutation_that_takes_a_secret_is_a_credential_mutation() {
        let document = parse_schema(sdl()).expect("our own schema");
        for definition in &document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let TypeKind::InputObject(input) = &definition.node.kind else {
                continue;
            };
            let secret = input
                .fields
                .iter()
                .any(|field| SECRETS.contains(&field.node.name.node.as_str()));
            let mut mutation = definition
                .node
                .name
                .node
                .as_str()
                .trim_end_matches("Input")
                .to_owned();
            if let Some(first) = mutation.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            let is_known = CREDENTIAL_MUTATIONS.contains(&mutation.as_str());
            assert!(
                !secret || is_known,
                "{mutation} takes a secret and may stand many times in a document"
            );
        }
    }
}
