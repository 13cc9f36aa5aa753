//! `customerAddressUpdate`: changes the fields of an address that are sent.

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::country::CountryCode;
use super::defaults::{Defaults, Flags};
use super::node::{AddressNode, AddressOfCustomer};
use super::store::{Addresses, address_of};
use super::{MAX_TEXT, WRITE, refusal};
use crate::app::App;
use crate::audit::Action;
use crate::context::RequestContext;
use crate::customer::{
    Salutation,
    node::CustomerNode,
    refusal::{no_changes, save_failed, version_conflict},
};
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{
    change::{Change, sent},
    database::{Tx, Write},
    id::{AddressId, CustomerId},
    text::TextChecks,
};
use crate::reach::Reach;

/// Input of `customerAddressUpdate`: the address and its new values.
/// Omitted fields are unchanged. Null removes a value, and is rejected (REQUIRED) for a field that cannot be removed.
/// Each string has at most 255 characters, contains no control characters and is stored verbatim.
/// A customer with addresses always has both defaults: false on the current default makes the customer's oldest other
/// address the default, and is rejected (INVALID) if there is none.
#[derive(InputObject)]
pub struct CustomerAddressUpdateInput {
    /// Id of the address.
    id: ID,
    /// Id of the customer; required with an integration token or client secret (CUSTOMER_REFERENCE_MISSING).
    customer_id: Option<ID>,
    /// Expected `version` of the address; the update is rejected (VERSION_CONFLICT) if the stored version differs.
    expected_version: Option<i32>,
    /// Label of the address, such as `home` or `office`; null removes it.
    label: MaybeUndefined<String>,
    /// Salutation; null removes it.
    salutation: MaybeUndefined<Salutation>,
    /// First name; cannot be removed.
    first_name: MaybeUndefined<String>,
    /// Last name; cannot be removed.
    last_name: MaybeUndefined<String>,
    /// Company; null removes it.
    company: MaybeUndefined<String>,
    /// First address line: street and number; cannot be removed.
    address1: MaybeUndefined<String>,
    /// Second address line; null removes it.
    address2: MaybeUndefined<String>,
    /// Third address line; null removes it.
    address3: MaybeUndefined<String>,
    /// Postal code, whose leading zeros are kept; null removes it.
    zip_code: MaybeUndefined<String>,
    /// City; cannot be removed.
    city: MaybeUndefined<String>,
    /// State, province or similar region; null removes it.
    region: MaybeUndefined<String>,
    /// Country code; cannot be removed. A `country` that was sent before stays until it is changed or removed.
    iso2_code: MaybeUndefined<CountryCode>,
    /// Display name of the country; must not be blank. Null restores the English name for `iso2Code`.
    country: MaybeUndefined<String>,
    /// Phone number; null removes it.
    phone: MaybeUndefined<String>,
    /// Whether the address is the default shipping address. If false for the present default, the customer's oldest
    /// other address becomes the default. Null changes nothing.
    is_default_shipping: Option<bool>,
    /// Whether the address is the default billing address. If false for the present default, the customer's oldest
    /// other address becomes the default. Null changes nothing.
    is_default_billing: Option<bool>,
}

mutation! {
    /// Changes the fields of an address that are sent.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, ADDRESS_ID_MISSING
    /// (412), ADDRESS_NOT_FOUND (404), NO_CHANGES, VERSION_CONFLICT with `currentVersion`, REQUIRED, TOO_LONG, INVALID,
    /// SAVE_FAILED (409).
    CustomerAddressUpdate.customer_address_update = update(
        #[graphql(desc = "The address and its new values.")] input: CustomerAddressUpdateInput,
    ) -> CustomerAddressUpdatePayload;

    /// Payload of `customerAddressUpdate`.
    payload {
        /// The address as stored after the update; null when there are user errors.
        address: AddressNode,
        /// The customer as stored after the change; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn update(
    context: &Arc<RequestContext>,
    input: CustomerAddressUpdateInput,
) -> Result<CustomerAddressUpdatePayload> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let addresses = Addresses::of(&context.app, &reach);
    let named = addresses.named(context, &mut faults, input.customer_id.as_ref(), &input.id);
    let named = named.await?;
    let expected_version = input.expected_version.map(i64::from);
    let flags = Flags {
        shipping: input.is_default_shipping,
        billing: input.is_default_billing,
    };
    let change = changes(input, flags, &mut faults)?;
    let named = faults.finish(named)?;
    let update = Update {
        app: &context.app,
        reach: &reach,
        customer: named.customer.id,
        address: named.address.id,
        change,
        flags,
        expected_version,
    };
    let written = context.app.database.run(&update).await;
    let written = written.map_err(|error| save_failed(error, 409))?;
    let (address, customer) = written.shown(&reach);
    Ok(CustomerAddressUpdatePayload::of(address, customer))
}

/// Checks the changes of the address itself; null removes a value. Adds NO_CHANGES if there is none, and `flags` select
/// no default.
fn changes(input: CustomerAddressUpdateInput, flags: Flags, faults: &mut Faults) -> Result<Change> {
    let CustomerAddressUpdateInput {
        id: _,
        customer_id: _,
        expected_version: _,
        label,
        salutation,
        first_name,
        last_name,
        company,
        address1,
        address2,
        address3,
        zip_code,
        city,
        region,
        iso2_code,
        country,
        phone,
        is_default_shipping: _,
        is_default_billing: _,
    } = input;
    let mut own = Faults::default();
    let mut check = TextChecks {
        faults: &mut own,
        max: MAX_TEXT,
    };
    let mut change = Change::default();
    change.keep_or_clear("label", check.change_or_clear(label, "label"))?;
    change.keep_or_clear("salutation", sent(salutation))?;
    change.keep("firstName", check.change(first_name, "firstName"))?;
    change.keep("lastName", check.change(last_name, "lastName"))?;
    change.keep_or_clear("company", check.change_or_clear(company, "company"))?;
    change.keep("address1", check.change(address1, "address1"))?;
    change.keep_or_clear("address2", check.change_or_clear(address2, "address2"))?;
    change.keep_or_clear("address3", check.change_or_clear(address3, "address3"))?;
    change.keep_or_clear("zipCode", check.change_or_clear(zip_code, "zipCode"))?;
    change.keep("city", check.change(city, "city"))?;
    change.keep_or_clear("region", check.change_or_clear(region, "region"))?;
    let code = sent(iso2_code).and_then(|code| check.faults.take(code.ok_or_else(country_required)));
    change.keep("iso2Code", code)?;
    let country = sent(country).map(|name| check.required(&name?, "country"));
    change.keep_or_clear("country", country)?;
    change.keep_or_clear("phone", check.change_or_clear(phone, "phone"))?;
    if own.is_empty() && change.is_empty() && flags.is_empty() {
        own.push(no_changes());
    }
    faults.append(own);
    Ok(change)
}

fn country_required() -> UserError {
    let message = "iso2Code is required and cannot be cleared. Send a country code, or omit the field.";
    UserError::new(UserErrorCode::Required, ["iso2Code"], message)
}

/// The write that changes an address and the customer's defaults.
struct Update<'a> {
    app: &'a App,
    reach: &'a Reach,
    customer: CustomerId,
    address: AddressId,
    change: Change,
    flags: Flags,
    expected_version: Option<i64>,
}

impl Write for Update<'_> {
    type Output = AddressOfCustomer;

    /// # Errors
    /// CUSTOMER_NOT_FOUND (402), ADDRESS_NOT_FOUND (404), VERSION_CONFLICT with the stored version, INVALID on a flag
    /// that would leave the customer without a default.
    async fn write(&self, tx: &mut Tx) -> Result<AddressOfCustomer> {
        let id = &self.address;
        let addresses = Addresses::of(self.app, self.reach);
        let customer = addresses.customer_in(tx, &self.customer).await?;
        let stored = addresses.find_in(tx, &customer.id, id).await?;
        let stored = stored.ok_or_else(refusal::not_found)?;
        let version = stored.version;
        if self.expected_version.is_some_and(|expected| expected != version) {
            return Err(version_conflict(version).into());
        }
        let defaults = Defaults::of(&customer);
        let oldest_other = if defaults.are_left_by(id, self.flags) {
            addresses.oldest_other_in(tx, &customer, id).await?
        } else {
            None
        };
        let defaults = defaults.after_update(id, self.flags, oldest_other.as_ref())?;
        let now = self.app.clock.now();
        let customer = addresses.change_customer_in(tx, &customer, defaults, now).await?;
        let update = self.change.clone().into_update(now);
        let open = addresses.open();
        let address = open.update_in(tx, address_of(&customer.id, id), update).await?;
        let address = address.ok_or_else(|| Error::internal("address not found during a transaction"))?;
        let entry = customer.entry(Action::AddressUpdated).on(&address.id);
        self.app.audit.note_in(tx, self.reach, [entry]).await?;
        Ok(AddressOfCustomer { address, customer })
    }
}
