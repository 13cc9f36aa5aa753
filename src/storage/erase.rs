//! The storage's part of an erasure: removes a customer's data exports, items and storages with their content.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};

use super::data_export::DataExport;
use super::jobs::{empty_storages, remove_exports};
use crate::app::App;
use crate::domain::personal::Subject;
use crate::error::Result;

/// Removes the data exports, and the storages that the start of the erasure has detached from their owner.
///
/// # Errors
/// Any database error; a repeated call continues.
pub fn erase<'a>(app: &'a Arc<App>, subject: &'a Subject) -> BoxFuture<'a, Result<()>> {
    async move {
        let exports = subject.owns::<DataExport>();
        while remove_exports(app, exports.clone()).await? {}
        empty_storages(app, &subject.storage_ids()).await
    }
    .boxed()
}
