//! Addresses of customers, and which of them are the defaults.

pub mod country;
pub mod create;
pub mod defaults;
pub mod delete;
pub mod node;
pub mod store;
pub mod update;

use std::fmt;

use async_graphql::{EmptyMutation, MergedObject};
use serde::{Deserialize, Serialize};

use crate::app::Domain;
use crate::customer::Salutation;
use crate::domain::personal::{Erasure, PersonalKind};
use crate::error::{UserError, UserErrorCode};
use crate::platform::{
    clock::Timestamp,
    id::{AddressId, CustomerId, StorefrontId, StorefrontUserId},
};
use crate::reach::{Holder, principal::Policy, scope::Scope, tenant::TenantDocument};
use country::CountryCode;

/// The declaration of addresses.
pub const DOMAIN: Domain = Domain {
    indexes: &[store::INDEXES],
    personal: &[PersonalKind::of::<Address>(Erasure::Delete {
        counted: Some("addresses"),
    })],
    ..Domain::EMPTY
};

/// The mutations of addresses.
#[derive(MergedObject, Default)]
#[graphql(name = "AddressMutation")]
pub struct Mutation(
    create::CustomerAddressCreate,
    update::CustomerAddressUpdate,
    delete::CustomerAddressDelete,
);

/// Who may change addresses.
const WRITE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// It has no queries.
pub type Query = EmptyMutation;

/// Maximum length of an address's text, in characters, phone and zip code included (SPR-47…56).
pub const MAX_TEXT: usize = 255;

/// A postal address of a customer. Missing values were never set.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Id.
    #[serde(rename = "_id")]
    pub id: AddressId,
    /// The customer's storefront.
    pub storefront_id: StorefrontId,
    /// The customer's storefront user.
    pub user_id: StorefrontUserId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The postal content.
    #[serde(flatten)]
    pub content: AddressContent,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the address itself was last updated.
    pub updated_at: Timestamp,
    /// Increases with each update of the address itself, but not when another address becomes a default.
    pub version: i64,
}

/// The content of an address; every text is stored verbatim.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressContent {
    /// Label that the customer chose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// Salutation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub salutation: Option<Salutation>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub company: Option<String>,
    /// First line: street and number.
    pub address1: String,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address2: Option<String>,
    /// Third line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address3: Option<String>,
    /// Zip code, a text because leading zeros are significant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zip_code: Option<String>,
    /// City.
    pub city: String,
    /// State, province or similar region.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// Country.
    pub iso2_code: CountryCode,
    /// Name of the country as it was sent; absent if it follows from the code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub country: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
}

// Personal data must not reach a log through its document.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.id)
    }
}

impl TenantDocument for Address {
    type Id = AddressId;
    const COLLECTION: &'static str = "addresses";
    const HOLDER: Holder = Holder::StorefrontUser("userId");

    fn id(&self) -> &AddressId {
        &self.id
    }

    fn storefront(&self) -> &StorefrontId {
        &self.storefront_id
    }
}

/// The user errors of addresses' operations.
pub mod refusal {
    use super::{UserError, UserErrorCode};

    /// The customer has no such address (SPR-75).
    #[must_use]
    pub fn not_found() -> UserError {
        UserError::new(
            UserErrorCode::AddressNotFound,
            ["id"],
            "The customer has no address with this id. Send one that customer.addresses lists (adr_…).",
        )
        .legacy(404)
    }

    /// The input does not contain the id of the address (SPR-79).
    #[must_use]
    pub fn id_missing() -> UserError {
        let message = "The address's id is missing. Send one that customer.addresses lists (adr_…).";
        UserError::new(UserErrorCode::AddressIdMissing, ["id"], message).legacy(412)
    }

    /// The customer's only address is both defaults (ADR-01).
    #[must_use]
    pub fn only_address(field: &str) -> UserError {
        let message = "This is the customer's only address, and so the default; add another one first.";
        UserError::new(UserErrorCode::Invalid, [field], message)
    }
}
