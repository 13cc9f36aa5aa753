//! The two addresses of an order: how `orderRecord` receives them, and the copies that the order keeps.

use async_graphql::ID;
use serde::Serialize;

use crate::address::{self, AddressContent, create::AddressContentInput, store::Addresses};
use crate::customer::Customer;
use crate::error::{Faults, Result, UserError};
use crate::order::refusal::{self, AddressRole};
use crate::platform::{
    database::Tx,
    id::{AddressId, Id},
    text::TextChecks,
};

/// Returns where the order takes an address from, which is sent in full or by the id of one of the customer's addresses;
/// `None` if an error was added. The order of a guest needs the address in full.
pub(super) fn checked_source(
    role: AddressRole,
    full: Option<AddressContentInput>,
    id: Option<ID>,
    is_guest: bool,
    faults: &mut Faults,
) -> Option<AddressSource> {
    let is_full = full.is_some();
    // Checked in any case, so that all errors are reported.
    let full = full.and_then(|address| {
        let mut inside = Faults::default();
        let content = address.checked(&mut TextChecks {
            faults: &mut inside,
            max: address::MAX_TEXT,
        });
        faults.push_within(&[role.field()], inside);
        content
    });
    let refused = match (is_full, id) {
        (true, None) => return full.map(Box::new).map(AddressSource::Full),
        (true, Some(_)) if is_guest => refusal::id_without_customer(role),
        (true, Some(_)) => refusal::address_twice(role),
        (false, None) if is_guest => refusal::address_required(role),
        (false, Some(_)) if is_guest => {
            faults.push(refusal::id_without_customer(role));
            refusal::address_required(role)
        }
        (false, None) => return Some(AddressSource::Default),
        (false, Some(id)) if id.trim().is_empty() => refusal::address_id_missing(role),
        (false, Some(id)) => match AddressId::parse(&id) {
            Some(id) => return Some(AddressSource::Book(id)),
            None => refusal::address_not_found(role),
        },
    };
    faults.push(refused);
    None
}

/// Where an order takes one of its addresses from. Its serialized form is part of the hash by which repetitions are
/// identified, and must not change.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AddressSource {
    /// The input, in full.
    Full(Box<AddressContent>),
    /// The customer's address with this id.
    Book(AddressId),
    /// The customer's default address.
    Default,
}

impl AddressSource {
    /// Returns which of the customer's addresses is meant; `None` if the address is sent in full.
    ///
    /// # Errors
    /// REQUIRED if the default address is meant and the customer has none.
    fn stored_id<'a>(
        &'a self,
        role: AddressRole,
        customer: &'a Customer,
    ) -> Result<Option<&'a AddressId>, UserError> {
        let default = match role {
            AddressRole::Shipping => &customer.default_shipping_address_id,
            AddressRole::Billing => &customer.default_billing_address_id,
        };
        match self {
            Self::Full(_) => Ok(None),
            Self::Book(id) => Ok(Some(id)),
            Self::Default => default
                .as_ref()
                .map(Some)
                .ok_or_else(|| refusal::no_default(role)),
        }
    }

    /// Checks that the customer has the address, before anything is written, so that the error is reported together
    /// with all others (ERR-01).
    ///
    /// # Errors
    /// REQUIRED if the customer has no default address, ADDRESS_NOT_FOUND (404).
    pub(super) async fn check_exists(
        &self,
        role: AddressRole,
        customer: &Customer,
        addresses: &Addresses<'_>,
    ) -> Result<()> {
        let Some(id) = self.stored_id(role, customer)? else {
            return Ok(());
        };
        match addresses.find(&customer.id, id).await? {
            Some(_) => Ok(()),
            None => Err(refusal::address_not_found(role).into()),
        }
    }

    /// Returns the order's own copy of the address. `customer` is `None` for a guest.
    ///
    /// # Errors
    /// REQUIRED if the address of a guest is not sent in full or the customer has no default address,
    /// ADDRESS_NOT_FOUND (404).
    pub(super) async fn copy_in(
        &self,
        tx: &mut Tx,
        role: AddressRole,
        customer: Option<&Customer>,
        addresses: &Addresses<'_>,
    ) -> Result<AddressContent> {
        let customer = match (self, customer) {
            (Self::Full(content), _) => return Ok(AddressContent::clone(content)),
            (_, Some(customer)) => customer,
            (_, None) => return Err(refusal::address_required(role).into()),
        };
        let address = match self.stored_id(role, customer)? {
            Some(id) => addresses.find_in(tx, &customer.id, id).await?,
            None => None,
        };
        let address = address.ok_or_else(|| refusal::address_not_found(role))?;
        Ok(AddressContent {
            // The customer's label for the address does not belong to the order.
            label: None,
            ..address.content
        })
    }
}
