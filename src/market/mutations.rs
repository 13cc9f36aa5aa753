//! Mutations of groups and markets.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::inputs::{
    CustomerGroupCreateInput, CustomerGroupCreatePayload, CustomerGroupDeleteInput,
    CustomerGroupDeletePayload, CustomerGroupMembersInput, CustomerGroupMembersPayload,
    CustomerGroupUpdateInput, CustomerGroupUpdatePayload, MarketCreateInput, MarketCreatePayload,
    MarketDeleteInput, MarketDeletePayload, MarketUpdateInput, MarketUpdatePayload, checked_groups,
    checked_name,
};
use super::members::Move;
use super::node::{CustomerGroupNode, MarketNode};
use super::{CustomerGroup, Market, Name, deletion, groups, markets, members, refusal, store};
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, UserError, payload};
use crate::platform::id::{CustomerGroupId, Id, MarketId};
use crate::reach::{
    Reach, StorefrontReach, principal::Policy, scope::Scope, seen::Seen, tenant::TenantDocument,
};

const WRITE: Policy = Policy::backend(Scope::GroupsWrite);

/// Mutations of groups and markets.
#[derive(Default)]
pub struct MarketMutation;

#[Object]
impl MarketMutation {
    /// Creates a customer group without members.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NAME_TAKEN, REQUIRED, TOO_LONG, INVALID, STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn customer_group_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group to create.")] input: CustomerGroupCreateInput,
    ) -> Result<CustomerGroupCreatePayload> {
        let (customer_group, user_errors) = payload(create_group(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerGroupCreatePayload {
            customer_group,
            user_errors,
        })
    }

    /// Renames a customer group.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, CUSTOMER_GROUP_NAME_TAKEN, REQUIRED, TOO_LONG, INVALID.
    async fn customer_group_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group and its new name.")] input: CustomerGroupUpdateInput,
    ) -> Result<CustomerGroupUpdatePayload> {
        let (customer_group, user_errors) = payload(update_group(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerGroupUpdatePayload {
            customer_group,
            user_errors,
        })
    }

    /// Deletes a customer group, its memberships and its links to markets.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND.
    /// A market that loses its last group stays private, and nobody may enter it until its `groupIds` are set.
    async fn customer_group_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group to delete.")] input: CustomerGroupDeleteInput,
    ) -> Result<CustomerGroupDeletePayload> {
        let (deleted_customer_group_id, user_errors) =
            payload(delete_group(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerGroupDeletePayload {
            deleted_customer_group_id,
            user_errors,
        })
    }

    /// Adds customers to a customer group, either all of them or none.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, REQUIRED for an empty list, TOO_LONG for more than 1,000 customers,
    /// CUSTOMER_NOT_FOUND (402) at the index of each id that is not a customer of the group's storefront,
    /// CUSTOMER_ANONYMIZED at the index of each customer whose data is erased.
    /// Repeating the request succeeds. The `version` and `updatedAt` of the customers do not change.
    async fn customer_group_add_customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group and the customers to add.")] input: CustomerGroupMembersInput,
    ) -> Result<CustomerGroupMembersPayload> {
        let moved = move_members(RequestContext::of(ctx)?, &input, Move::In).await;
        let (customer_group, user_errors) = payload(moved)?;
        Ok(CustomerGroupMembersPayload {
            customer_group,
            user_errors,
        })
    }

    /// Removes customers from a customer group, either all of them or none.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: CUSTOMER_GROUP_NOT_FOUND, REQUIRED for an empty list, TOO_LONG for more than 1,000 customers,
    /// CUSTOMER_NOT_FOUND (402) at the index of each id that is not a customer of the group's storefront.
    /// The customers lose access to the group's markets at once. Repeating the request succeeds. The `version` and
    /// `updatedAt` of the customers do not change.
    async fn customer_group_remove_customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The group and the customers to remove.")] input: CustomerGroupMembersInput,
    ) -> Result<CustomerGroupMembersPayload> {
        let moved = move_members(RequestContext::of(ctx)?, &input, Move::Out).await;
        let (customer_group, user_errors) = payload(moved)?;
        Ok(CustomerGroupMembersPayload {
            customer_group,
            user_errors,
        })
    }

    /// Creates a market, which is private if groups are sent and public otherwise.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NAME_TAKEN, REQUIRED, INVALID, TOO_LONG (on `groupIds`: more than 100 ids),
    /// CUSTOMER_GROUP_NOT_FOUND at the index of each id that is not a group of the storefront, STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    async fn market_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The market to create.")] input: MarketCreateInput,
    ) -> Result<MarketCreatePayload> {
        let (market, user_errors) = payload(create_market(RequestContext::of(ctx)?, input).await)?;
        Ok(MarketCreatePayload { market, user_errors })
    }

    /// Changes the fields of a market that are sent.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NOT_FOUND, NO_CHANGES, MARKET_NAME_TAKEN, REQUIRED, INVALID, TOO_LONG (on `groupIds`: more
    /// than 100 ids), CUSTOMER_GROUP_NOT_FOUND at the index of each id that is not a group of the storefront.
    async fn market_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The market and its new values.")] input: MarketUpdateInput,
    ) -> Result<MarketUpdatePayload> {
        let (market, user_errors) = payload(update_market(RequestContext::of(ctx)?, input).await)?;
        Ok(MarketUpdatePayload { market, user_errors })
    }

    /// Deletes a market. Its groups are not deleted.
    /// Requires an integration token or client secret with the scope `groups:write`.
    /// User errors: MARKET_NOT_FOUND.
    async fn market_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The market to delete.")] input: MarketDeleteInput,
    ) -> Result<MarketDeletePayload> {
        let (deleted_market_id, user_errors) = payload(delete_market(RequestContext::of(ctx)?, input).await)?;
        Ok(MarketDeletePayload {
            deleted_market_id,
            user_errors,
        })
    }
}

/// Returns a group for a payload, which shows all of the group's own fields.
fn shown_group(document: CustomerGroup, reach: &Reach) -> CustomerGroupNode {
    CustomerGroupNode::seen(Seen::in_payload(document, reach.clone()))
}

/// Returns a market for a payload, which shows all of the market's own fields.
fn shown_market(document: Market, reach: &Reach) -> MarketNode {
    MarketNode::seen(Seen::in_payload(document, reach.clone()))
}

fn incomplete() -> Error {
    Error::internal("a validated input is incomplete")
}

/// Notes a fault if another object has the name, provided that the storefront and the name are valid.
async fn check_free<T: TenantDocument>(
    context: &RequestContext,
    faults: &mut Faults,
    (reach, name): (Option<&Reach>, Option<&Name>),
    own: Option<&T::Id>,
    taken: fn() -> UserError,
) -> Result<()> {
    if let (Some(reach), Some(name)) = (reach, name)
        && store::is_taken::<T>(&context.app.database, reach, name, own).await?
    {
        faults.push(taken());
    }
    Ok(())
}

async fn create_group(
    context: &Arc<RequestContext>,
    input: CustomerGroupCreateInput,
) -> Result<CustomerGroupNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let name = checked_name(&input.name, &mut faults);
    let named = (place.as_ref().map(StorefrontReach::reach), name.as_ref());
    check_free::<CustomerGroup>(context, &mut faults, named, None, refusal::group_name_taken).await?;
    faults.check()?;
    let (place, name) = place.zip(name).ok_or_else(incomplete)?;
    let group = groups::create(&context.app, &place, name).await?;
    Ok(shown_group(group, &reach))
}

async fn update_group(
    context: &Arc<RequestContext>,
    input: CustomerGroupUpdateInput,
) -> Result<CustomerGroupNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let found = find::<CustomerGroup>(context, &reach, CustomerGroupId::parse(&input.id)).await?;
    let group = faults.take(found.ok_or_else(refusal::group_not_found));
    let name = checked_name(&input.name, &mut faults);
    let place = group.as_ref().and_then(|group| reach.only(&group.storefront_id));
    let named = (place.as_ref().map(StorefrontReach::reach), name.as_ref());
    let own = group.as_ref().map(|group| &group.id);
    check_free::<CustomerGroup>(context, &mut faults, named, own, refusal::group_name_taken).await?;
    faults.check()?;
    let (group, name) = group.zip(name).ok_or_else(incomplete)?;
    let renamed = groups::rename(&context.app, &reach, &group.id, &name).await?;
    Ok(shown_group(renamed, &reach))
}

/// Looks up the object that an input names, before a transaction is started: without a primary, a transaction would be
/// retried for longer than a request may take.
async fn find<T: TenantDocument>(
    context: &RequestContext,
    reach: &Reach,
    id: Option<T::Id>,
) -> Result<Option<T>> {
    match id {
        Some(id) => context.app.database.open::<T>(reach).get(&id).await,
        None => Ok(None),
    }
}

async fn delete_group(context: &Arc<RequestContext>, input: CustomerGroupDeleteInput) -> Result<ID> {
    let reach = context.reach_to_write(&WRITE).await?;
    let found = find::<CustomerGroup>(context, &reach, CustomerGroupId::parse(&input.id)).await?;
    let group = found.ok_or_else(refusal::group_not_found)?;
    deletion::delete(&context.app, &reach, &group.id).await?;
    Ok(ID::from(&group.id))
}

async fn move_members(
    context: &Arc<RequestContext>,
    input: &CustomerGroupMembersInput,
    how: Move,
) -> Result<CustomerGroupNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let customers = input.checked(&mut faults);
    let id = CustomerGroupId::parse(&input.id);
    let group = members::find(&context.app, &reach, &mut faults, id.as_ref(), (&customers, how)).await?;
    faults.check()?;
    let group = group.ok_or_else(incomplete)?;
    let group = members::move_all(&context.app, &reach, &group, &customers, how).await?;
    Ok(shown_group(group, &reach))
}

async fn create_market(context: &Arc<RequestContext>, input: MarketCreateInput) -> Result<MarketNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let name = checked_name(&input.name, &mut faults);
    let groups = checked_groups(&input.group_ids.unwrap_or_default(), &mut faults);
    let within = place.as_ref().map(StorefrontReach::reach);
    markets::check_groups(&context.app, within.unwrap_or(&reach), &mut faults, &groups).await?;
    let named = (within, name.as_ref());
    check_free::<Market>(context, &mut faults, named, None, refusal::market_name_taken).await?;
    faults.check()?;
    let (place, name) = place.zip(name).ok_or_else(incomplete)?;
    let market = markets::create(&context.app, &place, name, &groups).await?;
    Ok(shown_market(market, &reach))
}

async fn update_market(context: &Arc<RequestContext>, input: MarketUpdateInput) -> Result<MarketNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let found = find::<Market>(context, &reach, MarketId::parse(&input.id)).await?;
    let market = faults.take(found.ok_or_else(refusal::market_not_found));
    let changes = input.checked(&mut faults);
    let place = market
        .as_ref()
        .and_then(|market| reach.only(&market.storefront_id));
    let within = place.as_ref().map(StorefrontReach::reach);
    if let Some(groups) = &changes.groups {
        markets::check_groups(&context.app, within.unwrap_or(&reach), &mut faults, groups).await?;
    }
    let named = (within, changes.name.as_ref());
    let own = market.as_ref().map(|market| &market.id);
    check_free::<Market>(context, &mut faults, named, own, refusal::market_name_taken).await?;
    faults.check()?;
    let market = market.ok_or_else(incomplete)?;
    let market = markets::update(&context.app, &reach, &market, &changes).await?;
    Ok(shown_market(market, &reach))
}

async fn delete_market(context: &Arc<RequestContext>, input: MarketDeleteInput) -> Result<ID> {
    let reach = context.reach_to_write(&WRITE).await?;
    let found = find::<Market>(context, &reach, MarketId::parse(&input.id)).await?;
    let market = found.ok_or_else(refusal::market_not_found)?;
    markets::delete(&context.app, &reach, &market.id).await?;
    Ok(ID::from(&market.id))
}
