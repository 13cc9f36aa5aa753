//! Scopes: what a backend's credential is good for.

use async_graphql::Enum;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a backend's credential is good for. On the command line, in OAuth and in tokens: `customers:read`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The text outside GraphQL.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

scopes! {
    /// Storefronts and their public parts.
    StorefrontsRead = "storefronts:read",
    /// Storefront users.
    StorefrontUsersRead = "storefront_users:read",
    /// Register, ensure, merge, promote and delete storefront users.
    StorefrontUsersWrite = "storefront_users:write",
    /// Issue storefront users' tokens.
    StorefrontUsersToken = "storefront_users:token",
    /// Private storage and its items.
    StorageRead = "storage:read",
    /// Upload, change and delete items.
    StorageWrite = "storage:write",
    /// Customers.
    CustomersRead = "customers:read",
    /// Register and change customers.
    CustomersWrite = "customers:write",
    /// Issue customers' tokens.
    CustomersToken = "customers:token",
    /// Request and cancel the erasure of customers.
    CustomersAnonymize = "customers:anonymize",
    /// Orders.
    OrdersRead = "orders:read",
    /// Record and cancel orders.
    OrdersWrite = "orders:write",
    /// Customer groups and all markets.
    GroupsRead = "groups:read",
    /// Change customer groups and markets.
    GroupsWrite = "groups:write",
    /// Define custom fields.
    CustomFieldsWrite = "custom_fields:write",
}

impl Scope {
    /// The scope with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.text() == text)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("unknown scope"))
    }
}

/// Scopes in OAuth's form: separated by spaces (RFC 6749 §3.3). Unknown ones are `None`.
#[must_use]
pub fn parse_list(text: &str) -> Option<Vec<Scope>> {
    text.split_ascii_whitespace().map(Scope::parse).collect()
}

/// The inverse of [`parse_list`].
#[must_use]
pub fn write_list(scopes: &[Scope]) -> String {
    scopes
        .iter()
        .map(|scope| scope.text())
        .collect::<Vec<_>>()
        .join(" ")
}
