//! The JSON file of a data export, derived from the same declarations as the erasure and streamed while the data is
//! read, whatever its size (EXP-01).

use std::collections::HashMap;

use bson::{Bson, Document, doc};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::custom_field;
use crate::customer::Customer;
use crate::domain::personal::{PersonalKind, Subject};
use crate::error::Result;
use crate::platform::{
    blob::{ContentWriter, UnclaimedContent},
    clock::Timestamp,
    stored::{Stored, StoredField},
};
use crate::reach::HouseReach;
use crate::storefront_user::private_storage::PrivateStorage;

/// Number of bytes that are buffered before they are written.
const BUFFER: usize = 64 * 1024;

/// Returns the name of a file that is written at `now`.
#[must_use]
pub fn name(now: Timestamp) -> String {
    format!("customer-data-{}.json", date_time(now).format("%Y-%m-%d"))
}

/// Writes all data that is stored about a customer.
///
/// # Errors
/// Any database error, after the unfinished content was deleted.
pub async fn write(app: &App, customer: &Customer) -> Result<UnclaimedContent> {
    let mut file = ExportFile {
        writer: app.blobs.write().await?,
        buffer: Vec::with_capacity(BUFFER),
    };
    match fill(app, customer, &mut file).await {
        Ok(()) => file.writer.finish().await,
        Err(error) => {
            if let Err(error) = file.writer.abort().await {
                tracing::debug!(
                    ?error,
                    "cannot delete an unfinished export; the cleanup job deletes it"
                );
            }
            Err(error)
        }
    }
}

async fn fill(app: &App, customer: &Customer, file: &mut ExportFile) -> Result<()> {
    let exporter = Exporter::of(app, customer).await?;
    file.append(&json!({ "exportedAt": iso_8601(app.clock.now()) }).to_string())
        .await?;
    // Removes the closing brace: what follows belongs to the same object.
    file.buffer.pop();
    if let Some(email) = app.one_time.pending_email(&customer.id).await? {
        file.append(&format!(",\n\"pendingEmail\": {}", json!(email)))
            .await?;
    }
    for domain in app.domains {
        for kind in domain.personal {
            exporter.write_kind(file, kind).await?;
        }
    }
    file.append("\n}\n").await?;
    file.flush().await
}

/// The file while it is being written.
struct ExportFile {
    writer: ContentWriter,
    buffer: Vec<u8>,
}

impl ExportFile {
    async fn append(&mut self, text: &str) -> Result<()> {
        self.buffer.extend_from_slice(text.as_bytes());
        if self.buffer.len() >= BUFFER {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.writer.append(&self.buffer).await?;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads a customer's documents and converts them to JSON.
struct Exporter<'a> {
    app: &'a App,
    system: HouseReach,
    subject: Subject,
    /// Keys of the storefront's custom fields by their ids.
    keys: HashMap<String, String>,
}

impl<'a> Exporter<'a> {
    async fn of(app: &'a App, customer: &Customer) -> Result<Self> {
        let (database, storefront) = (&app.database, &customer.storefront_id);
        let system = HouseReach::within(storefront);
        let storages = database.open::<PrivateStorage>(&system);
        let owned = doc! { "storefrontId": storefront, "ownerId": &customer.user_id };
        let subject = Subject {
            storefront: storefront.clone(),
            customer: customer.id.clone(),
            user: customer.user_id.clone(),
            storages: storages.ids(owned, 0).await?,
        };
        let fields = custom_field::store::of_storefront(database, &system, storefront).await?;
        let keys = fields
            .iter()
            .map(|field| (field.id.to_string(), field.key.clone()))
            .collect();
        Ok(Self {
            app,
            system,
            subject,
            keys,
        })
    }

    /// Writes all documents of a kind that belong to the customer, under the name of the kind.
    async fn write_kind(&self, file: &mut ExportFile, kind: &PersonalKind) -> Result<()> {
        let documents = kind.open(&self.app.database, &self.system);
        let mut found = Box::pin(documents.stored(self.subject.owns_kind(kind)).await?);
        file.append(&format!(",\n\"{}\": [", kind.name)).await?;
        let mut separator = "\n";
        while let Some(document) = found.try_next().await? {
            let exported = Value::Object(self.exported(&kind.stored, &document));
            file.append(&format!("{separator}{exported}")).await?;
            separator = ",\n";
        }
        file.append("]").await
    }

    /// Returns the exported fields of a document.
    fn exported(&self, stored: &Stored, document: &Document) -> Map<String, Value> {
        let mut exported = Map::new();
        for (path, field) in stored.fields {
            let (StoredField::Personal(name) | StoredField::Kept(name)) = field else {
                continue;
            };
            if let Some(value) = at(document, path) {
                let value = match (*path, value) {
                    (custom_field::VALUES, Bson::Array(values)) => self.custom_fields(values),
                    (_, value) => plain(value),
                };
                exported.insert((*name).to_owned(), value);
            }
        }
        exported
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

/// Returns the value at a dotted path.
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
        Bson::DateTime(time) => json!(iso_8601(Timestamp::from_millis(time.timestamp_millis()))),
        Bson::Array(values) => values.iter().map(plain).collect(),
        Bson::Document(document) => {
            let fields = document.iter().map(|(name, value)| (name.clone(), plain(value)));
            Value::Object(fields.collect())
        }
        _ => Value::Null,
    }
}

fn date_time(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.millis()).unwrap_or_default()
}

fn iso_8601(time: Timestamp) -> String {
    date_time(time).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    // EXP-01
    #[test]
    fn a_value_is_exported_as_a_person_reads_it() {
        let value = doc! {
            "at": bson::DateTime::from_millis(1_700_000_000_007), "amount": "10.50".parse::<bson::Decimal128>().unwrap(),
            "list": [1_i64, 2_i32], "nothing": null,
        };
        let exported = json!({
            "at": "2023-11-14T22:13:20.007Z", "amount": "10.50", "list": [1, 2], "nothing": null,
        });
        assert_eq!(plain(&Bson::Document(value)), exported);
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
