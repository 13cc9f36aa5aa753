//! What is stored, said once, field by field: what is personal is taken away by the eraser and told by the export, and a
//! test walks the database for a field that is in no declaration.

use bson::{Document, doc};

/// What a stored field is. A field stands for all that is stored under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// About the person and gone after an erasure; the export tells it under this name.
    Personal(&'static str),
    /// Gone after an erasure, and not told: hashes of secrets, and what another field tells.
    Hidden,
    /// About the person, and kept: ids, times, counts, totals. The export tells it under this name.
    Told(&'static str),
    /// Nothing about a person that another field does not tell.
    Free,
}

/// The fields of the documents of one collection.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// The collection.
    pub collection: &'static str,
    /// Each stored field by its path, with dots; lists have no part in a path.
    pub fields: &'static [(&'static str, Field)],
}

impl Stored {
    /// The declaration of the field at a path: its own, or that of what it stands under.
    #[must_use]
    pub fn declared(&self, path: &str) -> Option<&'static str> {
        self.find(path).map(|(declared, _)| *declared)
    }

    /// What the field at a path is.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<Field> {
        self.find(path).map(|(_, field)| *field)
    }

    fn find(&self, path: &str) -> Option<&'static (&'static str, Field)> {
        let stands_for = |declared: &str| {
            path.strip_prefix(declared)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.fields.iter().find(|(declared, _)| stands_for(declared))
    }

    /// The paths of what is personal, but for those under another of them.
    fn erased(&self) -> impl Iterator<Item = &'static str> {
        let is_erased = |field: &Field| matches!(field, Field::Personal(_) | Field::Hidden);
        let erased = self.fields.iter().filter(move |(_, field)| is_erased(field));
        let under =
            |path: &str, other: &str| path.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
        let (all, erased) = (erased.clone(), erased.map(|(path, _)| *path));
        erased.filter(move |path| !all.clone().any(|(other, _)| under(path, other)))
    }

    /// The update that takes away all that is personal.
    #[must_use]
    pub fn unset(&self) -> Document {
        self.erased().map(|path| (path.to_owned(), "".into())).collect()
    }

    /// The condition that something personal is left.
    #[must_use]
    pub fn is_left(&self) -> Document {
        let left: Vec<Document> = self
            .erased()
            .map(|path| doc! { path: { "$exists": true } })
            .collect();
        doc! { "$or": left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: Stored = Stored {
        collection: "people",
        fields: &[
            ("_id", Field::Told("id")),
            ("name", Field::Personal("name")),
            ("home.city", Field::Personal("city")),
            ("home", Field::Personal("home")),
            ("hash", Field::Hidden),
            ("nameOfShop", Field::Free),
        ],
    };

    #[test]
    fn a_field_stands_for_all_under_it_and_for_nothing_else() {
        assert_eq!(STORED.field("home.zipCode"), Some(Field::Personal("home")));
        assert_eq!(STORED.field("home.city"), Some(Field::Personal("city")));
        assert_eq!(STORED.field("nameOfShop"), Some(Field::Free));
        assert_eq!(STORED.field("homes"), None);
        assert_eq!(STORED.field("city"), None);
    }

    #[test]
    fn what_is_personal_or_hidden_goes_and_the_rest_stays() {
        assert_eq!(STORED.unset(), doc! { "name": "", "home": "", "hash": "" });
    }
}
