//! `audit`.

use std::pin::pin;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::arguments::AuditCommand;
use super::failure::Failure;
use super::output::Output;
use crate::app::App;
use crate::audit::{AuditActor, Recorded};
use crate::customer::Customer;
use crate::reach::HouseReach;

/// Columns with widths for their longest values; the actor is last, with room for its owner.
const COLUMNS: &[(&str, usize)] = &[("WHEN", 24), ("ACTION", 28), ("OBJECT", 30), ("BY", 80)];

pub(super) async fn run(command: AuditCommand, app: &App, output: Output) -> Result<(), Failure> {
    let AuditCommand::List { customer } = command;
    let mut entries = pin!(app.audit.of(&customer).await?.peekable());
    // An erased customer has entries; one who was not registered by a mutation, such as the demo's crowd, has none.
    if entries.as_mut().peek().await.is_none() {
        let customers = app.database.open::<Customer>(&HouseReach::everywhere());
        if customers.get(&customer).await?.is_none() {
            return Err(Failure::message(format!(
                "unknown customer {customer}: neither the customer nor entries in the audit trail exist"
            )));
        }
    }
    let none =
        "The audit trail has no entries of this customer. Entries are deleted after GATEWAY_AUDIT_TTL.";
    output.stream(entries, as_json, COLUMNS, cells, none).await
}

fn as_json(entry: &Recorded) -> Value {
    let Recorded {
        id,
        at,
        storefront_id,
        customer_id,
        action,
        actor: AuditActor { kind, id: who, owner },
        object,
        ..
    } = entry;
    json!({
        "id": id,
        "at": at.rfc3339(),
        "storefrontId": storefront_id,
        "customerId": customer_id,
        "action": action,
        "object": object,
        "actor": { "kind": kind, "id": who, "owner": owner },
    })
}

fn cells(entry: &Recorded) -> Vec<String> {
    let json = as_json(entry);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (actor, mut by) = (&json["actor"], word(&json["actor"]["kind"]));
    for (before, part) in [("", "id"), ("for ", "owner")] {
        if let Some(id) = actor[part].as_str() {
            by.push_str(&format!(" {before}{id}"));
        }
    }
    vec![
        word(&json["at"]),
        word(&json["action"]),
        word(&json["object"]),
        by,
    ]
}
