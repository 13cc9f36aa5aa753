//! The content of the mails to customers, as text and as HTML. This module sends nothing.
//!
//! Each notice contains who sends it, why, what to do, until when, and what to do if the recipient did not request it.
//! It contains no name and no address of a person, so that a mail to the wrong person discloses nothing.

mod link;
mod wording;

use std::fmt;
use std::time::Duration;

use askama::Template;

use self::wording::{Letter, Way};
pub use self::wording::{Notice, Store};
use crate::platform::secret::Secret;

/// The texts of a mail. They may contain a key, so `Debug` hides them.
pub struct Rendered {
    /// The subject, one line.
    pub subject: String,
    /// The body as plain text.
    pub text: Secret,
    /// The same as HTML, with all external values escaped.
    pub html: Secret,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").finish_non_exhaustive()
    }
}

#[derive(Template)]
#[template(path = "mail.txt", config = "src/notice/askama.toml")]
struct AsText<'a> {
    letter: &'a Letter,
    store: &'a str,
}

#[derive(Template)]
#[template(path = "mail.html", config = "src/notice/askama.toml")]
struct AsHtml<'a> {
    letter: &'a Letter,
    store: &'a str,
}

impl Notice<'_> {
    /// Returns the texts of the mail. `valid_for` is the remaining lifetime of its key or token; a notice without one
    /// ignores it.
    #[must_use]
    pub fn render(&self, store: &Store<'_>, valid_for: Duration) -> Rendered {
        let (letter, store) = (&wording::letter(self, store, valid_for), store.name);
        Rendered {
            subject: letter.subject.clone(),
            text: written(&AsText { letter, store }),
            html: written(&AsHtml { letter, store }),
        }
    }
}

/// Renders a template.
fn written(template: &impl Template) -> Secret {
    let text = template
        .render()
        .expect("a template of texts alone can always be written to memory");
    Secret::from(text)
}

#[cfg(test)]
mod tests;
