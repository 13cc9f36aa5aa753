//! Names of groups and markets, which are unique in a storefront.

use std::fmt;

use bson::doc;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Faults, Result, UserError};
use crate::platform::{
    database::{Database, Index, IndexKind, violated_index},
    text,
};
use crate::reach::{StorefrontReach, tenant::TenantDocument};

/// Maximum length of a name, in characters.
const MAX_LENGTH: usize = 255;

/// A name with a normalized form: the names of a storefront's groups, and of its markets, are unique regardless of case
/// and surrounding white space.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The name, verbatim.
    pub written: String,
    /// The name in lower case, trimmed.
    pub key: String,
}

impl Name {
    /// Returns the name with its normalized form.
    #[must_use]
    pub fn new(written: String) -> Self {
        Self {
            key: written.trim().to_lowercase(),
            written,
        }
    }

    /// Checks a name that an input sends in the field `name`, or adds REQUIRED, TOO_LONG or INVALID to `faults`.
    pub fn checked(name: &str, faults: &mut Faults) -> Option<Self> {
        faults
            .take(text::required(name, "name", MAX_LENGTH))
            .map(Self::new)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

/// A group or a market: a document with a [`Name`] in its field `name`, which no other document of its collection and
/// storefront has.
pub trait UniquelyNamed: TenantDocument {
    /// Name of the unique index on the normalized name.
    const UNIQUE_NAME: &'static str;

    /// The document does not exist for this caller.
    fn not_found() -> UserError;

    /// Another document has the name.
    fn name_taken() -> UserError;
}

/// Indexes of the documents: one keeps names unique, the other serves lists.
pub const fn indexes<T: UniquelyNamed>() -> [Index; 2] {
    [
        Index::new(
            T::COLLECTION,
            T::UNIQUE_NAME,
            &[("storefrontId", 1), ("name.key", 1)],
            IndexKind::Unique,
        ),
        Index::new(
            T::COLLECTION,
            "storefront_id",
            &[("storefrontId", 1), ("_id", 1)],
            IndexKind::Plain,
        ),
    ]
}

/// Adds the user error for a taken name if a document other than `own` has the name. Checks nothing if the storefront
/// or the name is missing, because then an error was added before.
///
/// # Errors
/// Any database error.
pub async fn check_free<T: UniquelyNamed>(
    database: &Database,
    storefront: Option<&StorefrontReach>,
    name: Option<&Name>,
    own: Option<&T>,
    faults: &mut Faults,
) -> Result<()> {
    let (Some(storefront), Some(name)) = (storefront, name) else {
        return Ok(());
    };
    let named = database.open::<T>(storefront.reach());
    let named = named.find_one(doc! { "name.key": &name.key }).await?;
    if named.is_some_and(|other| own.map(T::id) != Some(other.id())) {
        faults.push(T::name_taken());
    }
    Ok(())
}

/// Converts the violation of the unique index, by a concurrent write, to the user error for a taken name.
pub fn taken<T: UniquelyNamed>(error: Error) -> Error {
    if violated_index(&error) == Some(T::UNIQUE_NAME) {
        T::name_taken().into()
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        let keys = ["VIP", " vip ", "Vip"].map(|name| Name::new(name.to_owned()).key);
        assert_eq!(keys, ["vip"; 3]);
        assert_eq!(Name::new("ÄRZTE".to_owned()).key, "ärzte");
    }
}
