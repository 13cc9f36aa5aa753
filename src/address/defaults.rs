//! Which of a customer's addresses are the defaults.

use super::refusal;
use crate::customer::Customer;
use crate::error::Faults;
use crate::platform::id::AddressId;

/// The default addresses of a customer. Both are set as long as there is an address (ADR-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Default address for shipping.
    pub shipping: Option<AddressId>,
    /// Default address for billing.
    pub billing: Option<AddressId>,
}

/// The flags of an input that select defaults; `None` if a flag is not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Whether the address becomes the default for shipping.
    pub shipping: Option<bool>,
    /// Whether the address becomes the default for billing.
    pub billing: Option<bool>,
}

impl Flags {
    /// Whether neither flag is sent.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.shipping.is_none() && self.billing.is_none()
    }
}

impl Defaults {
    /// The stored defaults of a customer.
    #[must_use]
    pub fn of(customer: &Customer) -> Self {
        Self {
            shipping: customer.default_shipping_address_id.clone(),
            billing: customer.default_billing_address_id.clone(),
        }
    }

    /// Whether the address is one of the defaults.
    #[must_use]
    pub fn include(&self, address: &AddressId) -> bool {
        [&self.shipping, &self.billing].contains(&&Some(address.clone()))
    }

    /// The defaults after an address was added: it becomes each default that its flags do not leave unchanged (SPR-57).
    /// The first address becomes both, whatever the flags say (SPR-63).
    #[must_use]
    pub fn with(self, new: &AddressId, flags: Flags) -> Self {
        let choose = |current: Option<AddressId>, flag: Option<bool>| match flag {
            Some(false) if current.is_some() => current,
            _ => Some(new.clone()),
        };
        Self {
            shipping: choose(self.shipping, flags.shipping),
            billing: choose(self.billing, flags.billing),
        }
    }

    /// Whether these flags remove a default from the address, so that another address must become the default.
    #[must_use]
    pub fn are_left_by(&self, address: &AddressId, flags: Flags) -> bool {
        let leaves =
            |current: &Option<AddressId>, flag| flag == Some(false) && current.as_ref() == Some(address);
        leaves(&self.shipping, flags.shipping) || leaves(&self.billing, flags.billing)
    }

    /// The defaults after an update of an address: `true` makes it the default, `false` makes the customer's oldest
    /// other address the default, and a flag that is not sent changes nothing (SPR-68, ADR-01).
    ///
    /// # Errors
    /// INVALID on each flag that would leave the customer without a default.
    pub fn after_update(
        self,
        address: &AddressId,
        flags: Flags,
        oldest_other: Option<&AddressId>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut choose = |current: Option<AddressId>, flag: Option<bool>, field| match flag {
            Some(true) => Some(address.clone()),
            Some(false) if current.as_ref() == Some(address) => {
                if oldest_other.is_none() {
                    faults.push(refusal::only_address(field));
                }
                oldest_other.cloned()
            }
            _ => current,
        };
        let moved = Self {
            shipping: choose(self.shipping, flags.shipping, "isDefaultShipping"),
            billing: choose(self.billing, flags.billing, "isDefaultBilling"),
        };
        if faults.is_empty() { Ok(moved) } else { Err(faults) }
    }

    /// The defaults after an address was deleted: the customer's oldest remaining address replaces it.
    #[must_use]
    pub fn without(self, removed: &AddressId, oldest_remaining: Option<&AddressId>) -> Self {
        let choose = |current: Option<AddressId>| match current {
            Some(current) if current == *removed => oldest_remaining.cloned(),
            current => current,
        };
        Self {
            shipping: choose(self.shipping),
            billing: choose(self.billing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{clock::Timestamp, random::Random};

    fn ids() -> [AddressId; 3] {
        let random = Random::seeded(5);
        [1, 2, 3].map(|at| AddressId::fresh(Timestamp::from_millis(at), &random))
    }

    fn both(id: &AddressId) -> Defaults {
        Defaults {
            shipping: Some(id.clone()),
            billing: Some(id.clone()),
        }
    }

    const NONE: Defaults = Defaults {
        shipping: None,
        billing: None,
    };

    const fn flags(shipping: Option<bool>, billing: Option<bool>) -> Flags {
        Flags { shipping, billing }
    }

    // SPR-57, SPR-63
    #[test]
    fn a_new_address_takes_the_defaults_over_unless_it_is_told_not_to() {
        let [first, second, _] = ids();
        for sent in [None, Some(true), Some(false)] {
            assert_eq!(NONE.with(&first, flags(sent, sent)), both(&first));
        }
        assert_eq!(both(&first).with(&second, Flags::default()), both(&second));
        assert_eq!(
            both(&first).with(&second, flags(Some(false), Some(false))),
            both(&first)
        );
        let shipping_only = both(&first).with(&second, flags(Some(true), Some(false)));
        assert_eq!(shipping_only.shipping, Some(second));
        assert_eq!(shipping_only.billing, Some(first));
    }

    // SPR-68, ADR-01
    #[test]
    fn an_update_moves_the_defaults_as_its_flags_say() {
        let [first, second, third] = ids();
        let update = |address, flags, other| both(&first).after_update(address, flags, other).ok();
        assert_eq!(update(&second, Flags::default(), None), Some(both(&first)));
        assert_eq!(
            update(&second, flags(Some(true), Some(true)), None),
            Some(both(&second))
        );
        assert_eq!(
            update(&second, flags(Some(false), Some(false)), None),
            Some(both(&first))
        );
        let away = flags(Some(false), Some(false));
        assert!(both(&first).are_left_by(&first, away) && !both(&first).are_left_by(&second, away));
        assert_eq!(update(&first, away, Some(&third)), Some(both(&third)));
        assert_eq!(
            update(&first, away, None),
            None,
            "a customer with addresses has both"
        );
        assert_eq!(update(&first, flags(Some(true), Some(false)), None), None);
    }

    // ADR-01
    #[test]
    fn the_oldest_remaining_address_takes_the_place_of_a_removed_default() {
        let [first, second, third] = ids();
        assert_eq!(both(&first).without(&first, Some(&second)), both(&second));
        assert_eq!(both(&first).without(&third, Some(&second)), both(&first));
        assert_eq!(both(&first).without(&first, None), NONE);
        assert!(both(&first).include(&first) && !both(&first).include(&second));
    }
}
