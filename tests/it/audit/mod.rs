//! The audit trail: who did what to which customer, in ids only, in the same transaction as the change or not at all.

mod actors;
mod each_mutation;
mod exactly_once;
mod integrity_check;
mod retention;

use bson::{Bson, Document};

use crate::kit::{Shop, text};

/// The entries that are written while `work` runs, in the order of writing.
async fn entries_written_during<T>(shop: &Shop, work: impl Future<Output = T>) -> (T, Vec<Document>) {
    let before = shop.gateway.store.audit().await.len();
    let done = work.await;
    let entries = shop.gateway.store.audit().await;
    (done, entries[before..].to_vec())
}

/// An entry as `ACTION by KIND`.
fn formatted(entry: &Document) -> String {
    let actor = entry.get_document("actor").expect("an actor");
    format!("{} by {}", text(entry, "action"), text(actor, "kind"))
}

fn formatted_entries(entries: &[Document]) -> Vec<String> {
    entries.iter().map(formatted).collect()
}

/// Whether a text is an id or a constant of the gateway.
fn is_id_or_constant(text: &str) -> bool {
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let id = text.split_once('_').filter(|(prefix, body)| {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        prefix.len() == 3 && body.len() == 26 && text.bytes().all(|byte| byte == b'_' || lower(byte))
    });
    is_word || id.is_some()
}

/// Asserts that an entry has only ids, constants of the gateway and its times, independent of the input.
#[track_caller]
fn assert_says_ids_only(entry: &Document) {
    for (field, value) in entry {
        let is_fine = match (field.as_str(), value) {
            ("at" | "expiresAt", Bson::DateTime(_)) => true,
            ("_id" | "storefrontId" | "customerId" | "action" | "object", Bson::String(text)) => {
                is_id_or_constant(text)
            }
            ("actor", Bson::Document(actor)) => actor.iter().all(|(field, value)| {
                ["kind", "id", "owner"].contains(&field.as_str())
                    && value.as_str().is_some_and(is_id_or_constant)
            }),
            _ => false,
        };
        assert!(is_fine, "{field} is {value} in {entry}");
    }
}
