//! Which setting somebody meant who wrote a name that does not exist.

use super::reader::PREFIX;
use super::settings::SETTINGS;

/// The known name that is most like `name`, unless none is like it.
///
/// Names are alike when at most a third of the longer one's letters (without the common prefix) differ, or
/// when the words of one are all in the other in the same order, as in `GATEWAY_ACCESS_TTL` for
/// `GATEWAY_ACCESS_TOKEN_TTL`.
pub(super) fn nearest_name(name: &str) -> Option<&'static str> {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_uppercase();
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let known = setting.name.strip_prefix(PREFIX)?;
            let apart = edits(&bare, known);
            let longer = bare.chars().count().max(known.len());
            let alike = apart * 3 <= longer || has_words_of(known, &bare) || has_words_of(&bare, known);
            alike.then_some((apart, setting.name))
        })
        .min_by_key(|(apart, _)| *apart)
        .map(|(_, known)| known)
}

/// Whether all words of `part` are words of `whole`, in the same order.
fn has_words_of(whole: &str, part: &str) -> bool {
    let mut words = whole.split('_');
    part.split('_').all(|word| words.any(|other| other == word))
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour to turn one text into
/// the other (optimal string alignment).
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut costs = vec![vec![0; to.len() + 1]; from.len() + 1];
    for row in 0..=from.len() {
        for column in 0..=to.len() {
            costs[row][column] = if row == 0 || column == 0 {
                row + column
            } else {
                let differs = usize::from(from[row - 1] != to[column - 1]);
                let swapped = row > 1
                    && column > 1
                    && from[row - 1] == to[column - 2]
                    && from[row - 2] == to[column - 1];
                let one_way = (costs[row - 1][column] + 1).min(costs[row][column - 1] + 1);
                let replaced = costs[row - 1][column - 1] + differs;
                let swap = if swapped {
                    costs[row - 2][column - 2] + 1
                } else {
                    usize::MAX
                };
                one_way.min(replaced).min(swap)
            };
        }
    }
    costs[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("same", "same"), 0);
        assert_eq!(edits("josb", "jobs"), 1);
        assert_eq!(edits("ab", "ba"), 1);
    }

    #[test]
    fn slips_find_the_name_that_was_meant() {
        for (written, meant) in [
            ("GATEWAY_LISTNE", "GATEWAY_LISTEN"),
            ("GATEWAY_JOSB", "GATEWAY_JOBS"),
            ("GATEWAY_MONGO_URI", "GATEWAY_MONGODB_URI"),
            ("GATEWAY_SMTP", "GATEWAY_SMTP_URL"),
            ("GATEWAY_MAX_COSTS", "GATEWAY_MAX_COST"),
            ("GATEWAY_ACCESS_TTL", "GATEWAY_ACCESS_TOKEN_TTL"),
            ("GATEWAY_CORS_ORIGIN", "GATEWAY_CORS_ORIGINS"),
            ("GATEWAY_master_key", "GATEWAY_MASTER_KEY"),
            ("GATEWAY_LOG_LEVEL", "GATEWAY_LOG"),
        ] {
            assert_eq!(nearest_name(written), Some(meant), "{written}");
        }
    }

    #[test]
    fn nothing_is_suggested_for_what_is_like_nothing() {
        for written in [
            "GATEWAY_",
            "GATEWAY_X",
            "GATEWAY_KUBERNETES_SERVICE_HOST",
            "GATEWAY_ü",
        ] {
            assert_eq!(nearest_name(written), None, "{written}");
        }
    }
}
