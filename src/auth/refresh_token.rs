//! The format of refresh tokens: `rt_`, the session's id, a secret, and a tag over both, keyed by the gateway.
//!
//! The tag distinguishes a token that the gateway once issued for this session from any other text, however often the
//! session was refreshed since, with one keyed digest and before anything is read from the database. The secret of the
//! next token is derived from the token that is used, so that only hashes are stored: neither the database nor the key
//! alone reveals a token.
//!
//! Earlier versions issued tokens without a tag. They are valid as long as their session lives, and are exchanged for
//! one with a tag. When such a token is used again after that, one of the last [`MOST_STEPS`] is recognised by deriving
//! its successors; an older one is refused like an unknown one.

use crate::platform::{
    crypto::{Vault, fingerprint},
    id::{Id, SessionId},
};

/// Prefix of refresh tokens.
pub const PREFIX: &str = "rt_";
/// Longest text that is parsed, in bytes; a token has 96 characters.
const LONGEST: usize = 128;
/// Length of a secret: 256 bits in base64url.
const SECRET: usize = 43;
/// Maximum number of successors of an untagged token that are derived.
const MOST_STEPS: usize = 16;

/// A refresh token as it was presented: it has the right format, and if it has a tag, the gateway issued it.
pub(super) struct Presented<'a> {
    text: &'a str,
    /// The session that it names.
    pub session: SessionId,
    /// Whether it has a tag, which proves that it was issued for this session.
    pub is_tagged: bool,
}

impl<'a> Presented<'a> {
    /// Parses a token; `None` for a text that the gateway cannot have issued.
    pub fn read(vault: &Vault, text: &'a str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let mut parts = text.strip_prefix(PREFIX)?.split('.');
        let (body, secret, tag) = (parts.next()?, parts.next()?, parts.next());
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if parts.next().is_some() || secret.len() != SECRET || !secret.bytes().all(is_base64url) {
            return None;
        }
        if let Some(tag) = tag {
            let (signed, _) = text.rsplit_once('.')?;
            if !vault.verify_refresh_tag(signed, tag) {
                return None;
            }
        }
        Some(Self {
            text,
            session: SessionId::parse(&format!("ses_{body}"))?,
            is_tagged: tag.is_some(),
        })
    }

    /// Derives the next token. The result is always the same, so that a lost response can be repeated.
    pub fn next(&self, vault: &Vault) -> String {
        written(vault, &self.session, &vault.next_refresh(self.text))
    }

    /// Whether one of the untagged tokens that followed it has a known hash.
    pub fn leads_to(&self, vault: &Vault, is_known: impl Fn(&str) -> bool) -> bool {
        let mut text = self.text.to_owned();
        (0..MOST_STEPS).any(|_| {
            text = untagged(&self.session, &vault.next_refresh(&text));
            is_known(&fingerprint(&text))
        })
    }
}

/// Composes a refresh token of this session.
pub(super) fn written(vault: &Vault, session: &SessionId, secret: &str) -> String {
    let signed = untagged(session, secret);
    let tag = vault.refresh_tag(&signed);
    format!("{signed}.{tag}")
}

fn untagged(session: &SessionId, secret: &str) -> String {
    let body = session.as_str().trim_start_matches("ses_");
    format!("{PREFIX}{body}.{secret}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{clock::Timestamp, random::Random, secret::MasterKey};

    /// Returns a vault, and the first token that it issues for a session.
    fn issuer() -> (Vault, SessionId, String) {
        let random = Random::seeded(1);
        let vault = Vault::new(&MasterKey::from_bytes([1; 32])).expect("a good key");
        let session = SessionId::fresh(Timestamp::from_millis(5), &random);
        let first = written(&vault, &session, &random.token());
        (vault, session, first)
    }

    // TOK-01
    #[test]
    fn a_token_names_its_session_and_so_do_all_that_follow_it() {
        let (vault, session, mut token) = issuer();
        for _ in 0..1000 {
            let presented = Presented::read(&vault, &token).expect("one of ours");
            assert_eq!((&presented.session, presented.is_tagged), (&session, true));
            token = presented.next(&vault);
        }
    }

    // TOK-01, DEF-01
    #[test]
    fn a_changed_or_forged_token_is_none() {
        let (vault, _, first) = issuer();
        for at in 0..first.len() {
            let mut changed = first.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).expect("ASCII");
            // A replaced dot leaves a text without a tag, or with a secret of another length.
            assert!(Presented::read(&vault, &changed).is_none(), "{at}");
        }
        let other = Vault::new(&MasterKey::from_bytes([2; 32])).expect("a good key");
        assert!(Presented::read(&other, &first).is_none());
        let long = format!("{first}{}", "x".repeat(1 << 20));
        let more = format!("{first}.{first}");
        let short = ["", "rt_", "rt_x.y", "pk_abc", "rt_01arz3ndektsv4rrffq69g5fav"];
        for bad in short.into_iter().chain([&*long, &more]) {
            assert!(Presented::read(&vault, bad).is_none());
        }
    }

    // TOK-01
    #[test]
    fn of_tokens_without_a_tag_the_last_ones_are_recognised() {
        let (vault, session, _) = issuer();
        let mut chain = vec![untagged(&session, &Random::seeded(2).token())];
        for at in 0..40 {
            chain.push(untagged(&session, &vault.next_refresh(&chain[at])));
        }
        let newest = fingerprint(&chain[40]);
        for (at, token) in chain.iter().enumerate().take(40) {
            let presented = Presented::read(&vault, token).expect("of an earlier version's form");
            assert!(!presented.is_tagged);
            let leads = presented.leads_to(&vault, |hash| hash == newest);
            assert_eq!(leads, 40 - at <= MOST_STEPS, "{at}");
        }
    }

    // DEF-01
    #[test]
    fn no_text_breaks_the_reader() {
        let (vault, _, first) = issuer();
        let (untagged, _) = first.rsplit_once('.').expect("a tag");
        crate::fuzz::each_text(18, &[&first, untagged], |text| {
            if let Some(presented) = Presented::read(&vault, text) {
                let is_ours = !presented.is_tagged || text == first;
                assert!(text.len() <= LONGEST && is_ours, "{text}");
            }
        });
    }
}
