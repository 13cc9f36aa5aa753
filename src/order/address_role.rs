//! Which of the two addresses of an order is meant.

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
