//! The customers' mutations with mailed keys: password reset, verification and change of the address.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::credentials::Beginner;
use super::inputs::CustomerToken;
use super::mail::About;
use super::named::customer_to_change;
use super::node::CustomerNode;
use super::password_check::checked_password;
use super::{confirmation, email, limits, mailed_keys, refusal, sign_in, store};
use crate::auth::one_time::Purpose;
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::password::PasswordField;
use crate::platform::secret::Secret;
use crate::reach::{principal::Policy, scope::Scope};
use crate::storefront::Storefront;

/// Who may request mails.
const ASK: Policy = Policy::backend(Scope::CustomersWrite).and_public();
const OWN: Policy = Policy::customer_only();

/// Input of `customerPasswordResetRequest`: the account to send the key to.
#[derive(InputObject)]
pub struct CustomerPasswordResetRequestInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    email: String,
}

/// Payload of `customerPasswordResetRequest`.
#[derive(SimpleObject)]
pub struct CustomerPasswordResetRequestPayload {
    /// User errors; empty when the mutation took effect, also for an unknown e-mail address.
    user_errors: Vec<UserError>,
}

/// Input of `customerPasswordReset`: the key and the new password.
#[derive(InputObject)]
pub struct CustomerPasswordResetInput {
    /// The Password Reset Key from the mail.
    restore_password_key: String,
    /// New password, by default 7 to 128 characters.
    password: String,
    /// Repetition of the new password.
    confirm_password: String,
}

/// Payload of `customerPasswordReset`.
#[derive(SimpleObject)]
pub struct CustomerPasswordResetPayload {
    /// The signed-in customer; null when there are user errors.
    customer: Option<CustomerNode>,
    /// Tokens of a new session, which replace all earlier tokens; null when there are user errors.
    token: Option<CustomerToken>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// Input of `customerEmailVerificationRequest`: the e-mail address to verify.
#[derive(InputObject)]
pub struct CustomerEmailVerificationRequestInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address; case is ignored.
    email: String,
}

/// Payload of `customerEmailVerificationRequest`.
#[derive(SimpleObject)]
pub struct CustomerEmailVerificationRequestPayload {
    /// User errors; empty when the mutation took effect, also for an unknown e-mail address.
    user_errors: Vec<UserError>,
}

/// Input of `customerEmailVerify`: the token to redeem.
#[derive(InputObject)]
pub struct CustomerEmailVerifyInput {
    /// The token from the mail.
    token: String,
    /// Password of the account; keeps its sessions and the password if this is the first verification of the address.
    /// Not needed if the request is sent with a customer token of the account.
    password: Option<String>,
}

/// Payload of `customerEmailVerify`.
#[derive(SimpleObject)]
pub struct CustomerEmailVerifyPayload {
    /// The customer with the verified address; null when there are user errors.
    customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// Input of `customerEmailChangeRequest`: the new e-mail address.
#[derive(InputObject)]
pub struct CustomerEmailChangeRequestInput {
    /// New e-mail address.
    new_email: String,
    /// Current password; required if the customer has one.
    password: Option<String>,
}

/// Payload of `customerEmailChangeRequest`.
#[derive(SimpleObject)]
pub struct CustomerEmailChangeRequestPayload {
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// Input of `customerEmailChangeConfirm`: the token to redeem.
#[derive(InputObject)]
pub struct CustomerEmailChangeConfirmInput {
    /// The token from the mail to the new address.
    token: String,
    /// Password of the account; keeps its sessions and the password. Not needed if the request is sent with a customer
    /// token of the account.
    password: Option<String>,
}

/// Payload of `customerEmailChangeConfirm`.
#[derive(SimpleObject)]
pub struct CustomerEmailChangeConfirmPayload {
    /// The customer with the new address; null when there are user errors.
    customer: Option<CustomerNode>,
    /// User errors; empty when the mutation took effect.
    user_errors: Vec<UserError>,
}

/// The customers' mutations that use mails.
#[derive(Default)]
pub struct CustomerMailMutation;

#[Object]
impl CustomerMailMutation {
    /// Sends a Password Reset Key by mail.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: RATE_LIMITED, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// The response and its timing are the same for known and unknown addresses. At most one mail a minute and five an
    /// hour are sent to an address. Only the newest key works.
    async fn customer_password_reset_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account to send the key to.")] input: CustomerPasswordResetRequestInput,
    ) -> Result<CustomerPasswordResetRequestPayload> {
        let context = RequestContext::of(ctx)?;
        let asked = ask(
            context,
            (input.storefront_id.as_ref(), &input.email),
            (Purpose::PasswordReset, About::PasswordReset),
        );
        let (_, user_errors) = payload(asked.await)?;
        Ok(CustomerPasswordResetRequestPayload { user_errors })
    }

    /// Resets the password with a key from a mail and signs the customer in.
    /// Requires no credential; any credential is accepted.
    /// User errors: RESET_KEY_INVALID (415), RESET_KEY_EXPIRED (415), PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT
    /// (408), PASSWORD_TOO_LONG (408), PASSWORD_TOO_COMMON (408), RATE_LIMITED, SAVE_FAILED (407).
    /// A key works once; a rejected password does not use it up. All other sessions are revoked, the e-mail address
    /// becomes verified, and a notice is mailed. If the address was unverified before, linked identities are removed.
    async fn customer_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key and the new password.")] input: CustomerPasswordResetInput,
    ) -> Result<CustomerPasswordResetPayload> {
        let (done, user_errors) = payload(reset(RequestContext::of(ctx)?, input).await)?;
        let (customer, token) = done.unzip();
        Ok(CustomerPasswordResetPayload {
            customer,
            token,
            user_errors,
        })
    }

    /// Sends a token by mail that verifies the customer's e-mail address.
    /// Requires a publishable key, an integration token or client secret with the scope `customers:write`, or a
    /// customer token.
    /// User errors: RATE_LIMITED, CUSTOMER_ANONYMIZED, SAVE_FAILED (410), STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    /// The response and its timing are the same for known and unknown addresses. With a customer token, an address
    /// other than the customer's own succeeds and no mail is sent. At most one mail a minute is sent to an address.
    /// Only the newest token works.
    async fn customer_email_verification_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The e-mail address to verify.")] input: CustomerEmailVerificationRequestInput,
    ) -> Result<CustomerEmailVerificationRequestPayload> {
        let context = RequestContext::of(ctx)?;
        let asked = ask(
            context,
            (input.storefront_id.as_ref(), &input.email),
            (Purpose::EmailVerification, About::EmailVerification),
        );
        let (_, user_errors) = payload(asked.await)?;
        Ok(CustomerEmailVerificationRequestPayload { user_errors })
    }

    /// Verifies the e-mail address of a customer with a token from a mail.
    /// Requires no credential; any credential is accepted.
    /// User errors: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED, PASSWORD_INVALID (408), RATE_LIMITED with
    /// `retryAfterSeconds`, SAVE_FAILED (410).
    /// A token works once; a wrong `password` does not use it up. The first verification of an address revokes all
    /// sessions of the account and removes its password, linked identities and other mailed keys and tokens, because
    /// another person may have registered the address; the owner then sets a password with `customerPasswordReset`.
    /// Nothing is removed if the request is sent with a customer token of the account or with the `password` of the
    /// account.
    async fn customer_email_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token to redeem.")] input: CustomerEmailVerifyInput,
    ) -> Result<CustomerEmailVerifyPayload> {
        let confirmed = confirm(
            RequestContext::of(ctx)?,
            (&input.token, input.password),
            Purpose::EmailVerification,
        );
        let (customer, user_errors) = payload(confirmed.await)?;
        Ok(CustomerEmailVerifyPayload {
            customer,
            user_errors,
        })
    }

    /// Requests a change of the e-mail address: mails a token to the new address and a notice to the current one.
    /// Requires a customer token, and `password` if the customer has one.
    /// User errors: EMAIL_INVALID, EMAIL_TAKEN (400), NO_CHANGES, PASSWORD_INVALID (408), REQUIRED, RATE_LIMITED,
    /// CUSTOMER_ANONYMIZED, SAVE_FAILED (410).
    /// The address changes with `customerEmailChangeConfirm`. At most one request a minute and five an hour are
    /// accepted. If the storefront conceals registered e-mail addresses, EMAIL_TAKEN is returned by
    /// `customerEmailChangeConfirm` only.
    async fn customer_email_change_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new e-mail address.")] input: CustomerEmailChangeRequestInput,
    ) -> Result<CustomerEmailChangeRequestPayload> {
        let (_, user_errors) = payload(request_change(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerEmailChangeRequestPayload { user_errors })
    }

    /// Changes the e-mail address of a customer with a token from a mail; the new address is verified.
    /// Requires no credential; any credential is accepted.
    /// User errors: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED, EMAIL_TAKEN (400), PASSWORD_INVALID (408), RATE_LIMITED
    /// with `retryAfterSeconds`, SAVE_FAILED (410).
    /// A token works once; a wrong `password` does not use it up. The change revokes all sessions of the account and
    /// removes its password, linked identities and other mailed keys and tokens, unless the request is sent with a
    /// customer token of the account or with the `password` of the account.
    async fn customer_email_change_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token to redeem.")] input: CustomerEmailChangeConfirmInput,
    ) -> Result<CustomerEmailChangeConfirmPayload> {
        let confirmed = confirm(
            RequestContext::of(ctx)?,
            (&input.token, input.password),
            Purpose::EmailChange,
        );
        let (customer, user_errors) = payload(confirmed.await)?;
        Ok(CustomerEmailChangeConfirmPayload {
            customer,
            user_errors,
        })
    }
}

async fn ask(
    context: &Arc<RequestContext>,
    (storefront_id, address): (Option<&ID>, &str),
    (purpose, about): (Purpose, About),
) -> Result<()> {
    let policy = match purpose {
        Purpose::EmailVerification => ASK.and_customer(),
        Purpose::PasswordReset | Purpose::EmailChange => ASK,
    };
    let reach = context.reach_to_write(&policy).await?;
    let id = storefront_id.map(|id| id.as_str());
    let place = context.storefront_to_write(&reach, id, ["storefrontId"]).await?;
    limits::mail_request(context, &place).await?;
    let email = email::parse(address);
    let account = email.as_ref().map_or(address, |email| email.key.as_str());
    if reach.person().is_some() {
        // A customer may request a mail to its own address only, and must not learn whether another is registered
        // (CST-06).
        let own = customer_to_change(context, &reach, None).await?;
        if own.email_key.as_deref() != Some(account) {
            return Ok(());
        }
    }
    let granted = limits::mail(&context.app, place.id(), account, about).await?;
    if !granted.is_granted() {
        return Ok(());
    }
    let organization = reach.identity().organization();
    let what = (purpose, about, granted);
    mailed_keys::request(&context.app, &place, organization, email.as_ref(), what).await
}

async fn reset(
    context: &Arc<RequestContext>,
    input: CustomerPasswordResetInput,
) -> Result<(CustomerNode, CustomerToken)> {
    let CustomerPasswordResetInput {
        restore_password_key,
        password,
        confirm_password,
    } = input;
    let mut faults = Faults::default();
    let look = mailed_keys::redeemer(&context.app, &restore_password_key);
    let redeemer = faults.absorb(look.await)?;
    let place = PasswordField {
        field: "password",
        legacy_code: Some(408),
    };
    let password = checked_password(
        context,
        &mut faults,
        password.into(),
        Some(confirm_password),
        place,
    );
    faults.check()?;
    let redeemer = redeemer.ok_or_else(|| Error::internal("a validated input has no key"))?;
    let beginner = Beginner::of_key(context, &redeemer.key);
    let (customer, pair, reach) = mailed_keys::reset(&context.app, &redeemer, password, &beginner).await?;
    limits::signed_in(context, &customer).await;
    Ok((CustomerNode::in_payload(customer, &reach), pair.into()))
}

async fn confirm(
    context: &Arc<RequestContext>,
    (token, password): (&str, Option<String>),
    purpose: Purpose,
) -> Result<CustomerNode> {
    let key = mailed_keys::look(&context.app, token, purpose, confirmation::FIELD).await?;
    let shown = confirmation::shown(context, &key, password.map(Secret::from)).await?;
    let (customer, reach) = confirmation::confirm(&context.app, &key, shown).await?;
    Ok(CustomerNode::in_payload(customer, &reach))
}

async fn request_change(context: &Arc<RequestContext>, input: CustomerEmailChangeRequestInput) -> Result<()> {
    let reach = context.reach_to_write(&OWN).await?;
    let app = &context.app;
    let mut faults = Faults::default();
    let new = faults.take(email::check(&input.new_email, "newEmail"));
    let customer = customer_to_change(context, &reach, None).await?;
    if new
        .as_ref()
        .is_some_and(|new| customer.email_key.as_ref() == Some(&new.key))
    {
        let message = "The account has this address.";
        faults.push(UserError::new(UserErrorCode::NoChanges, ["newEmail"], message));
    }
    if customer.password_hash.is_some() {
        let password = Secret::from(input.password.unwrap_or_default());
        faults.absorb(sign_in::present_password(context, &customer, password).await)?;
    }
    faults.check()?;
    let new = new.ok_or_else(|| Error::internal("a validated input has no e-mail address"))?;
    // Checked last: with a session alone, without the password, nobody can look up whether an address is registered,
    // nor do so more often than mails are sent.
    let storefront = &customer.storefront_id;
    limits::own_mail(app, storefront, &customer.id, "change").await?;
    let place = reach
        .only(storefront)
        .ok_or_else(|| refusal::not_found("customerId"))?;
    let conceals =
        (context.by_id::<Storefront>(&reach, storefront).await?).is_some_and(|found| found.conceal_emails);
    let known = store::by_email(&app.database, &place.of_the_house(), &new).await?;
    // If the storefront conceals this, only the reader of the mail to that address learns it, at the confirmation.
    if known.is_some() && !conceals {
        return Err(refusal::email_taken("newEmail").into());
    }
    mailed_keys::request_change(app, &reach, &customer, &new).await
}
