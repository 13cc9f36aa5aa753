//! Documents as a response shows them: each with what decides who may read the objects behind it.

use std::ops::Deref;
use std::sync::Arc;

use super::Reach;
use crate::error::Result;
use crate::reach::principal::{Policy, Principal};

/// What decides whether the objects behind an object of a response may be read.
#[derive(Clone, Debug)]
pub enum Sight {
    /// The policy of each object, applied to the caller.
    Policy,
    /// This reach, whatever scopes the caller has: the payload of a mutation shows the person that it concerns, and
    /// `viewer` shows the caller itself.
    With(Reach),
}

impl Sight {
    /// Returns the reach for objects under this policy.
    ///
    /// # Errors
    /// FORBIDDEN or UNAUTHENTICATED if the policy decides and does not admit the caller.
    pub fn reach(&self, principal: &Principal, policy: &Policy) -> Result<Reach> {
        match self {
            Self::Policy => principal.reach(policy),
            Self::With(reach) => Ok(reach.clone()),
        }
    }

    /// Returns the sight of objects that are shown without scopes to the person concerned only; for back ends, their
    /// policies decide.
    #[must_use]
    pub fn of_the_persons_own(&self) -> Self {
        match self {
            Self::With(reach) if reach.person().is_some() => self.clone(),
            Self::With(_) | Self::Policy => Self::Policy,
        }
    }

    /// Whether the objects are shown without the scopes for reading them.
    #[must_use]
    pub fn needs_no_scope(&self) -> bool {
        matches!(self, Self::With(_))
    }
}

/// A document, and what decides who may read the objects behind it.
#[derive(Debug)]
pub struct Seen<T> {
    document: Arc<T>,
    sight: Sight,
}

// Derived, it would require that documents can be cloned.
impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self {
            document: Arc::clone(&self.document),
            sight: self.sight.clone(),
        }
    }
}

impl<T> Seen<T> {
    /// A document behind which policies decide.
    #[must_use]
    pub fn by_policy(document: Arc<T>) -> Self {
        Self::with(document, Sight::Policy)
    }

    /// A document in the payload of a mutation, with the reach that it is shown with.
    #[must_use]
    pub fn in_payload(document: T, reach: Reach) -> Self {
        Self::with(Arc::new(document), Sight::With(reach))
    }

    /// A document behind another object, seen in the same way.
    #[must_use]
    pub fn with(document: Arc<T>, sight: Sight) -> Self {
        Self { document, sight }
    }

    /// Another document, seen in the same way as this one.
    #[must_use]
    pub fn beside<U>(&self, document: Arc<U>) -> Seen<U> {
        Seen::with(document, self.sight.clone())
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Arc<T> {
        &self.document
    }

    /// What decides who may read the objects behind it.
    #[must_use]
    pub fn sight(&self) -> &Sight {
        &self.sight
    }
}

impl<T> Deref for Seen<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.document
    }
}
