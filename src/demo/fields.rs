//! The demo's custom fields, defined as a backend would define them.

use std::sync::Arc;

use super::people::reach_into;
use super::{Demo, STOREFRONTS};
use crate::app::App;
use crate::custom_field::{
    CustomFieldType,
    define::{DefinitionAddition, NewDefinition},
    store::CustomFields,
};
use crate::error::Result;
use crate::reach::Reach;

/// Returns the custom fields of each storefront of the demo.
fn definitions() -> [NewDefinition; 3] {
    let field = |key: &str, name: &str, description: &str, kind| NewDefinition {
        key: key.to_owned(),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        kind,
        is_required: false,
        options: Vec::new(),
        is_public: false,
        is_customer_writable: false,
    };
    let newsletter = "Whether to send news; the customer decides.";
    let tier = "How loyal the customer is; the store decides.";
    [
        NewDefinition {
            is_public: true,
            is_customer_writable: true,
            ..field("newsletter", "Newsletter", newsletter, CustomFieldType::Boolean)
        },
        NewDefinition {
            options: ["bronze", "silver", "gold"].map(str::to_owned).to_vec(),
            is_public: true,
            ..field("tier", "Loyalty tier", tier, CustomFieldType::Select)
        },
        field(
            "vatId",
            "VAT id",
            "For the store's own books.",
            CustomFieldType::String,
        ),
    ]
}

/// Defines the custom fields that are missing.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    for (code, ..) in STOREFRONTS {
        let place = reach_into(reach, demo, code)?;
        let known = CustomFields::of(app, &place).all().await?;
        for new in definitions() {
            if known.with_key(&new.key).is_none() {
                DefinitionAddition::of(app, &place, new).run().await?;
            }
        }
    }
    Ok(())
}
