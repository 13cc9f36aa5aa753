//! Customers' mutations around mailed keys: password reset, verification, change of address.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::credentials::Beginner;
use super::graphql::Customer;
use super::inputs::CustomerToken;
use super::mail::About;
use super::mutations::{checked_password, whom};
use super::{confirmation, email, limits, mailed_keys, refusal, sign_in, store};
use crate::access::{one_time::Purpose, password::Place, principal::Policy, scope::Scope};
use crate::context::RequestContext;
use crate::error::{Error, Faults, Result, UserError, UserErrorCode, payload};
use crate::platform::secret::Secret;
use crate::storefront::Storefront;

/// Who may ask for mails.
const ASK: Policy = Policy::backend(Scope::CustomersWrite).and_public();
const OWN: Policy = Policy::customer_only();

/// Whom to mail.
#[derive(InputObject)]
pub struct CustomerPasswordResetRequestInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address, in whatever case.
    email: String,
}

/// What asking came to.
#[derive(SimpleObject)]
pub struct CustomerPasswordResetRequestPayload {
    /// What is wrong with the request; empty when it took effect, and when nobody has the address.
    user_errors: Vec<UserError>,
}

/// A new password by key.
#[derive(InputObject)]
pub struct CustomerPasswordResetInput {
    /// The Password Reset Key from the mail.
    restore_password_key: String,
    /// The new password, 7 to 128 characters.
    password: String,
    /// The new password again.
    confirm_password: String,
}

/// What choosing a new password came to.
#[derive(SimpleObject)]
pub struct CustomerPasswordResetPayload {
    /// Who is signed in now; null when there are user errors.
    customer: Option<Customer>,
    /// A fresh pair of tokens; all others have ended.
    token: Option<CustomerToken>,
    /// What is wrong with the request; empty when it took effect.
    user_errors: Vec<UserError>,
}

/// Whom to mail.
#[derive(InputObject)]
pub struct CustomerEmailVerificationRequestInput {
    /// Which storefront; needed where the credential covers several (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// E-mail address, in whatever case.
    email: String,
}

/// What asking came to.
#[derive(SimpleObject)]
pub struct CustomerEmailVerificationRequestPayload {
    /// What is wrong with the request; empty when it took effect, and when nobody has the address.
    user_errors: Vec<UserError>,
}

/// A verification.
#[derive(InputObject)]
pub struct CustomerEmailVerifyInput {
    /// The token from the mail.
    token: String,
    /// The account's password, by which its sessions and the password are kept where this is the first proof of the
    /// address. Not needed with a token of the customer in the request's credential.
    password: Option<String>,
}

/// What verifying came to.
#[derive(SimpleObject)]
pub struct CustomerEmailVerifyPayload {
    /// Whose address it is; null when there are user errors.
    customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    user_errors: Vec<UserError>,
}

/// A wish for another address.
#[derive(InputObject)]
pub struct CustomerEmailChangeRequestInput {
    /// The new address.
    new_email: String,
    /// The present password; required where there is one.
    password: Option<String>,
}

/// What asking came to.
#[derive(SimpleObject)]
pub struct CustomerEmailChangeRequestPayload {
    /// What is wrong with the request; empty when it took effect.
    user_errors: Vec<UserError>,
}

/// A confirmation of another address.
#[derive(InputObject)]
pub struct CustomerEmailChangeConfirmInput {
    /// The token from the mail to the new address.
    token: String,
    /// The account's password, by which its sessions and the password are kept. Not needed with a token of the customer in
    /// the request's credential.
    password: Option<String>,
}

/// What confirming came to.
#[derive(SimpleObject)]
pub struct CustomerEmailChangeConfirmPayload {
    /// The customer with the new address; null when there are user errors.
    customer: Option<Customer>,
    /// What is wrong with the request; empty when it took effect.
    user_errors: Vec<UserError>,
}

/// Customers' part of the mutation that works by mail.
#[derive(Default)]
pub struct CustomerMailMutation;

#[Object]
impl CustomerMailMutation {
    /// Mails a Password Reset Key. Answers the same, and as fast, whether or not anybody has the address; at most one mail
    /// a minute and five an hour are sent. Public, or backend (customers:write). Codes: RATE_LIMITED, SAVE_FAILED (410),
    /// STOREFRONT_REQUIRED, STOREFRONT_NOT_FOUND.
    async fn customer_password_reset_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to mail.")] input: CustomerPasswordResetRequestInput,
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

    /// Redeems a Password Reset Key, once: the customer has a new password and is signed in, all other sessions end, the
    /// address is verified by it, and a notice goes out. A refusal for the password's rules does not use the key up.
    /// Everyone, without a credential too. Codes: RESET_KEY_INVALID (415), RESET_KEY_EXPIRED (415),
    /// PASSWORDS_DO_NOT_MATCH (406), PASSWORD_TOO_SHORT (408), PASSWORD_TOO_LONG (408), PASSWORD_TOO_COMMON (408),
    /// RATE_LIMITED, SAVE_FAILED (407).
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

    /// Mails a token that verifies the customer's address. Answers the same, and as fast, whether or not anybody has the
    /// address. Public, backend (customers:write), or the customer itself for its own address; for any other address a
    /// customer's request succeeds and sends no mail. Codes: RATE_LIMITED, SAVE_FAILED (410), STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    async fn customer_email_verification_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to mail.")] input: CustomerEmailVerificationRequestInput,
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

    /// Verifies a customer's address by the token that was mailed to it, once. Everyone, without a credential too. The first
    /// verification of an address ends all sessions of the account and removes its password, linked identities and other
    /// mailed keys, because somebody else may have registered the address; the owner then sets a password with
    /// `customerPasswordReset`. Sessions and password are kept where the request has the customer's own token, or `password`
    /// is the account's; a wrong one does not use the token up. Codes: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED,
    /// PASSWORD_INVALID (408), RATE_LIMITED with `retryAfterSeconds`, SAVE_FAILED (410).
    async fn customer_email_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: CustomerEmailVerifyInput,
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

    /// Mails a token to the new address and a notice to the old one; the address changes when it is confirmed. The
    /// customer itself, with the password where there is one. Codes: EMAIL_INVALID, EMAIL_TAKEN (400), NO_CHANGES,
    /// PASSWORD_INVALID (408), REQUIRED, RATE_LIMITED, SAVE_FAILED (410).
    async fn customer_email_change_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new address.")] input: CustomerEmailChangeRequestInput,
    ) -> Result<CustomerEmailChangeRequestPayload> {
        let (_, user_errors) = payload(request_change(RequestContext::of(ctx)?, input).await)?;
        Ok(CustomerEmailChangeRequestPayload { user_errors })
    }

    /// Gives the customer the new address by the token that was mailed to it, once; it is verified then. Everyone, without
    /// a credential too. It ends all sessions of the account and removes its password, linked identities and other mailed
    /// keys, unless the request has the customer's own token, or `password` is the account's; a wrong one does not use the
    /// token up. Codes: EMAIL_TOKEN_INVALID, EMAIL_TOKEN_EXPIRED, EMAIL_TAKEN (400), PASSWORD_INVALID (408), RATE_LIMITED
    /// with `retryAfterSeconds`, SAVE_FAILED (410).
    async fn customer_email_change_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: CustomerEmailChangeConfirmInput,
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
        // A customer asks for its own address; whose any other is, it does not learn (CST-06).
        let own = whom(context, &reach, None).await?;
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
) -> Result<(Customer, CustomerToken)> {
    let CustomerPasswordResetInput {
        restore_password_key,
        password,
        confirm_password,
    } = input;
    let mut faults = Faults::default();
    let look = mailed_keys::redeemer(&context.app, &restore_password_key);
    let redeemer = faults.absorb(look.await)?;
    let place = Place {
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
    let redeemer = redeemer.ok_or_else(|| Error::internal("an input without faults has a key"))?;
    let beginner = Beginner::of_key(context, &redeemer.key);
    let (customer, pair, reach) = mailed_keys::reset(&context.app, &redeemer, password, &beginner).await?;
    limits::signed_in(context, &customer).await;
    Ok((Customer::in_payload(customer, &reach), pair.into()))
}

async fn confirm(
    context: &Arc<RequestContext>,
    (token, password): (&str, Option<String>),
    purpose: Purpose,
) -> Result<Customer> {
    let key = mailed_keys::look(&context.app, token, purpose, confirmation::FIELD).await?;
    let shown = confirmation::shown(context, &key, password.map(Secret::from)).await?;
    let (customer, reach) = confirmation::confirm(&context.app, &key, shown).await?;
    Ok(Customer::in_payload(customer, &reach))
}

async fn request_change(context: &Arc<RequestContext>, input: CustomerEmailChangeRequestInput) -> Result<()> {
    let reach = context.reach_to_write(&OWN).await?;
    let app = &context.app;
    let mut faults = Faults::default();
    let new = faults.take(email::check(&input.new_email, "newEmail"));
    let customer = whom(context, &reach, None).await?;
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
    let new = new.ok_or_else(|| Error::internal("an input without faults has an address"))?;
    // Told last: a session alone, without its password, asks for nobody's address, and no more often than mails are sent.
    let storefront = &customer.storefront_id;
    limits::own_mail(app, storefront, &customer.id, "change").await?;
    let place = reach
        .only(storefront)
        .ok_or_else(|| refusal::not_found("customerId"))?;
    let conceals =
        (context.by_id::<Storefront>(&reach, storefront).await?).is_some_and(|found| found.conceal_emails);
    let known = store::by_email(&app.database, &place.of_the_house(), &new).await?;
    // Where it is concealed, whoever reads the mail to that address learns it when confirming.
    if known.is_some() && !conceals {
        return Err(refusal::email_taken("newEmail").into());
    }
    mailed_keys::request_change(app, &reach, &customer, &new).await
}
