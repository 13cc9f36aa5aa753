//! The wording of each notice. Text and HTML are made from the same words, so that they cannot differ.

use std::time::Duration;

use url::Url;

use super::link;
use crate::platform::secret::Secret;

/// The subject of a mail.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// A customer who forgot the password may set a new one with this key.
    PasswordReset {
        /// The key, valid once.
        key: &'a Secret,
    },
    /// The account's address has to be verified.
    EmailVerification {
        /// The token, valid once.
        token: &'a Secret,
    },
    /// To the new address of an account, to verify its owner.
    EmailChangeConfirmation {
        /// The token, valid once.
        token: &'a Secret,
    },
    /// To the current address of an account: it is about to be replaced by another one, which is not named.
    EmailChangeNotice,
    /// To the previous address of an account: the store has replaced it by another one, which is not named.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// A registration was attempted with an address that already has an account (SPR-10).
    RegistrationAttempt,
    /// The account can be signed in to by an identity provider from now on.
    IdentityLinked {
        /// Display name of the provider.
        provider: &'a str,
    },
}

/// The store that sends the mail.
#[derive(Clone, Copy, Debug)]
pub struct Store<'a> {
    /// Name of the store, as its customers know it.
    pub name: &'a str,
    /// Account page of the store, `U` of `U/reset?key=…`, `U/verify?token=…` and `U/email?token=…`. Without it, a mail
    /// contains only the key or token.
    pub account_url: Option<&'a str>,
}

/// The words of a mail, one string per paragraph.
pub(super) struct Letter {
    pub(super) subject: String,
    /// Who writes, why, and what to do.
    pub(super) before: Vec<String>,
    /// The link or key with which to do it.
    pub(super) way: Option<Way>,
    /// How long it works, and what to do if the recipient did not request the mail.
    pub(super) after: Vec<String>,
}

/// How to do the one thing that a mail asks for.
pub(super) enum Way {
    /// By opening a page.
    Link {
        /// URL of the page.
        url: Url,
        /// Text of its button.
        label: &'static str,
    },
    /// By entering this key where the store asks for it.
    Key(Secret),
}

impl Way {
    /// Returns the form for plain text.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Link { url, .. } => url.as_str(),
            Self::Key(key) => key.expose(),
        }
    }
}

pub(super) fn letter(notice: &Notice<'_>, store: &Store<'_>, valid_for: Duration) -> Letter {
    let name = store.name;
    match notice {
        Notice::PasswordReset { key } => RESET.letter(store, key, valid_for),
        Notice::EmailVerification { token } => VERIFICATION.letter(store, token, valid_for),
        Notice::EmailChangeConfirmation { token } => CHANGE.letter(store, token, valid_for),
        Notice::EmailChangeNotice => information(
            name,
            format!("Your e-mail address for {name} is about to change"),
            "Somebody, probably you, asked to use another e-mail address for your account with us. The change \
                 takes effect when it is confirmed from there; after that we no longer write to this address.",
            "If it was you, there is nothing to do here.",
            "If it was not you, please sign in and change your password now: that stops the change. If you cannot sign \
             in any more, please tell us.",
        ),
        Notice::EmailChanged => information(
            name,
            format!("Your e-mail address for {name} was changed"),
            "The store has replaced the e-mail address of your account with us. From now on we write to the new \
                 address and no longer to this one.",
            "If you asked for this, there is nothing to do.",
            "If you did not ask for this, please tell us.",
        ),
        Notice::PasswordChanged => information(
            name,
            format!("Your password for {name} was changed"),
            "The password of your account with us was changed just now, and you are signed out everywhere.",
            "If it was you, there is nothing to do.",
            "If it was not you, please ask for a new password at once, as if you had forgotten yours, and tell us.",
        ),
        Notice::IdentityLinked { provider } => information(
            name,
            format!("A new way to sign in to {name}"),
            &format!("From now on you can sign in to your account with us by {provider}."),
            "If it was you, there is nothing to do.",
            "If it was not you, please choose a new password, as if you had forgotten yours, and tell us.",
        ),
        Notice::RegistrationAttempt => Letter {
            way: link::account_page(store.account_url).map(|url| Way::Link {
                url,
                label: "Go to my account",
            }),
            ..information(
                name,
                format!("You already have an account with {name}"),
                "Somebody, probably you, tried to register with this e-mail address. You have an account with us \
                     already.",
                "Please sign in with your password. If you have forgotten it, ask for a new one where you sign in.",
                "If it was not you, you need not do anything: nothing was changed.",
            )
        },
    }
}

fn greeting(store: &str, why: &str) -> String {
    format!("Hello, this is {store}. {why}")
}

/// Returns a letter without a link: about something that has happened, and what to do if the recipient requested it
/// (`asked`) and if not (`unasked`).
fn information(store: &str, subject: String, why: &str, asked: &str, unasked: &str) -> Letter {
    Letter {
        subject,
        before: vec![greeting(store, why), asked.to_owned()],
        way: None,
        after: vec![unasked.to_owned()],
    }
}

/// A notice that asks for one action, which requires a key: by a link if the store has an account page, otherwise by
/// the key alone.
struct Request {
    /// Beginning of the subject, before the store's name.
    subject: &'static str,
    /// Reason for the mail, after the store's name.
    why: &'static str,
    /// Instruction before a link.
    open: &'static str,
    /// Instruction before a key.
    enter: &'static str,
    /// Text of a link's button.
    label: &'static str,
    /// Path of the page below the account page.
    page: &'static str,
    /// The page's query parameter for the key.
    parameter: &'static str,
    /// What to do if the recipient did not request the mail.
    unasked: &'static str,
}

const RESET: Request = Request {
    subject: "Choose a new password for",
    why: "Somebody, probably you, asked for a new password for your account with us.",
    open: "Choose your new password here:",
    enter: "To choose your new password, enter this key where the store asks for it:",
    label: "Choose a new password",
    page: "reset",
    parameter: "key",
    unasked: "If it was not you, you need not do anything: your password stays as it is. Please do not pass this mail on.",
};

const VERIFICATION: Request = Request {
    subject: "Confirm your e-mail address for",
    why: "An account with us uses this e-mail address, and we would like to be sure that it is yours.",
    open: "Please confirm your address here:",
    enter: "To confirm your address, please enter this key where the store asks for it:",
    label: "Confirm my address",
    page: "verify",
    parameter: "token",
    unasked: "If you have no account with us, you need not do anything: the address stays unconfirmed.",
};

const CHANGE: Request = Request {
    subject: "Confirm your new e-mail address for",
    why: "Somebody, probably you, wants to use this e-mail address for an account with us.",
    open: "Please confirm the new address here:",
    enter: "To confirm the new address, please enter this key where the store asks for it:",
    label: "Use this address",
    page: "email",
    parameter: "token",
    unasked: "If it was not you, you need not do anything: the account keeps the address that it has.",
};

impl Request {
    fn letter(&self, store: &Store<'_>, key: &Secret, valid_for: Duration) -> Letter {
        let time = in_words(valid_for);
        let (how, way, until) = match link::below(store.account_url, self.page, self.parameter, key) {
            Some(url) => (
                self.open,
                Way::Link {
                    url,
                    label: self.label,
                },
                "This link works once and",
            ),
            None => (self.enter, Way::Key(key.clone()), "It works once and"),
        };
        Letter {
            subject: format!("{} {}", self.subject, store.name),
            before: vec![greeting(store.name, self.why), how.to_owned()],
            way: Some(way),
            after: vec![format!("{until} is valid for {time}."), self.unasked.to_owned()],
        }
    }
}

/// Returns a duration in words: whole, in the largest unit of which it has at least two.
fn in_words(time: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(24 * 3600, "days"), (3600, "hours"), (60, "minutes")];
    let seconds = time.as_secs();
    let whole = UNITS
        .iter()
        .find(|(size, _)| seconds.is_multiple_of(*size) && seconds / size >= 2);
    match whole {
        Some((size, unit)) => format!("{} {unit}", seconds / size),
        None if seconds == 60 => "1 minute".to_owned(),
        None if seconds == 1 => "1 second".to_owned(),
        None => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_plainly() {
        for (seconds, words) in [
            (1, "1 second"),
            (45, "45 seconds"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (900, "15 minutes"),
            (3600, "60 minutes"),
            (5400, "90 minutes"),
            (24 * 3600, "24 hours"),
            (36 * 3600, "36 hours"),
            (30 * 24 * 3600, "30 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
