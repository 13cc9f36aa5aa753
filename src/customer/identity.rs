//! Links between customers and identity providers. The providers, and the sign-in at one, belong to single sign-on.

use std::fmt;

use bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::Customer;
use crate::audit::{Action, AuditEntry};
use crate::domain::personal::{Personal, SubjectLink};
use crate::error::Result;
use crate::platform::{
    clock::Timestamp,
    database::{Database, Tx},
    id::{CustomerId, IdentityId, IdentityProviderId, StorefrontId, StorefrontUserId},
    stored::{Stored, StoredField},
};
use crate::reach::{Confine, Holder, tenant::TenantDocument};

/// A link between a provider's subject and a customer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedIdentity {
    /// Id.
    #[serde(rename = "_id")]
    pub id: IdentityId,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The identity provider.
    pub provider_id: IdentityProviderId,
    /// The subject at the provider; unique there.
    pub subject: String,
    /// Whether the provider has ever asserted that the customer's address is verified.
    pub is_email_proven: bool,
    /// When the link was created.
    pub created_at: Timestamp,
}

// The provider's subject is personal data.
impl fmt::Debug for LinkedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.id)
    }
}

impl TenantDocument for LinkedIdentity {
    type Id = IdentityId;
    const COLLECTION: &'static str = "identities";
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &IdentityId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

impl Personal for LinkedIdentity {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("customerId", StoredField::Kept("customerId")),
            ("providerId", StoredField::Kept("identityProviderId")),
            ("subject", StoredField::Personal("subject")),
            ("isEmailProven", StoredField::Kept("isEmailProven")),
            ("createdAt", StoredField::Kept("createdAt")),
        ],
    };
    const NAME: &'static str = "identities";
    const LINK: SubjectLink = SubjectLink::User("userId");
}

/// Deletes a person's links to identity providers, within the transaction that erases or deletes the person. Returns
/// their number.
///
/// # Errors
/// Any database error.
pub async fn forget_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    storefront: &StorefrontId,
    user: &StorefrontUserId,
) -> Result<u64> {
    let identities = database.open::<LinkedIdentity>(reach);
    identities.delete_many_in(tx, linked_to(storefront, user)).await
}

/// Unlinks every identity of a customer except a spared one within a transaction. Returns an audit entry for each.
///
/// # Errors
/// Any database error.
pub async fn unlink_all_in(
    database: &Database,
    reach: &impl Confine,
    tx: &mut Tx,
    customer: &Customer,
    spared: Option<&IdentityId>,
) -> Result<Vec<AuditEntry>> {
    let mut unlinked = linked_to(&customer.storefront_id, &customer.user_id);
    if let Some(spared) = spared {
        unlinked.insert("_id", doc! { "$ne": spared });
    }
    let identities = database.open::<LinkedIdentity>(reach);
    let linked = identities.find_in(tx, unlinked.clone()).await?;
    if !linked.is_empty() {
        identities.delete_many_in(tx, unlinked).await?;
    }
    let entry =
        |identity: &LinkedIdentity| customer.entry(Action::IdentityUnlinked).on(&identity.provider_id);
    Ok(linked.iter().map(entry).collect())
}

/// The filter for the identities of a person.
fn linked_to(storefront: &StorefrontId, user: &StorefrontUserId) -> Document {
    doc! { "storefrontId": storefront, "userId": user }
}
