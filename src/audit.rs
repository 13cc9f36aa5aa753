//! The audit trail: who did what to which customer, and when. An entry holds ids only, never personal data, so that it
//! can be kept when the customer is erased.
//!
//! An entry is written in the transaction of the change that it records. A refused operation, or a repeated one without
//! effect, leaves no entry.
//!
//! Not recorded, because they do not change a customer's account: reads; the refresh of a session, which happens every
//! few minutes, and the revocation of one of its access tokens; mails that anybody may request by address (the use of
//! the keys in them is recorded); the files of a private storage, which carry their own timestamps; and changes of a
//! customer group as a whole, its deletion included; and notes of the store's staff, which name their authors.
//!
//! An entry carries the time at which it expires, so that a changed lifetime applies to later entries and needs no other
//! index.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::{Stream, TryStreamExt};
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::platform::stored::{Stored, all_free};
use crate::platform::{
    clock::{Clock, Timestamp},
    database::{Database, Index, IndexKind, Tx},
    id::{AuditEntryId, CustomerId, Id, MemberId, StorefrontId, Succession},
    random::Random,
};
use crate::reach::Reach;

/// Collection of the entries.
const COLLECTION: &str = "audit";

/// Indexes of the entries.
pub const INDEXES: &[Index] = &[
    // Finds a customer's entries in the order of writing.
    Index::new(
        COLLECTION,
        "customer",
        &[("customerId", 1), ("_id", 1)],
        IndexKind::Plain,
    ),
    Index::new(
        COLLECTION,
        "expiry",
        &[("expiresAt", 1)],
        IndexKind::Expiry(Duration::ZERO),
    ),
];

/// Stored fields.
pub const STORED: &[Stored] = &[Stored {
    collection: COLLECTION,
    fields: &all_free([
        "_id",
        "at",
        "storefrontId",
        "customerId",
        "action",
        "actor",
        "object",
        "expiresAt",
    ]),
}];

/// What was done. Where an entry has an object, the variant names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// The account was created.
    Registered,
    /// The customer authenticated. Object: the session.
    SignedIn,
    /// The store or an operator signed the customer in (TOK-08). Object: the session.
    TokenIssued,
    /// A token for the customer's private storage was issued to somebody else. Object: the storefront user.
    StorefrontUserTokenIssued,
    /// One device was signed out. Object: the session.
    SessionEnded,
    /// All devices were signed out, and sign-ins in progress were aborted.
    AllSessionsEnded,
    /// A refresh token was used a second time, which ended its session (TOK-01). Object: the session.
    RefreshTokenReused,
    /// The profile was changed.
    Updated,
    /// Values of custom fields were changed.
    CustomFieldsChanged,
    /// The customer requested a change of the e-mail address.
    EmailChangeRequested,
    /// The e-mail address was changed.
    EmailChanged,
    /// The e-mail address was verified.
    EmailVerified,
    /// The password of a customer that had none was set.
    PasswordSet,
    /// The customer changed the password, which ended all earlier sessions.
    PasswordChanged,
    /// The customer changed the password with a mailed key, which verifies the e-mail address too.
    PasswordReset,
    /// An anonymous user's data was merged into the customer's. Object: that storefront user.
    AnonymousMerged,
    /// An address was added. Object: the address.
    AddressCreated,
    /// An address, or the choice of default addresses, was changed. Object: the address.
    AddressUpdated,
    /// An address was removed. Object: the address.
    AddressDeleted,
    /// An order was recorded. Object: the order.
    OrderRecorded,
    /// An order was cancelled. Object: the order.
    OrderCancelled,
    /// The customer joined a group. Object: the group.
    GroupJoined,
    /// The customer left a group. Object: the group.
    GroupLeft,
    /// A sign-in at an identity provider was linked to the customer. Object: the provider.
    IdentityLinked,
    /// A sign-in at an identity provider was unlinked from the customer. Object: the provider.
    IdentityUnlinked,
    /// The password was removed, because it was set before the e-mail address was verified (CST-06).
    PasswordRemoved,
    /// Somebody tried to register with the customer's address, in a storefront that conceals existing accounts
    /// (SPR-10).
    RegistrationAttempted,
    /// All stored data of the customer was written into a file. Object: the file.
    Exported,
    /// The erasure was requested.
    AnonymizationRequested,
    /// The erasure was cancelled before it started.
    AnonymizationCancelled,
    /// The erasure has started and cannot be cancelled any more.
    AnonymizationStarted,
    /// The erasure is complete: no personal data is left.
    AnonymizationCompleted,
    /// The deletion of the account and its personal data was requested.
    DeletionRequested,
    /// The account was deleted.
    Deleted,
}

/// Kind of the actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditActorKind {
    /// A customer, authenticated by a token, by a password or by a mailed key.
    Customer,
    /// A storefront user, authenticated by its own token.
    StorefrontUser,
    /// An API client: a backend, or the holder of a publishable key.
    Client,
    /// An operator at the gateway's command line.
    Operator,
    /// The gateway itself.
    System,
}

/// The actor of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    /// Kind of the actor.
    pub kind: AuditActorKind,
    /// Id of the actor: a `cus_`, `sfu_` or `cli_` id. An operator and the gateway have none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The owner of a backend's token, or the member on whose behalf a customer's session was started.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<MemberId>,
}

impl AuditActor {
    /// An operator at the gateway's command line.
    pub const OPERATOR: Self = Self::new(AuditActorKind::Operator, None);
    /// The gateway itself.
    pub const SYSTEM: Self = Self::new(AuditActorKind::System, None);

    const fn new(kind: AuditActorKind, id: Option<String>) -> Self {
        let owner = None;
        Self { kind, id, owner }
    }

    /// A customer who authenticated by something other than a token.
    #[must_use]
    pub fn customer(id: &CustomerId) -> Self {
        Self::new(AuditActorKind::Customer, Some(id.to_string()))
    }
}

impl From<&Reach> for AuditActor {
    /// The holder of the credential.
    fn from(reach: &Reach) -> Self {
        let identity = reach.identity();
        let person = identity.person();
        let customer = person.and_then(|person| person.customer.as_ref());
        let (kind, id) = match (customer, person, identity.client()) {
            (Some((id, _session)), ..) => (AuditActorKind::Customer, Some(id.to_string())),
            (None, Some(person), _) => {
                let id = person.storefront_user.to_string();
                (AuditActorKind::StorefrontUser, Some(id))
            }
            (None, None, Some(client)) => (AuditActorKind::Client, Some(client.to_string())),
            (None, None, None) => (AuditActorKind::System, None),
        };
        let owner = identity.owner().cloned();
        Self { kind, id, owner }
    }
}

impl From<&Self> for AuditActor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

/// An entry to be written, without its time and its actor.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    storefront: StorefrontId,
    customer: CustomerId,
    action: Action,
    object: Option<String>,
}

impl AuditEntry {
    /// Records that `action` was done to this customer.
    #[must_use]
    pub fn new(storefront: &StorefrontId, customer: &CustomerId, action: Action) -> Self {
        Self {
            storefront: storefront.clone(),
            customer: customer.clone(),
            action,
            object: None,
        }
    }

    /// Adds the object that the action names: one of the customer's sessions, addresses, orders and so on.
    #[must_use]
    pub fn on(mut self, object: &impl Id) -> Self {
        self.object = Some(object.as_str().to_owned());
        self
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// Id; sorts by time, and among the writes of one node in the order of writing.
    #[serde(rename = "_id")]
    pub id: AuditEntryId,
    /// When it was done.
    pub at: Timestamp,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer to whom it was done.
    pub customer_id: CustomerId,
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: AuditActor,
    /// Id of the object that the action names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<String>,
    /// When the entry expires.
    expires_at: Timestamp,
}

/// Writes and reads the audit trail.
#[derive(Clone)]
pub struct Audit {
    database: Database,
    clock: Clock,
    random: Random,
    ttl: Duration,
    ids: Arc<Succession>,
}

impl Audit {
    /// Uses the trail in this database. An entry is kept for `ttl`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, random: Random, ttl: Duration) -> Self {
        Self {
            database,
            clock,
            random,
            ttl,
            ids: Arc::default(),
        }
    }

    fn collection(&self) -> Collection<Recorded> {
        self.database.internal(COLLECTION)
    }

    /// Writes entries in the transaction of the change that they record, with one command. Does nothing without
    /// entries.
    pub async fn note_in(
        &self,
        tx: &mut Tx,
        by: impl Into<AuditActor>,
        entries: impl IntoIterator<Item = AuditEntry>,
    ) -> Result<()> {
        let actor = by.into();
        let entries = entries.into_iter().map(|entry| self.recorded(&actor, entry));
        match &entries.collect::<Vec<_>>()[..] {
            [] => {}
            [entry] => _ = self.collection().insert_one(entry).session(tx).await?,
            several => _ = self.collection().insert_many(several).session(tx).await?,
        }
        Ok(())
    }

    /// Writes an entry outside a transaction, for an operation without other writes, such as one that then hands out a
    /// credential.
    pub async fn note(&self, by: impl Into<AuditActor>, entry: AuditEntry) -> Result<()> {
        let entry = self.recorded(&by.into(), entry);
        self.collection().insert_one(entry).await?;
        Ok(())
    }

    fn recorded(&self, actor: &AuditActor, entry: AuditEntry) -> Recorded {
        let at = self.clock.now();
        Recorded {
            id: AuditEntryId::next(&self.ids, at, &self.random),
            at,
            storefront_id: entry.storefront,
            customer_id: entry.customer,
            action: entry.action,
            actor: actor.clone(),
            object: entry.object,
            expires_at: at.after(self.ttl),
        }
    }

    /// Streams the entries of a customer, the newest first; also those of a deleted customer.
    pub async fn of(&self, customer: &CustomerId) -> Result<impl Stream<Item = Result<Recorded>> + use<>> {
        let about = doc! { "customerId": customer };
        let found = self.collection().find(about).sort(doc! { "_id": -1 }).await?;
        Ok(found.map_err(Error::from))
    }
}

/// Streams the entries about exports, for a migration.
pub async fn exported(database: &Database) -> Result<impl Stream<Item = Result<Recorded>> + use<>> {
    let entries = database.internal::<Recorded>(COLLECTION);
    let exported = doc! { "action": bson::serialize_to_bson(&Action::Exported)? };
    Ok(entries.find(exported).await?.map_err(Error::from))
}
