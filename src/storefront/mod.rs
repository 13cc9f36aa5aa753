//! Storefronts: online stores of an organization. Only operators add them; there is no mutation for it (SFR-06).

pub mod list;
pub mod lookup;
pub mod node;
pub mod store;

use async_graphql::{EmptyMutation, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::auth::STOREFRONTS;
use crate::platform::{
    clock::Timestamp,
    id::{OrganizationId, StorefrontId},
};
use crate::reach::{Holder, tenant::TenantDocument};

/// The declaration of storefronts.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    stored: &[store::STORED],
    ..Domain::EMPTY
};

/// The queries of storefronts.
#[derive(MergedObject, Default)]
#[graphql(name = "StorefrontQuery")]
pub struct Query(lookup::StorefrontLookup, list::StorefrontList);

/// It has no mutations.
pub type Mutation = EmptyMutation;

/// Maximum length of a code.
const MAX_CODE: usize = 16;
/// Maximum length of a name, in characters.
const MAX_NAME: usize = 100;

/// Software that an online store runs on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum, clap::ValueEnum,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[clap(rename_all = "UPPER")]
pub enum IntegrationType {
    /// Custom software.
    #[default]
    Custom,
    /// Shopify.
    Shopify,
    /// WooCommerce.
    Woocommerce,
    /// Magento.
    Magento,
    /// nopCommerce.
    Nopcommerce,
    /// BigCommerce.
    Bigcommerce,
}

/// An online store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Storefront {
    /// Id.
    #[serde(rename = "_id")]
    pub id: StorefrontId,
    /// Organization of the storefront.
    pub organization_id: OrganizationId,
    /// Name, unique in the organization.
    pub name: String,
    /// Prefix of customer references; unique in the organization.
    pub code: String,
    /// Software that the online store runs on.
    pub integration_type: IntegrationType,
    /// Account page of the store, the target of mailed links.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_url: Option<String>,
    /// Whether registration conceals that an e-mail address is taken (SPR-10).
    pub conceal_emails: bool,
    /// Number of custom fields of its customers, updated when one is added or removed.
    #[serde(default)]
    pub custom_field_count: i64,
    /// Time at which an operator added it.
    pub created_at: Timestamp,
}

impl TenantDocument for Storefront {
    type Id = StorefrontId;
    const COLLECTION: &'static str = STOREFRONTS;
    const STOREFRONT: &'static str = "_id";
    const HOLDER: Holder = Holder::Storefront;

    fn id(&self) -> &StorefrontId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.id
    }
}

/// Checks the code of a storefront: 1 to 16 capital letters and digits (SFR-03).
///
/// # Errors
/// A message for the operator.
pub fn check_code(code: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    if (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(allowed) {
        Ok(code.to_owned())
    } else {
        Err(format!(
            "not a valid code: it must be 1 to {MAX_CODE} capital letters and digits, such as DE or SHOP2"
        ))
    }
}

/// Checks a name that an operator enters: not blank, at most 100 characters, without control characters.
///
/// # Errors
/// A message for the operator.
pub fn check_name(name: &str) -> Result<String, String> {
    if name.trim().is_empty() {
        Err("a name must not be blank".to_owned())
    } else if name.chars().count() > MAX_NAME {
        Err(format!("a name must not be longer than {MAX_NAME} characters"))
    } else if name.chars().any(char::is_control) {
        Err("a name must not contain control characters".to_owned())
    } else {
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SFR-03
    #[test]
    fn a_code_has_capital_letters_and_digits() {
        for good in ["D", "DE", "SHOP2", "ABCDEFGHIJKLMNOP"] {
            assert!(check_code(good).is_ok(), "{good}");
        }
        for bad in ["", "de", "D E", "Ä", "ABCDEFGHIJKLMNOPQ", "A-B"] {
            assert!(check_code(bad).is_err(), "{bad}");
        }
    }
}
