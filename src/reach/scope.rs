//! Scopes: the permissions of a backend's credential.

use async_graphql::Enum;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Permission of an integration token or client secret. Its form in OAuth, in tokens and on the command line is
        /// lower case with a colon, such as `customers:read`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The text of the scope in OAuth, in tokens and on the command line.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

scopes! {
    /// Reads storefronts, their markets, custom field definitions and identity providers.
    StorefrontsRead = "storefronts:read",
    /// Reads storefront users.
    StorefrontUsersRead = "storefront_users:read",
    /// Registers, ensures, merges, promotes and deletes storefront users.
    StorefrontUsersWrite = "storefront_users:write",
    /// Issues storefront user tokens.
    StorefrontUsersToken = "storefront_users:token",
    /// Reads private storage and its items.
    StorageRead = "storage:read",
    /// Uploads, updates and deletes items of private storage.
    StorageWrite = "storage:write",
    /// Reads customers, their addresses and sessions, and exports their data.
    CustomersRead = "customers:read",
    /// Registers, updates, signs in, signs out and deletes customers, and changes their addresses.
    CustomersWrite = "customers:write",
    /// Issues tokens for customers.
    CustomersToken = "customers:token",
    /// Requests and cancels the erasure of customers; the token also needs an owner.
    CustomersAnonymize = "customers:anonymize",
    /// Reads orders.
    OrdersRead = "orders:read",
    /// Records and cancels orders.
    OrdersWrite = "orders:write",
    /// Reads customer groups.
    GroupsRead = "groups:read",
    /// Creates, updates and deletes customer groups and markets.
    GroupsWrite = "groups:write",
    /// Defines, updates and deletes custom fields.
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

/// Parses scopes in OAuth's form, separated by spaces (RFC 6749 §3.3). `None` if one is unknown.
#[must_use]
pub fn parse_list(text: &str) -> Option<Vec<Scope>> {
    text.split_ascii_whitespace().map(Scope::parse).collect()
}

/// The inverse of [`parse_list`].
#[must_use]
pub fn write_list(scopes: &[Scope]) -> String {
    let texts: Vec<&str> = scopes.iter().map(|scope| scope.text()).collect();
    texts.join(" ")
}
