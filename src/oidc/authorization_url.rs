//! `IdentityProvider.authorizationUrl`: the URL of the provider's authorization endpoint that a browser is sent to
//! (OpenID Connect Core 1.0 §3.1.2.1, RFC 7636 §4.3).

use data_encoding::BASE64URL_NOPAD;
use url::Url;

use super::IdentityProvider;
use super::discovery::{self, Age};
use crate::app::App;
use crate::error::{Error, Result};

/// The requested scopes: the identity, the e-mail address and the names.
const SCOPE: &str = "openid email profile";
/// Maximum length of `state` and `nonce`, which have to fit into a URL with the other parameters.
pub const MAX_STATE: usize = 512;
/// Minimum length of `state` and `nonce`, in characters; 22 and more hold the recommended 128 bits.
pub const MIN_STATE: usize = 8;

/// The parameters that a browser sends.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationParameters<'a> {
    /// Redirect URI.
    pub redirect_uri: &'a str,
    /// Returned unchanged to the redirect URI.
    pub state: &'a str,
    /// Returned in the id token.
    pub nonce: &'a str,
    /// SHA-256 of the code verifier.
    pub code_challenge: &'a str,
}

impl AuthorizationParameters<'_> {
    /// Returns the faults of the parameters, each with the argument's name.
    fn faults(&self, provider: &IdentityProvider) -> Vec<String> {
        let mut faults = Vec::new();
        if !provider.returns_to(self.redirect_uri) {
            let fault = "redirectUri is not one of those that an operator allowed for the identity provider.";
            faults.push(fault.to_owned());
        }
        for (name, value) in [("state", self.state), ("nonce", self.nonce)] {
            if !is_state_or_nonce(value) {
                faults.push(format!(
                    "{name} has {MIN_STATE} to {MAX_STATE} visible ASCII characters; 22 or more random ones are best."
                ));
            }
        }
        let challenge = BASE64URL_NOPAD.decode(self.code_challenge.as_bytes());
        if !challenge.is_ok_and(|bytes| bytes.len() == 32) {
            let fault = "codeChallenge is the SHA-256 of the code verifier in base64url without padding, 43 characters \
                         (RFC 7636).";
            faults.push(fault.to_owned());
        }
        faults
    }
}

/// Whether a value has the form of a `state` or `nonce`.
#[must_use]
pub fn is_state_or_nonce(value: &str) -> bool {
    (MIN_STATE..=MAX_STATE).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the URL for these parameters.
///
/// # Errors
/// BAD_USER_INPUT for invalid parameters, UNAVAILABLE if the provider has never responded.
pub async fn authorization_url(
    app: &App,
    provider: &IdentityProvider,
    parameters: AuthorizationParameters<'_>,
) -> Result<Url> {
    let faults = parameters.faults(provider);
    if !faults.is_empty() {
        return Err(Error::BadInput(faults.join(" ")));
    }
    let metadata = discovery::metadata(app, provider, Age::Any).await;
    let metadata = metadata.map_err(|fault| {
        let id = &provider.id;
        tracing::warn!(provider = %id, reason = %fault, "cannot read the configuration of an identity provider");
        Error::UnavailableElsewhere(
            "The configuration of the identity provider cannot be read; please try again shortly.",
        )
    })?;
    // The endpoint's own query is kept (RFC 6749 §3.1).
    let mut url = metadata.authorization_endpoint;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", parameters.redirect_uri)
        .append_pair("scope", SCOPE)
        .append_pair("state", parameters.state)
        .append_pair("nonce", parameters.nonce)
        .append_pair("code_challenge", parameters.code_challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(url)
}
