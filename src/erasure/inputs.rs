//! What the erasure's mutations take and give.

use async_graphql::{ID, InputObject, SimpleObject};

use super::graphql::ErasureReceipt;
use crate::customer::graphql::Customer;
use crate::error::UserError;
use crate::storage::graphql::StorageItem;

/// Whose erasure to ask for.
#[derive(InputObject)]
pub struct CustomerAnonymizationRequestInput {
    /// Which customer.
    pub(super) customer_id: ID,
}

/// What asking for an erasure came to.
#[derive(SimpleObject)]
pub struct CustomerAnonymizationRequestPayload {
    /// The customer, as they are until the grace period is over; null when there are user errors.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whose erasure to cancel.
#[derive(InputObject)]
pub struct CustomerAnonymizationCancelInput {
    /// Which customer.
    pub(super) customer_id: ID,
}

/// What cancelling an erasure came to.
#[derive(SimpleObject)]
pub struct CustomerAnonymizationCancelPayload {
    /// The customer, of whom nothing was erased; null when there are user errors.
    pub(super) customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// That it is really the customer.
#[derive(InputObject)]
pub struct CustomerAnonymizeInput {
    /// The present password; needed where the customer has one.
    pub(super) password: Option<String>,
}

/// What erasing came to.
#[derive(SimpleObject)]
pub struct CustomerAnonymizePayload {
    /// What was erased; null when there are user errors.
    pub(super) receipt: Option<ErasureReceipt>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whom to delete.
#[derive(InputObject)]
pub struct CustomerDeleteInput {
    /// Which customer; a backend says so, the customer itself need not.
    pub(super) customer_id: Option<ID>,
    /// Required for the customer itself when it has a password.
    pub(super) password: Option<String>,
}

/// What deleting came to.
#[derive(SimpleObject)]
pub struct CustomerDeletePayload {
    /// Id of the customer who is gone; null when there are user errors.
    pub(super) deleted_customer_id: Option<ID>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Whose data to tell.
#[derive(InputObject)]
pub struct CustomerDataExportInput {
    /// Which customer; a backend says so, the customer itself need not.
    pub(super) customer_id: Option<ID>,
}

/// What the export came to.
#[derive(SimpleObject)]
pub struct CustomerDataExportPayload {
    /// The file, for a week; null when there are user errors.
    pub(super) storage_item: Option<StorageItem>,
    /// What is wrong with the request; empty when it took effect.
    pub(super) user_errors: Vec<UserError>,
}
