//! The write of `orderRecord`: an order is recorded once, however often it is sent (ORD-01), and counted for its customer
//! in the same transaction (CLY-10).

use super::new_order::NewOrder;
use crate::address::store::Addresses;
use crate::app::App;
use crate::audit::Action;
use crate::customer::Customer;
use crate::error::{Faults, Result};
use crate::order::store::{Orders, UNIQUE_NUMBER};
use crate::order::{
    Order, PersonalData,
    refusal::{self, AddressRole},
};
use crate::platform::{
    database::{Tx, Write, violated_index},
    id::OrderId,
};
use crate::reach::StorefrontReach;

/// The write that records an order.
pub struct OrderRecording<'a> {
    app: &'a App,
    place: &'a StorefrontReach,
    new: &'a NewOrder,
    /// Keyed hash of what was sent; see [`NewOrder::sent`].
    sent: String,
}

impl<'a> OrderRecording<'a> {
    /// Prepares the recording of an order in a storefront.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) if the order cannot be serialized to JSON.
    pub fn of(app: &'a App, place: &'a StorefrontReach, new: &'a NewOrder) -> Result<Self> {
        let sent = new.sent(&app.vault)?;
        Ok(Self {
            app,
            place,
            new,
            sent,
        })
    }

    /// Records the order, or returns the order that is already recorded with the same content, which is compared as
    /// sent and as stored (ORD-01).
    ///
    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED; REQUIRED and ADDRESS_NOT_FOUND (404) for both addresses;
    /// ORDER_NUMBER_TAKEN.
    pub async fn run(&self) -> Result<Order> {
        // A repetition needs no transaction. The read also reports an unavailable database at once, whereas a
        // transaction would be retried.
        let orders = Orders::of(self.app, self.place.reach());
        let stored = orders.by_number(&self.new.number).await?;
        if let Some(order) = stored.filter(|order| self.repeats(order)) {
            return Ok(order);
        }
        match self.app.database.run(self).await {
            // A concurrent request recorded this number after the transaction's snapshot was taken.
            Err(error) if violated_index(&error) == Some(UNIQUE_NUMBER) => self.app.database.run(self).await,
            done => done,
        }
    }

    /// Whether the stored order was sent with the same content, so that this request is a repetition.
    fn repeats(&self, stored: &Order) -> bool {
        stored.is_repeated_by(self.new.placed_at, &self.sent)
    }

    /// Returns the personal data that the order keeps, with its own copies of the addresses.
    async fn personal_in(&self, tx: &mut Tx, customer: Option<&Customer>) -> Result<PersonalData> {
        let addresses = Addresses::of(self.app, self.place.reach());
        let NewOrder {
            shipping, billing, ..
        } = self.new;
        let mut faults = Faults::default();
        let shipping = shipping.copy_in(tx, AddressRole::Shipping, customer, &addresses);
        let shipping = faults.absorb(shipping.await)?;
        let billing = billing.copy_in(tx, AddressRole::Billing, customer, &addresses);
        let billing = faults.absorb(billing.await)?;
        let (shipping_address, billing_address) = faults.finish((shipping, billing))?;
        Ok(PersonalData {
            email: self.new.email.clone(),
            shipping_address,
            billing_address,
            sent: self.sent.clone(),
        })
    }
}

impl Write for OrderRecording<'_> {
    type Output = Order;

    async fn write(&self, tx: &mut Tx) -> Result<Order> {
        let (app, reach, new) = (self.app, self.place.reach(), self.new);
        let orders = Orders::of(app, reach);
        let stored = orders.by_number_in(tx, &new.number).await?;
        if let Some(order) = &stored
            && self.repeats(order)
        {
            return Ok(order.clone());
        }
        let customer = match &new.customer_id {
            Some(id) => Some(Addresses::of(app, reach).customer_in(tx, id).await?),
            None => None,
        };
        let personal = self.personal_in(tx, customer.as_ref()).await?;
        // Read after the customer's state, so that of two concurrent orders the later one gets the later time.
        let now = app.clock.now();
        let id = OrderId::fresh(now, &app.random);
        let order = new.as_recorded(id, self.place, customer.as_ref(), personal, now);
        if let Some(stored) = stored {
            let is_repeated = stored.may_be_placed_at(new.placed_at) && has_same_content(&stored, &order);
            return if is_repeated {
                Ok(stored)
            } else {
                Err(refusal::number_taken().into())
            };
        }
        if let Some(customer) = customer {
            let count = customer.order_count + 1;
            orders.set_count_in(tx, &customer, count, now).await?;
            let entry = customer.entry(Action::OrderRecorded).on(&order.id);
            app.audit.note_in(tx, reach, [entry]).await?;
        }
        orders.open().insert_in(tx, reach, &order).await?;
        Ok(order)
    }
}

/// Whether two orders with the same number have the same content, regardless of how the addresses were sent.
fn has_same_content(stored: &Order, order: &Order) -> bool {
    let without_hash = |order: &Order| {
        order.personal.clone().map(|personal| PersonalData {
            sent: String::new(),
            ..personal
        })
    };
    stored.customer_id == order.customer_id
        && stored.total == order.total
        && stored.lines == order.lines
        && without_hash(stored) == without_hash(order)
}
