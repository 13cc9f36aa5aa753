//! Settings about the database, the mail server and the log.

use std::net::IpAddr;

use lettre::message::Mailbox;
use mongodb::options::ConnectionString;
use percent_encoding::percent_decode_str;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::{Host, Url};

use super::parse::Parsed;
use crate::platform::secret::{MasterKey, Secret};

/// The server that sends the mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Name or address of the server, without brackets.
    pub host: String,
    /// Its port: unless set 587, 465 for `smtps`, 25 for `tls=none`.
    pub port: u16,
    /// When TLS begins, and whether mails go without it.
    pub encryption: SmtpEncryption,
    /// Whom the gateway signs in as; `None`: as nobody.
    pub login: Option<SmtpLogin>,
}

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpEncryption {
    /// Never: `tls=none`.
    Off,
    /// By STARTTLS where the server offers it; else everything is readable on the way.
    IfOffered,
    /// By STARTTLS, or no mail is sent: `tls=required`, and with a login everything but `tls=none` and servers on this
    /// machine.
    Required,
    /// With the first byte: `smtps`.
    FromStart,
}

/// A user of the mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpLogin {
    /// Its name.
    pub user: Secret,
    /// Its password.
    pub password: Secret,
}

impl SmtpServer {
    /// The reason for a refusal repeats nothing of the URL.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let url = Url::parse(text).map_err(|_cause| "is not a URL".to_owned())?;
        let (encryption, usual_port) = smtp_encryption(&url)?;
        let host = match url.host() {
            // In a URL it stands in brackets, in a look-up without.
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            return Err("has no host".to_owned());
        }
        if url.username().is_empty() != url.password().is_none() {
            return Err("has a user name without a password, or a password without a user name".to_owned());
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err("has a path or a fragment".to_owned());
        }
        let login = match url.password() {
            Some(password) => Some(SmtpLogin {
                user: decoded(url.username())?,
                password: decoded(password)?,
            }),
            None => None,
        };
        // Otherwise, an attacker who removes STARTTLS from the server's answer could read the password.
        let encryption = match encryption {
            SmtpEncryption::IfOffered if login.is_some() && !is_this_machine(&host) => {
                SmtpEncryption::Required
            }
            given => given,
        };
        Ok(Self {
            port: url.port().unwrap_or(usual_port),
            host,
            encryption,
            login,
        })
    }
}

/// Whether what is sent to the host stays on this machine: a loopback address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), or
/// `localhost` (RFC 6761 §6.3).
fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn decoded(text: &str) -> Parsed<Secret> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|text| Secret::from(text.into_owned()))
        .map_err(|_cause| "has a user name or a password that is not UTF-8 text".to_owned())
}

/// How to encrypt, and the port that is usual then.
fn smtp_encryption(url: &Url) -> Parsed<(SmtpEncryption, u16)> {
    let mut tls = None;
    for (name, value) in url.query_pairs() {
        if name != "tls" || tls.is_some() {
            return Err("has a parameter other than a single tls".to_owned());
        }
        tls = Some(value);
    }
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None | Some("required")) => Ok((SmtpEncryption::FromStart, 465)),
        ("smtps", Some(_)) => Err("has a value of tls that smtps:// does not support".to_owned()),
        ("smtp", None | Some("opportunistic")) => Ok((SmtpEncryption::IfOffered, 587)),
        ("smtp", Some("required")) => Ok((SmtpEncryption::Required, 587)),
        ("smtp", Some("none")) => Ok((SmtpEncryption::Off, 25)),
        ("smtp", Some(_)) => Err("has an unknown value of tls".to_owned()),
        _ => Err("is neither smtp:// nor smtps://".to_owned()),
    }
}

/// A connection string that the driver can read. Its own error could repeat the password, so it is not passed
/// on.
pub(super) fn mongodb_uri(text: &str) -> Parsed<Secret> {
    if !text.starts_with("mongodb://") && !text.starts_with("mongodb+srv://") {
        return Err("begins with neither mongodb:// nor mongodb+srv://".to_owned());
    }
    ConnectionString::parse(text)
        .map(|_options| Secret::from(text))
        .map_err(|_cause| "is not a valid MongoDB connection string".to_owned())
}

/// A name that MongoDB gives a database on every platform ("Naming Restrictions" in its manual).
pub(super) fn database_name(text: &str) -> Parsed<String> {
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || r#"/\."$*<>:|?"#.contains(c);
    if text.len() > 63 {
        Err("is longer than 63 bytes".to_owned())
    } else if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
        Err(format!("contains {c:?}"))
    } else if matches!(text, "admin" | "local" | "config") {
        Err("is a system database of MongoDB".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

pub(super) fn master_key(text: &str) -> Parsed<MasterKey> {
    MasterKey::from_base64(text).map_err(|cause| cause.to_string())
}

pub(super) fn sender(text: &str) -> Parsed<Mailbox> {
    text.parse()
        .map_err(|_cause| "is not a valid mail address".to_owned())
}

/// A filter for the log. A bare word that is no level would name a part of the program and silence all
/// others, so that `verbose` is refused and not taken for one.
pub(super) fn log_filter(text: &str) -> Parsed<String> {
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    // The empty text is a level to the parser; here it is a comma too many.
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    let is_valid = |directive: &&str| directive.contains(['=', '[']) || is_level(directive);
    if let Some(directive) = directives.iter().find(|directive| !is_valid(directive)) {
        return Err(format!("contains {directive:?}, which is not a level"));
    }
    let filter = directives.join(",");
    match EnvFilter::builder().parse(&filter) {
        Ok(_) => Ok(filter),
        Err(_) => Err("is not a valid log filter".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smtp_urls_are_read() {
        use SmtpEncryption::{FromStart, IfOffered, Off, Required};
        for (text, host, port, encryption) in [
            ("smtp://mail.example", "mail.example", 587, IfOffered),
            ("smtp://mail.example:25", "mail.example", 25, IfOffered),
            ("smtp://mail.example?tls=required", "mail.example", 587, Required),
            ("smtp://localhost:1025/?tls=none", "localhost", 1025, Off),
            ("smtp://localhost?tls=none", "localhost", 25, Off),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, IfOffered),
            ("smtp://[::1]:1025", "::1", 1025, IfOffered),
            ("smtps://mail.example", "mail.example", 465, FromStart),
            ("smtps://localhost?tls=required", "localhost", 465, FromStart),
        ] {
            let expected = SmtpServer {
                host: host.to_owned(),
                port,
                encryption,
                login: None,
            };
            assert_eq!(SmtpServer::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_smtp_login_is_decoded() {
        let server = SmtpServer::parse("smtp://ann%40x:p%40s+s@mail.example");
        let login = server.unwrap().login.unwrap();
        assert_eq!((login.user.expose(), login.password.expose()), ("ann@x", "p@s+s"));
    }

    // DEF-09
    #[test]
    fn a_login_goes_to_other_machines_encrypted_only() {
        use SmtpEncryption::{FromStart, IfOffered, Off, Required};
        for (text, expected) in [
            ("smtp://u:p@mail.example", Required),
            ("smtp://u:p@mail.example?tls=opportunistic", Required),
            ("smtp://u:p@mail.example?tls=required", Required),
            ("smtp://u:p@mail.example?tls=none", Off),
            ("smtps://u:p@mail.example", FromStart),
            ("smtp://u:p@192.168.0.1", Required),
            ("smtp://u:p@0.0.0.0", Required),
            ("smtp://u:p@localhost.example", Required),
            ("smtp://u:p@127.0.0.1.example", Required),
            ("smtp://u:p@[::ffff:192.168.0.1]", Required),
            ("smtp://u:p@127.0.0.1", IfOffered),
            ("smtp://u:p@127.9.9.9:25", IfOffered),
            ("smtp://u:p@[::1]", IfOffered),
            ("smtp://u:p@[::ffff:127.0.0.1]", IfOffered),
            ("smtp://u:p@localhost", IfOffered),
            ("smtp://u:p@LOCALHOST", IfOffered),
            ("smtp://mail.example", IfOffered),
        ] {
            let server = SmtpServer::parse(text).expect(text);
            assert_eq!(server.encryption, expected, "{text}");
        }
    }

    #[test]
    fn wrong_smtp_urls_are_refused() {
        const HALF_A_LOGIN: &str = "has a user name without a password, or a password without a user name";
        for (text, why) in [
            ("mail.example:587", "is neither smtp:// nor smtps://"),
            ("http://mail.example", "is neither smtp:// nor smtps://"),
            ("mail", "is not a URL"),
            ("smtp://", "has no host"),
            ("smtp://u@a.example", HALF_A_LOGIN),
            ("smtp://:p@a.example", HALF_A_LOGIN),
            ("smtp://a.example?tls=maybe", "has an unknown value of tls"),
            (
                "smtp://a.example?tls=required&tls=none",
                "has a parameter other than a single tls",
            ),
            (
                "smtp://a.example?ssl=on",
                "has a parameter other than a single tls",
            ),
            (
                "smtps://a.example?tls=none",
                "has a value of tls that smtps:// does not support",
            ),
            ("smtp://a.example/inbox", "has a path or a fragment"),
            (
                "smtp://u:%FF@a.example",
                "has a user name or a password that is not UTF-8 text",
            ),
        ] {
            assert_eq!(SmtpServer::parse(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn connection_strings_are_read_without_the_network() {
        for text in [
            "mongodb://localhost:27017",
            "mongodb://u:p%40ss@db1,db2:27018/shop?replicaSet=rs0&authSource=admin",
            "mongodb+srv://u:p@cluster.example/?retryWrites=true",
        ] {
            assert_eq!(mongodb_uri(text), Ok(Secret::from(text)));
        }
        for text in [
            "localhost:27017",
            "http://localhost",
            "mongodb://",
            "mongodb://u:p@ss@db",
            "mongodb://db:port",
        ] {
            let why = mongodb_uri(text).unwrap_err();
            assert!(!why.contains("p@ss"), "{why}");
        }
    }

    #[test]
    fn database_names() {
        for text in ["storefront_gateway", &"a".repeat(63)] {
            assert_eq!(database_name(text), Ok(text.to_owned()));
        }
        for text in [
            "a b", "a.b", "a/b", "a$b", "a\\b", "a\"b", "a\0b", "admin", "local", "config",
        ] {
            assert!(database_name(text).is_err(), "{text:?}");
        }
        assert!(database_name(&"ä".repeat(32)).is_err(), "64 bytes");
    }

    #[test]
    fn senders_are_addresses() {
        assert_eq!(
            sender("no-reply@localhost").map(|from| from.email.to_string()),
            Ok("no-reply@localhost".to_owned())
        );
        assert_eq!(
            sender("Ada's Shop <ada@shop.example>").map(|from| from.name),
            Ok(Some("Ada's Shop".to_owned()))
        );
        for text in ["shop", "@b.de", "a@b@c", "a@b, c@d"] {
            assert!(sender(text).is_err(), "{text:?}");
        }
        assert!(sender("a@b\nBcc: c@d.example").is_err());
    }

    #[test]
    fn log_filters_name_levels() {
        for text in [
            "info",
            "OFF",
            "info,mongodb=debug",
            "warn,storefront_gateway[request]=trace",
            "mongodb=off",
        ] {
            assert_eq!(log_filter(text), Ok(text.to_owned()));
        }
        assert_eq!(
            log_filter("warn, mongodb=debug"),
            Ok("warn,mongodb=debug".to_owned())
        );
        for text in ["verbose", "info,db", "info,", "db=loud", "info,db[", "="] {
            assert!(log_filter(text).is_err(), "{text:?}");
        }
    }
}
