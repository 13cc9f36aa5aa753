//! What a mail is about, and who sends it.

use crate::platform::secret::Secret;

/// The subject of a mail.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A customer who forgot the password may set a new one with this key.
    PasswordReset {
        /// The key, valid once.
        key: &'a Secret,
    },
    /// The account's address has to be verified.
    EmailVerification {
        /// The token, valid once.
        token: &'a Secret,
    },
    /// To the new address of an account, to verify its owner.
    EmailChangeConfirmation {
        /// The token, valid once.
        token: &'a Secret,
    },
    /// To the current address of an account: it is about to be replaced by another one, which is not named.
    EmailChangeNotice,
    /// To the previous address of an account: the store has replaced it by another one, which is not named.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// A registration was attempted with an address that already has an account (SPR-10).
    RegistrationAttempt,
    /// The account can be signed in to by an identity provider from now on.
    IdentityLinked {
        /// Display name of the provider.
        provider: &'a str,
    },
}

/// The store that sends the mail.
#[derive(Clone, Copy, Debug)]
pub struct Store<'a> {
    /// Name of the store, as its customers know it.
    pub name: &'a str,
    /// Account page of the store, `U` of `U/reset?key=…`, `U/verify?token=…` and `U/email?token=…`. Without it, a mail
    /// contains only the key or token.
    pub account_url: Option<&'a str>,
}
