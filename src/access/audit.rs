//! The audit trail: who did what to which customer, and when. Ids only, never a value of a person, so that it may be
//! kept when the customer is erased.
//!
//! An entry is written in the transaction that does what it tells: the two are there together or not at all, and only
//! what took effect is told. What is refused, or repeated without effect, leaves none.
//!
//! Not told, because it changes nothing of a customer's account: what is read; that a session goes on with its next
//! refresh token, which happens every few minutes, and that one of its access tokens is ended early; mails that anybody
//! may ask for by address (what comes of their keys is told); the files of a private storage, which tell their own times;
//! and what happens to a customer group as a whole, its deletion too.
//!
//! An entry carries the time at which it goes by itself, [`Audit::new`]'s `ttl` after it was written: another setting
//! holds for the entries that are written from then on, on each node by its own, and no index has to be changed for it.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use futures_util::{Stream, TryStreamExt};
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use super::reach::Reach;
use crate::error::{Error, Result};
use crate::platform::{
    clock::{Clock, Timestamp},
    database::{Database, Index, IndexKind, Tx},
    id::{AuditEntryId, CustomerId, Id, MemberId, StorefrontId, Succession},
    random::Random,
};

/// Collection of the entries.
const COLLECTION: &str = "audit";

/// Indexes of the entries.
pub const INDEXES: &[Index] = &[
    // In the order of writing.
    Index {
        collection: COLLECTION,
        name: "customer",
        keys: &[("customerId", 1), ("_id", 1)],
        kind: IndexKind::Plain,
    },
    Index {
        collection: COLLECTION,
        name: "expiry",
        keys: &[("expiresAt", 1)],
        kind: IndexKind::Expiry(Duration::ZERO),
    },
];

/// What was done. An entry's object, where it has one, is named with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// The account was made.
    Registered,
    /// The customer proved who they are. Object: the session.
    SignedIn,
    /// Somebody else signed the customer in: the store, or an operator (TOK-08). Object: the session.
    TokenIssued,
    /// Somebody else got a key to the customer's private storage. Object: the storefront user.
    StorefrontUserTokenIssued,
    /// One device was signed out. Object: the session.
    SessionEnded,
    /// All devices were signed out, and whoever was about to sign in.
    AllSessionsEnded,
    /// A refresh token was used a second time, by which its session has ended (TOK-01). Object: the session.
    RefreshTokenReused,
    /// The profile was changed.
    Updated,
    /// Values of custom fields were changed.
    CustomFieldsChanged,
    /// The customer asked for another e-mail address.
    EmailChangeRequested,
    /// There is another e-mail address.
    EmailChanged,
    /// The e-mail address was shown to be the customer's.
    EmailVerified,
    /// A customer without a password was given one.
    PasswordSet,
    /// The customer chose another password, by which all sessions before have ended.
    PasswordChanged,
    /// The same by a mailed key, which verifies the e-mail address too.
    PasswordReset,
    /// What an anonymous user had became the customer's. Object: that storefront user.
    AnonymousMerged,
    /// An address was added. Object: the address.
    AddressCreated,
    /// An address, or which ones are the defaults, was changed. Object: the address.
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
    /// A sign-in at an identity provider is the customer's from now on. Object: the provider.
    IdentityLinked,
    /// It is the customer's no more. Object: the provider.
    IdentityUnlinked,
    /// The password was taken away, because it was set before the address was shown to be the customer's (CST-06).
    PasswordRemoved,
    /// Somebody tried to register with the customer's address, which the storefront conceals (SPR-10).
    RegistrationAttempted,
    /// Everything that is stored of the customer was written into a file. Object: the file.
    Exported,
    /// The erasure was asked for.
    AnonymizationRequested,
    /// It was cancelled before it started.
    AnonymizationCancelled,
    /// It is under way, and nothing stops it any more.
    AnonymizationStarted,
    /// Nothing personal is left.
    AnonymizationCompleted,
    /// The account is to be gone, and what is personal with it.
    DeletionRequested,
    /// The account is gone.
    Deleted,
}

/// What kind of actor somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorKind {
    /// A customer: by their token, by their password, or by a key that was mailed to them.
    Customer,
    /// A storefront user's own token.
    StorefrontUser,
    /// An API client: a backend, or whoever has a publishable key.
    Client,
    /// Somebody at the gateway's console.
    Operator,
    /// The gateway itself.
    System,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// What they are.
    pub kind: ActorKind,
    /// Who: a `cus_`, `sfu_` or `cli_` id. An operator and the gateway have none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The member on whose behalf: of a backend's token; of a customer's, the one for whom the session was begun.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<MemberId>,
}

impl Actor {
    /// Somebody at the gateway's console.
    pub const OPERATOR: Self = Self {
        kind: ActorKind::Operator,
        id: None,
        owner: None,
    };
    /// The gateway itself.
    pub const SYSTEM: Self = Self {
        kind: ActorKind::System,
        id: None,
        owner: None,
    };

    /// A customer who has shown who they are otherwise than by a token.
    #[must_use]
    pub fn customer(id: &CustomerId) -> Self {
        Self {
            kind: ActorKind::Customer,
            id: Some(id.to_string()),
            owner: None,
        }
    }
}

impl From<&Reach> for Actor {
    /// Whose credential it is.
    fn from(reach: &Reach) -> Self {
        let identity = reach.identity();
        let person = identity.person();
        let customer = person.and_then(|person| person.customer.as_ref());
        let (kind, id) = match (customer, person, identity.client()) {
            (Some((id, _session)), ..) => (ActorKind::Customer, Some(id.to_string())),
            (None, Some(person), _) => {
                let id = person.storefront_user.to_string();
                (ActorKind::StorefrontUser, Some(id))
            }
            (None, None, Some(client)) => (ActorKind::Client, Some(client.to_string())),
            (None, None, None) => (ActorKind::System, None),
        };
        Self {
            kind,
            id,
            owner: identity.owner().cloned(),
        }
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

/// What is to be told.
#[derive(Clone, Debug)]
pub struct Entry {
    storefront: StorefrontId,
    customer: CustomerId,
    action: Action,
    object: Option<String>,
}

impl Entry {
    /// Something that was done to this customer.
    #[must_use]
    pub fn new(storefront: &StorefrontId, customer: &CustomerId, action: Action) -> Self {
        Self {
            storefront: storefront.clone(),
            customer: customer.clone(),
            action,
            object: None,
        }
    }

    /// With one of the customer's sessions, addresses, orders and so on, as the action has it.
    #[must_use]
    pub fn on(self, object: &impl Id) -> Self {
        Self {
            object: Some(object.as_str().to_owned()),
            ..self
        }
    }
}

/// An entry as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// Its id; ids of a later moment, and of one node's later writes, sort later.
    #[serde(rename = "_id")]
    pub id: AuditEntryId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub storefront_id: StorefrontId,
    /// To whom.
    pub customer_id: CustomerId,
    /// What.
    pub action: Action,
    /// By whom.
    pub actor: Actor,
    /// The id that the action names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<String>,
    /// When it goes.
    expires_at: Timestamp,
}

/// Writes and reads the trail.
#[derive(Clone)]
pub struct Audit {
    database: Database,
    clock: Clock,
    random: Random,
    ttl: Duration,
    ids: Arc<Succession>,
}

impl Audit {
    /// The trail in this database. An entry is kept for `ttl`.
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
        self.database.house(COLLECTION)
    }

    /// Tells, in the transaction that does it, what is done and by whom: all of it in one command. No entries: nothing.
    pub async fn note_in(
        &self,
        tx: &mut Tx,
        by: impl Into<Actor>,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<()> {
        let actor = by.into();
        let entries: Vec<Recorded> = (entries.into_iter())
            .map(|entry| self.recorded(&actor, entry))
            .collect();
        match &entries[..] {
            [] => {}
            [entry] => _ = self.collection().insert_one(entry).session(tx).await?,
            several => _ = self.collection().insert_many(several).session(tx).await?,
        }
        Ok(())
    }

    /// The same where nothing else is written: for a credential that is handed out once this is done.
    pub async fn note(&self, by: impl Into<Actor>, entry: Entry) -> Result<()> {
        let entry = self.recorded(&by.into(), entry);
        self.collection().insert_one(entry).await?;
        Ok(())
    }

    fn recorded(&self, actor: &Actor, entry: Entry) -> Recorded {
        let Entry {
            storefront,
            customer,
            action,
            object,
        } = entry;
        let at = self.clock.now();
        Recorded {
            id: AuditEntryId::next(&self.ids, at, &self.random),
            at,
            storefront_id: storefront,
            customer_id: customer,
            action,
            actor: actor.clone(),
            object,
            expires_at: at.after(self.ttl),
        }
    }

    /// What was done to a customer, the newest first, as it is read. Also of one who is gone.
    pub async fn of(&self, customer: &CustomerId) -> Result<impl Stream<Item = Result<Recorded>> + use<>> {
        let about = doc! { "customerId": customer };
        let found = self.collection().find(about).sort(doc! { "_id": -1 }).await?;
        Ok(found.map_err(Error::from))
    }
}

/// All that is told of exports, for a migration.
///
/// # Errors
/// Whatever the database fails with.
pub async fn exported(database: &Database) -> Result<impl Stream<Item = Result<Recorded>> + use<>> {
    let entries = database.house::<Recorded>(COLLECTION);
    let exported = doc! { "action": bson::serialize_to_bson(&Action::Exported)? };
    Ok(entries.find(exported).await?.map_err(Error::from))
}
