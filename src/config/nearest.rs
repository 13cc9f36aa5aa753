//! Which setting somebody meant who wrote a name that does not exist.

use super::setting::{PREFIX, Setting};

/// The known name that is most like `name`, unless none is like it.
///
/// Names are alike when at most a third of the longer one's letters (without the common prefix) differ, or
/// when the words of one are all in the other in the same order, as in `GATEWAY_ACCESS_TTL` for
/// `GATEWAY_ACCESS_TOKEN_TTL`.
pub(super) fn nearest_name(name: &str, table: &[Setting]) -> Option<&'static str> {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_uppercase();
    table
        .iter()
        .filter_map(|setting| {
            let known = setting.name.strip_prefix(PREFIX)?;
            let apart = strsim::osa_distance(&bare, known);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SETTINGS;

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
            assert_eq!(nearest_name(written, SETTINGS), Some(meant), "{written}");
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
            assert_eq!(nearest_name(written, SETTINGS), None, "{written}");
        }
    }
}
