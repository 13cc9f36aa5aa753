//! The export of all data that is stored about a customer: a JSON file ([`DataExport`]), derived from the same
//! declarations as the erasure and streamed while the data is read, whatever its size (EXP-01, GDPR article 15 and 20).

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use bson::{Bson, Document, doc};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, TryStreamExt};
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::app::App;
use crate::audit;
use crate::audit::{Action, AuditEntry};
use crate::auth::session::Session;
use crate::custom_field;
use crate::customer::{Customer, identity::LinkedIdentity};
use crate::domain::personal::{Personal, Subject};
use crate::error::{Error, Result};
use crate::order::Order;
use crate::platform::{
    blob::{ContentWriter, UnclaimedContent},
    clock::Timestamp,
    database::{Database, Tx},
    id::{CustomerId, Id, StorageItemId},
    migration::Migration,
    stored::{Stored, StoredField},
};
use crate::reach::{HouseReach, Reach};
use crate::storage::{
    StorageItem,
    data_export::{self, DataExport},
    store,
};
use crate::storefront_user::{StorefrontUser, private_storage::PrivateStorage, refusal, store as user_store};

/// Number of bytes that are buffered before they are written.
const PIECE: usize = 64 * 1024;

/// Writes all data that is stored about a customer to a file, which counts for no quota.
///
/// # Errors
/// CUSTOMER_ANONYMIZED if the customer's erasure starts meanwhile.
pub async fn write(app: &Arc<App>, reach: &Reach, customer: &Customer) -> Result<DataExport> {
    let (system, database) = (HouseReach::everywhere(), &app.database);
    let owner = database
        .open::<StorefrontUser>(&system)
        .get(&customer.user_id)
        .await?;
    let owner = owner.ok_or_else(|| Error::internal("a customer has no storefront user"))?;
    let home = store::home_storage(database, &system, &owner.id).await?;
    let home = home.ok_or_else(|| Error::rejected(refusal::anonymized("customerId")))?;
    let written = content(app, customer).await?;
    let now = app.clock.now();
    let export = DataExport {
        id: StorageItemId::fresh(now, &app.random),
        storefront_id: home.storefront_id,
        user_id: owner.id,
        customer_id: customer.id.clone(),
        storage_id: home.id,
        name: format!("customer-data-{}.json", at_moment(now).format("%Y-%m-%d")),
        byte_size: written.size,
        sha256: written.sha256,
        blob_id: written.id,
        created_at: now,
        expires_at: now.after(data_export::LIFETIME),
    };
    let told = customer.entry(Action::Exported).on(&export.id);
    keep(app, reach, export, told).await
}

/// Stores an export whose content is written, with its audit entry, or removes the content again.
async fn keep(app: &Arc<App>, reach: &Reach, export: DataExport, told: AuditEntry) -> Result<DataExport> {
    let context = (&**app, reach, &export, told);
    let kept = app
        .database
        .transaction(context, |tx, (app, reach, export, told)| {
            keep_in(app, reach, tx, export, told).boxed()
        });
    let kept = kept.await;
    if kept.is_err() {
        // What cannot be removed now is left to the sweep.
        if let Err(error) = app.blobs.erase_unclaimed(export.blob_id).await {
            tracing::debug!(error = ?error, "cannot delete a refused export; the cleanup job deletes it");
        }
    }
    kept.map(|()| export)
}

async fn keep_in(
    app: &App,
    reach: &Reach,
    tx: &mut Tx,
    export: &DataExport,
    told: &AuditEntry,
) -> Result<()> {
    let system = HouseReach::everywhere();
    // First, so that this transaction and a concurrent erasure cannot both succeed.
    match user_store::touch(&app.database, &system, tx, &export.user_id).await? {
        user_store::Touched::Open(_) => {}
        user_store::Touched::Erased => return Err(refusal::anonymized("customerId").into()),
        user_store::Touched::Gone => return Err(refusal::not_found("customerId").into()),
    }
    app.blobs.claim(tx, export.blob_id).await?;
    app.database
        .open::<DataExport>(&system)
        .insert_in(tx, &system, export)
        .await?;
    app.audit.note_in(tx, reach, [told.clone()]).await
}

async fn content(app: &Arc<App>, customer: &Customer) -> Result<UnclaimedContent> {
    let mut sheet = Sheet {
        writer: app.blobs.write().await?,
        piece: Vec::with_capacity(PIECE),
    };
    match fill(app, customer, &mut sheet).await {
        Ok(()) => sheet.writer.finish().await,
        Err(error) => {
            if let Err(error) = sheet.writer.abort().await {
                tracing::debug!(
                    ?error,
                    "cannot delete an unfinished export; the cleanup job deletes it"
                );
            }
            Err(error)
        }
    }
}

async fn fill(app: &Arc<App>, customer: &Customer, sheet: &mut Sheet) -> Result<()> {
    let (system, database) = (HouseReach::everywhere(), &app.database);
    let storages = database.open::<PrivateStorage>(&system);
    let owned = doc! { "storefrontId": &customer.storefront_id, "ownerId": &customer.user_id };
    let subject = Subject {
        storefront: customer.storefront_id.clone(),
        customer: customer.id.clone(),
        user: customer.user_id.clone(),
        storages: storages.ids(owned, 0).await?,
    };
    let fields = custom_field::store::of_storefront(database, &system, &customer.storefront_id).await?;
    let keys = fields
        .iter()
        .map(|field| (field.id.to_string(), field.key.clone()))
        .collect();
    let teller = Teller { app, subject, keys };
    sheet
        .text(&json!({ "exportedAt": written_at(app.clock.now()) }).to_string())
        .await?;
    // Removes the closing brace: what follows belongs to the same object.
    sheet.piece.pop();
    if let Some(email) = app.one_time.pending_email(&customer.id).await? {
        sheet
            .text(&format!(",\n\"pendingEmail\": {}", json!(email)))
            .await?;
    }
    teller.list::<Customer>(sheet).await?;
    teller.list::<StorefrontUser>(sheet).await?;
    let merged = doc! { "storefrontId": &customer.storefront_id, "mergedInto": &customer.user_id };
    teller
        .list_of::<StorefrontUser>(sheet, "mergedStorefrontUsers", merged)
        .await?;
    teller.list::<Address>(sheet).await?;
    teller.list::<Order>(sheet).await?;
    teller.list::<Session>(sheet).await?;
    teller.list::<LinkedIdentity>(sheet).await?;
    teller.list::<PrivateStorage>(sheet).await?;
    teller.list::<StorageItem>(sheet).await?;
    teller.list::<DataExport>(sheet).await?;
    sheet.text("\n}\n").await?;
    sheet.flush().await
}

/// The file while it is being written.
struct Sheet {
    writer: ContentWriter,
    piece: Vec<u8>,
}

impl Sheet {
    async fn text(&mut self, text: &str) -> Result<()> {
        self.piece.extend_from_slice(text.as_bytes());
        if self.piece.len() >= PIECE {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.writer.append(&self.piece).await?;
        self.piece.clear();
        Ok(())
    }
}

struct Teller<'a> {
    app: &'a Arc<App>,
    subject: Subject,
    /// Keys of the storefront's custom fields by their ids.
    keys: HashMap<String, String>,
}

impl Teller<'_> {
    /// Writes all documents of a kind that belong to the customer, under the name of the kind.
    async fn list<T: Personal>(&self, sheet: &mut Sheet) -> Result<()> {
        self.list_of::<T>(sheet, T::NAME, self.subject.owns::<T>()).await
    }

    async fn list_of<T: Personal>(&self, sheet: &mut Sheet, name: &str, filter: Document) -> Result<()> {
        let system = HouseReach::everywhere();
        let found = self.app.database.open::<T>(&system).stored(filter).await?;
        let mut found = pin!(found);
        sheet.text(&format!(",\n\"{name}\": [")).await?;
        let mut between = "\n";
        while let Some(document) = found.try_next().await? {
            let told = Value::Object(self.told(&T::STORED, &document));
            sheet.text(&format!("{between}{told}")).await?;
            between = ",\n";
        }
        sheet.text("]").await
    }

    /// Returns the exported fields of a document.
    fn told(&self, stored: &Stored, document: &Document) -> Map<String, Value> {
        let mut told = Map::new();
        for (path, field) in stored.fields {
            let (StoredField::Personal(name) | StoredField::Told(name)) = field else {
                continue;
            };
            if let Some(value) = at(document, path) {
                let value = match (*path, value) {
                    (custom_field::VALUES, Bson::Array(values)) => self.custom_fields(values),
                    (_, value) => plain(value),
                };
                told.insert((*name).to_owned(), value);
            }
        }
        told
    }

    /// Returns the values of custom fields by their keys.
    fn custom_fields(&self, values: &[Bson]) -> Value {
        let values = values.iter().filter_map(Bson::as_document).filter_map(|value| {
            let id = value.get_str("f").ok()?;
            // A field that was deleted meanwhile is exported under its id.
            let key = self.keys.get(id).map_or(id, String::as_str);
            Some((key.to_owned(), plain(value.get("v")?)))
        });
        Value::Object(values.collect())
    }
}

fn at<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    match path.split_once('.') {
        None => document.get(path),
        Some((first, rest)) => at(document.get_document(first).ok()?, rest),
    }
}

/// Converts a stored value to JSON that a person can read.
fn plain(value: &Bson) -> Value {
    match value {
        Bson::String(text) => json!(text),
        Bson::Boolean(value) => json!(value),
        Bson::Int32(number) => json!(number),
        Bson::Int64(number) => json!(number),
        Bson::Double(number) => json!(number),
        Bson::Decimal128(number) => json!(number.to_string()),
        Bson::DateTime(time) => json!(written_at(Timestamp::from_millis(time.timestamp_millis()))),
        Bson::Array(values) => values.iter().map(plain).collect(),
        Bson::Document(document) => {
            let fields = document.iter().map(|(name, value)| (name.clone(), plain(value)));
            Value::Object(fields.collect())
        }
        _ => Value::Null,
    }
}

fn at_moment(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.millis()).unwrap_or_default()
}

fn written_at(time: Timestamp) -> String {
    at_moment(time).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Turns exports that earlier versions stored as ordinary items into [`DataExport`]s. The audit trail identifies them.
pub const SEPARATE_EXPORTS: Migration = Migration {
    number: 4,
    name: "data exports are no items",
    run: |database| separate(database).boxed(),
};

async fn separate(database: &Database) -> Result<()> {
    let mut told = pin!(audit::exported(database).await?);
    while let Some(entry) = told.try_next().await? {
        let id = entry.object.as_deref().and_then(StorageItemId::parse);
        if let Some(id) = id {
            let context = (database, id, entry.customer_id);
            database
                .transaction(context, |tx, (database, id, customer)| {
                    separate_in(database, tx, id, customer).boxed()
                })
                .await?;
        }
    }
    Ok(())
}

/// Turns an item into an export. An item that is deleted, or whose storage is being deleted, is left alone.
async fn separate_in(
    database: &Database,
    tx: &mut Tx,
    id: &StorageItemId,
    customer: &CustomerId,
) -> Result<()> {
    let system = HouseReach::everywhere();
    let items = database.open::<StorageItem>(&system);
    let Some(item) = items.find_one_in(tx, doc! { "_id": id }).await? else {
        return Ok(());
    };
    let counted = doc! { "$inc": { "itemCount": -1_i64, "totalBytes": -item.byte_size } };
    let owned = doc! { "_id": &item.storage_id, "ownerId": { "$exists": true } };
    let storages = database.open::<PrivateStorage>(&system);
    let storage = storages.update_in(tx, owned, counted).await?;
    let Some(user_id) = storage.and_then(|storage| storage.owner_id) else {
        return Ok(());
    };
    items.delete_in(tx, doc! { "_id": id }).await?;
    let export = DataExport {
        id: item.id,
        storefront_id: item.storefront_id,
        user_id,
        customer_id: customer.clone(),
        storage_id: item.storage_id,
        name: item.name,
        byte_size: item.byte_size,
        sha256: item.sha256,
        blob_id: item.blob_id,
        created_at: item.created_at,
        expires_at: item.created_at.after(data_export::LIFETIME),
    };
    database
        .open::<DataExport>(&system)
        .insert_in(tx, &system, &export)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    // EXP-01
    #[test]
    fn a_value_is_told_as_a_person_reads_it() {
        let value = doc! {
            "at": bson::DateTime::from_millis(1_700_000_000_007), "amount": "10.50".parse::<bson::Decimal128>().unwrap(),
            "list": [1_i64, 2_i32], "nothing": null,
        };
        let told = json!({
            "at": "2023-11-14T22:13:20.007Z", "amount": "10.50", "list": [1, 2], "nothing": null,
        });
        assert_eq!(plain(&Bson::Document(value)), told);
    }

    #[test]
    fn a_path_leads_into_documents() {
        let document = doc! { "personal": { "email": "ada@example.com" }, "number": "1" };
        assert_eq!(
            at(&document, "personal.email"),
            Some(&Bson::from("ada@example.com"))
        );
        assert_eq!(at(&document, "personal.phone"), None);
        assert_eq!(at(&document, "number.of"), None);
    }
}
