//! Custom fields on the wire: the definitions, and a customer's values.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object};
use bson::Bson;

use super::store::DefinitionsOf;
use super::{CustomFieldType, Definition, Definitions, FieldValue, value};
use crate::access::{
    principal::Kind,
    reach::{Confine, Reach},
};
use crate::context::RequestContext;
use crate::error::Result;
use crate::platform::{
    id::{CustomFieldId, Id, StorefrontId},
    scalar::Json,
};
use crate::storefront::graphql::READ;

/// A field by which a storefront's customers are extended. Backend (storefronts:read): every one; everyone else with a
/// credential: public ones of their own storefront.
#[derive(Clone, Description)]
pub struct CustomFieldDefinition(Arc<Definition>);

impl CustomFieldDefinition {
    /// The node of a document.
    #[must_use]
    pub fn new(document: Arc<Definition>) -> Self {
        Self(document)
    }
}

#[Object(use_type_description)]
impl CustomFieldDefinition {
    /// Global id.
    pub async fn id(&self) -> ID {
        ID::from(&self.0.id)
    }

    /// What programs call it; unique in the storefront, and never changed.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What its values are.
    #[graphql(name = "type")]
    async fn kind(&self) -> CustomFieldType {
        self.0.kind
    }

    /// Whether whoever may write it must: at registration, and its value cannot be removed. A customer who had none before
    /// may stay without one.
    async fn is_required(&self) -> bool {
        self.0.is_required
    }

    /// Allowed values of a SELECT, in the order in which they are to be shown; null for any other type.
    async fn options(&self) -> Option<&[String]> {
        (self.0.kind == CustomFieldType::Select).then_some(&self.0.options)
    }

    /// May the customer's own token (and the public) read it?
    async fn is_public(&self) -> bool {
        self.0.is_public
    }

    /// May the customer's own token write it, and a browser that registers a customer?
    async fn is_customer_writable(&self) -> bool {
        self.0.is_customer_writable
    }
}

/// A custom field of one customer.
pub struct CustomField {
    definition: Arc<Definition>,
    value: Option<Bson>,
    /// Whether a payload shows it, whatever the caller may ask for otherwise.
    is_granted: bool,
}

/// A custom field of a customer, with the customer's value.
#[Object]
impl CustomField {
    /// What programs call the field.
    async fn key(&self) -> &str {
        &self.definition.key
    }

    /// The value, as the field's type says; null: none.
    async fn value(&self) -> Option<Json> {
        self.value.as_ref().map(|stored| Json(value::shown(stored)))
    }

    /// The field. Backend (storefronts:read), or the customer itself; else FORBIDDEN.
    async fn definition(&self, ctx: &Context<'_>) -> Result<CustomFieldDefinition> {
        if !self.is_granted {
            RequestContext::of(ctx)?.reach(&READ)?;
        }
        Ok(CustomFieldDefinition(Arc::clone(&self.definition)))
    }
}

/// Whether the reach's caller may read the field, and the values of those whom it reaches.
fn is_visible(definition: &Definition, reach: &Reach) -> bool {
    definition.is_public || reach.identity().kind() == Kind::Integration
}

/// The fields of a storefront that the reach's caller may read: one command for all storefronts of a level.
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

/// A storefront's definitions, for its field.
///
/// # Errors
/// FORBIDDEN where the caller may not read storefronts.
pub async fn definitions_of(
    context: &RequestContext,
    storefront: &StorefrontId,
) -> Result<Vec<CustomFieldDefinition>> {
    let reach = context.reach(&READ)?;
    let visible = visible(context, &reach, storefront).await?;
    Ok(visible.iter().cloned().map(CustomFieldDefinition).collect())
}

/// The fields of a customer whom the reach was good for, all or those with these keys. `is_granted` in a payload.
pub async fn fields_of(
    context: &RequestContext,
    (reach, is_granted): (&Reach, bool),
    (storefront, values): (&StorefrontId, &[FieldValue]),
    keys: Option<Vec<String>>,
) -> Result<Vec<CustomField>> {
    let keys: Option<HashSet<String>> = keys.map(|keys| keys.into_iter().collect());
    let is_wanted =
        |definition: &&Arc<Definition>| keys.as_ref().is_none_or(|keys| keys.contains(&definition.key));
    let field = |definition: &Arc<Definition>| CustomField {
        value: values
            .iter()
            .find(|value| value.field == definition.id)
            .map(|value| value.value.clone()),
        definition: Arc::clone(definition),
        is_granted,
    };
    let visible = visible(context, reach, storefront).await?;
    Ok(visible.iter().filter(is_wanted).map(field).collect())
}

/// The definition with this id, for `node`.
pub async fn node(context: &RequestContext, id: &str) -> Result<Option<CustomFieldDefinition>> {
    let (Some(id), Ok(reach)) = (CustomFieldId::parse(id), context.reach(&READ)) else {
        return Ok(None);
    };
    let found = context.by_id::<Definition>(&reach, &id).await?;
    let visible = found.filter(|definition| is_visible(definition, &reach));
    Ok(visible.map(CustomFieldDefinition))
}
