//! Inputs and payloads of the erasure's mutations.

use async_graphql::{ID, InputObject, SimpleObject};

use super::node::ErasureReceipt;
use crate::customer::node::CustomerNode;
use crate::error::UserError;
use crate::storage::node::StorageItemNode;

/// Input of `customerAnonymizationRequest`: the customer to erase.
#[derive(InputObject)]
pub struct CustomerAnonymizationRequestInput {
    /// Id of the customer.
    pub(super) customer_id: ID,
}

/// Payload of `customerAnonymizationRequest`.
#[derive(SimpleObject)]
pub struct CustomerAnonymizationRequestPayload {
    /// The customer, unchanged until the grace period ends; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerAnonymizationCancel`: the customer whose erasure to cancel.
#[derive(InputObject)]
pub struct CustomerAnonymizationCancelInput {
    /// Id of the customer.
    pub(super) customer_id: ID,
}

/// Payload of `customerAnonymizationCancel`.
#[derive(SimpleObject)]
pub struct CustomerAnonymizationCancelPayload {
    /// The customer, with all its data; null when there are user errors.
    pub(super) customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerAnonymize`: the customer's confirmation.
#[derive(InputObject)]
pub struct CustomerAnonymizeInput {
    /// Current password; required if the customer has one.
    pub(super) password: Option<String>,
}

/// Payload of `customerAnonymize`.
#[derive(SimpleObject)]
pub struct CustomerAnonymizePayload {
    /// Number of erased objects by kind; null when there are user errors.
    pub(super) receipt: Option<ErasureReceipt>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerDelete`: the customer to delete.
#[derive(InputObject)]
pub struct CustomerDeleteInput {
    /// Id of the customer; required with an integration token or client secret.
    pub(super) customer_id: Option<ID>,
    /// Current password; required with a customer token if the customer has a password.
    pub(super) password: Option<String>,
}

/// Payload of `customerDelete`.
#[derive(SimpleObject)]
pub struct CustomerDeletePayload {
    /// Id of the deleted customer; null when there are user errors.
    pub(super) deleted_customer_id: Option<ID>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}

/// Input of `customerDataExport`: the customer whose data to export.
#[derive(InputObject)]
pub struct CustomerDataExportInput {
    /// Id of the customer; required with an integration token or client secret.
    pub(super) customer_id: Option<ID>,
}

/// Payload of `customerDataExport`.
#[derive(SimpleObject)]
pub struct CustomerDataExportPayload {
    /// The exported file, which expires after a week; null when there are user errors.
    pub(super) storage_item: Option<StorageItemNode>,
    /// User errors; empty when the mutation took effect.
    pub(super) user_errors: Vec<UserError>,
}
