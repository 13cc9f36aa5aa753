//! The problems found in a request, up to a limit.

use crate::guard::refusal::Refusal;

/// Maximum number of problems listed; a last entry says that there are more.
const MOST: usize = 100;

/// Collects problems. Each is built only while the list is not full: a request may have thousands.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Refusal>);

impl Problems {
    pub(super) fn add(&mut self, problem: impl FnOnce() -> Refusal) {
        if !self.are_enough() {
            self.0.push(problem());
        }
    }

    /// Whether the list is full.
    pub(super) fn are_enough(&self) -> bool {
        self.0.len() > MOST
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Returns the problems, if any, in the order of the text.
    pub(super) fn into_result(self) -> Result<(), Vec<Refusal>> {
        let Self(mut problems) = self;
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(|problem| problem.locations.first().map(|at| (at.line, at.column)));
        if problems.len() > MOST {
            problems.truncate(MOST);
            problems.push(Refusal {
                kind: problems[0].kind,
                message: format!("Only the first {MOST} problems are listed."),
                locations: Vec::new(),
            });
        }
        Err(problems)
    }
}
