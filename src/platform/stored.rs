//! Declares each stored field once: the eraser removes personal fields, the export contains them, and a test checks the
//! database for undeclared fields.

use bson::{Document, doc};

/// The classification of a stored field, which applies to everything stored below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredField {
    /// Personal data that an erasure removes; the export contains it under this name.
    Personal(&'static str),
    /// Removed by an erasure, but not exported: hashes of secrets, and data that another field already contains.
    Hidden,
    /// Personal data that an erasure keeps: ids, times, counts, totals. The export contains it under this name.
    Kept(&'static str),
    /// Contains nothing about a person that another field does not contain.
    Free,
}

/// Declares fields that are all [`StoredField::Free`].
#[must_use]
pub const fn all_free<const N: usize>(paths: [&'static str; N]) -> [(&'static str, StoredField); N] {
    let mut fields = [("", StoredField::Free); N];
    let mut index = 0;
    while index < N {
        fields[index].0 = paths[index];
        index += 1;
    }
    fields
}

/// The fields of the documents in one collection.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Name of the collection.
    pub collection: &'static str,
    /// The stored fields by their dotted paths; indexes of lists are not part of a path.
    pub fields: &'static [(&'static str, StoredField)],
}

impl Stored {
    /// Returns the declared path that covers a path: the path itself, or one above it.
    #[must_use]
    pub fn declared(&self, path: &str) -> Option<&'static str> {
        self.find(path).map(|(declared, _)| *declared)
    }

    /// Returns the classification of the field at a path.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<StoredField> {
        self.find(path).map(|(_, field)| *field)
    }

    fn find(&self, path: &str) -> Option<&'static (&'static str, StoredField)> {
        self.fields.iter().find(|(declared, _)| covers(declared, path))
    }

    /// Returns the paths that an erasure removes, except those below another one of them.
    fn erased(&self) -> impl Iterator<Item = &'static str> {
        let is_erased = |field: &StoredField| matches!(field, StoredField::Personal(_) | StoredField::Hidden);
        let erased = self.fields.iter().filter(move |(_, field)| is_erased(field));
        let erased = erased.map(|(path, _)| *path);
        let all = erased.clone();
        erased.filter(move |path| !all.clone().any(|other| other != *path && covers(other, path)))
    }

    /// Returns the fields for an `$unset` that removes everything an erasure removes.
    #[must_use]
    pub fn unset(&self) -> Document {
        self.erased().map(|path| (path.to_owned(), "".into())).collect()
    }

    /// Returns the condition that a field which an erasure removes is still present.
    #[must_use]
    pub fn is_left(&self) -> Document {
        let left = self.erased().map(|path| doc! { path: { "$exists": true } });
        doc! { "$or": left.collect::<Vec<_>>() }
    }
}

/// Returns whether a path is the declared one, or below it.
fn covers(declared: &str, path: &str) -> bool {
    path.strip_prefix(declared)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: Stored = Stored {
        collection: "people",
        fields: &[
            ("_id", StoredField::Kept("id")),
            ("name", StoredField::Personal("name")),
            ("home.city", StoredField::Personal("city")),
            ("home", StoredField::Personal("home")),
            ("hash", StoredField::Hidden),
            ("nameOfShop", StoredField::Free),
        ],
    };

    #[test]
    fn a_field_stands_for_all_under_it_and_for_nothing_else() {
        assert_eq!(STORED.field("home.zipCode"), Some(StoredField::Personal("home")));
        assert_eq!(STORED.field("home.city"), Some(StoredField::Personal("city")));
        assert_eq!(STORED.field("nameOfShop"), Some(StoredField::Free));
        assert_eq!(STORED.field("homes"), None);
        assert_eq!(STORED.field("city"), None);
    }

    #[test]
    fn what_is_personal_or_hidden_goes_and_the_rest_stays() {
        assert_eq!(STORED.unset(), doc! { "name": "", "home": "", "hash": "" });
    }
}
