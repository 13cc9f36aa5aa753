//! Errors, and their form in responses.
//!
//! [`Error`] deliberately has no `Display`: async-graphql turns any printable error into a response message through
//! `?`, which could expose a message of the database driver. The only conversion is [`Error::to_wire`].

mod faults;

use std::sync::Arc;

use async_graphql::{Enum, ErrorExtensionValues, ServerError, SimpleObject};

/// Why an operation failed.
#[derive(Clone, Debug)]
pub enum Error {
    /// A mutation rejected its input; these errors go into the payload with HTTP 200.
    Rejected(Vec<UserError>),
    /// An invalid value, such as a wrong page size or a cursor of another list. The message never repeats the value.
    BadInput(String),
    /// A credential is required and missing; the message names it.
    Unauthenticated(String),
    /// The credential has the wrong kind or lacks the scope.
    Forbidden(String),
    /// A query names no storefront, although the credential covers several.
    StorefrontRequired,
    /// A query names a storefront that the caller's reach does not cover; queries turn this error into null.
    StorefrontNotFound,
    /// The request exceeded its time limit.
    Timeout,
    /// A search that no index supports exceeded its time limit.
    SearchTimeout,
    /// The database does not respond, or no primary is elected; a later retry may succeed.
    Unavailable(Source),
    /// A server other than the database does not respond as expected; the message names it. A later retry may succeed.
    UnavailableElsewhere(&'static str),
    /// An unexpected error. The response carries the request id and nothing else.
    Internal(Source),
}

/// The cause of an internal error, for the log only.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Result type of the gateway.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an internal error with this cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// Makes an error of one user error.
    #[must_use]
    pub fn rejected(error: UserError) -> Self {
        Self::Rejected(vec![error])
    }

    /// Returns the value of `extensions.code` (ERR-02).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rejected(_) | Self::Internal(_) => "INTERNAL",
            Self::BadInput(_) => "BAD_USER_INPUT",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::StorefrontRequired => "STOREFRONT_REQUIRED",
            Self::StorefrontNotFound => "STOREFRONT_NOT_FOUND",
            Self::Timeout | Self::SearchTimeout => "TIMEOUT",
            Self::Unavailable(_) | Self::UnavailableElsewhere(_) => "UNAVAILABLE",
        }
    }

    /// Returns the message for the client: it says what to do, and repeats nothing that was sent.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::BadInput(message) => message.clone(),
            Self::Unauthenticated(reason) | Self::Forbidden(reason) => reason.clone(),
            Self::UnavailableElsewhere(message) => (*message).to_owned(),
            Self::StorefrontRequired => {
                "This credential covers several storefronts: name one with storefrontId.".to_owned()
            }
            Self::StorefrontNotFound => "There is no such storefront.".to_owned(),
            Self::Timeout => "The request took too long and was aborted; it may still take effect.".to_owned(),
            Self::SearchTimeout => "The search was aborted after 5 seconds, because no index supports this filter. \
                 Narrow it with eq or startsWith on a field whose description says that it has an index, or omit \
                 totalCount."
                .to_owned(),
            Self::Unavailable(_) => "The database does not answer; please try again shortly.".to_owned(),
            Self::Rejected(_) | Self::Internal(_) => "Something went wrong on our side.".to_owned(),
        }
    }

    /// Returns this error in the form of a response. The error itself is attached as the source, for the log.
    #[must_use]
    pub fn to_wire(&self) -> async_graphql::Error {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code());
        async_graphql::Error {
            message: self.message(),
            source: Some(Arc::new(self.clone())),
            extensions: Some(extensions),
        }
    }

    /// Returns this error as the only error of a response, for requests that are refused before execution.
    #[must_use]
    pub fn to_server_error(&self) -> ServerError {
        let wire = self.to_wire();
        ServerError {
            message: wire.message,
            source: wire.source,
            locations: Vec::new(),
            path: Vec::new(),
            extensions: wire.extensions,
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        error.to_wire()
    }
}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        Self::rejected(error)
    }
}

/// A user error or a warning of a mutation.
/// `userErrors` has one entry for each error and is empty when the mutation took effect. `warnings` has one entry for
/// each part of the request that was skipped although the mutation took effect.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct UserError {
    /// Error code, for programs.
    pub code: UserErrorCode,
    /// Description of the error in English, for people. Never contains a value of the request.
    pub message: String,
    /// Path of the field inside `input`, with list indexes as strings: `["lines", "0", "sku"]`. Null if the error is
    /// not about a single field.
    pub field: Option<Vec<String>>,
    /// The numeric code that older commerce APIs use for this error, such as 409; null if there is none.
    pub legacy_code: Option<i32>,
    /// Number of seconds after which the request can be repeated, for RATE_LIMITED; null for every other code.
    pub retry_after_seconds: Option<i32>,
    /// The stored version of the object, for VERSION_CONFLICT; null for every other code.
    pub current_version: Option<i32>,
}

impl UserError {
    /// Makes a user error about one field. The path is given without `input`.
    pub fn new<const N: usize>(code: UserErrorCode, field: [&str; N], message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: (N > 0).then(|| Vec::from(field.map(str::to_owned))),
            legacy_code: None,
            retry_after_seconds: None,
            current_version: None,
        }
    }

    /// Puts `path` before the path of the field.
    #[must_use]
    pub fn within(mut self, path: &[&str]) -> Self {
        let own = self.field.take().unwrap_or_default();
        let path = path.iter().map(|part| (*part).to_owned());
        self.field = Some(path.chain(own).collect());
        self
    }

    /// Sets the path of the field in the input.
    #[must_use]
    pub fn at(mut self, path: &[&str]) -> Self {
        self.field = Some(path.iter().map(|part| (*part).to_owned()).collect());
        self
    }

    /// Sets the numeric code of older commerce APIs.
    #[must_use]
    pub fn legacy(mut self, code: i32) -> Self {
        self.legacy_code = Some(code);
        self
    }

    /// Sets the number of seconds after which to retry, for [`UserErrorCode::RateLimited`].
    #[must_use]
    pub fn retry_after(mut self, seconds: i32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

/// Code of a user error or warning. The meaning of a code never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// A required value is missing, empty or blank.
    Required,
    /// The text is shorter than the minimum length.
    TooShort,
    /// The text or list is longer than the maximum length.
    TooLong,
    /// The maximum number of these objects exists, or a list in the input has too many entries.
    TooMany,
    /// The value is not valid: it has control characters or the wrong form.
    Invalid,
    /// The update contains no field to change.
    NoChanges,
    /// The object was changed since the expected version; see `currentVersion`.
    VersionConflict,
    /// The credential does not permit this field.
    Forbidden,
    /// Too many attempts; see `retryAfterSeconds`.
    RateLimited,
    /// The write failed and changed nothing, unless the mutation states otherwise; a retry may succeed.
    SaveFailed,
    /// The credential covers several storefronts and the input names none.
    StorefrontRequired,
    /// The storefront was not found for this credential.
    StorefrontNotFound,
    /// The storefront user was not found for this credential.
    StorefrontUserNotFound,
    /// Another storefront user of the storefront has this `storefrontUserId` (legacy code 409).
    StorefrontUserAlreadyExists,
    /// The storefront user is regular, where an anonymous one is required (legacy code 409).
    StorefrontUserNotAnonymous,
    /// The storefront user is anonymous, where a regular one is required (legacy code 409).
    StorefrontUserNotRegular,
    /// The anonymous user was already merged into a regular one (legacy code 409).
    StorefrontUserAlreadyMerged,
    /// The anonymous user has expired or was removed.
    StorefrontUserExpired,
    /// The password and its confirmation differ, or the confirmation is missing (legacy code 406).
    PasswordsDoNotMatch,
    /// The new password is too short (legacy code 408, except at registration).
    PasswordTooShort,
    /// The new password is too long (legacy code 408, except at registration).
    PasswordTooLong,
    /// The new password is one of the most common ones (legacy code 408, except at registration).
    PasswordTooCommon,
    /// The storage item was not found for this credential.
    StorageItemNotFound,
    /// The upload would exceed the storage quota of the user.
    StorageQuotaExceeded,
    /// The file exceeds the maximum size of a file.
    FileTooLarge,
    /// The content type, as detected from the content of the file, is not allowed.
    FileTypeNotAllowed,
    /// The file is empty.
    FileEmpty,
    /// Warning: `anonymousUserToken` is not the token of an anonymous user of this storefront.
    AnonymousTokenInvalid,
    /// With an integration token or client secret, the id of the customer is required (legacy code 405).
    CustomerReferenceMissing,
    /// The customer was not found for this credential (legacy code 402).
    CustomerNotFound,
    /// The value is not a valid e-mail address.
    EmailInvalid,
    /// Another customer of the storefront has this e-mail address (legacy code 400).
    EmailTaken,
    /// `acceptedTerms` must be true (legacy code 422).
    TermsNotAccepted,
    /// The current password is wrong (legacy code 408).
    PasswordInvalid,
    /// The customer already has a password.
    PasswordAlreadySet,
    /// A shopper reference has 3 to 128 characters, without white space and control characters.
    ShopperReferenceInvalid,
    /// Another customer of the storefront has this shopper reference.
    ShopperReferenceTaken,
    /// The date of birth is before 1900-01-01 or in the future.
    DateOfBirthInvalid,
    /// The e-mail address and password do not match an account; the code is the same for each cause.
    CredentialsInvalid,
    /// The token is unknown, already used, expired or revoked.
    TokenInvalid,
    /// The storefront has no identity provider with this key.
    IdentityProviderNotFound,
    /// The identity provider refused the sign-in, did not respond, or sent an invalid response.
    IdentityProviderRejected,
    /// The redirect URI is not in the allow-list of the identity provider.
    RedirectUriNotAllowed,
    /// The identity belongs to no account, and an account can be neither created nor linked.
    IdentityNotLinked,
    /// The Password Reset Key is unknown, already used, or replaced by a newer one (legacy code 415).
    ResetKeyInvalid,
    /// The Password Reset Key has expired (legacy code 415).
    ResetKeyExpired,
    /// The e-mail token is unknown, already used, or replaced by a newer one.
    EmailTokenInvalid,
    /// The e-mail token has expired.
    EmailTokenExpired,
    /// The id of the address is empty or blank (legacy code 412).
    AddressIdMissing,
    /// The customer has no address with this id (legacy code 404).
    AddressNotFound,
    /// The erasure of the customer is already requested; the first request is unchanged.
    AnonymizationAlreadyRequested,
    /// The erasure of the customer is not requested.
    AnonymizationNotRequested,
    /// The erasure of the customer has started and can be neither requested nor cancelled.
    AnonymizationAlreadyStarted,
    /// The customer is erased, or its erasure has started; it can no longer be changed.
    CustomerAnonymized,
    /// The mutation requires an integration token with an owner.
    OwnerRequired,
    /// The order was not found for this credential.
    OrderNotFound,
    /// Another order of the storefront has this number and different content.
    OrderNumberTaken,
    /// The custom field was not found for this credential.
    CustomFieldNotFound,
    /// Another custom field of the storefront has this key.
    CustomFieldKeyTaken,
    /// The value does not match the type or the options of the custom field.
    CustomFieldValueInvalid,
    /// The custom field requires a value.
    CustomFieldRequired,
    /// Customers have values of this custom field or of this option.
    CustomFieldInUse,
    /// The note was not found for this credential.
    CustomerNoteNotFound,
    /// The customer group was not found for this credential.
    CustomerGroupNotFound,
    /// Another customer group of the storefront has this name; case is ignored.
    CustomerGroupNameTaken,
    /// The market was not found for this credential.
    MarketNotFound,
    /// Another market of the storefront has this name; case is ignored.
    MarketNameTaken,
}

pub use faults::{Checked, Faults};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_says_nothing_of_its_cause() {
        let wire = Error::internal("secret detail").to_wire();
        assert!(!wire.message.contains("secret"));
        assert!(wire.source.is_some(), "the log needs the cause");
    }
}
