//! The wording of each notice. Text and HTML are made from the same words, so that they cannot differ.

use std::time::Duration;

use url::Url;

use super::link;
use super::request::{Notice, Store};
use crate::platform::secret::Secret;

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
    match notice {
        Notice::PasswordReset { key } => RESET.letter(store, key, valid_for),
        Notice::EmailVerification { token } => VERIFICATION.letter(store, token, valid_for),
        Notice::EmailChangeConfirmation { token } => CHANGE.letter(store, token, valid_for),
        Notice::EmailChangeNotice => email_change_notice(store.name),
        Notice::EmailChanged => email_changed(store.name),
        Notice::PasswordChanged => password_changed(store.name),
        Notice::RegistrationAttempt => registration_attempt(store),
        Notice::IdentityLinked { provider } => identity_linked(store.name, provider),
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
        let Self {
            subject,
            why,
            open,
            enter,
            label,
            page,
            parameter,
            unasked,
        } = *self;
        let time = in_words(valid_for);
        let (how, way, until) = match link::below(store.account_url, page, parameter, key) {
            Some(url) => (open, Way::Link { url, label }, "This link works once and"),
            None => (enter, Way::Key(key.clone()), "It works once and"),
        };
        Letter {
            subject: format!("{subject} {}", store.name),
            before: vec![greeting(store.name, why), how.to_owned()],
            way: Some(way),
            after: vec![format!("{until} is valid for {time}."), unasked.to_owned()],
        }
    }
}

fn greeting(store: &str, why: &str) -> String {
    format!("Hello, this is {store}. {why}")
}

fn email_change_notice(store: &str) -> Letter {
    let why = "Somebody, probably you, asked to use another e-mail address for your account with us. The change takes \
               effect when it is confirmed from there; after that we no longer write to this address.";
    let unasked = "If it was not you, please sign in and change your password now: that stops the change. If you cannot \
                   sign in any more, please tell us.";
    Letter {
        subject: format!("Your e-mail address for {store} is about to change"),
        before: vec![
            greeting(store, why),
            "If it was you, there is nothing to do here.".to_owned(),
        ],
        way: None,
        after: vec![unasked.to_owned()],
    }
}

fn email_changed(store: &str) -> Letter {
    let why = "The store has replaced the e-mail address of your account with us. From now on we write to the new address \
               and no longer to this one.";
    let unasked = "If you did not ask for this, please tell us.";
    Letter {
        subject: format!("Your e-mail address for {store} was changed"),
        before: vec![
            greeting(store, why),
            "If you asked for this, there is nothing to do.".to_owned(),
        ],
        way: None,
        after: vec![unasked.to_owned()],
    }
}

fn identity_linked(store: &str, provider: &str) -> Letter {
    let why = format!("From now on you can sign in to your account with us by {provider}.");
    let unasked =
        "If it was not you, please choose a new password, as if you had forgotten yours, and tell us.";
    Letter {
        subject: format!("A new way to sign in to {store}"),
        before: vec![
            greeting(store, &why),
            "If it was you, there is nothing to do.".to_owned(),
        ],
        way: None,
        after: vec![unasked.to_owned()],
    }
}

fn password_changed(store: &str) -> Letter {
    let why = "The password of your account with us was changed just now, and you are signed out everywhere.";
    let unasked = "If it was not you, please ask for a new password at once, as if you had forgotten yours, and tell us.";
    Letter {
        subject: format!("Your password for {store} was changed"),
        before: vec![
            greeting(store, why),
            "If it was you, there is nothing to do.".to_owned(),
        ],
        way: None,
        after: vec![unasked.to_owned()],
    }
}

fn registration_attempt(store: &Store<'_>) -> Letter {
    let why = "Somebody, probably you, tried to register with this e-mail address. You have an account with us already.";
    let how =
        "Please sign in with your password. If you have forgotten it, ask for a new one where you sign in.";
    let way = link::account_page(store.account_url).map(|url| Way::Link {
        url,
        label: "Go to my account",
    });
    Letter {
        subject: format!("You already have an account with {}", store.name),
        before: vec![greeting(store.name, why), how.to_owned()],
        way,
        after: vec!["If it was not you, you need not do anything: nothing was changed.".to_owned()],
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
