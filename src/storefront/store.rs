//! Database access for storefronts.

use bson::{Document, doc};

use super::{IntegrationType, Storefront};
use crate::auth::STOREFRONTS;
use crate::error::Result;
use crate::platform::{
    clock::Clock,
    database::{Database, Index, IndexKind, Tx, Write, violated_index},
    id::{OrganizationId, StorefrontId},
    random::Random,
    stored::{Stored, all_free},
};
use crate::reach::{HouseReach, tenant::TenantDocument};

const NAME: &str = "organization_name";
const CODE: &str = "organization_code";

/// Indexes of the storefronts.
pub const INDEXES: &[Index] = &[
    Index::new(
        STOREFRONTS,
        NAME,
        &[("organizationId", 1), ("name", 1)],
        IndexKind::Unique,
    ),
    Index::new(
        STOREFRONTS,
        CODE,
        &[("organizationId", 1), ("code", 1)],
        IndexKind::Unique,
    ),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: Storefront::COLLECTION,
    fields: &all_free([
        "_id",
        "organizationId",
        "name",
        "code",
        "integrationType",
        "accountUrl",
        "concealEmails",
        "customFieldCount",
        "identityProvidersAdded",
        "createdAt",
    ]),
}];

/// A storefront that an operator adds.
#[derive(Clone, Debug)]
pub struct NewStorefront {
    /// Organization of the storefront.
    pub organization: OrganizationId,
    /// Name, unique in the organization.
    pub name: String,
    /// Code, unique in the organization.
    pub code: String,
    /// Software that the online store runs on.
    pub integration_type: IntegrationType,
    /// The account page.
    pub account_url: Option<String>,
    /// Whether registered e-mail addresses are concealed.
    pub conceal_emails: bool,
}

/// The unique value that is already taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenValue {
    /// Another storefront of the organization has the name.
    Name,
    /// Another storefront of the organization has the code.
    Code,
}

/// Adds a storefront. Of two concurrent calls with the same name or code only one succeeds.
///
/// # Errors
/// Any database error.
pub async fn create(
    database: &Database,
    system: &HouseReach,
    clock: &Clock,
    random: &Random,
    new: NewStorefront,
) -> Result<std::result::Result<Storefront, TakenValue>> {
    let now = clock.now();
    let storefront = Storefront {
        id: StorefrontId::fresh(now, random),
        organization_id: new.organization,
        name: new.name,
        code: new.code,
        integration_type: new.integration_type,
        account_url: new.account_url,
        conceal_emails: new.conceal_emails,
        custom_field_count: 0,
        created_at: now,
    };
    let creation = StorefrontCreation {
        database,
        reach: system,
        storefront,
    };
    let written = database.run(&creation).await;
    taken_or(written.map(|()| creation.storefront))
}

/// The write that adds a storefront.
struct StorefrontCreation<'a> {
    database: &'a Database,
    reach: &'a HouseReach,
    storefront: Storefront,
}

impl Write for StorefrontCreation<'_> {
    type Output = ();

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        let storefronts = self.database.open::<Storefront>(self.reach);
        storefronts.insert_in(tx, self.reach, &self.storefront).await
    }
}

/// Changes by an operator; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct StorefrontChanges {
    /// New name.
    pub name: Option<String>,
    /// New integration type.
    pub integration_type: Option<IntegrationType>,
    /// New account page; `Some(None)` removes it.
    pub account_url: Option<Option<String>>,
    /// Whether registered e-mail addresses are concealed.
    pub conceal_emails: Option<bool>,
}

/// Changes a storefront; `None` if none has this id.
///
/// # Errors
/// Any database error.
pub async fn update(
    database: &Database,
    system: &HouseReach,
    id: &StorefrontId,
    changes: StorefrontChanges,
) -> Result<std::result::Result<Option<Storefront>, TakenValue>> {
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = changes.name {
        set.insert("name", name);
    }
    if let Some(kind) = changes.integration_type {
        set.insert("integrationType", bson::serialize_to_bson(&kind)?);
    }
    match changes.account_url {
        Some(Some(url)) => _ = set.insert("accountUrl", url),
        Some(None) => _ = unset.insert("accountUrl", ""),
        None => {}
    }
    if let Some(conceal) = changes.conceal_emails {
        set.insert("concealEmails", conceal);
    }
    let mut update = Document::new();
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields);
        }
    }
    let storefronts = database.open::<Storefront>(system);
    if update.is_empty() {
        return Ok(Ok(storefronts.get(id).await?));
    }
    taken_or(storefronts.update(doc! { "_id": id }, update).await)
}

/// Returns all storefronts, or those of an organization, oldest first.
///
/// # Errors
/// Any database error.
pub async fn list(
    database: &Database,
    system: &HouseReach,
    organization: Option<&OrganizationId>,
) -> Result<Vec<Storefront>> {
    let filter = organization.map_or_else(Document::new, |id| doc! { "organizationId": id });
    let storefronts = database.open::<Storefront>(system);
    storefronts.find(filter, doc! { "_id": 1 }, 0).await
}

/// Returns which unique value is taken as a result, and any other error as an error.
fn taken_or<T>(outcome: Result<T>) -> Result<std::result::Result<T, TakenValue>> {
    outcome.map(Ok).or_else(|error| match violated_index(&error) {
        Some(NAME) => Ok(Err(TakenValue::Name)),
        Some(CODE) => Ok(Err(TakenValue::Code)),
        _ => Err(error),
    })
}
