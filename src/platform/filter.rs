//! Filters of lists: inputs that become query conditions, with every text escaped.

use async_graphql::InputObject;
use bson::{Bson, Document, Regex, doc};

use super::clock::Timestamp;
use crate::error::{Error, Result};

/// Maximum nesting depth of `and`, `or` and `not`.
pub const MAX_DEPTH: usize = 5;
/// Maximum values of `in`.
const MAX_VALUES: usize = 100;
/// Maximum filters within a filter, over all levels.
const MAX_FILTERS: usize = 200;
/// Maximum length of a text in a filter, in characters.
const MAX_TEXT: usize = 512;

/// Filter by a string. All conditions must match; a condition that is null is ignored. A text in a condition has at
/// most 512 characters.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StringFilter {
    /// Equals this string.
    pub eq: Option<String>,
    /// Does not equal this string.
    pub ne: Option<String>,
    /// Equals one of these strings, at most 100.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Matches this text as a whole, in which `*` stands for any run of characters. Ignores case.
    pub like: Option<String>,
    /// Starts with exactly this string.
    pub starts_with: Option<String>,
    /// Whether the value is missing: true matches no value, false any value.
    pub is_null: Option<bool>,
}

/// Filter by a date and time. All conditions must match; a condition that is null is ignored.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateTimeFilter {
    /// At this time.
    pub eq: Option<Timestamp>,
    /// After this time.
    pub gt: Option<Timestamp>,
    /// At or after this time.
    pub gte: Option<Timestamp>,
    /// Before this time.
    pub lt: Option<Timestamp>,
    /// At or before this time.
    pub lte: Option<Timestamp>,
}

impl StringFilter {
    /// Maps the texts of the filter to the form in which the field is stored.
    #[must_use]
    pub fn mapped(self, form: impl Fn(&str) -> String) -> Self {
        // A text that is too long is left as it is, without the cost of mapping it; it is rejected later.
        let form = |text: &str| {
            if text.len() > MAX_TEXT * 4 {
                text.to_owned()
            } else {
                form(text)
            }
        };
        let text = |text: Option<String>| text.map(|text| form(&text));
        Self {
            eq: text(self.eq),
            ne: text(self.ne),
            one_of: self
                .one_of
                .map(|texts| texts.iter().map(|text| form(text)).collect()),
            like: text(self.like),
            starts_with: text(self.starts_with),
            is_null: self.is_null,
        }
    }

    /// Returns the conditions on a field.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a text or list that is too long, or a text with a NUL character.
    pub fn on(self, field: &str) -> Result<Vec<Document>> {
        let mut conditions = Vec::new();
        let mut add = |operator: &str, value: Bson| conditions.push(doc! { field: { operator: value } });
        if let Some(text) = self.eq {
            add("$eq", bounded(text)?.into());
        }
        if let Some(text) = self.ne {
            add("$ne", bounded(text)?.into());
        }
        if let Some(texts) = self.one_of {
            if texts.len() > MAX_VALUES {
                return Err(Error::BadInput(format!("in takes at most {MAX_VALUES} values.")));
            }
            let texts = texts.into_iter().map(bounded).collect::<Result<Vec<_>>>()?;
            add("$in", texts.into());
        }
        if let Some(text) = self.like {
            add("$regex", expression(pattern(&bounded(text)?), "is")?);
        }
        if let Some(text) = self.starts_with {
            // Case-sensitive and anchored: the form that can use an index.
            add("$regex", expression(format!("^{}", escape(&bounded(text)?)), "")?);
        }
        if let Some(none) = self.is_null {
            add(if none { "$eq" } else { "$ne" }, Bson::Null);
        }
        Ok(conditions)
    }
}

impl DateTimeFilter {
    /// Returns the conditions on a field.
    #[must_use]
    pub fn on(self, field: &str) -> Vec<Document> {
        let Self { eq, gt, gte, lt, lte } = self;
        let bounds = [
            ("$eq", eq),
            ("$gt", gt),
            ("$gte", gte),
            ("$lt", lt),
            ("$lte", lte),
        ];
        let conditions = bounds.into_iter();
        conditions
            .filter_map(|(operator, time)| Some(doc! { field: { operator: time? } }))
            .collect()
    }
}

fn bounded(text: String) -> Result<String> {
    if text.chars().count() > MAX_TEXT {
        let message = format!("A text in a filter has at most {MAX_TEXT} characters.");
        return Err(Error::BadInput(message));
    }
    // The database's regular expressions cannot contain NUL, nor does any stored text.
    if text.contains('\0') {
        let message = "A text in a filter has no control characters.";
        return Err(Error::BadInput(message.to_owned()));
    }
    Ok(text)
}

fn expression(pattern: String, options: &str) -> Result<Bson> {
    Ok(Bson::RegularExpression(Regex {
        pattern: pattern.try_into()?,
        options: options.to_owned().try_into()?,
    }))
}

/// Returns the regular expression of a text in which `*` matches any run of characters.
///
/// Each piece but the last is matched at its first occurrence, without backtracking (`(?>…)`). That leaves the most
/// room for the pieces after it, and a pattern of many stars costs one pass over the text instead of trying every way
/// to divide the text among them.
fn pattern(text: &str) -> String {
    let mut pieces = text.split('*').map(escape);
    let mut pattern = format!("^{}", pieces.next().unwrap_or_default());
    let last = pieces.next_back();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        pattern += &format!("(?>.*?{piece})");
    }
    if let Some(last) = last {
        pattern += &format!(".*{last}");
    }
    pattern + "$"
}

/// Escapes every ASCII punctuation character of `text`, so that the text is matched literally.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A filter that can contain others.
pub trait Filter: Sized {
    /// Takes this filter's own conditions.
    fn own(&mut self) -> Result<Vec<Document>>;
    /// Returns its `and`, `or` and `not`.
    fn nested(self) -> Nested<Self>;
}

/// The filters within a filter.
#[derive(Debug)]
pub struct Nested<F> {
    /// All must match.
    pub and: Option<Vec<F>>,
    /// At least one must match.
    pub or: Option<Vec<F>>,
    /// Must not match.
    pub not: Option<Box<F>>,
}

/// Returns the whole condition of a filter.
///
/// # Errors
/// [`Error::BadInput`] when `and`, `or` and `not` are nested deeper than [`MAX_DEPTH`] or contain too many filters, or
/// when a condition is invalid.
pub fn condition<F: Filter>(filter: Option<F>) -> Result<Document> {
    let mut left = MAX_FILTERS;
    let conditions = filter.map(|filter| collect(filter, 0, &mut left)).transpose()?;
    Ok(all(conditions.unwrap_or_default()))
}

fn all(mut conditions: Vec<Document>) -> Document {
    match conditions.len() {
        0 => Document::new(),
        1 => conditions.remove(0),
        _ => doc! { "$and": conditions },
    }
}

fn collect<F: Filter>(mut filter: F, depth: usize, left: &mut usize) -> Result<Vec<Document>> {
    if depth > MAX_DEPTH {
        let message = format!("and, or and not can be nested at most {MAX_DEPTH} deep.");
        return Err(Error::BadInput(message));
    }
    *left = left.checked_sub(1).ok_or_else(|| {
        let message = format!("and, or and not can contain at most {MAX_FILTERS} filters in all.");
        Error::BadInput(message)
    })?;
    let mut conditions = filter.own()?;
    let Nested { and, or, not } = filter.nested();
    for inner in and.into_iter().flatten() {
        conditions.extend(collect(inner, depth + 1, left)?);
    }
    if let Some(or) = or {
        let branches = or
            .into_iter()
            .map(|inner| collect(inner, depth + 1, left).map(all))
            .collect::<Result<Vec<_>>>()?;
        // An empty `or` never matches.
        conditions.push(if branches.is_empty() {
            doc! { "_id": { "$in": [] } }
        } else {
            doc! { "$or": branches }
        });
    }
    if let Some(not) = not {
        conditions.push(doc! { "$nor": [all(collect(*not, depth + 1, left)?)] });
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_is_literal_but_for_the_star() {
        for (like, expected) in [
            ("a.b*(c", "^a\\.b.*\\(c$"),
            ("", "^$"),
            ("*", "^.*$"),
            ("a*b**c*", "^a(?>.*?b)(?>.*?c).*$"),
        ] {
            let filter = StringFilter {
                like: Some(like.to_owned()),
                ..StringFilter::default()
            };
            let conditions = filter.on("name").expect("fine");
            let expected = expression(expected.to_owned(), "is").expect("a regex");
            assert_eq!(conditions, [doc! { "name": { "$regex": expected } }], "{like}");
        }
    }

    struct Many(usize);

    impl Filter for Many {
        fn own(&mut self) -> Result<Vec<Document>> {
            Ok(vec![doc! { "a": 1 }])
        }

        fn nested(self) -> Nested<Self> {
            Nested {
                and: None,
                or: (self.0 > 0).then(|| (0..self.0).map(|_| Self(0)).collect()),
                not: None,
            }
        }
    }

    // DEF-01
    #[test]
    fn a_filter_holds_so_many_filters_and_no_more() {
        assert!(condition(Some(Many(MAX_FILTERS - 1))).is_ok());
        let refused = condition(Some(Many(MAX_FILTERS)));
        assert!(matches!(refused, Err(Error::BadInput(_))));
    }

    // DEF-01
    #[test]
    fn no_text_breaks_the_filters() {
        crate::fuzz::each_text(15, &["a.b*(c", "*a*b*"], |text| {
            let filter = StringFilter {
                like: Some(text.to_owned()),
                starts_with: Some(text.to_owned()),
                ..StringFilter::default()
            };
            for condition in filter.on("name").unwrap_or_default() {
                let name = condition.get_document("name").expect("a condition");
                let Some(Bson::RegularExpression(regex)) = name.get("$regex") else {
                    panic!("an expression")
                };
                // At most an escape for each character and a group for each star.
                assert!(regex.pattern.as_str().len() <= MAX_TEXT * 10);
            }
        });
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        let filter = StringFilter {
            eq: Some("x".repeat(513)),
            ..StringFilter::default()
        };
        assert!(matches!(filter.on("name"), Err(Error::BadInput(_))));
    }
}
