//! The mails that people get: what they say, as text and as HTML. Nothing is sent here.
//!
//! Each notice says who sends it, why, what to do, until when, and what to do if one did not ask for it. No name and no
//! address stands in one, so that a mail that reaches the wrong person tells nothing.

mod link;
mod wording;

use std::fmt;
use std::time::Duration;

use askama::Template;

use self::wording::{Letter, Way};
use crate::platform::secret::Secret;

/// What a mail is about.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// Somebody who forgot the password may choose a new one with this key.
    PasswordReset {
        /// Works once.
        key: &'a Secret,
    },
    /// The account's address is to be verified.
    EmailVerification {
        /// Works once.
        token: &'a Secret,
    },
    /// To the address that an account is to get: whether it is its owner's.
    EmailChangeConfirmation {
        /// Works once.
        token: &'a Secret,
    },
    /// To the address that an account has: it is to get another one, which is not named.
    EmailChangeNotice,
    /// To the address that an account had until now: the store has replaced it by another one, which is not named.
    EmailChanged,
    /// The password is another one now.
    PasswordChanged,
    /// Somebody tried to register with an address that has an account (SPR-10).
    RegistrationAttempt,
    /// The account can be signed in to at an identity provider from now on.
    IdentityLinked {
        /// What people call the provider.
        provider: &'a str,
    },
}

/// The store that the mail comes from.
#[derive(Clone, Copy, Debug)]
pub struct Store<'a> {
    /// Its name, as customers know it.
    pub name: &'a str,
    /// Its account page, `U` of `U/reset?key=…`, `U/verify?token=…` and `U/email?token=…`. Without one a mail holds
    /// the key or token alone.
    pub account_url: Option<&'a str>,
}

/// A mail's texts. They may hold a key, and are mute in `Debug`.
pub struct Rendered {
    /// The subject, one line.
    pub subject: String,
    /// For programs that show no HTML.
    pub text: Secret,
    /// The same as HTML, with everything that comes from outside escaped.
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
    before: &'a [String],
    way: Option<&'a Way>,
    after: &'a [String],
    store: &'a str,
}

#[derive(Template)]
#[template(path = "mail.html", config = "src/notice/askama.toml")]
struct AsHtml<'a> {
    subject: &'a str,
    before: &'a [String],
    way: Option<&'a Way>,
    after: &'a [String],
    store: &'a str,
}

impl Notice<'_> {
    /// The mail's texts. `valid_for` is how long its key or token works from now on; a notice without one ignores it.
    #[must_use]
    pub fn render(&self, store: &Store<'_>, valid_for: Duration) -> Rendered {
        let Letter {
            subject,
            before,
            way,
            after,
        } = wording::letter(self, store, valid_for);
        let text = AsText {
            before: &before,
            way: way.as_ref(),
            after: &after,
            store: store.name,
        };
        let html = AsHtml {
            subject: &subject,
            before: &before,
            way: way.as_ref(),
            after: &after,
            store: store.name,
        };
        let (text, html) = (written(&text), written(&html));
        Rendered { subject, text, html }
    }
}

/// A template filled in.
fn written(template: &impl Template) -> Secret {
    let text = template
        .render()
        .expect("a template of texts alone can always be written to memory");
    Secret::from(text)
}

#[cfg(test)]
mod tests;
