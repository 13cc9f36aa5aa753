//! Converts a message to a mail: headers and a body that mail programs understand (RFC 5322, RFC 2045).

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use url::Host;

use super::failure::Reason;
use crate::platform::clock::Timestamp;
use crate::platform::secret::Secret;

/// Maximum length of a message's id, so that its header stays on one line.
const MAX_ID: usize = 64;

/// A message to one address. Everything but its id is personal data, or gives access to an account.
pub struct Message {
    /// The recipient's address, without a name.
    pub to: Secret,
    /// The sender's name, used if `GATEWAY_MAIL_FROM` has none.
    pub sender_name: Option<String>,
    /// The subject; control characters in it are replaced by spaces.
    pub subject: String,
    /// The plain text, for programs that do not show HTML.
    pub text: Secret,
    /// The same content as HTML.
    pub html: Secret,
    /// The message's id, which is the same whenever the message is sent again: the id of the job that sends it.
    /// Letters, digits, `_`, `-`, and dots between them.
    pub message_id: String,
    /// The id of the person concerned. Without a mail server it is part of the mail's file name, so that the file can
    /// be removed when the person's data is erased.
    pub concerns: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

impl Message {
    pub(super) fn compose(&self, from: &Mailbox, now: Timestamp) -> Result<lettre::Message, Reason> {
        let message_id = &self.message_id;
        let from = Mailbox {
            name: from
                .name
                .clone()
                .or_else(|| self.sender_name.as_deref().map(one_line)),
            email: ascii_domain(from.email.as_ref())?,
        };
        if !is_dot_atom(message_id) || message_id.len() > MAX_ID {
            return Err(Reason::MessageId);
        }
        let id = format!("<{message_id}@{}>", from.email.domain());
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        lettre::Message::builder()
            .from(from)
            .to(ascii_domain(self.to.expose())?.into())
            .subject(one_line(&self.subject))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(id))
            // Prevents automatic replies (RFC 3834 §5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(MultiPart::alternative_plain_html(
                self.text.expose().to_owned(),
                self.html.expose().to_owned(),
            ))
            .map_err(|_cause| Reason::Message)
    }
}

/// Returns the text as a single line for a header: control characters and white space become single spaces.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Parses an address and converts its domain to ASCII (RFC 5891), which every server accepts.
fn ascii_domain(address: &str) -> Result<Address, Reason> {
    if address.chars().any(char::is_control) {
        return Err(Reason::Address);
    }
    let (user, domain) = address.rsplit_once('@').ok_or(Reason::Address)?;
    let address = if domain.is_ascii() {
        Address::new(user, domain)
    } else {
        let host = Host::parse(domain).map_err(|_cause| Reason::Address)?;
        Address::new(user, host.to_string())
    };
    address.map_err(|_cause| Reason::Address)
}

/// Returns whether the text is allowed before the `@` of a Message-ID (RFC 5322 §3.6.4), restricted to the characters
/// of ids.
fn is_dot_atom(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(is_allowed))
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn message(to: &str) -> Message {
        Message {
            to: Secret::from(to),
            sender_name: Some("Prints & Co".to_owned()),
            subject: "Grüße".to_owned(),
            text: Secret::from("Größe: 1\n.\nEnde"),
            html: Secret::from("<p>Größe: 1</p>"),
            message_id: "job_01h".to_owned(),
            concerns: "cus_01h".to_owned(),
        }
    }

    fn composed(message: &Message) -> Vec<u8> {
        let from = "no-reply@shop.example".parse().unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        message.compose(&from, now).expect("a mail").formatted()
    }

    fn refused(message: &Message) -> Option<Reason> {
        let from = "a@b.example".parse().unwrap();
        message.compose(&from, Timestamp::from_millis(0)).err()
    }

    #[test]
    fn a_mail_has_what_programs_ask_for() {
        let bytes = composed(&message("ann@example.com"));
        assert!(bytes.is_ascii(), "any server takes it");
        let mail = MessageParser::default().parse(&bytes).expect("parses");
        let from = mail.from().and_then(|from| from.first()).expect("a sender");
        assert_eq!(from.name(), Some("Prints & Co"));
        assert_eq!(from.address(), Some("no-reply@shop.example"));
        assert_eq!(mail.subject(), Some("Grüße"));
        assert_eq!(mail.message_id(), Some("job_01h@shop.example"));
        let date = mail.date().map(mail_parser::DateTime::to_timestamp);
        assert_eq!(date, Some(1_700_000_000));
        assert_eq!(mail.body_text(0).as_deref(), Some("Größe: 1\r\n.\r\nEnde"));
        assert_eq!(mail.body_html(0).as_deref(), Some("<p>Größe: 1</p>"));
        let text = String::from_utf8(bytes).unwrap();
        for line in ["Auto-Submitted: auto-generated", "MIME-Version: 1.0"] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.contains("Content-Type: multipart/alternative;"), "{text}");
    }

    #[test]
    fn the_operators_own_sender_name_wins() {
        let from = "Care <no-reply@shop.example>".parse().unwrap();
        let mail = message("ann@example.com")
            .compose(&from, Timestamp::from_millis(0))
            .unwrap();
        let sender = mail.headers().get_raw("From");
        assert_eq!(sender, Some("Care <no-reply@shop.example>"));
    }

    #[test]
    fn nothing_can_add_a_header_or_a_recipient() {
        let attack = "x\r\nBcc: eve@example.com\r\n\r\nx";
        let mut hostile = message("ann@example.com");
        hostile.subject = attack.to_owned();
        hostile.sender_name = Some(attack.to_owned());
        let bytes = composed(&hostile);
        let mail = MessageParser::default().parse(&bytes).expect("parses");
        assert!(mail.bcc().is_none());
        assert_eq!(mail.subject(), Some("x Bcc: eve@example.com x"));
        for to in [
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example.com\nDATA",
            "\"ann\r\n\"@example.com",
            "ann@example.com, eve@example.com",
            "ann@example.com> SIZE=1\r\nRCPT TO:<eve@example.com",
        ] {
            assert_eq!(refused(&message(to)), Some(Reason::Address), "{to:?}");
        }
        for id in ["", "a b", "a>\r\nBcc: b", "a@b", ".a", "a..b", &"a".repeat(65)] {
            let mut hostile = message("ann@example.com");
            id.clone_into(&mut hostile.message_id);
            assert_eq!(refused(&hostile), Some(Reason::MessageId), "{id:?}");
        }
    }

    #[test]
    fn a_domain_is_written_in_ascii() {
        let address = |text| ascii_domain(text).map(|address| address.to_string());
        for (given, written) in [
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("änn@bücher.example", "änn@xn--bcher-kva.example"),
            ("\"a b\"@example.com", "\"a b\"@example.com"),
            ("Ann+x@Example.COM", "Ann+x@Example.COM"),
        ] {
            assert_eq!(address(given), Ok(written.to_owned()));
        }
        for bad in ["ann", "@b.example", "ann@", "ann@ü ü.de", "a@b@", "ann@b c.de"] {
            assert_eq!(address(bad), Err(Reason::Address), "{bad}");
        }
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let shown = format!("{:?}", message("ann@example.com"));
        assert_eq!(shown, "Message { message_id: \"job_01h\", .. }");
    }
}
