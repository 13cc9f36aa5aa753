//! Settings that are about what the gateway talks to: the database, the mail server, the log.

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use mongodb::options::ConnectionString;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::parse::Parsed;
use crate::platform::secret::{MasterKey, Secret};

/// The server that sends the mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// A URL for `lettre`'s `from_url`, user name and password included. It is not always the operator's own:
    /// where that has no `tls`, this one says `opportunistic`, because `lettre` would not use TLS at all.
    pub url: Secret,
    /// Name or address of the server, for messages.
    pub host: String,
    /// Its port: unless set 587, 465 for `smtps`, 25 for `tls=none`.
    pub port: u16,
}

impl SmtpServer {
    /// The reason for a refusal repeats nothing of the URL.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let mut url = Url::parse(text).map_err(|_cause| "is not a URL".to_owned())?;
        let (tls, usual_port) = smtp_encryption(&url)?;
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or("has no host")?
            .to_owned();
        if url.username().is_empty() != url.password().is_none() {
            return Err("has a user name without a password, or a password without a user name".to_owned());
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err("has a path or a fragment".to_owned());
        }
        url.set_query(tls);
        AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_cause| "is not one that a mail server can be reached by".to_owned())?;
        Ok(Self {
            port: url.port().unwrap_or(usual_port),
            host,
            url: Secret::from(String::from(url)),
        })
    }
}

/// The query that tells `lettre` how to encrypt, and the port that is usual then.
fn smtp_encryption(url: &Url) -> Parsed<(Option<&'static str>, u16)> {
    let mut tls = None;
    for (name, value) in url.query_pairs() {
        if name != "tls" || tls.is_some() {
            return Err("has another parameter than one tls".to_owned());
        }
        tls = Some(value);
    }
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None | Some("required")) => Ok((None, 465)),
        ("smtps", Some(_)) => Err("has a tls that smtps:// cannot have".to_owned()),
        ("smtp", None | Some("opportunistic")) => Ok((Some("tls=opportunistic"), 587)),
        ("smtp", Some("required")) => Ok((Some("tls=required"), 587)),
        ("smtp", Some("none")) => Ok((None, 25)),
        ("smtp", Some(_)) => Err("has an unknown tls".to_owned()),
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
        .map_err(|_cause| "is not a connection string that the database driver can read".to_owned())
}

/// A name that MongoDB gives a database on every platform ("Naming Restrictions" in its manual).
pub(super) fn database_name(text: &str) -> Parsed<String> {
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || r#"/\."$*<>:|?"#.contains(c);
    if text.len() > 63 {
        Err("is longer than 63 bytes".to_owned())
    } else if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
        Err(format!("holds {c:?}"))
    } else if matches!(text, "admin" | "local" | "config") {
        Err("is a database of the server's own".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

pub(super) fn master_key(text: &str) -> Parsed<MasterKey> {
    MasterKey::from_base64(text).map_err(|cause| cause.to_string())
}

pub(super) fn sender(text: &str) -> Parsed<Mailbox> {
    text.parse().map_err(|_cause| "is not a mail address".to_owned())
}

/// A filter for the log. A bare word that is no level would name a part of the program and silence all
/// others, so that `verbose` is refused and not taken for one.
pub(super) fn log_filter(text: &str) -> Parsed<String> {
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    for directive in &directives {
        let names_target = directive.contains(['=', '[']);
        // The empty text is a level to the parser; here it is a comma too many.
        let is_level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
        if !names_target && !is_level {
            return Err(format!("holds {directive:?}, which is no level"));
        }
    }
    let filter = directives.join(",");
    match EnvFilter::builder().parse(&filter) {
        Ok(_) => Ok(filter),
        Err(_) => Err("is not a filter that can be read".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smtp_urls_are_read() {
        for (text, url, host, port) in [
            (
                "smtp://mail.example",
                "smtp://mail.example?tls=opportunistic",
                "mail.example",
                587,
            ),
            (
                "smtp://mail.example:25",
                "smtp://mail.example:25?tls=opportunistic",
                "mail.example",
                25,
            ),
            (
                "smtp://u:p%40ss@mail.example:587?tls=required",
                "smtp://u:p%40ss@mail.example:587?tls=required",
                "mail.example",
                587,
            ),
            (
                "smtp://localhost:1025/?tls=none",
                "smtp://localhost:1025/",
                "localhost",
                1025,
            ),
            ("smtp://localhost?tls=none", "smtp://localhost", "localhost", 25),
            (
                "smtps://u:p@mail.example",
                "smtps://u:p@mail.example",
                "mail.example",
                465,
            ),
            (
                "smtps://mail.example?tls=required",
                "smtps://mail.example",
                "mail.example",
                465,
            ),
        ] {
            let server = SmtpServer::parse(text).unwrap();
            assert_eq!(
                (server.url.expose(), &*server.host, server.port),
                (url, host, port),
                "{text}"
            );
        }
    }

    #[test]
    fn wrong_smtp_urls_are_refused() {
        for (text, why) in [
            ("mail.example:587", "is neither smtp:// nor smtps://"),
            ("http://mail.example", "is neither smtp:// nor smtps://"),
            ("mail", "is not a URL"),
            ("smtp://", "has no host"),
            (
                "smtp://u@mail.example",
                "has a user name without a password, or a password without a user name",
            ),
            (
                "smtp://:p@mail.example",
                "has a user name without a password, or a password without a user name",
            ),
            ("smtp://mail.example?tls=maybe", "has an unknown tls"),
            (
                "smtp://mail.example?tls=required&tls=none",
                "has another parameter than one tls",
            ),
            ("smtp://mail.example?ssl=on", "has another parameter than one tls"),
            (
                "smtps://mail.example?tls=none",
                "has a tls that smtps:// cannot have",
            ),
            ("smtp://mail.example/inbox", "has a path or a fragment"),
            (
                "smtp://u:%FF@mail.example",
                "is not one that a mail server can be reached by",
            ),
        ] {
            assert_eq!(
                SmtpServer::parse(text).map(|_server| ()),
                Err(why.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn connection_strings_are_read_without_the_network() {
        for text in [
            "mongodb://localhost:27017",
            "mongodb://u:p%40ss@db1,db2:27018/shop?replicaSet=rs0&authSource=admin",
            "mongodb+srv://u:p@cluster.example/?retryWrites=true",
        ] {
            assert_eq!(
                mongodb_uri(text).map(|uri| uri.expose().to_owned()),
                Ok(text.to_owned())
            );
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
        assert_eq!(
            database_name("storefront_gateway"),
            Ok("storefront_gateway".to_owned())
        );
        assert!(database_name(&"a".repeat(63)).is_ok());
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
        for text in [
            "shop",
            "@shop.example",
            "a@b@c",
            "a@b.example, c@d.example",
            "a@b\nBcc: c@d.example",
        ] {
            assert!(sender(text).is_err(), "{text:?}");
        }
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
        for text in [
            "verbose",
            "info,hyper",
            "info,",
            "mongodb=loud",
            "info,mongodb[",
            "=",
        ] {
            assert!(log_filter(text).is_err(), "{text:?}");
        }
    }
}
