//! Database access for storefronts.

use bson::{Document, doc};

use super::{IntegrationType, Storefront};
use crate::auth::STOREFRONTS;
use crate::error::Result;
use crate::platform::{
    clock::Clock,
    database::{Database, Index, IndexKind, Tx, Write, violated_index},
    id::{OrganizationId, StorefrontId},
    page::{Page, Slice},
    random::Random,
    stored::{Stored, StoredField},
};
use crate::reach::{Confine, HouseReach, tenant::TenantDocument};

const NAME: &str = "organization_name";
const CODE: &str = "organization_code";

/// Indexes of the storefronts.
pub const INDEXES: &[Index] = &[
    Index {
        collection: STOREFRONTS,
        name: NAME,
        keys: &[("organizationId", 1), ("name", 1)],
        kind: IndexKind::Unique,
    },
    Index {
        collection: STOREFRONTS,
        name: CODE,
        keys: &[("organizationId", 1), ("code", 1)],
        kind: IndexKind::Unique,
    },
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: Storefront::COLLECTION,
    fields: &[
        ("_id", StoredField::Free),
        ("organizationId", StoredField::Free),
        ("name", StoredField::Free),
        ("code", StoredField::Free),
        ("integrationType", StoredField::Free),
        ("accountUrl", StoredField::Free),
        ("concealEmails", StoredField::Free),
        ("customFieldCount", StoredField::Free),
        ("identityProvidersAdded", StoredField::Free),
        ("createdAt", StoredField::Free),
    ],
}];

/// Returns the storefront with this name. Names are unique in an organization, and a reach is within one.
///
/// # Errors
/// Any database error.
pub async fn by_name(database: &Database, reach: &impl Confine, name: &str) -> Result<Option<Storefront>> {
    database
        .open::<Storefront>(reach)
        .find_one(doc! { "name": name })
        .await
}

/// Returns a page of the storefronts within the reach, oldest first.
///
/// # Errors
/// Any database error.
pub async fn page(database: &Database, reach: &impl Confine, page: &Page) -> Result<Slice<Storefront>> {
    let position = |storefront: &Storefront| ((&storefront.id).into(), (&storefront.id).into());
    let storefronts = database.open::<Storefront>(reach);
    storefronts.page(doc! {}, page, position).await
}

/// Returns the number of storefronts within the reach.
///
/// # Errors
/// Any database error.
pub async fn count(database: &Database, reach: &impl Confine) -> Result<u64> {
    database.open::<Storefront>(reach).count(doc! {}).await
}

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
    let NewStorefront {
        organization,
        name,
        code,
        integration_type,
        account_url,
        conceal_emails,
    } = new;
    let now = clock.now();
    let storefront = Storefront {
        id: StorefrontId::fresh(now, random),
        organization_id: organization,
        name,
        code,
        integration_type,
        account_url,
        conceal_emails,
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
    let StorefrontChanges {
        name,
        integration_type,
        account_url,
        conceal_emails,
    } = changes;
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = name {
        set.insert("name", name);
    }
    if let Some(kind) = integration_type {
        set.insert("integrationType", bson::serialize_to_bson(&kind)?);
    }
    match account_url {
        Some(Some(url)) => _ = set.insert("accountUrl", url),
        Some(None) => _ = unset.insert("accountUrl", ""),
        None => {}
    }
    if let Some(conceal) = conceal_emails {
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
    database
        .open::<Storefront>(system)
        .find(filter, doc! { "_id": 1 }, 0)
        .await
}

/// Returns which unique value is taken as a result, and any other error as an error.
fn taken_or<T>(outcome: Result<T>) -> Result<std::result::Result<T, TakenValue>> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match violated_index(&error) {
            Some(NAME) => Ok(Err(TakenValue::Name)),
            Some(CODE) => Ok(Err(TakenValue::Code)),
            _ => Err(error),
        },
    }
}
