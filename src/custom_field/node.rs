//! The GraphQL objects of custom fields: the definitions, and a customer's values.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};
use bson::Bson;

use super::store::DefinitionsOf;
use super::{CustomFieldType, CustomFieldValue, Definition, Definitions, value};
use crate::context::{GlobalNode, RequestContext};
use crate::error::Result;
use crate::platform::{
    id::{CustomFieldId, StorefrontId},
    scalar::Json,
};
use crate::reach::{Confine, Reach, principal::CredentialKind};
use crate::storefront::node::READ;

/// Definition of a custom field, which extends the customers of a storefront.
/// An integration token or client secret with the scope `storefronts:read` reads every definition, any other credential
/// the public ones of its own storefront.
#[derive(Clone, Description)]
pub struct CustomFieldDefinitionNode(Arc<Definition>);

impl CustomFieldDefinitionNode {
    /// The node of a document.
    #[must_use]
    pub fn new(document: Arc<Definition>) -> Self {
        Self(document)
    }
}

#[Object(name = "CustomFieldDefinition", use_type_description)]
impl CustomFieldDefinitionNode {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// Key of the field for programs, unique in the storefront. It never changes.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Display name of the field.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Purpose of the field; null if not set.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Type of the field's values.
    #[graphql(name = "type")]
    async fn kind(&self) -> CustomFieldType {
        self.0.kind
    }

    /// Whether the field is required: every caller that may write it must set a value at registration and cannot remove
    /// it.
    /// A customer that had no value before may stay without one.
    async fn is_required(&self) -> bool {
        self.0.is_required
    }

    /// Allowed values of a SELECT, in the order in which they are displayed; null for any other type.
    async fn options(&self) -> Option<&[String]> {
        (self.0.kind == CustomFieldType::Select).then_some(&self.0.options)
    }

    /// Whether customers and the public may read the field: every credential if true, only integration tokens and
    /// client secrets if false.
    async fn is_public(&self) -> bool {
        self.0.is_public
    }

    /// Whether a customer token, and a publishable key that registers a customer, may write the field. If false, only
    /// integration tokens and client secrets may.
    async fn is_customer_writable(&self) -> bool {
        self.0.is_customer_writable
    }
}

/// A custom field of a customer, with the customer's value.
#[derive(Description)]
pub struct CustomField {
    definition: Arc<Definition>,
    value: Option<Bson>,
    /// Whether the definition is shown without the scope for reading it.
    needs_no_scope: bool,
}

#[Object(use_type_description)]
impl CustomField {
    /// Key of the field for programs.
    async fn key(&self) -> &str {
        &self.definition.key
    }

    /// Value, of the type of the field; null if the customer has none.
    async fn value(&self) -> Option<Json> {
        self.value.as_ref().map(|stored| Json(value::shown(stored)))
    }

    /// Definition of the field.
    /// Requires the scope `storefronts:read`, or the token of this customer or of its storefront user; otherwise
    /// FORBIDDEN.
    async fn definition(&self, ctx: &Context<'_>) -> Result<CustomFieldDefinitionNode> {
        if !self.needs_no_scope {
            RequestContext::of(ctx)?.reach(&READ)?;
        }
        Ok(CustomFieldDefinitionNode(Arc::clone(&self.definition)))
    }
}

/// Whether the caller may read the field, and its values within the reach.
fn is_visible(definition: &Definition, reach: &Reach) -> bool {
    definition.is_public || reach.identity().kind() == CredentialKind::Integration
}

/// The fields of a storefront that the caller may read; one command for all storefronts of a level.
pub async fn visible(
    context: &RequestContext,
    reach: &Reach,
    storefront: &StorefrontId,
) -> Result<Definitions> {
    let make = || DefinitionsOf {
        database: context.app.database.clone(),
        reach: reach.clone(),
    };
    let known = context
        .loader(reach.scope(), make)
        .load(storefront.clone())
        .await?;
    let known = known.iter().flat_map(|known| known.iter());
    let visible = known.filter(|definition| is_visible(definition, reach));
    Ok(Definitions::new(visible.cloned().collect()))
}

/// A storefront's definitions, for its GraphQL field.
///
/// # Errors
/// FORBIDDEN if the caller may not read storefronts.
pub async fn definitions_of(
    context: &RequestContext,
    storefront: &StorefrontId,
) -> Result<Vec<CustomFieldDefinitionNode>> {
    let reach = context.reach(&READ)?;
    let visible = visible(context, &reach, storefront).await?;
    Ok(visible.iter().cloned().map(CustomFieldDefinitionNode).collect())
}

/// A customer's values of custom fields, as another node shows them.
pub struct FieldsOfCustomer<'a> {
    /// The request.
    pub context: &'a RequestContext,
    /// The reach for the customer.
    pub reach: &'a Reach,
    /// Whether the definitions are shown without the scope for reading them; see
    /// [`Sight::needs_no_scope`](crate::reach::seen::Sight::needs_no_scope).
    pub needs_no_scope: bool,
    /// The customer's storefront.
    pub storefront: &'a StorefrontId,
    /// The stored values.
    pub values: &'a [CustomFieldValue],
}

impl FieldsOfCustomer<'_> {
    /// Returns the custom fields that the caller may read: all, or those with these keys.
    ///
    /// # Errors
    /// Any database error.
    pub async fn list(&self, keys: Option<Vec<String>>) -> Result<Vec<CustomField>> {
        let keys: Option<HashSet<String>> = keys.map(|keys| keys.into_iter().collect());
        let is_requested =
            |definition: &&Arc<Definition>| keys.as_ref().is_none_or(|keys| keys.contains(&definition.key));
        let visible = visible(self.context, self.reach, self.storefront).await?;
        let requested = visible.iter().filter(is_requested);
        Ok(requested.map(|definition| self.field(definition)).collect())
    }

    fn field(&self, definition: &Arc<Definition>) -> CustomField {
        let value = self.values.iter().find(|value| value.field == definition.id);
        CustomField {
            definition: Arc::clone(definition),
            value: value.map(|value| value.value.clone()),
            needs_no_scope: self.needs_no_scope,
        }
    }
}

impl GlobalNode for CustomFieldDefinitionNode {
    type Id = CustomFieldId;

    async fn find(context: &RequestContext, id: &CustomFieldId) -> Result<Option<Self>> {
        let Ok(reach) = context.reach(&READ) else {
            return Ok(None);
        };
        let found = context.by_id::<Definition>(&reach, id).await?;
        let visible = found.filter(|definition| is_visible(definition, &reach));
        Ok(visible.map(CustomFieldDefinitionNode))
    }
}
