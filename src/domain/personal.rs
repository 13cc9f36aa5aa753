//! Documents with personal data: their kinds, and how they are found. Their fields are declared like all stored fields
//! ([`crate::platform::stored`]).

use bson::{Bson, Document, doc};

use crate::platform::{
    id::{CustomerId, StorageId, StorefrontId, StorefrontUserId},
    stored::Stored,
};
use crate::reach::tenant::TenantDocument;

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
    /// The filter for the customer's documents of this kind.
    #[must_use]
    pub fn owns<T: Personal>(&self) -> Document {
        let mut theirs = doc! { T::STOREFRONT: &self.storefront };
        match T::LINK {
            SubjectLink::Customer(field) => theirs.insert(field, &self.customer),
            SubjectLink::User(field) => theirs.insert(field, &self.user),
            SubjectLink::Storage(field) => {
                let storages: Vec<Bson> = self.storages.iter().map(Bson::from).collect();
                theirs.insert(field, doc! { "$in": storages })
            }
        };
        theirs
    }
}
