//! Documents with personal data: their kinds, and how they are found. Their fields are declared like all stored fields
//! ([`crate::platform::stored`]).

use bson::{Bson, Document, doc};

use crate::platform::{
    database::Database,
    id::{CustomerId, StorageId, StorefrontId, StorefrontUserId},
    stored::Stored,
};
use crate::reach::tenant::{Tenant, TenantDocument};
use crate::reach::{Holder, HouseReach};

/// The field that links a document to a person, by the kind of id in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectLink {
    /// The customer's id.
    Customer(&'static str),
    /// The id of the customer's storefront user.
    User(&'static str),
    /// The id of one of the user's storages.
    Storage(&'static str),
}

impl SubjectLink {
    /// Name of the field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Customer(field) | Self::User(field) | Self::Storage(field) => field,
        }
    }
}

/// A kind of document with personal data.
pub trait Personal: TenantDocument {
    /// Declaration of the fields.
    const STORED: Stored;
    /// Name of the kind in the export.
    const NAME: &'static str;
    /// How the documents of a person are found.
    const LINK: SubjectLink;
}

/// A customer, with all ids by which the customer's documents are found.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The customer's storefront.
    pub storefront: StorefrontId,
    /// The customer.
    pub customer: CustomerId,
    /// Their storefront user.
    pub user: StorefrontUserId,
    /// Their storages.
    pub storages: Vec<StorageId>,
}

impl Subject {
    /// Returns the filter for the customer's documents of this type.
    #[must_use]
    pub fn owns<T: Personal>(&self) -> Document {
        self.linked(T::STOREFRONT, T::LINK)
    }

    /// Returns the filter for the customer's documents of a declared kind.
    #[must_use]
    pub fn owns_kind(&self, kind: &PersonalKind) -> Document {
        self.linked(kind.storefront, kind.link)
    }

    fn linked(&self, storefront: &str, link: SubjectLink) -> Document {
        let owner = match link {
            SubjectLink::Customer(_) => Bson::from(&self.customer),
            SubjectLink::User(_) => Bson::from(&self.user),
            SubjectLink::Storage(_) => Bson::Document(doc! { "$in": self.storage_ids() }),
        };
        doc! { storefront: &self.storefront, link.field(): owner }
    }

    /// The ids of the storages, as a filter contains them.
    #[must_use]
    pub fn storage_ids(&self) -> Vec<Bson> {
        self.storages.iter().map(Bson::from).collect()
    }
}

/// What an erasure does with the documents of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Deletes them, and counts them in this field of the receipt.
    Delete {
        /// The field below `anonymization.erased`; not counted if it is `None`.
        counted: Option<&'static str>,
    },
    /// Removes the personal data in them, and counts them in this field of the receipt. If the customer is deleted, also
    /// removes their links to the customer: `customerId`, `userId` and the field of their [`SubjectLink`].
    Empty {
        /// The field below `anonymization.erased`.
        counted: &'static str,
    },
    /// They are erased elsewhere: with the start or the end of the erasure, or by the domain's own part of it
    /// ([`Declaration::erase`](super::Declaration::erase)).
    Elsewhere,
}

/// A kind of document with personal data, as its domain declares it.
pub struct PersonalKind {
    /// Declaration of the fields.
    pub stored: Stored,
    /// The field with the storefront's id.
    storefront: &'static str,
    holder: Holder,
    /// Name of the kind in the export.
    pub name: &'static str,
    /// How the documents of a person are found.
    pub link: SubjectLink,
    /// What an erasure does with them.
    pub erasure: Erasure,
}

impl PersonalKind {
    /// Declares the documents of type `T`.
    #[must_use]
    pub const fn of<T: Personal>(erasure: Erasure) -> Self {
        Self {
            stored: T::STORED,
            storefront: T::STOREFRONT,
            holder: T::HOLDER,
            name: T::NAME,
            link: T::LINK,
            erasure,
        }
    }

    /// Declares documents of the same type that are linked to the person by another field, under a name of their own.
    #[must_use]
    pub const fn linked_by(self, name: &'static str, link: SubjectLink) -> Self {
        Self { name, link, ..self }
    }

    /// Opens the collection of the documents as they are stored. Only an erasure and an export use it, with the
    /// gateway's own reach.
    #[must_use]
    pub fn open(&self, database: &Database, reach: &HouseReach) -> Tenant<Document> {
        database.open_stored(self.stored.collection, self.storefront, self.holder, reach)
    }
}
