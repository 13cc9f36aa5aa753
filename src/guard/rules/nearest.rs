//! Suggestions for names that do not exist.

use crate::guard::refusal::alternatives;

/// Maximum number of suggestions.
const MOST: usize = 3;

/// Maximum length of a name that suggestions are searched for, in bytes: the work grows with its square.
const LONGEST: usize = 64;

/// Returns the known names that are most similar to `written`, the most similar first.
///
/// Names are similar if at most two fifths of the letters of the longer one differ, or one letter of a short one,
/// ignoring case and underscores, or if one is a prefix of the other.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    if written.len() > LONGEST {
        return Vec::new();
    }
    let plain_written = plain(written);
    if plain_written.is_empty() {
        return Vec::new();
    }
    let mut alike: Vec<(usize, &str)> = known
        .filter_map(|name| Some((distance(&plain_written, &plain(name))?, name)))
        .collect();
    alike.sort_unstable();
    alike.truncate(MOST);
    alike.into_iter().map(|(_, name)| name).collect()
}

/// Returns the end of a message with the suggested names; empty if there are none.
pub(super) fn did_you_mean(names: &[&str]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" Did you mean {}?", alternatives(names))
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| *letter != '_')
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// Returns the distance between two names, if they are similar.
fn distance(written: &str, known: &str) -> Option<usize> {
    let longer = written.len().max(known.len());
    let shorter = written.len().min(known.len());
    let begins = shorter >= 4 && (known.starts_with(written) || written.starts_with(known));
    if (longer - shorter) * 5 > longer * 2 {
        // At least this many letters differ.
        return begins.then_some(longer - shorter);
    }
    let edits = strsim::osa_distance(written, known);
    (begins || edits * 5 <= longer * 2 || (edits == 1 && longer > 1)).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_names_that_were_meant() {
        let known = "customer customers orders storefront viewer createdAt";
        let nearest = |written| nearest(written, known.split(' '));
        assert_eq!(nearest("custmer"), ["customer", "customers"]);
        assert_eq!(nearest("created_at"), ["createdAt"]);
        assert_eq!(nearest("store"), ["storefront"]);
        assert_eq!(nearest("veiwer"), ["viewer"]);
        assert_eq!(nearest("xyz"), [""; 0]);
        assert_eq!(nearest("_"), [""; 0]);
        assert_eq!(nearest(&"customer".repeat(10)), [""; 0]);
    }

    #[test]
    fn a_message_ends_with_the_names() {
        assert_eq!(did_you_mean(&[]), "");
        assert_eq!(did_you_mean(&["a"]), " Did you mean \"a\"?");
        let several = " Did you mean \"a\", \"b\" or \"c\"?";
        assert_eq!(did_you_mean(&["a", "b", "c"]), several);
    }
}
