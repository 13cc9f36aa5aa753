//! What a principal reaches: which storefronts, and whether only one person's own documents.

pub mod identity;
pub mod membership;
pub mod principal;
pub mod scope;
pub mod seen;
pub mod tenant;

use std::sync::Arc;

use bson::{Bson, Document, doc};

use self::scope::Scope;
use crate::platform::id::{Id, StorageId, StorefrontId, StorefrontUserId};
use identity::{CredentialKind, Identity, Person};

/// Who holds the documents of a collection, and which field names the holder.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    /// Everybody who reaches the storefront.
    Storefront,
    /// A storefront user, whose id is in this field.
    StorefrontUser(&'static str),
    /// A private storage, whose id is in this field.
    Storage(&'static str),
    /// The members of a customer group, whose id is in this field.
    Group(&'static str),
    /// Everybody or some groups only: this field lists the storefront's id, or the ids of those groups.
    Audience(&'static str),
}

/// Limits what a collection shows. Sealed: only the reaches of access implement it.
pub trait Confine: sealed::Sealed + Sync {
    /// The condition that is added to every filter, for documents with this holder and this storefront field.
    fn confine(&self, storefront: &'static str, holder: Holder) -> Document;
    /// Whether a document of this storefront may be written.
    fn covers(&self, storefront: &StorefrontId) -> bool;
    /// Distinguishes this reach from the others of the same request: documents that were read under one reach are not
    /// shown under another.
    fn scope(&self) -> &str;
}

pub(super) mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Reach {}
    impl Sealed for super::StorageReach {}
    impl Sealed for super::HouseReach {}
}

/// The storefronts and documents that the request's principal reaches for one operation. Only
/// [`Principal::reach`](crate::reach::principal::Principal::reach) creates one.
#[derive(Clone, Debug)]
pub struct Reach {
    identity: Arc<Identity>,
    storefronts: Arc<[StorefrontId]>,
}

/// The result of resolving the storefront that an input names.
#[derive(Debug)]
pub enum NamedStorefront {
    /// A storefront within the reach.
    One(StorefrontReach),
    /// A storefront outside the reach, or one that does not exist; the caller cannot distinguish them.
    Unknown,
    /// The input names no storefront although several are reached.
    Required,
}

/// A reach into exactly one storefront.
#[derive(Clone, Debug)]
pub struct StorefrontReach {
    reach: Reach,
    id: StorefrontId,
}

impl StorefrontReach {
    /// The storefront.
    #[must_use]
    pub fn id(&self) -> &StorefrontId {
        &self.id
    }

    /// The reach.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }
}

impl Reach {
    /// The reach of a credential that access has looked up again.
    #[must_use]
    pub(crate) fn renewed(identity: Identity) -> Self {
        Self::of(&Arc::new(identity))
    }

    pub(super) fn of(identity: &Arc<Identity>) -> Self {
        Self {
            identity: Arc::clone(identity),
            storefronts: Arc::clone(&identity.storefronts),
        }
    }

    /// The reach into one of the storefronts; `None` if it is outside the reach.
    #[must_use]
    pub fn only(&self, id: &StorefrontId) -> Option<StorefrontReach> {
        self.storefronts.contains(id).then(|| StorefrontReach {
            reach: Self {
                identity: Arc::clone(&self.identity),
                storefronts: Arc::from([id.clone()]),
            },
            id: id.clone(),
        })
    }

    /// The reach into the storefront that an input names, or into the only one.
    #[must_use]
    pub fn named(&self, id: Option<&str>) -> NamedStorefront {
        let id = match (id, self.identity.bound_storefront(), &*self.storefronts) {
            (Some(id), ..) => StorefrontId::parse(id),
            (None, Some(bound), _) => Some(bound.clone()),
            // A backend for all storefronts whose organization has only one: nothing is ambiguous.
            (None, None, [one]) => Some(one.clone()),
            (None, None, _) => return NamedStorefront::Required,
        };
        id.and_then(|id| self.only(&id))
            .map_or(NamedStorefront::Unknown, NamedStorefront::One)
    }

    /// Whether it also covers storefronts that are created later.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        self.identity.covers_all
    }

    /// The reach with which a mutation's payload shows the person concerned: for a publishable key, the reach of that
    /// person's own token; for every other caller, the caller's own.
    #[must_use]
    pub fn showing(&self, user: &StorefrontUserId) -> Self {
        self.showing_as(CredentialKind::StorefrontUser, user)
    }

    /// As [`Reach::showing`], for a payload about a customer.
    #[must_use]
    pub fn showing_customer(&self, user: &StorefrontUserId) -> Self {
        self.showing_as(CredentialKind::Customer, user)
    }

    fn showing_as(&self, kind: CredentialKind, user: &StorefrontUserId) -> Self {
        if !self.is_public() {
            return self.clone();
        }
        let mut identity = Identity::clone(&self.identity);
        identity.kind = kind;
        identity.person = Some(Person::of(user.clone()));
        Self {
            identity: Arc::new(identity),
            storefronts: Arc::clone(&self.storefronts),
        }
    }

    /// The credential.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The person that the token is bound to.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.identity.person.as_ref()
    }

    /// Whether it belongs to a backend with this scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.identity.kind == CredentialKind::Integration && self.identity.scopes.contains(&scope)
    }

    /// Whether it belongs to a publishable key.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.identity.kind == CredentialKind::Public
    }

    /// The storefronts within the reach.
    pub(super) fn storefronts(&self) -> &[StorefrontId] {
        &self.storefronts
    }

    pub(super) fn storefront_condition(&self) -> Bson {
        match &*self.storefronts {
            [one] => one.into(),
            several => Bson::Document(doc! { "$in": several.iter().map(Bson::from).collect::<Vec<_>>() }),
        }
    }
}

impl Confine for Reach {
    fn confine(&self, storefront: &'static str, holder: Holder) -> Document {
        let mut filter = doc! { storefront: self.storefront_condition() };
        match (holder, self.identity.kind, &self.identity.person) {
            (Holder::Storefront, _, _) | (_, CredentialKind::Integration, _) => {}
            (
                Holder::StorefrontUser(field),
                CredentialKind::StorefrontUser | CredentialKind::Customer,
                Some(person),
            ) => _ = filter.insert(field, &person.storefront_user),
            // A document that is open to everybody lists the storefront itself; one that is open to groups needs a
            // GroupReach.
            (Holder::Audience(field), ..) => _ = filter.insert(field, self.storefront_condition()),
            // A publishable key reaches no personal documents; a person reaches storages and groups by a reach that
            // lists them.
            _ => _ = filter.insert("_id", doc! { "$in": [] }),
        }
        filter
    }

    fn covers(&self, storefront: &StorefrontId) -> bool {
        self.storefronts.contains(storefront)
    }

    fn scope(&self) -> &str {
        match (&self.identity.person, &*self.storefronts) {
            (Some(person), _) => person.storefront_user.as_str(),
            (None, [one]) => one.as_str(),
            (None, _) => "",
        }
    }
}

/// A reach with the ids of the person's own storages, which [`tenant`] reads.
#[derive(Clone, Debug)]
pub struct StorageReach {
    pub(super) reach: Reach,
    /// `None` for a backend, which reaches all storages of its storefronts.
    pub(super) storages: Option<Arc<[StorageId]>>,
}

impl StorageReach {
    /// The person that the token is bound to.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.reach.person()
    }
}

impl Confine for StorageReach {
    fn confine(&self, storefront: &'static str, holder: Holder) -> Document {
        match (holder, &self.storages) {
            (Holder::Storage(field), Some(storages)) => {
                let own: Vec<Bson> = storages.iter().map(Bson::from).collect();
                doc! { storefront: self.reach.storefront_condition(), field: { "$in": own } }
            }
            _ => self.reach.confine(storefront, holder),
        }
    }

    fn covers(&self, storefront: &StorefrontId) -> bool {
        self.reach.covers(storefront)
    }

    fn scope(&self) -> &str {
        self.reach.scope()
    }
}

/// The reach of the gateway's own work: jobs, erasure, export, operator commands, and looking for the person whose
/// credential is about to be established. No node and no payload accepts it, because they are seen with a [`Reach`].
/// Where one is made is an exact list in a test.
#[derive(Clone, Debug)]
pub struct HouseReach(Option<StorefrontId>);

impl HouseReach {
    /// Reaches every storefront: for jobs, migrations and operator commands.
    #[must_use]
    pub const fn everywhere() -> Self {
        Self(None)
    }

    /// Reaches one storefront: for work within a request that concerns documents which the caller does not reach (yet).
    #[must_use]
    pub fn within(storefront: &StorefrontId) -> Self {
        Self(Some(storefront.clone()))
    }
}

impl Confine for HouseReach {
    fn confine(&self, storefront: &'static str, _holder: Holder) -> Document {
        match &self.0 {
            Some(one) => doc! { storefront: one },
            None => Document::new(),
        }
    }

    fn covers(&self, storefront: &StorefrontId) -> bool {
        self.0.as_ref().is_none_or(|one| one == storefront)
    }

    fn scope(&self) -> &str {
        self.0.as_ref().map_or("system", StorefrontId::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::platform::{clock::Timestamp, random::Random};
    use principal::{Policy, Principal};

    struct Fixture {
        random: Random,
        germany: StorefrontId,
        austria: StorefrontId,
    }

    impl Fixture {
        fn new() -> Self {
            let random = Random::seeded(3);
            let [germany, austria] =
                [(); 2].map(|()| StorefrontId::fresh(Timestamp::from_millis(1), &random));
            Self {
                random,
                germany,
                austria,
            }
        }

        fn principal(
            &self,
            kind: CredentialKind,
            storefronts: &[&StorefrontId],
            scopes: &[Scope],
        ) -> Principal {
            let user = StorefrontUserId::fresh(Timestamp::from_millis(1), &self.random);
            Principal::Known(Arc::new(Identity {
                storefronts: storefronts.iter().map(|id| (*id).clone()).collect(),
                scopes: scopes.to_vec(),
                person: (kind == CredentialKind::StorefrontUser).then(|| Person::of(user)),
                ..Identity::sample(kind)
            }))
        }

        fn reach(&self, kind: CredentialKind, storefronts: &[&StorefrontId], scopes: &[Scope]) -> Reach {
            self.principal(kind, storefronts, scopes)
                .reach(&ANYONE)
                .expect("permitted")
        }
    }

    /// Asserts that the reach covers no document of this holder.
    fn assert_nothing(reach: &Reach, holder: Holder) {
        let filter = reach.confine("storefrontId", holder);
        assert_eq!(
            filter.get("_id"),
            Some(&Bson::Document(doc! { "$in": [] })),
            "{holder:?}"
        );
    }

    const ANYONE: Policy = Policy::backend(Scope::StorageRead).and_public().and_own();

    // SFU-21
    #[test]
    fn a_persons_reach_ends_at_the_person() {
        let shop = Fixture::new();
        let reach = shop.reach(CredentialKind::StorefrontUser, &[&shop.germany], &[]);
        let own = reach.person().expect("a person").storefront_user.clone();
        let users = reach.confine("storefrontId", Holder::StorefrontUser("_id"));
        assert_eq!(users, doc! { "storefrontId": &shop.germany, "_id": &own });
        // Not without its storages.
        assert_nothing(&reach, Holder::Storage("storageId"));
        let storage = StorageId::fresh(Timestamp::from_millis(1), &shop.random);
        let reach = StorageReach {
            reach,
            storages: Some(Arc::from([storage.clone()])),
        };
        let items = reach.confine("storefrontId", Holder::Storage("storageId"));
        assert_eq!(
            items,
            doc! { "storefrontId": &shop.germany, "storageId": { "$in": [storage] } }
        );
    }

    #[test]
    fn a_publishable_key_reaches_nobodys_own() {
        let shop = Fixture::new();
        let reach = shop.reach(CredentialKind::Public, &[&shop.germany], &[]);
        for holder in [
            Holder::StorefrontUser("_id"),
            Holder::Storage("storageId"),
            Holder::Group("_id"),
        ] {
            assert_nothing(&reach, holder);
        }
    }

    // SFR-01
    #[test]
    fn naming_a_storefront() {
        let shop = Fixture::new();
        let both = [&shop.germany, &shop.austria];
        let reach = |storefronts: &[&StorefrontId]| {
            shop.reach(CredentialKind::Integration, storefronts, &[Scope::StorageRead])
        };
        let (one, two) = (reach(&both[..1]), reach(&both));
        assert!(matches!(two.named(None), NamedStorefront::Required));
        assert!(matches!(two.named(Some("sto_x")), NamedStorefront::Unknown));
        assert!(
            matches!(two.named(Some(shop.austria.as_str())), NamedStorefront::One(one) if *one.id() == shop.austria)
        );
        assert!(matches!(one.named(None), NamedStorefront::One(one) if *one.id() == shop.germany));
        assert!(matches!(
            one.named(Some(shop.austria.as_str())),
            NamedStorefront::Unknown
        ));
        assert!(!one.covers(&shop.austria));
    }

    // ERR-03
    #[test]
    fn what_a_policy_does_not_name_is_refused() {
        let shop = Fixture::new();
        let backend_only = Policy::backend(Scope::StorageWrite);
        for (kind, scopes) in [
            (CredentialKind::Public, &[][..]),
            (CredentialKind::StorefrontUser, &[]),
            (CredentialKind::Integration, &[]),
            (CredentialKind::Integration, &[Scope::StorageRead]),
        ] {
            let principal = shop.principal(kind, &[&shop.germany], scopes);
            let refused = principal.reach(&backend_only);
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{kind:?} {scopes:?}");
        }
        assert!(matches!(
            Principal::Nobody.reach(&ANYONE),
            Err(Error::Unauthenticated(_))
        ));
    }
}
