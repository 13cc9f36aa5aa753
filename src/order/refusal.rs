//! User errors of the operations on orders.

use crate::error::{UserError, UserErrorCode};

/// One of the two addresses of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRole {
    /// The shipping address.
    Shipping,
    /// The billing address.
    Billing,
}

impl AddressRole {
    /// Returns the input's field for the address in full.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Shipping => "shippingAddress",
            Self::Billing => "billingAddress",
        }
    }

    /// Returns the input's field for the id of one of the customer's addresses.
    #[must_use]
    pub const fn id_field(self) -> &'static str {
        match self {
            Self::Shipping => "shippingAddressId",
            Self::Billing => "billingAddressId",
        }
    }
}

/// The order does not exist for this caller.
#[must_use]
pub fn not_found() -> UserError {
    let message =
        "No order with this id was found for this credential. Send an id as order.id returns it (ord_…).";
    UserError::new(UserErrorCode::OrderNotFound, ["id"], message)
}

/// Another order has this number (ORD-01).
#[must_use]
pub fn number_taken() -> UserError {
    let message = "Another order of this storefront has this number.";
    UserError::new(UserErrorCode::OrderNumberTaken, ["number"], message)
}

/// The customer has no such address (SPR-75).
#[must_use]
pub fn address_not_found(role: AddressRole) -> UserError {
    let message = "The customer has no address with this id. Send one that customer.addresses lists (adr_…).";
    UserError::new(UserErrorCode::AddressNotFound, [role.id_field()], message).legacy(404)
}

/// The address id is blank (SPR-79).
#[must_use]
pub fn address_id_missing(role: AddressRole) -> UserError {
    let message = "The id of the address is blank. Send an id that customer.addresses lists (adr_…), or omit the field.";
    UserError::new(UserErrorCode::AddressIdMissing, [role.id_field()], message).legacy(412)
}

/// The customer has no addresses and therefore no default address.
#[must_use]
pub fn no_default(role: AddressRole) -> UserError {
    let message = "The customer has no default address. Send the address.";
    UserError::new(UserErrorCode::Required, [role.field()], message)
}

/// The order of a guest needs the address in full, because a guest has no stored addresses (EPC-28).
#[must_use]
pub fn address_required(role: AddressRole) -> UserError {
    let message = "An order without a customer needs this address in full. Send the address, or the customer's id in customerId.";
    UserError::new(UserErrorCode::Required, [role.field()], message)
}

/// The order of a guest names an address by id, but a guest has no stored addresses (EPC-28).
#[must_use]
pub fn id_without_customer(role: AddressRole) -> UserError {
    let message = "An order without a customer needs its addresses in full, not by id. Send the addresses, or the \
                   customer's id in customerId.";
    UserError::new(UserErrorCode::Invalid, [role.id_field()], message)
}

/// The address was sent both in full and by id.
#[must_use]
pub fn address_twice(role: AddressRole) -> UserError {
    let message = "Send the address in full or by id, not both.";
    UserError::new(UserErrorCode::Invalid, [role.id_field()], message)
}
