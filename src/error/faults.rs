//! The user errors of one input, collected.

use super::{Error, Result, UserError};

/// Collects the errors of one input, so that all are reported together (ERR-01).
#[derive(Debug, Default)]
pub struct Faults(pub(super) Vec<UserError>);

impl Faults {
    /// Adds an error.
    pub fn push(&mut self, fault: UserError) {
        self.0.push(fault);
    }

    /// Adds errors that were collected apart.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Adds the errors of the part of the input at `path`.
    pub fn push_within(&mut self, path: &[&str], inside: Self) {
        self.0
            .extend(inside.0.into_iter().map(|fault| fault.within(path)));
    }

    /// Returns a valid value, or adds the error and returns `None`, so that the checks can continue.
    pub fn take<T>(&mut self, checked: std::result::Result<T, UserError>) -> Option<T> {
        checked.map_err(|fault| self.push(fault)).ok()
    }

    /// Returns the result of an operation, or adds its user errors and returns `None`. Any other error is passed on.
    pub fn absorb<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Error::Rejected(faults)) => {
                self.0.extend(faults);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Returns the checked values if no error was added: `let (name, city) = faults.finish((name, city))?;`
    ///
    /// # Errors
    /// [`Error::Rejected`] with all errors; [`Error::Internal`] if a value is missing although no error was added.
    pub fn finish<C: Checked>(self, values: C) -> Result<C::Values> {
        self.check()?;
        values
            .values()
            .ok_or_else(|| Error::internal("a check returned neither a value nor a user error"))
    }

    /// Whether no error was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns [`Error::Rejected`] if any error was added.
    pub fn check(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into())
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Rejected(faults.0)
    }
}

/// Results of checks, each `None` where the check has added an error.
pub trait Checked {
    /// The values of the checks.
    type Values;

    /// Returns the values if none is missing.
    fn values(self) -> Option<Self::Values>;
}

impl<A> Checked for Option<A> {
    type Values = A;

    fn values(self) -> Option<A> {
        self
    }
}

macro_rules! checked_tuples {
    ($(($($value:ident)+))+) => {$(
        impl<$($value),+> Checked for ($(Option<$value>,)+) {
            type Values = ($($value,)+);

            #[expect(non_snake_case, reason = "the names of the type parameters name the values too")]
            fn values(self) -> Option<Self::Values> {
                let ($($value,)+) = self;
                Some(($($value?,)+))
            }
        }
    )+};
}

checked_tuples! {
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::UserErrorCode;

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

    // ERR-01
    #[test]
    fn values_are_complete_or_there_is_an_error() {
        let complete = Faults::default().finish((Some(1), Some("a")));
        assert!(matches!(complete, Ok((1, "a"))));
        assert!(matches!(
            Faults::default().finish((Some(1), None::<i32>)),
            Err(Error::Internal(_))
        ));
        let mut faults = Faults::default();
        faults.push(UserError::new(UserErrorCode::Required, ["a"], "is required"));
        assert!(matches!(faults.finish(Some(1)), Err(Error::Rejected(_))));
    }
}
