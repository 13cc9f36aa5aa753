//! Documents that are a person's: which of them there are, and how they are found. Their fields are declared as all stored
//! fields are ([`crate::platform::stored`]).

use bson::{Bson, Document, doc};

use super::tenant::TenantDocument;
use crate::platform::{
    id::{CustomerId, StorageId, StorefrontId, StorefrontUserId},
    stored::Stored,
};

/// By which field, with whose id, a document is a person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The customer's id.
    Customer(&'static str),
    /// The id of the customer's storefront user.
    User(&'static str),
    /// The id of one of the user's storages.
    Storage(&'static str),
}

/// Documents that are a person's.
pub trait Personal: TenantDocument {
    /// Their fields.
    const STORED: Stored;
    /// What the export calls them.
    const NAME: &'static str;
    /// How they are found.
    const LINK: Link;
}

/// A customer, by all ids that something of theirs may be found by.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Where.
    pub storefront: StorefrontId,
    /// The customer.
    pub customer: CustomerId,
    /// Their storefront user.
    pub user: StorefrontUserId,
    /// Their storages.
    pub storages: Vec<StorageId>,
}

impl Subject {
    /// The condition that a document of this kind is theirs.
    #[must_use]
    pub fn owns<T: Personal>(&self) -> Document {
        let mut theirs = doc! { T::STOREFRONT: &self.storefront };
        match T::LINK {
            Link::Customer(field) => theirs.insert(field, &self.customer),
            Link::User(field) => theirs.insert(field, &self.user),
            Link::Storage(field) => {
                let storages: Vec<Bson> = self.storages.iter().map(Bson::from).collect();
                theirs.insert(field, doc! { "$in": storages })
            }
        };
        theirs
    }
}
