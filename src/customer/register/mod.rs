//! `customerRegister`: registers a customer.
//!
//! The operation checks its input here. The account is then written by [`registration`], which single sign-on shares,
//! or by [`concealed`] where the response must not reveal whether the address was registered before.

pub mod account;
pub mod concealed;
pub mod registration;

use std::sync::Arc;

use async_graphql::{ID, InputObject, SimpleObject};

use super::credentials::{Beginner, CustomerToken};
use super::node::CustomerNode;
use super::password::checked_password;
use super::unique::{self, Unique};
use super::{
    Gender, MAX_NAME, MAX_TERMS_VERSION, Salutation, check_date_of_birth, custom_fields, email, limits,
};
use crate::app::App;
use crate::context::RequestContext;
use crate::custom_field::assignment::CustomFieldInput;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode};
use crate::mutation::{Payload, mutation};
use crate::password::PasswordField;
use crate::platform::{
    scalar::{Date, wire_count},
    text::TextChecks,
};
use crate::reach::{StorefrontReach, principal::Policy, scope::Scope};
use crate::storefront::Storefront;
use account::{NewCustomer, Terms};
use registration::Registration;

/// Who may register customers.
const REGISTER: Policy = Policy::backend(Scope::CustomersWrite).and_public();

/// The field of the password in the input.
const PASSWORD: PasswordField = PasswordField {
    field: "password",
    legacy_code: None,
};

/// Input of `customerRegister`: the new customer.
#[derive(InputObject)]
pub struct CustomerRegisterInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address; unique in the storefront, ignoring case.
    email: String,
    /// Password, by default 7 to 128 characters. Without one, the customer signs in by single sign-on or through the
    /// store.
    password: Option<String>,
    /// Repetition of the password; required with `password`.
    confirm_password: Option<String>,
    /// Whether the customer accepts the store's terms; must be true.
    accepted_terms: bool,
    /// Version of the accepted terms, as the store names it; at most 100 characters.
    terms_version: Option<String>,
    /// First name, 1 to 100 characters.
    first_name: String,
    /// Last name, 1 to 100 characters.
    last_name: String,
    /// Salutation.
    salutation: Option<Salutation>,
    /// Gender.
    gender: Option<Gender>,
    /// Date of birth, such as `2001-11-21`; from 1900-01-01 to today.
    date_of_birth: Option<Date>,
    /// Shopper reference, 3 to 128 characters; generated if omitted. Requires the scope `customers:write`; otherwise
    /// FORBIDDEN.
    shopper_reference: Option<String>,
    /// Values of custom fields of the storefront, at most 200. With a publishable key: fields that customers may write.
    /// Required fields among those that the credential may write must have a value.
    custom_fields: Option<Vec<CustomFieldInput>>,
    /// Token of the anonymous storefront user whose private storage is merged into the customer's; it may have expired.
    /// A token that cannot be used does not prevent the registration; `warnings` contains the reason.
    anonymous_user_token: Option<String>,
}

/// Payload of `customerRegister`.
#[derive(Default, SimpleObject)]
pub struct CustomerRegisterPayload {
    /// The new customer; null when there are user errors, and if the storefront conceals registered e-mail addresses.
    customer: Option<CustomerNode>,
    /// Tokens of the new customer's session; null without `password`, and whenever `customer` is null.
    token: Option<CustomerToken>,
    /// Number of storage items merged from the anonymous user.
    merged_item_count: i32,
    /// Reasons for which `anonymousUserToken` was not used although the customer was registered; usually empty.
    warnings: Vec<UserError>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

impl Payload for CustomerRegisterPayload {
    fn rejected(user_errors: Vec<UserError>) -> Self {
        Self {
            user_errors,
            ..Self::default()
        }
    }
}

mutation! {
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
    CustomerRegister.customer_register = register(
        #[graphql(desc = "The customer to register.")] input: CustomerRegisterInput,
    ) -> CustomerRegisterPayload;
}

async fn register(
    context: &Arc<RequestContext>,
    mut input: CustomerRegisterInput,
) -> Result<CustomerRegisterPayload> {
    let app = &context.app;
    let reach = context.reach_to_write(&REGISTER).await?;
    if input.password.is_some() {
        app.passwords.room().await?;
    }
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = faults.absorb(context.storefront_to_write(&reach, id, ["storefrontId"]).await)?;
    let anonymous_token = input.anonymous_user_token.take();
    let values = input.custom_fields.take().unwrap_or_default();
    let email = faults.take(email::check(&input.email, "email"));
    let reference = input.shopper_reference.as_deref();
    let shopper_reference = reference.and_then(|value| faults.take(unique::shopper_reference(&reach, value)));
    let unique = Unique {
        email,
        shopper_reference,
    };
    let new = new_customer(context, input, &unique, &mut faults);
    let (mut known_storefront, mut custom_fields) = (None, Vec::new());
    if let Some(place) = &place {
        // Checked even if the input has errors already, so that all errors are reported at once.
        let storefront = storefront(app, place).await?;
        custom_fields = custom_fields::of_new(app, place, &storefront, &values, &mut faults).await?;
        let is_complete = faults.is_empty();
        faults.absorb(admit(context, place, &storefront, unique, is_complete).await)?;
        known_storefront = Some(storefront);
    }
    let (place, storefront, mut new) = faults.finish((place, known_storefront, new))?;
    new.custom_fields = custom_fields;
    if storefront.conceal_emails && !reach.has(Scope::CustomersWrite) {
        concealed::register(app, &place, &storefront, new).await?;
        return Ok(CustomerRegisterPayload::default());
    }
    let registration = Registration {
        app,
        place: &place,
        storefront: &storefront,
        new,
        anonymous_token: anonymous_token.as_deref(),
        beginner: &Beginner::of(context, &reach),
    };
    let registered = registration.run().await?;
    if let (Some(customer), Some(_)) = (&registered.customer, &registered.pair) {
        limits::signed_in(context, customer).await;
    }
    Ok(CustomerRegisterPayload {
        customer: (registered.customer).map(|customer| CustomerNode::in_payload(customer, &reach)),
        token: registered.pair.map(CustomerToken::from),
        merged_item_count: wire_count(registered.guest.items),
        warnings: registered.guest.warning.into_iter().collect(),
        user_errors: Vec::new(),
    })
}

/// Checks the part of the input that does not depend on the storefront.
fn new_customer(
    context: &RequestContext,
    input: CustomerRegisterInput,
    unique: &Unique,
    faults: &mut Faults,
) -> Option<NewCustomer> {
    let password = match (input.password, input.confirm_password) {
        (None, None) => None,
        (password, confirmation) => {
            let password = password.unwrap_or_default();
            Some(checked_password(
                context,
                faults,
                password,
                confirmation,
                PASSWORD,
            ))
        }
    };
    if !input.accepted_terms {
        let message = "The terms must be accepted. Send true once the customer has done so.";
        let fault = UserError::new(UserErrorCode::TermsNotAccepted, ["acceptedTerms"], message);
        faults.push(fault.legacy(422));
    }
    let mut check = TextChecks {
        faults,
        max: MAX_TERMS_VERSION,
    };
    let version = input.terms_version;
    let version = version.and_then(|version| check.required(&version, "termsVersion"));
    check.max = MAX_NAME;
    let first_name = check.required(&input.first_name, "firstName");
    let last_name = check.required(&input.last_name, "lastName");
    let today = Date::latest_at(context.app.clock.now());
    let date_of_birth = input.date_of_birth;
    let date_of_birth = date_of_birth.and_then(|date| faults.take(check_date_of_birth(date, today)));
    Some(NewCustomer {
        email: unique.email.clone()?,
        is_email_verified: false,
        password,
        first_name: Some(first_name?),
        last_name: Some(last_name?),
        salutation: input.salutation,
        gender: input.gender,
        date_of_birth,
        shopper_reference: unique.shopper_reference.clone(),
        terms: Some(Terms { version }),
        // They are checked with the definitions of the storefront.
        custom_fields: Vec::new(),
    })
}

/// Returns the storefront of a reach.
///
/// # Errors
/// Any database error.
pub async fn storefront(app: &App, place: &StorefrontReach) -> Result<Storefront> {
    let storefronts = app.database.open::<Storefront>(place.reach());
    let storefront = storefronts.get(place.id()).await?;
    storefront.ok_or_else(|| Error::internal("storefront not found for reach"))
}

/// Checks the limits on registrations and whether the unique values are free, before any work is spent on a hash. If
/// the storefront conceals registered addresses, the address is not looked up (SPR-10).
///
/// A caller who can learn whether an address is taken uses up a registration even if the input has other errors
/// (`is_complete` is false), so that errors do not make the lookup cheaper.
///
/// # Errors
/// RATE_LIMITED, EMAIL_TAKEN (400), SHOPPER_REFERENCE_TAKEN.
async fn admit(
    context: &RequestContext,
    place: &StorefrontReach,
    storefront: &Storefront,
    mut unique: Unique,
    is_complete: bool,
) -> Result<()> {
    unique.email = unique.email.filter(|_| !storefront.conceal_emails);
    if is_complete || unique.email.is_some() {
        context.take(place, &limits::REGISTRATIONS).await?;
    }
    unique.check(&context.app, place.id(), None).await
}
