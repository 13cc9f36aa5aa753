//! `customerUpdate`: changes the fields of a customer's profile that are sent (SPR-33).

use std::sync::Arc;

use async_graphql::{ID, InputObject, MaybeUndefined};
use bson::{Document, doc};

use super::anonymization::open;
use super::mail::{About, Granted};
use super::named::customer_to_change;
use super::node::CustomerNode;
use super::unique::{self, Unique};
use super::{
    Customer, Gender, MAX_NAME, Salutation, check_date_of_birth, custom_fields, email, limits, refusal,
};
use crate::app::App;
use crate::audit::{Action, AuditEntry};
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::custom_field::assignment::{Assignment, CustomFieldInput, applied};
use crate::error::{Faults, Result};
use crate::mutation::mutation;
use crate::platform::{
    change::{Change, sent},
    database::{Tx, Write},
    scalar::Date,
    text::TextChecks,
};
use crate::reach::{Reach, principal::Policy, scope::Scope};

/// Who may change a customer's profile.
const WRITE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// Input of `customerUpdate`: the fields to change. Omitted fields are unchanged; null removes a value where allowed.
#[derive(InputObject)]
pub struct CustomerUpdateInput {
    /// Id of the customer; required with an integration token or client secret.
    customer_id: Option<ID>,
    /// Expected `version` of the customer; the update is rejected (VERSION_CONFLICT) if the stored version differs.
    expected_version: Option<i32>,
    /// First name, 1 to 100 characters; cannot be removed.
    first_name: MaybeUndefined<String>,
    /// Last name, 1 to 100 characters; cannot be removed.
    last_name: MaybeUndefined<String>,
    /// Salutation; null removes it.
    salutation: MaybeUndefined<Salutation>,
    /// Gender; null removes it.
    gender: MaybeUndefined<Gender>,
    /// Date of birth, such as `2001-11-21`, from 1900-01-01 to today; null removes it.
    date_of_birth: MaybeUndefined<Date>,
    /// E-mail address; cannot be removed. A new address is unverified. Requires the scope `customers:write`; otherwise
    /// FORBIDDEN.
    email: MaybeUndefined<String>,
    /// Shopper reference, 3 to 128 characters; cannot be removed. Requires the scope `customers:write`; otherwise
    /// FORBIDDEN.
    shopper_reference: MaybeUndefined<String>,
    /// Values of custom fields, at most 200; fields that are not listed are unchanged. A customer may send the fields
    /// that customers may write. An empty list or null changes nothing.
    custom_fields: Option<Vec<CustomFieldInput>>,
}

mutation! {
    /// Updates the profile of a customer; only fields in the input change.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, NO_CHANGES,
    /// VERSION_CONFLICT with `currentVersion`, REQUIRED, TOO_LONG, INVALID, DATE_OF_BIRTH_INVALID, EMAIL_INVALID,
    /// EMAIL_TAKEN (400), SHOPPER_REFERENCE_INVALID, SHOPPER_REFERENCE_TAKEN, CUSTOM_FIELD_NOT_FOUND,
    /// CUSTOM_FIELD_VALUE_INVALID, CUSTOM_FIELD_REQUIRED, FORBIDDEN, SAVE_FAILED (410).
    CustomerUpdate.customer_update = update(
        #[graphql(desc = "The fields to change.")] input: CustomerUpdateInput,
    ) -> CustomerUpdatePayload;

    /// Payload of `customerUpdate`.
    payload {
        /// The customer as stored after the update; null when there are user errors.
        customer: CustomerNode,
    }
}

async fn update(
    context: &Arc<RequestContext>,
    mut input: CustomerUpdateInput,
) -> Result<CustomerUpdatePayload> {
    let app = &context.app;
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let customer = customer_to_change(context, &reach, input.customer_id.as_ref()).await;
    let customer = faults.absorb(customer)?;
    let expected_version = input.expected_version.map(i64::from);
    let values = input.custom_fields.take().unwrap_or_default();
    let mut own = Faults::default();
    let changes = changes(context, &reach, input, &mut own);
    if own.is_empty() && values.is_empty() && changes == ProfileChanges::default() {
        own.push(refusal::no_changes());
    }
    faults.append(own);
    let mut custom_fields = Vec::new();
    if let Some(customer) = &customer {
        let storefront = &customer.storefront_id;
        custom_fields = custom_fields::of_update(app, &reach, storefront, &values, &mut faults).await?;
        if expected_version.is_some_and(|expected| expected != customer.version) {
            faults.push(refusal::version_conflict(customer.version));
        }
        let unique = changes.unique.check(app, storefront, Some(&customer.id)).await;
        faults.absorb(unique)?;
    }
    let customer = faults.finish(customer)?;
    let update = ProfileUpdate {
        app,
        reach: &reach,
        notice: notice(app, &customer, &changes).await?,
        known: customer,
        changes,
        custom_fields,
        expected_version,
    };
    let updated = update.run().await?;
    let node = CustomerNode::in_payload(updated, &reach);
    Ok(CustomerUpdatePayload::of(node))
}

/// The checked changes of the profile, except those of custom fields. The outer `None` means unchanged, the inner one
/// removed.
#[derive(Clone, Default, PartialEq, Eq)]
struct ProfileChanges {
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// Salutation.
    salutation: Option<Option<Salutation>>,
    /// Gender.
    gender: Option<Option<Gender>>,
    /// Date of birth.
    date_of_birth: Option<Option<Date>>,
    /// Shopper reference and e-mail address; a new address is unverified unless its compared form is unchanged.
    unique: Unique,
}

/// Checks the changes of the profile.
fn changes(
    context: &RequestContext,
    reach: &Reach,
    input: CustomerUpdateInput,
    faults: &mut Faults,
) -> ProfileChanges {
    let CustomerUpdateInput {
        customer_id: _,
        expected_version: _,
        first_name,
        last_name,
        salutation,
        gender,
        date_of_birth,
        email,
        shopper_reference,
        // They are checked with the definitions of the storefront.
        custom_fields: _,
    } = input;
    let mut check = TextChecks {
        faults,
        max: MAX_NAME,
    };
    let first_name = check.change(first_name, "firstName");
    let last_name = check.change(last_name, "lastName");
    let today = Date::latest_at(context.app.clock.now());
    let date_of_birth =
        sent(date_of_birth).map(|date| date.and_then(|date| faults.take(check_date_of_birth(date, today))));
    let email = sent(email).and_then(|text| {
        let checked = match reach.has(Scope::CustomersWrite) {
            true => email::check(&text.unwrap_or_default(), "email"),
            false => Err(refusal::forbidden("email")),
        };
        faults.take(checked)
    });
    let shopper_reference = sent(shopper_reference)
        .and_then(|text| faults.take(unique::shopper_reference(reach, &text.unwrap_or_default())));
    ProfileChanges {
        first_name,
        last_name,
        salutation: sent(salutation),
        gender: sent(gender),
        date_of_birth,
        unique: Unique {
            email,
            shopper_reference,
        },
    }
}

/// Reserves the notice to the customer's present address, if another one replaces it.
async fn notice(app: &App, customer: &Customer, changes: &ProfileChanges) -> Result<Option<Granted>> {
    match &changes.unique.email {
        Some(email) if customer.email_key.as_ref() != Some(&email.key) => {
            Ok(Some(limits::notice(app, customer, About::EmailChanged).await?))
        }
        _ => Ok(None),
    }
}

/// The write that changes the profile of a customer. Returns the customer as stored; `None` if it was changed, erased
/// or deleted meanwhile.
struct ProfileUpdate<'a> {
    app: &'a App,
    reach: &'a Reach,
    /// The customer as it was checked.
    known: Customer,
    changes: ProfileChanges,
    custom_fields: Vec<Assignment>,
    expected_version: Option<i64>,
    /// Whether the limits allow a notice to the present address; `None` if the address does not change.
    notice: Option<Granted>,
}

impl ProfileUpdate<'_> {
    /// Updates the customer, if it is unchanged since the check.
    ///
    /// # Errors
    /// VERSION_CONFLICT with the stored version, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN, CUSTOMER_NOT_FOUND (402),
    /// CUSTOMER_ANONYMIZED, CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was deleted
    /// meanwhile, SAVE_FAILED (410).
    async fn run(&self) -> Result<Customer> {
        let database = &self.app.database;
        let updated = database.run(self).await.map_err(unique::taken);
        if let Some(updated) = updated.map_err(|error| refusal::save_failed(error, 410))? {
            return Ok(updated);
        }
        let stored = database.open::<Customer>(self.reach).get(&self.known.id).await?;
        let stored = stored.ok_or_else(|| refusal::not_found("customerId"))?;
        stored.check_open("customerId")?;
        Err(refusal::version_conflict(stored.version).into())
    }

    /// The filter for the customer, as long as it may be changed and has the expected version.
    fn filter(&self) -> Document {
        let mut filter = open(doc! { "_id": &self.known.id });
        if let Some(expected) = self.expected_version {
            filter.insert("version", expected);
        }
        filter
    }

    /// Voids the keys that were mailed to, or for, an address that the store has replaced, and queues a notice to it
    /// (CST-08).
    async fn leave_address_in(&self, tx: &mut Tx, known: &Customer) -> Result<()> {
        self.app.one_time.void_in(tx, &known.id, &Purpose::ALL).await?;
        if let (Some(address), Some(granted)) = (&known.email, self.notice) {
            let about = About::EmailChanged;
            granted
                .enqueue_to(self.app, tx, &known.id, about, address)
                .await?;
        }
        Ok(())
    }

    /// The audit entries for the changes, one for each kind.
    fn entries(&self, known: &Customer) -> Vec<AuditEntry> {
        let mut others = self.changes.clone();
        let email = others.unique.email.take();
        let mut actions = Vec::new();
        if email.is_some_and(|email| known.email != Some(email.written)) {
            actions.push(Action::EmailChanged);
        }
        if !self.custom_fields.is_empty() {
            actions.push(Action::CustomFieldsChanged);
        }
        // An unchanged address counts as a change too, because the version increases.
        if others != ProfileChanges::default() || actions.is_empty() {
            actions.push(Action::Updated);
        }
        actions.into_iter().map(|action| known.entry(action)).collect()
    }
}

impl Write for ProfileUpdate<'_> {
    type Output = Option<Customer>;

    /// # Errors
    /// Violations of unique indexes; CUSTOM_FIELD_NOT_FOUND and CUSTOM_FIELD_VALUE_INVALID if a field or an option was
    /// deleted meanwhile.
    async fn write(&self, tx: &mut Tx) -> Result<Option<Customer>> {
        let Self { app, reach, .. } = *self;
        let customers = app.database.open::<Customer>(reach);
        let has_values = !self.custom_fields.is_empty();
        // Both depend on the stored version: the list of all values is replaced, and a changed address becomes
        // unverified.
        let mut stored = None;
        if has_values || self.changes.unique.email.is_some() {
            stored = customers.find_one_in(tx, self.filter()).await?;
            if stored.is_none() {
                return Ok(None);
            }
        }
        let known = stored.as_ref().unwrap_or(&self.known);
        let mut change = written(known, &self.changes)?;
        if has_values {
            let values = applied(&known.custom_fields, &self.custom_fields);
            let values = (!values.is_empty()).then_some(values);
            change.keep_or_clear("customFields", Some(values))?;
        }
        let update = change.into_update(app.clock.now());
        let Some(updated) = customers.update_in(tx, self.filter(), update).await? else {
            return Ok(None);
        };
        app.audit.note_in(tx, reach, self.entries(known)).await?;
        if updated.email_key != known.email_key {
            self.leave_address_in(tx, known).await?;
        }
        custom_fields::hold(app, reach, tx, &updated, &self.custom_fields).await?;
        Ok(Some(updated))
    }
}

/// The stored changes, except those of custom fields, which depend on the stored values.
fn written(known: &Customer, changes: &ProfileChanges) -> Result<Change> {
    let ProfileChanges {
        first_name,
        last_name,
        salutation,
        gender,
        date_of_birth,
        unique: Unique {
            email,
            shopper_reference,
        },
    } = changes;
    let mut change = Change::default();
    change.keep("firstName", first_name.as_ref())?;
    change.keep("lastName", last_name.as_ref())?;
    change.keep("shopperReference", shopper_reference.as_ref())?;
    change.keep_or_clear("salutation", *salutation)?;
    change.keep_or_clear("gender", *gender)?;
    change.keep_or_clear("dateOfBirth", *date_of_birth)?;
    if let Some(email) = email {
        if known.email_key.as_ref() != Some(&email.key) {
            change.keep("isEmailVerified", Some(false))?;
        }
        change.keep("email", Some(&email.written))?;
        change.keep("emailKey", Some(&email.key))?;
    }
    Ok(change)
}
