//! E-mail addresses: the only place where they are checked and normalised (SPR-10, UNI-02).
//!
//! An address is stored as it was entered and compared by its key: the local part in Unicode normalisation form NFKC
//! and lower case, without invisible characters; the domain in its ASCII form (IDNA, UTS 46). Otherwise compatibility
//! characters, such as U+212A KELVIN SIGN for `k`, would allow two accounts for what a mail program or a person
//! considers one address.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use crate::error::{UserError, UserErrorCode};
use crate::platform::{page::MAX_TEXT, text};

/// Longest address in bytes (RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets).
const LONGEST: usize = 254;

/// Longest text in bytes that can become an address, in a Unicode form that needs more space. A longer text is not
/// examined, because folding takes time proportional to the length.
const LONGEST_WRITTEN: usize = 4 * LONGEST;

/// A checked address.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// The address as it was entered, in Unicode form NFC, without surrounding white space and invisible characters.
    pub written: String,
    /// The form that is compared: two addresses with the same key are the same.
    pub key: String,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// Checks an address.
///
/// # Errors
/// REQUIRED for an empty or blank text, EMAIL_INVALID for a text that is not an address, on `field`.
pub fn check(text: &str, field: &str) -> Result<Email, UserError> {
    if text::without_margins(text).is_empty() {
        let message = "This must not be empty or blank.";
        return Err(UserError::new(UserErrorCode::Required, [field], message));
    }
    parse(text).ok_or_else(|| {
        let message = "This is not an e-mail address. Send one such as \"ada@example.com\".";
        UserError::new(UserErrorCode::EmailInvalid, [field], message)
    })
}

/// Parses an address for a lookup; `None` for a text that is not an address.
#[must_use]
pub fn parse(text: &str) -> Option<Email> {
    let text = text::without_margins(text);
    if text.len() > LONGEST_WRITTEN {
        return None;
    }
    let written: String = text.nfc().collect();
    if !is_well_formed(&written) {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    let domain = ascii_domain(domain)?;
    // Mail is sent to the ASCII form of the domain, which must fit into an address too.
    if !is_well_formed(&format!("{}@{domain}", local.nfc())) {
        return None;
    }
    let local = compared_local(local)?;
    let key = format!("{local}@{domain}");
    (key.len() <= MAX_TEXT).then_some(Email { written, key })
}

/// The form of a text that occurs in the keys of addresses, for filters by part of an address.
#[must_use]
pub fn compared(text: &str) -> String {
    if let Some(email) = parse(text) {
        return email.key;
    }
    let text = text::without_margins(text);
    if text.len() > LONGEST_WRITTEN {
        return text.to_owned();
    }
    let (written, domain) = match text.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (text, None),
    };
    let mut local = fold(written);
    if local.is_ascii() && !written.is_ascii() {
        // Characters that only look like ASCII occur in no key.
        written.clone_into(&mut local);
    }
    let Some(domain) = domain else {
        return local;
    };
    let ascii = ascii_domain(domain).unwrap_or_else(|| domain.to_lowercase().into());
    format!("{local}@{ascii}")
}

/// Checks the grammar of RFC 5322, without forms that no customer's mailbox has: display names and address literals.
fn is_well_formed(text: &str) -> bool {
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    text.len() <= LONGEST
        && !text.chars().any(|char| char.is_control() || char.is_whitespace())
        && EmailAddress::parse_with_options(text, options).is_ok()
        && EmailAddress::from_str(text).is_ok()
}

/// A domain in the form that the DNS uses, in lower case.
fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    let (uts46, domain) = (Uts46::new(), domain.as_bytes());
    let ascii = uts46.to_ascii(domain, AsciiDenyList::URL, Hyphens::Allow, DnsLength::Verify);
    ascii.ok()
}

/// The compared form of a local part; `None` for one that is not ASCII and folds to ASCII letters only, or to
/// characters that have another meaning in an address.
fn compared_local(local: &str) -> Option<String> {
    let folded = fold(local);
    let plain = unquoted(&folded).unwrap_or(&folded);
    let is_sound = local.is_ascii() || !folded.is_ascii() && !plain.chars().any(is_special);
    is_sound.then(|| plain.to_owned())
}

/// Whether the character is not allowed in a local part without quotation marks (RFC 5322 §3.2.3).
fn is_special(char: char) -> bool {
    char.is_whitespace() || char.is_control() || "()<>[]:;@\\,\"".contains(char)
}

/// The content of quotation marks that are not needed: `"ada"@example.com` is the mailbox `ada@example.com` (RFC 5321
/// §4.1.2).
fn unquoted(local: &str) -> Option<&str> {
    let inner = local.strip_prefix('"')?.strip_suffix('"')?;
    EmailAddress::is_valid_local_part(inner)
        .then_some(inner)
        .filter(|inner| !inner.contains(['"', '\\']))
}

/// Folds a text to Unicode form NFKC in lower case, without invisible characters. Both Greek small sigmas become one.
fn fold(text: &str) -> String {
    let folded = fold_once(text);
    // The result of lower-casing may have a simpler form again.
    fold_once(&folded)
}

fn fold_once(text: &str) -> String {
    let visible = text.nfkc().filter(|char| !text::is_invisible(*char));
    let lower = visible.flat_map(char::to_lowercase);
    let lower = lower.map(|char| if char == 'ς' { 'σ' } else { char });
    lower.nfkc().collect()
}

/// The key of an account in the limits on sign-ins: the compared form, or for a text that is not an address its
/// beginning. No more than that is folded, however long the text is.
#[must_use]
pub fn account(text: &str) -> String {
    parse(text).map_or_else(
        || text.chars().take(LONGEST).collect::<String>().to_lowercase(),
        |email| email.key,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-01
    #[test]
    fn no_text_breaks_the_reader_and_a_compared_address_fits_into_a_cursor() {
        crate::fuzz::each_text(21, &["Ada.Lovelace+shop@Example.COM", "ä@müller.de"], |text| {
            if let Some(email) = parse(text) {
                assert!(email.written.len() <= LONGEST);
                assert!(email.key.len() <= MAX_TEXT);
            }
            assert!(account(text).len() <= LONGEST * 8);
        });
    }

    fn key(text: &str) -> Option<String> {
        parse(text).map(|email| email.key)
    }

    fn refusal(text: &str) -> Option<UserErrorCode> {
        check(text, "email").err().map(|error| error.code)
    }

    // SPR-10
    #[test]
    fn addresses_are_checked_and_compared_without_case() {
        for good in [
            "a@b.co",
            "Ada.Lovelace+shop@Example.COM",
            "ä@example.de",
            "o'neil@sub.example.org",
        ] {
            let email = check(&format!(" {good} "), "email").expect(good);
            assert_eq!(email.written, good);
            assert_eq!(email.key, good.to_lowercase());
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@@b.co",
            "a b@c.de",
            "Ada <a@b.co>",
            "a@[127.0.0.1]",
            "a@b..co",
            "a\n@b.co",
            "a@b.co,c@d.de",
            "a@b.co.",
            "a@xn--zz.co",
            long.as_str(),
        ] {
            assert_eq!(refusal(bad), Some(UserErrorCode::EmailInvalid), "{bad}");
        }
        for blank in ["  ", "\u{200b} \u{feff}", ""] {
            assert_eq!(refusal(blank), Some(UserErrorCode::Required));
        }
    }

    // UNI-02
    #[test]
    fn uni_02_addresses_that_mean_one_mailbox_have_one_key() {
        for (one, other) in [
            ("a@müller.example", "a@xn--mller-kva.example"),
            ("a@MÜLLER.example", "A@xn--mller-kva.EXAMPLE"),
            ("a@mu\u{308}ller.example", "a@müller.example"),
            ("jo\u{308}rg@example.com", "JÖRG@example.com"),
            ("ΟΔΟΣ@example.com", "οδος@example.com"),
            ("ﬀä@example.com", "ffä@example.com"),
            ("a@ｅxample.com", "a@example.com"),
            ("\"ada\"@example.com", "ada@example.com"),
        ] {
            let key_of = |text| key(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(key_of(one), key_of(other), "{one} {other}");
        }
        for (one, other) in [
            ("ada@example.com", "áda@example.com"),
            ("\"a.\"@example.com", "a@example.com"),
            ("a@strasse.example", "a@straße.example"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    // UNI-02
    #[test]
    fn uni_02_a_local_part_that_only_looks_like_ascii_is_refused() {
        for bad in [
            "\u{212a}ai@example.com",
            "ﬁona@example.com",
            "ａda@example.com",
            "ſam@example.com",
            "℡@example.com",
            "ad\u{200b}a@example.com",
            "ada\u{ad}@example.com",
            "a\u{ff20}b@example.com",
            "é\u{ff20}b@example.com",
            "𝐚𝐝𝐚@example.com",
        ] {
            assert_eq!(key(bad), None, "{bad}");
            assert_eq!(refusal(bad), Some(UserErrorCode::EmailInvalid), "{bad}");
            assert!(!compared(bad).is_ascii(), "{bad} is in no key");
        }
        // In a domain such a character is mapped, as the DNS requires.
        assert_eq!(key("a@\u{212a}ai.example"), key("a@kai.example"));
    }

    // UNI-02
    #[test]
    fn uni_02_invisible_characters_around_an_address_are_cut() {
        for text in [
            "\u{feff}ada@example.com",
            "\u{202a}ada@example.com\u{202c}",
            "\u{a0}\u{200b} ada@example.com\u{2060}\n",
            "\u{3164}ada@example.com\u{2800}",
        ] {
            let email = parse(text).expect("an address");
            assert_eq!(email.written, "ada@example.com");
            assert_eq!(email.key, "ada@example.com");
        }
    }

    // UNI-02: a stored key is unchanged when it is folded again, and no letter's key is that of an ASCII letter.
    #[test]
    fn uni_02_every_character_folds_to_what_stays_as_it_is() {
        // Beyond it there are only CJK compatibility ideographs, whose forms are simple, and unassigned code points.
        for char in '!'..='\u{1ffff}' {
            let is_plain = char.to_lowercase().eq([char]) && [char].into_iter().nfkc().eq([char]);
            if is_plain && !char.is_ascii() {
                continue;
            }
            let text = format!("é{char}é");
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "{char:?}");
            if let Some(email) = parse(&format!("{char}@example.com")) {
                assert_eq!(email.key.is_ascii(), char.is_ascii(), "{char:?}");
                let again = key(&email.key);
                assert!(again.is_none_or(|again| again == email.key), "{char:?}");
            }
        }
    }

    // EPC-32, UNI-02
    #[test]
    fn uni_02_part_of_an_address_is_found_in_its_key() {
        for (text, found) in [
            (" ADA", "ada"),
            ("Ada@Müller.example", "ada@xn--mller-kva.example"),
            ("*@müller.example", "*@xn--mller-kva.example"),
            ("JÖRG@", "jörg@"),
            ("ada@exam", "ada@exam"),
        ] {
            assert_eq!(compared(text), found);
        }
    }
}
