//! Database access for notes.

use super::CustomerNote;
use crate::customer::Customer;
use crate::domain::personal::{Personal, SubjectLink};
use crate::platform::{
    database::{Index, IndexKind},
    stored::{Stored, StoredField},
};
use crate::reach::tenant::TenantDocument;
use crate::read::leads::{Leads, Listed};

/// Indexes of notes.
pub const INDEXES: &[Index] = &[Index::new(
    CustomerNote::COLLECTION,
    "storefront_customer",
    &[("storefrontId", 1), ("customerId", 1), ("_id", 1)],
    IndexKind::Plain,
)];

impl Personal for CustomerNote {
    const STORED: Stored = Stored {
        collection: Self::COLLECTION,
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("storefrontId", StoredField::Kept("storefrontId")),
            ("userId", StoredField::Kept("storefrontUserId")),
            ("customerId", StoredField::Kept("customerId")),
            ("text", StoredField::Personal("text")),
            ("author", StoredField::Kept("author")),
            ("createdAt", StoredField::Kept("createdAt")),
        ],
    };
    const NAME: &'static str = "customerNotes";
    const LINK: SubjectLink = SubjectLink::Customer("customerId");
}

impl Listed for CustomerNote {}

impl Leads<CustomerNote> for Customer {
    const FIELD: &'static str = "customerId";

    const KEY: Option<&'static str> = Some("_id");

    fn own_keys(&self) -> Vec<String> {
        vec![self.id.to_string()]
    }
}
