//! The demo's custom fields, defined as a backend would define them.

use std::sync::Arc;

use super::people::reach_into;
use super::{Demo, STOREFRONTS};
use crate::app::App;
use crate::custom_field::{CustomFieldType, Definition, define::DefinitionAddition, store::CustomFields};
use crate::error::Result;
use crate::platform::id::CustomFieldId;
use crate::reach::{Reach, StorefrontReach};

/// Returns the custom fields of a storefront of the demo.
fn definitions(app: &App, place: &StorefrontReach) -> [Definition; 3] {
    let field = |key: &str, name: &str, description: &str, kind| Definition {
        id: CustomFieldId::fresh(app.clock.now(), &app.random),
        storefront_id: place.id().clone(),
        key: key.to_owned(),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        kind,
        is_required: false,
        options: Vec::new(),
        is_public: false,
        is_customer_writable: false,
        created_at: app.clock.now(),
    };
    let newsletter = "Whether to send news; the customer decides.";
    let tier = "How loyal the customer is; the store decides.";
    [
        Definition {
            is_public: true,
            is_customer_writable: true,
            ..field("newsletter", "Newsletter", newsletter, CustomFieldType::Boolean)
        },
        Definition {
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
        let place = &reach_into(reach, demo, code)?;
        let known = CustomFields::of(app, place).all().await?;
        for definition in definitions(app, place) {
            if known.with_key(&definition.key).is_none() {
                DefinitionAddition {
                    app,
                    place,
                    definition,
                }
                .run()
                .await?;
            }
        }
    }
    Ok(())
}
