//! `customerAddressUpdate`: changes the fields of an address that are sent.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use bson::Document;

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
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::{
    change::{Change, sent},
    clock::Timestamp,
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

/// Payload of `customerAddressUpdate`.
#[derive(SimpleObject)]
pub struct CustomerAddressUpdatePayload {
    /// The address as stored after the update; null when there are user errors.
    address: Option<AddressNode>,
    /// The customer as stored after the change; null when there are user errors.
    customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The mutation `customerAddressUpdate`.
#[derive(Default)]
pub struct CustomerAddressUpdate;

#[Object]
impl CustomerAddressUpdate {
    /// Changes the fields of an address that are sent.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, ADDRESS_ID_MISSING
    /// (412), ADDRESS_NOT_FOUND (404), NO_CHANGES, VERSION_CONFLICT with `currentVersion`, REQUIRED, TOO_LONG, INVALID,
    /// SAVE_FAILED (409).
    async fn customer_address_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address and its new values.")] input: CustomerAddressUpdateInput,
    ) -> Result<CustomerAddressUpdatePayload> {
        let (done, user_errors) = payload(update(RequestContext::of(ctx)?, input).await)?;
        let (address, customer) = done.unzip();
        Ok(CustomerAddressUpdatePayload {
            address,
            customer,
            user_errors,
        })
    }
}

async fn update(
    context: &Arc<RequestContext>,
    input: CustomerAddressUpdateInput,
) -> Result<(AddressNode, CustomerNode)> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let addresses = Addresses::of(&context.app, &reach);
    let named = addresses.named(context, &mut faults, input.customer_id.as_ref(), &input.id);
    let named = named.await?;
    let expected_version = input.expected_version.map(i64::from);
    let changes = changes(input, &mut faults);
    let named = faults.finish(named)?;
    let update = Update {
        app: &context.app,
        reach: &reach,
        customer: named.customer.id,
        address: named.address.id,
        changes,
        expected_version,
    };
    let written = context.app.database.run(&update).await;
    let written = written.map_err(|error| save_failed(error, 409))?;
    Ok(written.shown(&reach))
}

/// The checked changes. The outer `None` means unchanged, the inner one removed.
#[derive(Default, PartialEq, Eq)]
struct AddressChanges {
    /// Label that the customer chose.
    label: Option<Option<String>>,
    /// Salutation.
    salutation: Option<Option<Salutation>>,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// Company.
    company: Option<Option<String>>,
    /// First line.
    address1: Option<String>,
    /// Second line.
    address2: Option<Option<String>>,
    /// Third line.
    address3: Option<Option<String>>,
    /// Zip code.
    zip_code: Option<Option<String>>,
    /// City.
    city: Option<String>,
    /// State, province or similar region.
    region: Option<Option<String>>,
    /// Country.
    iso2_code: Option<CountryCode>,
    /// Name of the country; if removed, it follows from the code.
    country: Option<Option<String>>,
    /// Phone number.
    phone: Option<Option<String>>,
    /// The flags that select the defaults.
    flags: Flags,
}

/// Checks the changes.
fn changes(input: CustomerAddressUpdateInput, faults: &mut Faults) -> AddressChanges {
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
        is_default_shipping,
        is_default_billing,
    } = input;
    let mut own = Faults::default();
    let mut check = TextChecks {
        faults: &mut own,
        max: MAX_TEXT,
    };
    let changes = AddressChanges {
        label: check.change_or_clear(label, "label"),
        salutation: sent(salutation),
        first_name: check.change(first_name, "firstName"),
        last_name: check.change(last_name, "lastName"),
        company: check.change_or_clear(company, "company"),
        address1: check.change(address1, "address1"),
        address2: check.change_or_clear(address2, "address2"),
        address3: check.change_or_clear(address3, "address3"),
        zip_code: check.change_or_clear(zip_code, "zipCode"),
        city: check.change(city, "city"),
        region: check.change_or_clear(region, "region"),
        iso2_code: sent(iso2_code).and_then(|code| check.faults.take(code.ok_or_else(country_required))),
        country: sent(country).map(|name| name.and_then(|name| check.required(&name, "country"))),
        phone: check.change_or_clear(phone, "phone"),
        flags: Flags {
            shipping: is_default_shipping,
            billing: is_default_billing,
        },
    };
    if own.is_empty() && changes == AddressChanges::default() {
        own.push(no_changes());
    }
    faults.append(own);
    changes
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
    changes: AddressChanges,
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
        if self
            .expected_version
            .is_some_and(|expected| expected != stored.version)
        {
            return Err(version_conflict(stored.version).into());
        }
        let defaults = Defaults::of(&customer);
        let oldest_other = if defaults.are_left_by(id, self.changes.flags) {
            addresses.oldest_other_in(tx, &customer, id).await?
        } else {
            None
        };
        let defaults = defaults.after_update(id, self.changes.flags, oldest_other.as_ref())?;
        let now = self.app.clock.now();
        let customer = addresses.change_customer_in(tx, &customer, defaults, now).await?;
        let changed = written(&self.changes, now)?;
        let address = addresses
            .update_in(tx, address_of(&customer.id, id), changed)
            .await?;
        let address = address.ok_or_else(|| Error::internal("address not found during a transaction"))?;
        let entry = customer.entry(Action::AddressUpdated).on(&address.id);
        self.app.audit.note_in(tx, self.reach, [entry]).await?;
        Ok(AddressOfCustomer { address, customer })
    }
}

/// Builds the update from the changes.
fn written(changes: &AddressChanges, now: Timestamp) -> Result<Document> {
    let AddressChanges {
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
        // They are stored with the customer.
        flags: _,
    } = changes;
    let mut change = Change::default();
    for (field, text) in [
        ("firstName", first_name),
        ("lastName", last_name),
        ("address1", address1),
        ("city", city),
    ] {
        change.keep(field, text.as_ref())?;
    }
    for (field, text) in [
        ("label", label),
        ("company", company),
        ("address2", address2),
        ("address3", address3),
        ("zipCode", zip_code),
        ("region", region),
        ("country", country),
        ("phone", phone),
    ] {
        change.keep_or_clear(field, text.as_ref().map(Option::as_ref))?;
    }
    change.keep_or_clear("salutation", *salutation)?;
    change.keep("iso2Code", *iso2_code)?;
    Ok(change.into_update(now))
}
