//! How far a principal reaches: into which storefronts, and whether only to one person's own.

use std::sync::Arc;

use bson::{Bson, Document, doc};

use super::principal::{Identity, Kind, Person};
use super::scope::Scope;
use crate::platform::id::{Id, StorageId, StorefrontId};

/// Whose documents a collection holds, and by which field that is told.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    /// Everybody's who reaches the storefront.
    Storefront,
    /// A storefront user's, by its id in this field.
    StorefrontUser(&'static str),
    /// A private storage's, by its id in this field.
    Storage(&'static str),
}

/// Something that limits what a collection shows. Sealed: only this module's reaches do.
pub trait Confine: sealed::Sealed + Sync {
    /// The condition in front of everything, for documents with these holders and this storefront field.
    fn confine(&self, storefront: &'static str, holder: Holder) -> Document;
    /// Whether a document of this storefront may be written.
    fn covers(&self, storefront: &StorefrontId) -> bool;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Reach {}
    impl Sealed for super::StorageReach {}
    impl Sealed for super::SystemReach {}
}

/// How far the request's principal reaches for one operation. Only [`Principal::reach`](super::principal::Principal::reach)
/// makes one.
#[derive(Clone, Debug)]
pub struct Reach {
    identity: Arc<Identity>,
    storefronts: Arc<[StorefrontId]>,
}

/// What naming a storefront comes to.
#[derive(Debug)]
pub enum Named {
    /// One that is reached.
    One(StorefrontReach),
    /// One that is not, or does not exist: the same to this caller.
    Unknown,
    /// None was named where several are reached.
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

    /// The reach into one of the storefronts.
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
    pub fn named(&self, id: Option<&str>) -> Named {
        match (id, self.identity.bound_storefront()) {
            (Some(id), _) => StorefrontId::parse(id)
                .and_then(|id| self.only(&id))
                .map_or(Named::Unknown, Named::One),
            (None, Some(bound)) => self.only(bound).map_or(Named::Unknown, Named::One),
            // A backend of all storefronts that happen to be one: nothing is ambiguous.
            (None, None) => match &*self.storefronts {
                [one] => self.only(one).map_or(Named::Unknown, Named::One),
                _ => Named::Required,
            },
        }
    }

    /// Whether storefronts made later belong to it too.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        self.identity.covers_all
    }

    /// The credential.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The person whose own token this is.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.identity.person.as_ref()
    }

    /// Whether it is a backend's with this scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.identity.kind == Kind::Integration && self.identity.scopes.contains(&scope)
    }

    /// Whether it is a publishable key's.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.identity.kind == Kind::Public
    }

    fn storefront_condition(&self) -> Bson {
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
            (Holder::Storefront, _, _) | (_, Kind::Integration, _) => {}
            (Holder::StorefrontUser(field), Kind::StorefrontUser, Some(person)) => {
                confine_field(&mut filter, field, (&person.storefront_user).into());
            }
            // A publishable key reaches nobody's own; a person reaches storages through a StorageReach.
            _ => confine_field(&mut filter, "_id", Bson::Document(doc! { "$in": [] })),
        }
        filter
    }

    fn covers(&self, storefront: &StorefrontId) -> bool {
        self.storefronts.contains(storefront)
    }
}

fn confine_field(filter: &mut Document, field: &str, condition: Bson) {
    filter.insert(field, condition);
}

/// A reach whose person's own storages are known. Made by [`tenant`](super::tenant) from what it reads.
#[derive(Clone, Debug)]
pub struct StorageReach {
    pub(super) reach: Reach,
    /// `None`: a backend's, which reaches all of its storefronts'.
    pub(super) storages: Option<Arc<[StorageId]>>,
}

impl StorageReach {
    /// The person whose own token this is.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.reach.person()
    }
}

impl Confine for StorageReach {
    fn confine(&self, storefront: &'static str, holder: Holder) -> Document {
        match (holder, &self.storages) {
            (Holder::Storage(field), Some(storages)) => {
                let own = storages.iter().map(Bson::from).collect::<Vec<_>>();
                let mut filter = doc! { storefront: self.reach.storefront_condition() };
                confine_field(&mut filter, field, Bson::Document(doc! { "$in": own }));
                filter
            }
            _ => self.reach.confine(storefront, holder),
        }
    }

    fn covers(&self, storefront: &StorefrontId) -> bool {
        self.reach.covers(storefront)
    }
}

/// The reach of background work and operator commands: everything. A test holds that no resolver names it.
#[derive(Clone, Copy, Debug)]
pub struct SystemReach(());

impl SystemReach {
    /// For jobs and operator commands only.
    #[must_use]
    pub const fn for_background_work() -> Self {
        Self(())
    }
}

impl Confine for SystemReach {
    fn confine(&self, _storefront: &'static str, _holder: Holder) -> Document {
        Document::new()
    }

    fn covers(&self, _storefront: &StorefrontId) -> bool {
        true
    }
}
