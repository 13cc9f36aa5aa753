//! `customerTokenCreateWithOidc`: signs a customer in at an identity provider of the storefront.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_graphql::{ID, InputObject};

use super::admission::Admission;
use super::authorization_url::{MAX_STATE, MIN_STATE, is_state_or_nonce};
use super::exchange::{self, CodeGrant};
use super::{IdentityProvider, refusal, store};
use crate::app::App;
use crate::context::RequestContext;
use crate::customer::{
    credentials::Beginner,
    limits,
    sign_in::{CustomerTokenPayload, SIGN_IN, SignedIn},
};
use crate::error::{Faults, Result, UserError, UserErrorCode};
use crate::mutation::mutation;
use crate::platform::{secret::Secret, text};
use crate::reach::{HouseReach, Reach, StorefrontReach};

/// Maximum length of a code, in characters; codes of providers have a few hundred.
const MAX_CODE: usize = 4096;
/// Maximum length of a redirect URI, in characters.
const MAX_REDIRECT_URI: usize = 2048;
/// Length of a code verifier (RFC 7636 §4.1).
const VERIFIER: RangeInclusive<usize> = 43..=128;

/// Input of `customerTokenCreateWithOidc`: the result of a sign-in at an identity provider.
#[derive(InputObject)]
pub struct CustomerTokenCreateWithOidcInput {
    /// Id of the storefront; required when the credential covers several storefronts (STOREFRONT_REQUIRED).
    storefront_id: Option<ID>,
    /// `key` of the identity provider.
    provider: String,
    /// The `code` that the browser returned with; it works once.
    code: String,
    /// The redirect URI, exactly as in `authorizationUrl`.
    redirect_uri: String,
    /// Code verifier of the code challenge: 43 to 128 letters, digits, `-`, `.`, `_` and `~` (RFC 7636).
    code_verifier: String,
    /// The nonce of `authorizationUrl`. The browser itself compares the returned `state` with the one it sent.
    nonce: String,
    /// Token of the anonymous storefront user whose private storage is merged into the customer's; it may have expired.
    /// A token that cannot be used does not prevent the sign-in; `warnings` contains the reason.
    anonymous_user_token: Option<String>,
}

mutation! {
    /// Signs a customer in at an identity provider of the storefront (OpenID Connect), or registers the customer.
    /// Requires a publishable key, or an integration token or client secret with the scope `customers:write`.
    /// User errors: IDENTITY_PROVIDER_NOT_FOUND, REDIRECT_URI_NOT_ALLOWED, IDENTITY_PROVIDER_REJECTED (start the
    /// sign-in again; a code works once), IDENTITY_NOT_LINKED, TOO_MANY for an account with 20 identities,
    /// CREDENTIALS_INVALID for an account that is erased or whose erasure has started, RATE_LIMITED with
    /// `retryAfterSeconds`, REQUIRED, TOO_SHORT, TOO_LONG, INVALID, SAVE_FAILED (410), STOREFRONT_REQUIRED,
    /// STOREFRONT_NOT_FOUND.
    /// Warnings: ANONYMOUS_TOKEN_INVALID if the token is unknown, blank, of another storefront or of a regular user;
    /// STOREFRONT_USER_ALREADY_MERGED (409), STOREFRONT_USER_EXPIRED.
    /// The sign-in starts with `IdentityProvider.authorizationUrl`. The first sign-in of an identity registers a
    /// customer without accepted terms, or links the account with the same e-mail address if the address is verified
    /// both by the provider and here. If the storefront conceals registered e-mail addresses, the provider must have
    /// verified the address in both cases.
    /// With `anonymousUserToken` the anonymous user's private storage is merged into the customer's.
    CustomerTokenCreateWithOidc.customer_token_create_with_oidc = create(
        #[graphql(desc = "The result of the sign-in at the identity provider.")]
        input: CustomerTokenCreateWithOidcInput,
    ) -> CustomerTokenPayload;
}

async fn create(
    context: &Arc<RequestContext>,
    input: CustomerTokenCreateWithOidcInput,
) -> Result<CustomerTokenPayload> {
    // Boxed, because the future of every mutation is as large as the largest of them.
    let signed_in = Box::pin(async {
        let reach = context.reach_to_write(&SIGN_IN).await?;
        let sign_in = checked(context, &reach, input).await?;
        context.take(&sign_in.place, &limits::LOGINS).await?;
        let outcome = sign_in.run(&context.app, &Beginner::of(context, &reach)).await;
        let label = if outcome.is_ok() { "ok" } else { "refused" };
        metrics::counter!("gateway_logins_total", "outcome" => label).increment(1);
        let signed_in = outcome?;
        limits::signed_in(context, &signed_in.customer).await;
        Ok(signed_in.shown(&reach))
    });
    signed_in.await
}

/// The checked input, with the storefront and the provider that it names.
struct ProviderSignIn {
    place: StorefrontReach,
    provider: IdentityProvider,
    grant: CodeGrant,
    anonymous_token: Option<String>,
}

impl ProviderSignIn {
    /// Lets the provider authenticate the person, and signs in to the person's account.
    async fn run(&self, app: &Arc<App>, beginner: &Beginner<'_>) -> Result<SignedIn> {
        let person = exchange::authenticate(app, &self.provider, &self.grant).await?;
        let admission = Admission {
            app,
            place: &self.place,
            provider: &self.provider,
            person: &person,
            anonymous_token: self.anonymous_token.as_deref(),
            beginner,
        };
        admission.run().await
    }
}

/// Checks the input, and reports all its errors together.
async fn checked(
    context: &RequestContext,
    reach: &Reach,
    input: CustomerTokenCreateWithOidcInput,
) -> Result<ProviderSignIn> {
    let mut faults = Faults::default();
    let id = input.storefront_id.as_ref().map(|id| id.as_str());
    let place = context.storefront_to_write(reach, id, ["storefrontId"]).await;
    let place = faults.absorb(place)?;
    let provider = named_provider(&context.app, place.as_ref(), &input.provider).await;
    let provider = faults.absorb(provider)?.flatten();
    let redirect_uri = faults.take(allowed_redirect_uri(provider.as_ref(), &input.redirect_uri));
    let code = faults.take(checked_code(&Secret::from(input.code)));
    let code_verifier = faults.take(checked_verifier(Secret::from(input.code_verifier)));
    let nonce = faults.take(checked_nonce(&input.nonce));
    let (place, provider, redirect_uri, code, code_verifier, nonce) =
        faults.finish((place, provider, redirect_uri, code, code_verifier, nonce))?;
    Ok(ProviderSignIn {
        place,
        provider,
        grant: CodeGrant {
            code,
            redirect_uri,
            code_verifier,
            nonce,
        },
        anonymous_token: input.anonymous_user_token,
    })
}

/// Returns the provider with this key; `None` if the storefront is unknown.
async fn named_provider(
    app: &App,
    place: Option<&StorefrontReach>,
    key: &str,
) -> Result<Option<IdentityProvider>> {
    if key.trim().is_empty() {
        let message = "This must not be empty or blank.";
        return Err(UserError::new(UserErrorCode::Required, ["provider"], message).into());
    }
    let Some(place) = place else {
        return Ok(None);
    };
    let reach = HouseReach::within(place.id());
    let found = store::by_key(&app.database, &reach, place.id(), key).await?;
    Ok(Some(found.ok_or_else(refusal::provider_not_found)?))
}

/// Returns the redirect URI, which must be one of those that are allowed for the provider.
fn allowed_redirect_uri(provider: Option<&IdentityProvider>, sent: &str) -> Result<String, UserError> {
    let sent = text::required(sent, "redirectUri", MAX_REDIRECT_URI)?;
    match provider {
        Some(provider) if !provider.returns_to(&sent) => Err(refusal::redirect_uri_not_allowed()),
        _ => Ok(sent),
    }
}

fn checked_code(code: &Secret) -> Result<Secret, UserError> {
    text::required(code.expose(), "code", MAX_CODE).map(Secret::from)
}

fn checked_verifier(verifier: Secret) -> Result<Secret, UserError> {
    let sent = verifier.expose();
    text::required(sent, "codeVerifier", *VERIFIER.end()).map(Secret::from)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if VERIFIER.contains(&sent.len()) && sent.bytes().all(allowed) {
        return Ok(verifier);
    }
    let message = "A code verifier has 43 to 128 letters, digits, -, ., _ and ~ (RFC 7636).";
    let code = too_short_or_invalid(sent, *VERIFIER.start());
    Err(UserError::new(code, ["codeVerifier"], message))
}

fn checked_nonce(nonce: &str) -> Result<String, UserError> {
    let nonce = text::required(nonce, "nonce", MAX_STATE)?;
    if is_state_or_nonce(&nonce) {
        return Ok(nonce);
    }
    let message =
        format!("A nonce has {MIN_STATE} to {MAX_STATE} visible ASCII characters, as in authorizationUrl.");
    let code = too_short_or_invalid(&nonce, MIN_STATE);
    Err(UserError::new(code, ["nonce"], message))
}

/// Returns the error code for a text that is shorter than `shortest` bytes or otherwise invalid.
fn too_short_or_invalid(text: &str, shortest: usize) -> UserErrorCode {
    if text.len() < shortest {
        UserErrorCode::TooShort
    } else {
        UserErrorCode::Invalid
    }
}
