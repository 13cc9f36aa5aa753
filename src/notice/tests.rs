//! The text of each notice, and properties of all of them.

use insta::assert_snapshot;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const WITH_PAGE: Store<'_> = Store {
    name: "Prints",
    account_url: Some("https://prints.example/account"),
};
const WITHOUT_PAGE: Store<'_> = Store {
    name: "Prints",
    account_url: None,
};

fn secret() -> Secret {
    Secret::from("k-3y_")
}

/// Returns all notices, with a key that is easy to find.
fn all(key: &Secret) -> [Notice<'_>; 8] {
    [
        Notice::PasswordReset { key },
        Notice::EmailVerification { token: key },
        Notice::EmailChangeConfirmation { token: key },
        Notice::EmailChangeNotice,
        Notice::EmailChanged,
        Notice::PasswordChanged,
        Notice::RegistrationAttempt,
        Notice::IdentityLinked {
            provider: "Anmeldung",
        },
    ]
}

/// Returns the subject and the text, as a mail program shows them.
fn shown(notice: Notice<'_>, store: &Store<'_>) -> String {
    let mail = notice.render(store, HOUR);
    format!("{}\n\n{}", mail.subject, mail.text.expose())
}

#[test]
fn notices_with_a_key() {
    assert_snapshot!(shown(Notice::PasswordReset { key: &secret() }, &WITH_PAGE), @r"
    Choose a new password for Prints

    Hello, this is Prints. Somebody, probably you, asked for a new password for your account with us.

    Choose your new password here:

    https://prints.example/account/reset?key=k-3y_

    This link works once and is valid for 60 minutes.

    If it was not you, you need not do anything: your password stays as it is. Please do not pass this mail on.

    Prints
    ");
    assert_snapshot!(shown(Notice::PasswordReset { key: &secret() }, &WITHOUT_PAGE), @r"
    Choose a new password for Prints

    Hello, this is Prints. Somebody, probably you, asked for a new password for your account with us.

    To choose your new password, enter this key where the store asks for it:

    k-3y_

    It works once and is valid for 60 minutes.

    If it was not you, you need not do anything: your password stays as it is. Please do not pass this mail on.

    Prints
    ");
    assert_snapshot!(shown(Notice::EmailVerification { token: &secret() }, &WITH_PAGE), @r"
    Confirm your e-mail address for Prints

    Hello, this is Prints. An account with us uses this e-mail address, and we would like to be sure that it is yours.

    Please confirm your address here:

    https://prints.example/account/verify?token=k-3y_

    This link works once and is valid for 60 minutes.

    If you have no account with us, you need not do anything: the address stays unconfirmed.

    Prints
    ");
    assert_snapshot!(shown(Notice::EmailChangeConfirmation { token: &secret() }, &WITH_PAGE), @r"
    Confirm your new e-mail address for Prints

    Hello, this is Prints. Somebody, probably you, wants to use this e-mail address for an account with us.

    Please confirm the new address here:

    https://prints.example/account/email?token=k-3y_

    This link works once and is valid for 60 minutes.

    If it was not you, you need not do anything: the account keeps the address that it has.

    Prints
    ");
}

// CST-08, EPC-09
#[test]
fn notices_without_a_key() {
    assert_snapshot!(shown(Notice::EmailChanged, &WITH_PAGE), @r"
    Your e-mail address for Prints was changed

    Hello, this is Prints. The store has replaced the e-mail address of your account with us. From now on we write to the new address and no longer to this one.

    If you asked for this, there is nothing to do.

    If you did not ask for this, please tell us.

    Prints
    ");
    assert_snapshot!(shown(Notice::IdentityLinked { provider: "Anmeldung" }, &WITH_PAGE), @r"
    A new way to sign in to Prints

    Hello, this is Prints. From now on you can sign in to your account with us by Anmeldung.

    If it was you, there is nothing to do.

    If it was not you, please choose a new password, as if you had forgotten yours, and tell us.

    Prints
    ");
    assert_snapshot!(shown(Notice::EmailChangeNotice, &WITH_PAGE), @r"
    Your e-mail address for Prints is about to change

    Hello, this is Prints. Somebody, probably you, asked to use another e-mail address for your account with us. The change takes effect when it is confirmed from there; after that we no longer write to this address.

    If it was you, there is nothing to do here.

    If it was not you, please sign in and change your password now: that stops the change. If you cannot sign in any more, please tell us.

    Prints
    ");
    assert_snapshot!(shown(Notice::PasswordChanged, &WITH_PAGE), @r"
    Your password for Prints was changed

    Hello, this is Prints. The password of your account with us was changed just now, and you are signed out everywhere.

    If it was you, there is nothing to do.

    If it was not you, please ask for a new password at once, as if you had forgotten yours, and tell us.

    Prints
    ");
}

#[test]
fn a_registration_attempt_with_and_without_an_account_page() {
    assert_snapshot!(shown(Notice::RegistrationAttempt, &WITH_PAGE), @r"
    You already have an account with Prints

    Hello, this is Prints. Somebody, probably you, tried to register with this e-mail address. You have an account with us already.

    Please sign in with your password. If you have forgotten it, ask for a new one where you sign in.

    https://prints.example/account

    If it was not you, you need not do anything: nothing was changed.

    Prints
    ");
    assert_snapshot!(shown(Notice::RegistrationAttempt, &WITHOUT_PAGE), @r"
    You already have an account with Prints

    Hello, this is Prints. Somebody, probably you, tried to register with this e-mail address. You have an account with us already.

    Please sign in with your password. If you have forgotten it, ask for a new one where you sign in.

    If it was not you, you need not do anything: nothing was changed.

    Prints
    ");
}

#[test]
fn html_escapes_the_store_and_loads_nothing() {
    let store = Store {
        name: "A & B <i>",
        account_url: Some("https://shop.example/?a=1&b=\"<>"),
    };
    for notice in all(&secret()) {
        let mail = notice.render(&store, HOUR);
        let html = mail.html.expose();
        let is_plain = mail.subject.contains("A & B <i>");
        assert!(is_plain, "a subject is no HTML: {}", mail.subject);
        assert!(mail.text.expose().contains("A & B <i>"), "nor is the text");
        assert!(!html.contains("<i>") && !html.contains("& "), "{html}");
        for asks in ["<img", "src=", "url(", "@import", "<link", "<script"] {
            assert!(!html.contains(asks), "{asks} in {html}");
        }
        for has in [
            "<html lang=\"en\">",
            "prefers-color-scheme: dark",
            "content=\"light dark\"",
        ] {
            assert!(html.contains(has), "{has} missing in {html}");
        }
    }
}

#[test]
fn a_link_stands_once() {
    for notice in all(&secret()) {
        let with = notice.render(&WITH_PAGE, HOUR);
        let asks = !matches!(
            notice,
            Notice::EmailChangeNotice
                | Notice::EmailChanged
                | Notice::PasswordChanged
                | Notice::IdentityLinked { .. }
        );
        let links = usize::from(asks);
        assert_eq!(with.html.expose().matches("href=\"").count(), links, "{notice:?}");
        assert_eq!(with.text.expose().matches("https://").count(), links);
        let without = notice.render(&WITHOUT_PAGE, HOUR);
        assert!(!without.html.expose().contains("href"), "{notice:?}");
        let keys = usize::from(asks && !matches!(notice, Notice::RegistrationAttempt));
        for text in [&with.html, &with.text, &without.html, &without.text] {
            assert_eq!(text.expose().matches("k-3y_").count(), keys, "{notice:?}");
        }
    }
    let reset = Notice::PasswordReset { key: &secret() }.render(&WITH_PAGE, HOUR);
    let link = "href=\"https://prints.example/account/reset?key=k-3y_\"";
    assert!(reset.html.expose().contains(link), "{}", reset.html.expose());
}

#[test]
fn debug_shows_no_key() {
    for notice in all(&secret()) {
        let shown = format!("{notice:?} {:?}", notice.render(&WITH_PAGE, HOUR));
        assert!(!shown.contains("k-3y_"), "{shown}");
    }
}
