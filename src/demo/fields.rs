//! The demo's custom fields, defined as a backend would define them.

use std::sync::Arc;

use super::people::reach_into;
use super::{Demo, STOREFRONTS};
use crate::app::App;
use crate::custom_field::{CustomFieldType, Definition, define::DefinitionAddition, store::CustomFields};
use crate::error::Result;
use crate::platform::id::CustomFieldId;
use crate::reach::{Reach, StorefrontReach};

/// A custom field of every storefront of the demo.
struct DemoField {
    key: &'static str,
    name: &'static str,
    description: &'static str,
    kind: CustomFieldType,
    options: &'static [&'static str],
    is_public: bool,
    is_customer_writable: bool,
}

const FIELDS: &[DemoField] = &[
    DemoField {
        key: "newsletter",
        name: "Newsletter",
        description: "Whether to send news; the customer decides.",
        kind: CustomFieldType::Boolean,
        options: &[],
        is_public: true,
        is_customer_writable: true,
    },
    DemoField {
        key: "tier",
        name: "Loyalty tier",
        description: "How loyal the customer is; the store decides.",
        kind: CustomFieldType::Select,
        options: &["bronze", "silver", "gold"],
        is_public: true,
        is_customer_writable: false,
    },
    DemoField {
        key: "vatId",
        name: "VAT id",
        description: "For the store's own books.",
        kind: CustomFieldType::String,
        options: &[],
        is_public: false,
        is_customer_writable: false,
    },
];

/// Defines the custom fields that are missing.
pub(super) async fn add(app: &Arc<App>, demo: &Demo, reach: &Reach) -> Result<()> {
    for (code, ..) in STOREFRONTS {
        let place = reach_into(reach, demo, code)?;
        let known = CustomFields::of(app, &place).all().await?;
        for field in FIELDS.iter().filter(|field| known.with_key(field.key).is_none()) {
            let addition = DefinitionAddition {
                app,
                place: &place,
                definition: field.definition(app, &place),
            };
            addition.run().await?;
        }
    }
    Ok(())
}

impl DemoField {
    fn definition(&self, app: &App, place: &StorefrontReach) -> Definition {
        let now = app.clock.now();
        Definition {
            id: CustomFieldId::fresh(now, &app.random),
            storefront_id: place.id().clone(),
            key: self.key.to_owned(),
            name: self.name.to_owned(),
            description: Some(self.description.to_owned()),
            kind: self.kind,
            is_required: false,
            options: self.options.iter().map(|option| (*option).to_owned()).collect(),
            is_public: self.is_public,
            is_customer_writable: self.is_customer_writable,
            created_at: now,
        }
    }
}
