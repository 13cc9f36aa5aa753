//! The customers' mutations for registration and profile.

use std::sync::Arc;

use async_graphql::{Context, MaybeUndefined, Object};

use super::credentials::Beginner;
use super::inputs::{
    CustomerRegisterInput, CustomerRegisterPayload, CustomerToken, CustomerUpdateInput, CustomerUpdatePayload,
};
use super::named::customer_to_change;
use super::node::CustomerNode;
use super::profile;
use super::profile::ProfileChanges;
use super::registration::{self, NewCustomer, Registered, Terms};
use super::unique::Unique;
use super::{
    MAX_NAME, MAX_TERMS_VERSION, check_date_of_birth, check_shopper_reference, email, limits, refusal,
};
use super::{concealed, custom_fields};
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::password::PasswordField;
use crate::platform::change::sent;
use crate::platform::{
    scalar::{Date, wire_count},
    secret::Secret,
    text,
};
use crate::reach::{Reach, principal::Policy, scope::Scope};

const REGISTER: Policy = Policy::backend(Scope::CustomersWrite).and_public();
const WRITE: Policy = Policy::backend(Scope::CustomersWrite).and_customer();

/// The customers' mutations for registration and profile.
#[derive(Default)]
pub struct CustomerMutation;

#[Object(name = "CustomerAccountMutation")]
impl CustomerMutation {
    /// Registers a customer together with its storefront user and private storage.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: EMAIL_INVALID, EMAIL_TAKEN (400), TERMS_NOT_ACCEPTED (422), PASSWORDS_DO_NOT_MATCH (406),
    /// PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, PASSWORD_TOO_COMMON, DATE_OF_BIRTH_INVALID, SHOPPER_REFERENCE_INVALID,
    /// SHOPPER_REFERENCE_TAKEN, CUSTOM_FIELD_NOT_FOUND, CUSTOM_FIELD_VALUE_INVALID, CUSTOM_FIELD_REQUIRED, REQUIRED,
    /// TOO_LONG, INVALID, FORBIDDEN, RATE_LIMITED, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// Warnings: ANONYMOUS_TOKEN_INVALID if the token is unknown, blank, of another storefront or of a regular user;
    /// STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED.
    /// With `password` the customer is signed in; with `anonymousUserToken` the anonymous user's private storage is
    /// merged into the customer's. No mail is sent.
    /// If the storefront conceals registered e-mail addresses, a taken address looks like success, `customer` and
    /// `token` are always null, and the owner of a taken address is notified by mail. With a publishable key, a new
    /// account then receives a mail with a verification token and can sign in once the address is verified
    /// (`customerEmailVerify` with `password` keeps the password), and `anonymousUserToken` is ignored: send it at the
    /// first sign-in.
    async fn customer_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer to register.")] input: CustomerRegisterInput,
    ) -> Result<CustomerRegisterPayload> {
        let (done, user_errors) = payload(register(RequestContext::of(ctx)?, input).await)?;
        Ok(done.unwrap_or(CustomerRegisterPayload {
            user_errors,
            ..Default::default()
        }))
    }

    /// Updates the profile of a customer; only fields in the input change.
    /// Requires a customer token, or an integration token or client secret with the scope `customers:write` and
    /// `customerId`.
    /// User errors: CUSTOMER_REFERENCE_MISSING (405), CUSTOMER_NOT_FOUND (402), CUSTOMER_ANONYMIZED, NO_CHANGES,
    /// VERSION_CONFLICT with `currentVersion`, REQUIRED, TOO_LONG, INVALID, DATE_OF_BIRTH_INVALID, EMAIL_INVALID,
    /// EMAIL_TAKEN (400), SHOPPER_REFERENCE_INVALID, SHOPPER_REFERENCE_TAKEN, CUSTOM_FIELD_NOT_FOUND,
    /// CUSTOM_FIELD_VALUE_INVALID, CUSTOM_FIELD_REQUIRED, FORBIDDEN, SAVE_FAILED (410).
    async fn customer_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The fields to change.")] input: CustomerUpdateInput,
    ) -> Result<CustomerUpdatePayload> {
        let (customer, user_errors) = payload(update(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerUpdatePayload {
            customer,
            user_errors,
        })
    }
}

async fn register(
    context: &Arc<RequestContext>,
    mut input: CustomerRegisterInput,
) -> Result<CustomerRegisterPayload> {
    let reach = context.reach_to_write(&REGISTER).await?;
    if input.password.is_some() {
        context.app.passwords.room().await?;
    }
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let anonymous_token = input.anonymous_user_token.take();
    let reference = input.shopper_reference.as_deref();
    let unique = Unique {
        email: faults.take(email::check(&input.email, "email")),
        shopper_reference: reference.and_then(|value| faults.take(shopper_reference(&reach, value))),
    };
    let sent = input.custom_fields.take().unwrap_or_default();
    let new = checked_customer(context, &mut faults, unique.clone(), input);
    let mut custom_fields = Vec::new();
    let storefront = match &place {
        Some(place) => {
            let storefront = registration::storefront(&context.app, place).await?;
            let whose = (&reach, place);
            custom_fields =
                custom_fields::of_new(&context.app, whose, &storefront, &sent, &mut faults).await?;
            let whose = (place, &storefront);
            let admitted = registration::admit(context, whose, unique, faults.is_empty());
            faults.absorb(admitted.await)?;
            Some(storefront)
        }
        None => None,
    };
    faults.check()?;
    let new = new.map(|new| NewCustomer { custom_fields, ..new });
    let (Some(place), Some(storefront), Some(new)) = (place, storefront, new) else {
        return Err(Error::internal("a validated input is incomplete"));
    };
    if storefront.conceal_emails && !reach.has(Scope::CustomersWrite) {
        concealed::register(&context.app, (&place, &storefront), new).await?;
        return Ok(CustomerRegisterPayload::default());
    }
    let beginner = Beginner::of(context, &reach);
    let (at, token) = ((&place, &storefront), anonymous_token.as_deref());
    let Registered { new, taken } = registration::register(&context.app, at, new, token, &beginner).await?;
    if let Some((customer, Some(_))) = &new {
        limits::signed_in(context, customer).await;
    }
    let (customer, pair) = new.unzip();
    Ok(CustomerRegisterPayload {
        customer: customer.map(|customer| CustomerNode::in_payload(customer, &reach)),
        token: pair.flatten().map(CustomerToken::from),
        merged_item_count: wire_count(taken.items),
        warnings: taken.warning.into_iter().collect(),
        user_errors: Vec::new(),
    })
}

/// Checks the input of a registration; `None` if errors were noted in `faults`.
fn checked_customer(
    context: &RequestContext,
    faults: &mut Faults,
    unique: Unique,
    input: CustomerRegisterInput,
) -> Option<NewCustomer> {
    let password = match (input.password, input.confirm_password) {
        (None, None) => None,
        (password, confirmation) => {
            let place = PasswordField {
                field: "password",
                legacy_code: None,
            };
            let password = Secret::from(password.unwrap_or_default());
            Some(checked_password(context, faults, password, confirmation, place))
        }
    };
    if !input.accepted_terms {
        let message = "The terms must be accepted. Send true once the customer has done so.";
        faults.push(UserError::new(UserErrorCode::TermsNotAccepted, ["acceptedTerms"], message).legacy(422));
    }
    let terms_version = input.terms_version.as_deref();
    let terms_version =
        terms_version.map(|version| faults.take(text::required(version, "termsVersion", MAX_TERMS_VERSION)));
    let first_name = faults.take(text::required(&input.first_name, "firstName", MAX_NAME));
    let last_name = faults.take(text::required(&input.last_name, "lastName", MAX_NAME));
    let date_of_birth = input
        .date_of_birth
        .map(|date| faults.take(check_date_of_birth(date, today(context))));
    Some(NewCustomer {
        email: unique.email?,
        is_email_verified: false,
        password,
        first_name: Some(first_name?),
        last_name: Some(last_name?),
        salutation: input.salutation,
        gender: input.gender,
        date_of_birth: date_of_birth.flatten(),
        shopper_reference: unique.shopper_reference,
        terms: Some(Terms {
            version: terms_version.flatten(),
        }),
        custom_fields: Vec::new(),
    })
}

fn today(context: &RequestContext) -> Date {
    Date::latest_at(context.app.clock.now())
}

fn shopper_reference(reach: &Reach, value: &str) -> std::result::Result<String, UserError> {
    if reach.has(Scope::CustomersWrite) {
        check_shopper_reference(value)
    } else {
        Err(refusal::forbidden("shopperReference"))
    }
}

async fn update(context: &Arc<RequestContext>, mut input: CustomerUpdateInput) -> Result<CustomerNode> {
    let reach = context.reach_to_write(&WRITE).await?;
    let mut faults = Faults::default();
    let customer = faults.absorb(customer_to_change(context, &reach, input.customer_id.as_ref()).await)?;
    let expected = input.expected_version.map(i64::from);
    let sent = input.custom_fields.take().unwrap_or_default();
    let mut changes = checked_changes(context, &reach, &mut faults, input, sent.is_empty());
    if let Some(customer) = &customer {
        let (app, storefront) = (&context.app, &customer.storefront_id);
        changes.custom_fields = custom_fields::of_update(app, &reach, storefront, &sent, &mut faults).await?;
        faults.absorb(profile::check(&context.app, &reach, customer, &changes, expected).await)?;
    }
    faults.check()?;
    let customer = customer.ok_or_else(|| Error::internal("a validated input has no customer"))?;
    let updated = profile::update(&context.app, &reach, &customer, changes, expected).await?;
    Ok(CustomerNode::in_payload(updated, &reach))
}

fn checked_changes(
    context: &RequestContext,
    reach: &Reach,
    faults: &mut Faults,
    input: CustomerUpdateInput,
    has_no_custom_fields: bool,
) -> ProfileChanges {
    let is_empty = has_no_custom_fields
        && input.first_name.is_undefined()
        && input.last_name.is_undefined()
        && input.salutation.is_undefined()
        && input.gender.is_undefined()
        && input.date_of_birth.is_undefined()
        && input.email.is_undefined()
        && input.shopper_reference.is_undefined();
    if is_empty {
        faults.push(refusal::no_changes());
    }
    let is_backend = reach.has(Scope::CustomersWrite);
    let mut name = |value: MaybeUndefined<String>, field: &str| {
        let text = sent(value)?;
        faults.take(text::required(&text.unwrap_or_default(), field, MAX_NAME))
    };
    let (first_name, last_name) = (
        name(input.first_name, "firstName"),
        name(input.last_name, "lastName"),
    );
    let date_of_birth = sent(input.date_of_birth).map(|date| {
        let checked = date.map(|date| faults.take(check_date_of_birth(date, today(context))));
        checked.flatten()
    });
    let email = sent(input.email).and_then(|text| {
        let checked = match is_backend {
            true => email::check(&text.unwrap_or_default(), "email"),
            false => Err(refusal::forbidden("email")),
        };
        faults.take(checked)
    });
    let shopper_reference = sent(input.shopper_reference)
        .and_then(|text| faults.take(shopper_reference(reach, &text.unwrap_or_default())));
    ProfileChanges {
        first_name,
        last_name,
        salutation: sent(input.salutation),
        gender: sent(input.gender),
        date_of_birth,
        unique: Unique {
            email,
            shopper_reference,
        },
        custom_fields: Vec::new(),
    }
}

/// Checks a new password, and notes every rule that it breaks.
pub fn checked_password(
    context: &RequestContext,
    faults: &mut Faults,
    password: Secret,
    confirmation: Option<String>,
    place: PasswordField,
) -> Secret {
    let confirmation = confirmation.map(Secret::from);
    for fault in context
        .app
        .passwords
        .policy
        .check(&password, confirmation.as_ref(), place)
    {
        faults.push(fault);
    }
    password
}
