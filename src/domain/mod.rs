//! What a domain declares about itself. `schema::DOMAINS` lists all domains; indexes, jobs, migrations, the erasure, the
//! export and the check for undeclared stored fields are made from the list.

pub mod personal;

use futures_util::future::BoxFuture;

use crate::error::Result;
use crate::platform::{database::Index, job::JobKind, migration::Migration, stored::Stored};
use personal::{PersonalKind, Subject};

/// What a domain declares. `C` is the context of its jobs and of its part of an erasure.
///
/// Parts that are not named are empty: `Declaration { indexes: &[INDEXES], ..Declaration::EMPTY }`.
pub struct Declaration<C: 'static> {
    /// The indexes of its collections.
    pub indexes: &'static [&'static [Index]],
    /// Changes of data that earlier versions stored. Their numbers order them across domains.
    pub migrations: &'static [Migration],
    /// Its jobs.
    pub jobs: &'static [JobKind<C>],
    /// Its collections that hold no personal data, field by field.
    pub stored: &'static [&'static [Stored]],
    /// Its documents with personal data, and what an erasure and an export do with each.
    pub personal: &'static [PersonalKind],
    /// The part of an erasure that is more than deleting or emptying documents.
    pub erase: Option<Erase<C>>,
}

/// Removes what a domain stores about a person beyond the documents that are deleted or emptied as declared. It runs
/// after these documents of all domains, and may run more than once.
pub type Erase<C> = for<'a> fn(&'a C, &'a Subject) -> BoxFuture<'a, Result<()>>;

impl<C: 'static> Declaration<C> {
    /// Declares nothing.
    pub const EMPTY: Self = Self {
        indexes: &[],
        migrations: &[],
        jobs: &[],
        stored: &[],
        personal: &[],
        erase: None,
    };

    /// Returns the declarations of all its collections.
    pub fn all_stored(&self) -> impl Iterator<Item = Stored> + '_ {
        let personal = self.personal.iter().map(|kind| kind.stored);
        self.stored.iter().copied().flatten().copied().chain(personal)
    }
}
