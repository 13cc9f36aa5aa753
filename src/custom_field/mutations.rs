//! The custom fields' mutations.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::inputs::{
    CustomFieldDefineInput, CustomFieldDefinePayload, CustomFieldDeleteInput, CustomFieldDeletePayload,
    CustomFieldUpdateInput, CustomFieldUpdatePayload,
};
use super::node::CustomFieldDefinitionNode;
use super::{Definition, MAX_DEFINITIONS, define, delete, refusal, store, update};
use crate::context::RequestContext;
use crate::customer::Customer;
use crate::error::{Error, Faults, Result, payload};
use crate::platform::id::{CustomFieldId, Id};
use crate::reach::{Reach, StorefrontReach, principal::Policy, scope::Scope};

const WRITE: Policy = Policy::backend(Scope::CustomFieldsWrite);

/// The custom fields' mutations.
#[derive(Default)]
pub struct CustomFieldMutation;

#[Object]
impl CustomFieldMutation {
    /// Defines a custom field of the customers of a storefront.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: TOO_MANY if the storefront has 200 custom fields or for more than 200 options,
    /// CUSTOM_FIELD_KEY_TAKEN, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn custom_field_define(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The field to define.")] input: CustomFieldDefineInput,
    ) -> Result<CustomFieldDefinePayload> {
        let (definition, user_errors) = payload(define_field(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomFieldDefinePayload {
            definition,
            user_errors,
        })
    }

    /// Changes the properties of a custom field that are sent.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: CUSTOM_FIELD_NOT_FOUND, NO_CHANGES, CUSTOM_FIELD_IN_USE if an option that customers have is
    /// omitted, REQUIRED, TOO_LONG, TOO_MANY, INVALID.
    async fn custom_field_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The field and its new values.")] input: CustomFieldUpdateInput,
    ) -> Result<CustomFieldUpdatePayload> {
        let (definition, user_errors) = payload(update_field(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomFieldUpdatePayload {
            definition,
            user_errors,
        })
    }

    /// Deletes a custom field that has no values.
    /// Requires an integration token or client secret with the scope `custom_fields:write`.
    /// User errors: CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_IN_USE if a customer has a value.
    /// The key can be defined again afterwards.
    async fn custom_field_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The field to delete.")] input: CustomFieldDeleteInput,
    ) -> Result<CustomFieldDeletePayload> {
        let (deleted_custom_field_id, user_errors) =
            payload(delete_field(RequestContext::of(ctx)?, &input).await)?;
        Ok(CustomFieldDeletePayload {
            deleted_custom_field_id,
            user_errors,
        })
    }
}

async fn define_field(
    context: &Arc<RequestContext>,
    input: CustomFieldDefineInput,
) -> Result<CustomFieldDefinitionNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    if let Some(place) = &place {
        let known = store::of_storefront(&context.app.database, place.reach(), place.id()).await?;
        if known.with_key(&input.key).is_some() {
            faults.push(refusal::key_taken());
        }
        if known.count() >= MAX_DEFINITIONS {
            faults.push(refusal::too_many());
        }
    }
    let new = input.checked(&mut faults);
    faults.check()?;
    let (place, new) = place.zip(new).ok_or_else(incomplete)?;
    let definition = define::define(&context.app, &place, new).await?;
    Ok(CustomFieldDefinitionNode::new(Arc::new(definition)))
}

/// The field that an input names, and the reach into its storefront.
///
/// # Errors
/// CUSTOM_FIELD_NOT_FOUND.
async fn named(context: &RequestContext, reach: &Reach, id: &ID) -> Result<(StorefrontReach, Definition)> {
    let id = CustomFieldId::parse(id).ok_or_else(refusal::not_found)?;
    let found = context.app.database.open::<Definition>(reach).get(&id).await?;
    let definition = found.ok_or_else(refusal::not_found)?;
    let place = reach
        .only(&definition.storefront_id)
        .ok_or_else(refusal::not_found)?;
    Ok((place, definition))
}

async fn update_field(
    context: &Arc<RequestContext>,
    input: CustomFieldUpdateInput,
) -> Result<CustomFieldDefinitionNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let named = faults.absorb(named(context, &reach, &input.id).await)?;
    let changes = input.checked(named.as_ref().map(|(_, stored)| stored), &mut faults);
    faults.check()?;
    let (place, stored) = named.ok_or_else(incomplete)?;
    let changed = update::update::<Customer>(&context.app, &place, &stored.id, changes).await?;
    Ok(CustomFieldDefinitionNode::new(Arc::new(changed)))
}

async fn delete_field(context: &Arc<RequestContext>, input: &CustomFieldDeleteInput) -> Result<ID> {
    let reach = context.reach_to_write(&WRITE).await?;
    let (place, stored) = named(context, &reach, &input.id).await?;
    delete::delete::<Customer>(&context.app, &place, &stored.id).await?;
    Ok(ID::from(&stored.id))
}

fn incomplete() -> Error {
    Error::internal("a validated input is incomplete")
}
