//! What can go wrong, and how it reaches the wire.
//!
//! [`Error`] deliberately has no `Display`: async-graphql turns anything printable into a wire message
//! through `?`, and that is how a driver's message would leak. The one conversion is [`Error::to_wire`].

use std::sync::Arc;

use async_graphql::{Enum, ErrorExtensionValues, ServerError, SimpleObject};

/// Why an operation did not do what it was asked for.
#[derive(Clone, Debug)]
pub enum Error {
    /// The mutation's business refused the input; these go into the payload with HTTP 200.
    Rejected(Vec<UserError>),
    /// A value that cannot be: a wrong page, a cursor of another list. The message never repeats the value.
    BadInput(String),
    /// No credential where one is needed; the message says which.
    Unauthenticated(String),
    /// A credential of the wrong kind or without the scope.
    Forbidden(String),
    /// A query names no storefront where the credential covers several.
    StorefrontRequired,
    /// A query names a storefront that the caller does not reach; queries turn it into null.
    StorefrontNotFound,
    /// The request took longer than it may.
    Timeout,
    /// A search that no index answers took longer than it may.
    SearchTimeout,
    /// The database does not answer, or no primary is elected; trying again later may help.
    Unavailable(Source),
    /// Another server than the database does not answer as it should; the message says which. Trying again later may help.
    UnavailableElsewhere(&'static str),
    /// Anything that should not have happened. The wire carries a request id and nothing else.
    Internal(Source),
}

/// The cause of an internal error, for the log only.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Result of the house.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An internal error with a cause of ours.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// One user error as an error.
    #[must_use]
    pub fn rejected(error: UserError) -> Self {
        Self::Rejected(vec![error])
    }

    /// The value of `extensions.code` (ERR-02).
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

    /// The message for the client: says what to do, repeats nothing that was sent.
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
            Self::Timeout => "This took too long and was given up; it may still take effect.".to_owned(),
            Self::SearchTimeout => "The search was given up after 5 seconds, because no index answers this filter. Narrow it \
                 with eq or startsWith on a field whose description says that it has an index, or ask without totalCount."
                .to_owned(),
            Self::Unavailable(_) => "The database does not answer; please try again shortly.".to_owned(),
            Self::Rejected(_) | Self::Internal(_) => "Something went wrong on our side.".to_owned(),
        }
    }

    /// The wire's form of this error. The error itself rides along as the source, for the log.
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

    /// The same as a whole answer's only error, for refusals before execution.
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

/// In `userErrors`, one entry for each thing that is wrong with the request; the list is empty when the mutation took effect.
/// In `warnings`, one for each thing that was left undone although the mutation took effect.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct UserError {
    /// What is wrong, for a program.
    pub code: UserErrorCode,
    /// What is wrong, for a person, in English. Never repeats a value that was sent.
    pub message: String,
    /// Path inside `input`, which is not named itself, list indexes as strings: `["lines", "0", "sku"]`; null when
    /// the whole request is meant.
    pub field: Option<Vec<String>>,
    /// The number that the seed system documents for this case, where one exists (409, 402, 415 …).
    pub legacy_code: Option<i32>,
    /// For RATE_LIMITED: when to try again, in seconds.
    pub retry_after_seconds: Option<i32>,
    /// For VERSION_CONFLICT: the version that is stored.
    pub current_version: Option<i32>,
}

impl UserError {
    /// A user error about one field; give the path without `input`.
    pub fn new<const N: usize>(code: UserErrorCode, field: [&str; N], message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: (N > 0).then(|| field.iter().map(|part| (*part).to_owned()).collect()),
            legacy_code: None,
            retry_after_seconds: None,
            current_version: None,
        }
    }

    /// The same about something deeper: `path` goes before its own.
    #[must_use]
    pub fn within(mut self, path: &[&str]) -> Self {
        let own = self.field.take().unwrap_or_default();
        let path = path.iter().map(|part| (*part).to_owned());
        self.field = Some(path.chain(own).collect());
        self
    }

    /// The same about what stands at this path in the input.
    #[must_use]
    pub fn at(mut self, path: &[&str]) -> Self {
        self.field = Some(path.iter().map(|part| (*part).to_owned()).collect());
        self
    }

    /// The same with the number of the seed system.
    #[must_use]
    pub fn legacy(mut self, code: i32) -> Self {
        self.legacy_code = Some(code);
        self
    }

    /// The same with the seconds after which to try again, for [`UserErrorCode::RateLimited`].
    #[must_use]
    pub fn retry_after(mut self, seconds: i32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

/// What a client branches on. A code keeps its meaning for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// A required value is missing, empty or blank.
    Required,
    /// A text is shorter than it must be.
    TooShort,
    /// A text or a list is longer than it may be.
    TooLong,
    /// There are as many of these as there may be, or a list in the input has more entries than it may have.
    TooMany,
    /// A value cannot be: control characters, a wrong form.
    Invalid,
    /// The update names nothing to change.
    NoChanges,
    /// Somebody changed it since; see `currentVersion`.
    VersionConflict,
    /// The caller may not send this field.
    Forbidden,
    /// Too many tries; see `retryAfterSeconds`.
    RateLimited,
    /// The write failed and nothing of it was kept; trying again may help.
    SaveFailed,
    /// The credential covers several storefronts and the input names none.
    StorefrontRequired,
    /// No such storefront for this credential.
    StorefrontNotFound,
    /// No such storefront user for this caller.
    StorefrontUserNotFound,
    /// The storefrontUserId is taken in this storefront (legacy code 409).
    StorefrontUserAlreadyExists,
    /// The user named as anonymous is a regular one (legacy code 409).
    StorefrontUserNotAnonymous,
    /// The user named as regular is an anonymous one (legacy code 409).
    StorefrontUserNotRegular,
    /// The anonymous user was merged into a regular one before (legacy code 409).
    StorefrontUserAlreadyMerged,
    /// The anonymous user was not used for too long; it is about to be removed.
    StorefrontUserExpired,
    /// The password and its confirmation differ, or the confirmation is missing (legacy code 406).
    PasswordsDoNotMatch,
    /// The new password has too few characters (legacy code 408 in a change or a reset).
    PasswordTooShort,
    /// The new password has too many characters (legacy code 408 in a change or a reset).
    PasswordTooLong,
    /// The new password is one of those that are tried first by whoever guesses (legacy code 408 in a change or a reset).
    PasswordTooCommon,
    /// No such item for this caller.
    StorageItemNotFound,
    /// The upload would exceed what one user may store.
    StorageQuotaExceeded,
    /// The file is larger than one file may be.
    FileTooLarge,
    /// Files of this type, sniffed from the content, are not accepted.
    FileTypeNotAllowed,
    /// The file has no content.
    FileEmpty,
    /// `anonymousUserToken` is not the token of an anonymous user of this storefront (a warning).
    AnonymousTokenInvalid,
    /// A backend must say which customer (legacy code 405).
    CustomerReferenceMissing,
    /// No such customer for this caller (legacy code 402).
    CustomerNotFound,
    /// This is no e-mail address.
    EmailInvalid,
    /// Another customer of the storefront has this e-mail address (legacy code 400).
    EmailTaken,
    /// The terms must be accepted (legacy code 422).
    TermsNotAccepted,
    /// The present password is wrong (legacy code 408).
    PasswordInvalid,
    /// The customer has a password already.
    PasswordAlreadySet,
    /// This cannot be a shopper reference: 3 to 128 characters, none of them blank or a control character.
    ShopperReferenceInvalid,
    /// Another customer of the storefront has this shopper reference.
    ShopperReferenceTaken,
    /// A birth date lies between 1900-01-01 and today.
    DateOfBirthInvalid,
    /// No customer has this e-mail address and password together; which of the two is wrong is not told.
    CredentialsInvalid,
    /// The refresh token is not, or no longer, one that works.
    TokenInvalid,
    /// The storefront has no identity provider with this key.
    IdentityProviderNotFound,
    /// The identity provider refuses the sign-in, does not answer, or says what cannot be believed.
    IdentityProviderRejected,
    /// The identity provider may not send browsers to this address.
    RedirectUriNotAllowed,
    /// The identity is no account's, and none can be made or linked.
    IdentityNotLinked,
    /// The Password Reset Key was used, replaced by a newer one, or never was one (legacy code 415).
    ResetKeyInvalid,
    /// The Password Reset Key has expired (legacy code 415).
    ResetKeyExpired,
    /// The token was used, replaced by a newer one, or never was one.
    EmailTokenInvalid,
    /// The token has expired.
    EmailTokenExpired,
    /// The address to change or delete is not named (legacy code 412).
    AddressIdMissing,
    /// The customer has no such address (legacy code 404).
    AddressNotFound,
    /// An erasure is asked for already; the first request stands.
    AnonymizationAlreadyRequested,
    /// No erasure is asked for.
    AnonymizationNotRequested,
    /// The erasure has begun and can neither be cancelled nor asked for any more.
    AnonymizationAlreadyStarted,
    /// The customer is erased, or being erased: nothing of it is changed any more.
    CustomerAnonymized,
    /// The backend's token names no owner, who would answer for this.
    OwnerRequired,
    /// No such order for this caller.
    OrderNotFound,
    /// Another order of the storefront, with other content, has this number.
    OrderNumberTaken,
    /// No such custom field for this caller.
    CustomFieldNotFound,
    /// Another custom field of the storefront has this key.
    CustomFieldKeyTaken,
    /// The value does not fit the custom field's type or options.
    CustomFieldValueInvalid,
    /// The custom field must have a value.
    CustomFieldRequired,
    /// Customers have values of this custom field, or this option.
    CustomFieldInUse,
    /// No such customer group for this caller.
    CustomerGroupNotFound,
    /// Another group of the storefront has this name, whatever its case.
    CustomerGroupNameTaken,
    /// No such market for this caller.
    MarketNotFound,
    /// Another market of the storefront has this name, whatever its case.
    MarketNameTaken,
}

/// Collects the faults of one input, so that all are reported together (ERR-01).
#[derive(Debug, Default)]
pub struct Faults(Vec<UserError>);

impl Faults {
    /// Notes a fault.
    pub fn push(&mut self, fault: UserError) {
        self.0.push(fault);
    }

    /// Notes the faults of something that stands at `path`.
    pub fn push_within(&mut self, path: &[&str], inside: Self) {
        let inside = inside.0.into_iter();
        self.0.extend(inside.map(|fault| fault.within(path)));
    }

    /// Keeps a good value and notes a fault; `None` stands for "noted, go on looking".
    pub fn take<T>(&mut self, checked: std::result::Result<T, UserError>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(fault) => {
                self.push(fault);
                None
            }
        }
    }

    /// Keeps what an operation found, notes what it refused, and passes any other failure on.
    pub fn absorb<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Error::Rejected(mut faults)) => {
                self.0.append(&mut faults);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses when anything was noted.
    pub fn check(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Rejected(self.0))
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Rejected(faults.0)
    }
}

/// Splits an outcome into what a payload holds: the value, or the user errors; everything else stays an error.
pub fn payload<T>(outcome: Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    match outcome {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Rejected(errors)) => Ok((None, errors)),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_says_nothing_of_its_cause() {
        let wire = Error::internal("secret detail").to_wire();
        assert!(!wire.message.contains("secret"));
        assert!(wire.source.is_some(), "the log needs the cause");
    }

    // ERR-01
    #[test]
    fn faults_are_reported_together() {
        let mut faults = Faults::default();
        for field in ["a", "b"] {
            faults.push(UserError::new(UserErrorCode::Required, [field], "is required"));
        }
        let Err(Error::Rejected(errors)) = faults.check() else {
            panic!("must refuse")
        };
        assert_eq!(errors.len(), 2);
    }
}
