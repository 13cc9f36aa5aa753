//! Lists of ids in inputs, of which each id that is not found is reported at its index.

use std::collections::HashSet;

use async_graphql::ID;
use bson::{Document, doc};

use crate::error::{Faults, UserError, UserErrorCode};
use crate::platform::id::Id;

/// The maximum length of a list of ids in an input.
#[derive(Debug)]
pub struct ListLimit {
    /// The input's field.
    pub field: &'static str,
    /// Maximum number of ids.
    pub max: usize,
    /// What the error message calls the listed objects.
    pub what: &'static str,
}

/// The ids of an input's list, each at its index; `None` for what is not an id of this type.
#[derive(Debug)]
pub struct ListedIds<I>(Vec<Option<I>>);

impl<I: Id> ListedIds<I> {
    /// Lists ids that are known to have the form of ids.
    pub fn of(ids: impl IntoIterator<Item = I>) -> Self {
        Self(ids.into_iter().map(Some).collect())
    }

    /// Reads the list, or adds TOO_LONG to `faults` and returns an empty list, so that none of its ids is looked up.
    pub fn checked(ids: &[ID], limit: &ListLimit, faults: &mut Faults) -> Self {
        let ListLimit { field, max, what } = limit;
        if ids.len() > *max {
            let message = format!("This takes at most {max} {what}.");
            faults.push(UserError::new(UserErrorCode::TooLong, [*field], message));
            return Self(Vec::new());
        }
        Self(ids.iter().map(|id| I::parse(id)).collect())
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the ids in the list's order; the place of an id is its index.
    pub fn iter(&self) -> impl Iterator<Item = Option<&I>> {
        self.0.iter().map(Option::as_ref)
    }

    /// Returns each id once, in the list's order.
    #[must_use]
    pub fn distinct(&self) -> Vec<I> {
        let mut seen = HashSet::new();
        let ids = self.0.iter().flatten();
        ids.filter(|id| seen.insert(*id)).cloned().collect()
    }
}

/// The filter for the documents with these ids.
#[must_use]
pub fn with_ids<I: Id>(ids: &[I]) -> Document {
    doc! { "_id": { "$in": ids.iter().map(Id::as_str).collect::<Vec<_>>() } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{clock::Timestamp, id::CustomerGroupId, random::Random};

    const LIMIT: ListLimit = ListLimit {
        field: "groupIds",
        max: 4,
        what: "groups",
    };

    #[test]
    fn each_id_keeps_its_index_and_counts_once() {
        let random = Random::seeded(2);
        let [first, second] =
            [1, 2].map(|millis| CustomerGroupId::fresh(Timestamp::from_millis(millis), &random));
        let sent = [second.as_str(), "mkt_1", first.as_str(), second.as_str()].map(ID::from);
        let mut faults = Faults::default();
        let listed = ListedIds::checked(&sent, &LIMIT, &mut faults);
        assert!(faults.is_empty());
        let places: Vec<Option<&CustomerGroupId>> = listed.iter().collect();
        assert_eq!(places, [Some(&second), None, Some(&first), Some(&second)]);
        assert_eq!(listed.distinct(), [second, first]);
    }

    #[test]
    fn no_id_of_an_overlong_list_is_looked_up() {
        let sent = ["grp_1"; 5].map(ID::from);
        let mut faults = Faults::default();
        let listed = ListedIds::<CustomerGroupId>::checked(&sent, &LIMIT, &mut faults);
        assert!(listed.is_empty() && !faults.is_empty());
    }
}
