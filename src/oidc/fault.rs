//! Why a provider authenticated nobody.

use std::fmt;

use super::{IdentityProvider, refusal};
use crate::error::{Error, UserError, UserErrorCode};
use crate::platform::fetch::Unread;

/// Delay in seconds after which a request may be retried that exceeded the limit of concurrent requests to other
/// servers.
const TRY_AGAIN: i32 = 2;

/// Why no person was authenticated. Contains nothing about the person or about what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFault {
    /// The provider does not respond.
    Down(Unread),
    /// The provider refuses the code.
    CodeRefused,
    /// The provider refuses for another reason, which the browser did not cause: its error code.
    Refused(&'static str),
    /// The id token belongs to another sign-in.
    OtherNonce,
    /// The provider's response cannot be trusted.
    Untrusted(&'static str),
}

impl From<Unread> for ProviderFault {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Status => Self::Untrusted("a document of the provider has an HTTP status other than 200"),
            Unread::NotJson => Self::Untrusted("a document of the provider is not JSON"),
            Unread::TooLarge => Self::Untrusted("a document of the provider is too long"),
            other => Self::Down(other),
        }
    }
}

impl fmt::Display for ProviderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down(unread) => unread.text(),
            Self::CodeRefused => "the provider refused the code",
            Self::Refused(code) => code,
            Self::OtherNonce => "the id token belongs to another sign-in: its nonce differs",
            Self::Untrusted(why) => why,
        })
    }
}

impl ProviderFault {
    /// Logs the provider and the reason for the operator, and returns the error for the caller.
    #[must_use]
    pub fn reported(self, provider: &IdentityProvider) -> Error {
        tracing::warn!(provider = %provider.id, reason = %self, "authentication by an identity provider failed");
        Error::rejected(self.refusal())
    }

    pub(super) fn refusal(self) -> UserError {
        match self {
            Self::Down(Unread::Busy) => {
                let message = "Too many customers are signing in at this moment; please try again shortly.";
                UserError::new(UserErrorCode::RateLimited, [], message).retry_after(TRY_AGAIN)
            }
            Self::Down(_) => refusal::rejected(
                "provider",
                "The identity provider does not respond; please try again shortly.",
            ),
            Self::CodeRefused => refusal::rejected(
                "code",
                "The identity provider refuses this code: it was used, has expired, or belongs to another redirect URI or \
                 code verifier. Start the sign-in again.",
            ),
            Self::OtherNonce => refusal::rejected(
                "nonce",
                "This code belongs to another sign-in: the nonce of its id token differs. Start the sign-in again.",
            ),
            Self::Refused(_) | Self::Untrusted(_) => refusal::rejected(
                "provider",
                "The response of the identity provider is not valid; the operator of the gateway finds the reason in the log.",
            ),
        }
    }
}
