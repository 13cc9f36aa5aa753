//! `customerDataExport`: exports all data that is stored about a customer to a file (EXP-01, GDPR article 15 and 20).

use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::export_file;
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{Customer, limits, named::customer_to_change};
use crate::error::{Error, Result};
use crate::mutation::mutation;
use crate::platform::{
    database::{Tx, Write},
    id::{Id, StorageItemId},
};
use crate::reach::{HouseReach, Reach, principal::Policy, scope::Scope, seen::Sight};
use crate::storage::{
    data_export::{self, DataExport},
    node::StorageItemNode,
    store::home_storage,
};
use crate::storefront_user::{
    StorefrontUser, refusal,
    store::{Touched, touch},
};

/// Who may export customers' data.
const EXPORT: Policy = Policy::backend(Scope::CustomersRead).and_customer();

/// Input of `customerDataExport`: the customer whose data to export.
#[derive(InputObject)]
pub struct CustomerDataExportInput {
    /// Id of the customer; required with an integration token or client secret.
    customer_id: Option<ID>,
}

mutation! {
    /// Exports all data that is stored about a customer to a JSON file.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:read` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, RATE_LIMITED
    /// beyond ten exports a day.
    /// The same credentials read the file by `node` with its id for a week. It appears in no list, count or quota of
    /// the private storage and cannot be changed.
    CustomerDataExport.customer_data_export = export(
        #[graphql(desc = "The customer whose data to export.")] input: CustomerDataExportInput,
    ) -> CustomerDataExportPayload;

    /// Payload of `customerDataExport`.
    payload {
        /// The exported file, which expires after a week; null when there are user errors.
        storage_item: StorageItemNode,
    }
}

async fn export(
    context: &Arc<RequestContext>,
    input: CustomerDataExportInput,
) -> Result<CustomerDataExportPayload> {
    let reach = context.reach_to_write(&EXPORT).await?;
    let customer = customer_to_change(context, &reach, input.customer_id.as_ref()).await?;
    limits::export(&context.app, customer.id.as_str()).await?;
    let written = write(&context.app, &customer).await?;
    let addition = ExportAddition {
        app: &context.app,
        reach: &reach,
        customer: &customer,
        export: written,
    };
    let export = addition.run().await?;
    let item = StorageItemNode::exported(&export, Sight::With(reach));
    Ok(CustomerDataExportPayload::of(item))
}

/// Writes all data that is stored about a customer to a file, which counts for no quota. Nothing references the file
/// yet.
async fn write(app: &App, customer: &Customer) -> Result<DataExport> {
    let system = HouseReach::within(&customer.storefront_id);
    let users = app.database.open::<StorefrontUser>(&system);
    let owner = users.get(&customer.user_id).await?;
    let owner = owner.ok_or_else(|| Error::internal("storefront user of a customer not found"))?;
    let home = home_storage(&app.database, &system, &owner.id).await?;
    let home = home.ok_or_else(|| Error::rejected(refusal::anonymized("customerId")))?;
    let content = export_file::write(app, customer).await?;
    let now = app.clock.now();
    Ok(DataExport {
        id: StorageItemId::fresh(now, &app.random),
        storefront_id: home.storefront_id,
        user_id: owner.id,
        customer_id: customer.id.clone(),
        storage_id: home.id,
        name: export_file::name(now),
        byte_size: content.size,
        sha256: content.sha256,
        blob_id: content.id,
        created_at: now,
        expires_at: now.after(data_export::LIFETIME),
    })
}

/// The write that adds an export whose content is written.
struct ExportAddition<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: &'a Customer,
    export: DataExport,
}

impl ExportAddition<'_> {
    /// Adds the export and returns it, or deletes its content.
    ///
    /// # Errors
    /// CUSTOMER_ANONYMIZED if the customer's erasure has started meanwhile.
    async fn run(self) -> Result<DataExport> {
        let added = self.app.database.run(&self).await;
        if added.is_err() {
            // What cannot be removed now is left to the sweep.
            if let Err(error) = self.app.blobs.erase_unclaimed(self.export.blob_id).await {
                tracing::debug!(error = ?error, "cannot delete a refused export; the cleanup job deletes it");
            }
        }
        added.map(|()| self.export)
    }
}

impl Write for ExportAddition<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let Self { app, export, .. } = self;
        let system = HouseReach::within(&export.storefront_id);
        // First, so that this transaction and a concurrent erasure cannot both succeed.
        match touch(&app.database, &system, tx, &export.user_id).await? {
            Touched::Open(_) => {}
            Touched::Erased => return Err(refusal::anonymized("customerId").into()),
            Touched::Gone => return Err(refusal::not_found("customerId").into()),
        }
        app.blobs.claim(tx, export.blob_id).await?;
        app.database
            .open::<DataExport>(&system)
            .insert_in(tx, &system, export)
            .await?;
        let entry = self.customer.entry(Action::Exported).on(&export.id);
        app.audit.note_in(tx, self.reach, [entry]).await
    }
}
