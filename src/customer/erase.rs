//! The customers' part of an erasure: removes the mails to a customer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, future::BoxFuture};

use super::mail;
use crate::app::App;
use crate::domain::personal::Subject;
use crate::error::Result;

/// Interval at which a mail that is being sent is checked.
const SENDING_CHECK: Duration = Duration::from_millis(50);

/// Withdraws queued mails, waits for a mail that is being sent, and deletes mails that were written to files.
///
/// # Errors
/// Any database error, or a file that cannot be deleted; a repeated call continues.
pub fn erase<'a>(app: &'a Arc<App>, subject: &'a Subject) -> BoxFuture<'a, Result<()>> {
    async move {
        while mail::take_back(app, &subject.customer).await? {
            tokio::time::sleep(SENDING_CHECK).await;
        }
        mail::forget_files(app, &subject.customer).await
    }
    .boxed()
}
