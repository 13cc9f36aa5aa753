//! The caller of a request, and which operations each kind of caller may use.

use std::sync::Arc;

use super::Reach;
pub use super::identity::{ClientStorefronts, CredentialKind, Identity, Person};
use super::scope::Scope;
use crate::error::{Error, Result, UserError, UserErrorCode};

const MERGED: &str = "This anonymous user was merged; use the regular user's token.";

/// The caller of a request.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A request without a credential.
    Nobody,
    /// A verified credential.
    Known(Arc<Identity>),
}

impl Principal {
    /// Label for logs and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Known(identity) => identity.kind.label(),
        }
    }

    /// The credential, unless there is none or it belongs to a merged user.
    #[must_use]
    pub fn standing(&self) -> Option<&Arc<Identity>> {
        match self {
            Self::Known(identity) if !identity.is_merged() => Some(identity),
            _ => None,
        }
    }

    /// The reach for the objects that `viewer` shows of the credential itself, whatever its kind.
    ///
    /// # Errors
    /// UNAUTHENTICATED without a credential, or with one of a merged user.
    pub fn own_reach(&self) -> Result<Reach> {
        self.standing()
            .map(Reach::of)
            .ok_or_else(|| unauthenticated("a credential"))
    }

    /// The reach for a query.
    ///
    /// # Errors
    /// UNAUTHENTICATED without a credential; FORBIDDEN for one of the wrong kind or without the scope (ERR-03).
    pub fn reach(&self, policy: &Policy) -> Result<Reach> {
        let Self::Known(identity) = self else {
            return Err(unauthenticated(&policy.need()));
        };
        if identity.is_merged() {
            return Err(Error::Forbidden(MERGED.to_owned()));
        }
        policy.admit(identity)?;
        Ok(Reach::of(identity))
    }

    /// The reach for a mutation. Differs from [`Principal::reach`] in that a merged user is reported as a user error
    /// (SFU-22).
    ///
    /// # Errors
    /// As [`Principal::reach`], and STOREFRONT_USER_ALREADY_MERGED.
    pub fn reach_to_write(&self, policy: &Policy) -> Result<Reach> {
        if let Self::Known(identity) = self
            && identity.is_merged()
        {
            policy.admit(identity)?;
            let merged = UserError::new(UserErrorCode::StorefrontUserAlreadyMerged, [], MERGED);
            return Err(merged.legacy(409).into());
        }
        self.reach(policy)
    }
}

/// The kinds of principal that may call an operation: a row of the access table. Kinds that are not listed are refused.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    public: bool,
    storefront_user: bool,
    customer: bool,
    integration: Option<Scope>,
}

impl Policy {
    const NOBODY: Self = Self {
        public: false,
        storefront_user: false,
        customer: false,
        integration: None,
    };

    /// Allows backends with this scope.
    #[must_use]
    pub const fn backend(scope: Scope) -> Self {
        Self {
            integration: Some(scope),
            ..Self::NOBODY
        }
    }

    /// Allows customer tokens only.
    #[must_use]
    pub const fn customer_only() -> Self {
        Self::NOBODY.and_customer()
    }

    /// Also allows publishable keys.
    #[must_use]
    pub const fn and_public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Also allows storefront user tokens and customer tokens, for the person's own objects.
    #[must_use]
    pub const fn and_own(mut self) -> Self {
        self.storefront_user = true;
        self.customer = true;
        self
    }

    /// Also allows customer tokens, for the customer's own objects.
    #[must_use]
    pub const fn and_customer(mut self) -> Self {
        self.customer = true;
        self
    }

    /// Whether this principal may call the operation at all; nested objects are null for a principal that may not.
    #[must_use]
    pub fn admits(&self, identity: &Identity) -> bool {
        match identity.kind {
            CredentialKind::Public => self.public,
            CredentialKind::StorefrontUser => self.storefront_user,
            CredentialKind::Customer => self.customer,
            CredentialKind::Integration => {
                (self.integration).is_some_and(|scope| identity.scopes.contains(&scope))
            }
        }
    }

    fn admit(&self, identity: &Identity) -> Result<()> {
        if self.admits(identity) {
            return Ok(());
        }
        let (need, sent) = (self.need(), identity.kind.credential());
        // The message for a backend that lacks only the scope lists the scopes that it has.
        let lacks_scope = identity.kind == CredentialKind::Integration && self.integration.is_some();
        let scopes = match &identity.scopes[..] {
            _ if !lacks_scope => String::new(),
            [] => " without any scope".to_owned(),
            own => {
                let own: Vec<&str> = own.iter().map(|scope| scope.text()).collect();
                format!(" with the scopes {}", own.join(", "))
            }
        };
        Err(Error::Forbidden(format!(
            "This needs {need}; this request was sent with {sent}{scopes}."
        )))
    }

    /// The accepted credentials, for messages: `a customer token or …`.
    fn need(&self) -> String {
        let kinds = [
            (self.public, CredentialKind::Public),
            (self.storefront_user, CredentialKind::StorefrontUser),
            (self.customer, CredentialKind::Customer),
        ];
        let persons = kinds.into_iter().filter(|(admitted, _)| *admitted);
        let mut needs: Vec<String> = persons.map(|(_, kind)| kind.credential().to_owned()).collect();
        if let Some(scope) = self.integration {
            let backend = CredentialKind::Integration.credential();
            needs.push(format!("{backend} with the scope {}", scope.text()));
        }
        needs.join(", or ")
    }
}

/// The error for a request that needs a credential and has none.
fn unauthenticated(need: &str) -> Error {
    Error::Unauthenticated(format!(
        "This needs {need}; this request has no credential. Send one as \"Authorization: Bearer …\"."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: CredentialKind, scopes: &[Scope], policy: Policy) -> String {
        let identity = Identity {
            scopes: scopes.to_vec(),
            ..Identity::sample(kind)
        };
        let refused = Principal::Known(Arc::new(identity)).reach(&policy);
        refused.expect_err("refused").message()
    }

    // GQL-07
    #[test]
    fn whoever_is_refused_learns_what_was_sent_and_what_is_needed() {
        let read = Policy::backend(Scope::CustomersRead);
        insta::assert_snapshot!(refused(CredentialKind::Public, &[], read), @"This needs an integration token or client secret with the scope customers:read; this request was sent with a publishable key.");
        insta::assert_snapshot!(refused(CredentialKind::Integration, &[], read), @"This needs an integration token or client secret with the scope customers:read; this request was sent with an integration token or client secret without any scope.");
        insta::assert_snapshot!(refused(CredentialKind::Integration, &[Scope::OrdersRead, Scope::StorageRead], read), @"This needs an integration token or client secret with the scope customers:read; this request was sent with an integration token or client secret with the scopes orders:read, storage:read.");
        insta::assert_snapshot!(refused(CredentialKind::StorefrontUser, &[], read.and_customer()), @"This needs a customer token, or an integration token or client secret with the scope customers:read; this request was sent with a storefront user token.");
        insta::assert_snapshot!(refused(CredentialKind::Integration, &[Scope::CustomersRead], Policy::customer_only()), @"This needs a customer token; this request was sent with an integration token or client secret.");
        insta::assert_snapshot!(refused(CredentialKind::Customer, &[], read.and_public()), @"This needs a publishable key, or an integration token or client secret with the scope customers:read; this request was sent with a customer token.");
        let nobody = Principal::Nobody.reach(&Policy::customer_only());
        insta::assert_snapshot!(nobody.expect_err("refused").message(), @r#"This needs a customer token; this request has no credential. Send one as "Authorization: Bearer …"."#);
    }
}
