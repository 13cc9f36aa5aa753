//! The typed tree: its fields with their settings, and the rules between settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use super::backends::{self, SmtpServer};
use super::limits::{ConnectionLimits, GuardLimits, PasswordConfig, StorageLimits, TokenLifetimes};
use super::parse::Parsed;
use super::reader::Reader;
use super::row::{LONGEST, choice, duration, form, lifetime, list, settings, size, switch};
use super::web::{self, AddressHeader, CorsOrigins, PublicUrl};
use crate::platform::secret::{MasterKey, Secret};

settings! {
    /// Everything that an operator can set. Checked as a whole: a `Config` that exists is one that the gateway
    /// can use.
    #[derive(Debug, Clone)]
    pub struct Config {
        [DATA_DIR]
        /// Addresses, browsers and proxies.
        http: HttpConfig => HttpConfig::read;
        /// Whether anything is set at all; the gateway starts as a demo when nothing is.
        any_set: bool => Reader::any_set;
        data_dir: PathBuf = "GATEWAY_DATA_DIR",
            form(path, "a path").default(".storefront-gateway").example("/var/lib/storefront-gateway"),
            "Directory for the gateway's own database, the generated master key, and mails if GATEWAY_SMTP_URL is not set.";

        [MASTER_KEY]
        /// Where documents are kept.
        database: DatabaseConfig => DatabaseConfig::read;
        /// `None`, which only a managed database allows: the one in the data directory, generated at the first start.
        master_key: Option<MasterKey> = "GATEWAY_MASTER_KEY",
            form(|text| backends::master_key(text).map(Some), "32 random bytes in base64")
                .none("generated in the data directory; required with GATEWAY_MONGODB_URI")
                .example("the output of `openssl rand -base64 32`")
                .secret(),
            "Key that encrypts stored secrets, such as signing keys; must be the same for all copies of the gateway.";

        [RETENTION]
        /// Traces and metrics.
        telemetry: TelemetryConfig => TelemetryConfig::read;
        /// What a document may be before it is refused.
        guard: GuardLimits => GuardLimits::read;
        /// How long tokens and mailed keys are good for.
        tokens: TokenLifetimes => TokenLifetimes::read;
        anonymous_ttl: Duration = "GATEWAY_ANONYMOUS_TTL", lifetime("30d"),
            "Time without use after which an anonymous storefront user and its files are deleted.";
        anonymization_grace: Duration = "GATEWAY_ANONYMIZATION_GRACE", duration("24h", "0s", LONGEST).example("0s"),
            "Time between the request to erase a customer and the start of the erasure; 0s starts it at once.";
        audit_ttl: Duration = "GATEWAY_AUDIT_TTL", lifetime("400d"),
            "Time after which an entry of the audit trail is deleted; a changed value applies to new entries only.";

        [RATE_LIMITS]
        /// What may be uploaded.
        storage: StorageLimits => StorageLimits::read;
        /// Password rules and hashing.
        passwords: PasswordConfig => PasswordConfig::read;
        rate_limits: bool = "GATEWAY_RATE_LIMITS", switch(),
            "Rate limits; off disables them, for load tests only. The queue for password hashes remains bounded.";

        [JOBS]
        /// Where mails go.
        mail: MailConfig => MailConfig::read;
        jobs: bool = "GATEWAY_JOBS", switch(),
            "Background jobs; set it to off only if another copy of the gateway runs them.";
        /// What is logged, and how.
        log: LogConfig => LogConfig::read;
    }
}

impl Config {
    /// Checks the rules between settings.
    pub(super) fn check(&self, reader: &mut Reader) {
        const MASTER_KEY: &str = "GATEWAY_MASTER_KEY";
        const METRICS: &str = "GATEWAY_METRICS_LISTEN";
        // Every copy on a shared database must have the key in common and therefore cannot generate it.
        if reader.is_set("GATEWAY_MONGODB_URI") && !reader.is_set(MASTER_KEY) {
            reader.refuse(MASTER_KEY, "is not set, but is required with GATEWAY_MONGODB_URI");
        }
        let api = self.http.listen;
        let same = self.telemetry.metrics_listen == Some(api) && api.port() != 0;
        if same && reader.sound(&["GATEWAY_LISTEN"]) {
            reader.refuse(METRICS, "is also the address of the API (GATEWAY_LISTEN)");
        }
        self.storage.check(reader);
        self.passwords.argon2.check(reader);
    }
}

/// Where documents are kept.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Which server.
    pub server: DatabaseServer,
    /// Name of the database on it.
    pub name: String,
}

/// The server that holds the database.
#[derive(Debug, Clone)]
pub enum DatabaseServer {
    /// The gateway runs its own, with its data in the data directory.
    Managed {
        /// The server binary; `None`: on PATH, or fetched.
        mongod: Option<PathBuf>,
    },
    /// A replica set or cluster that somebody else runs.
    External {
        /// A connection string that the driver can read; nothing says that the server answers.
        uri: Secret,
    },
}

/// Database names as MongoDB allows them on every platform.
const DATABASE_NAME: &str =
    "a name of 1 to 63 bytes without spaces and /\\.\"$*<>:|?, except admin, local and config";

settings! {
    /// What a [`DatabaseConfig`] is made of.
    pub(super) struct DatabaseSettings {
        [MONGOD]
        mongod: Option<PathBuf> = "GATEWAY_MONGOD",
            form(|text| path(text).map(Some), "a path")
                .none("none: `mongod` on PATH, otherwise downloaded")
                .example("/usr/bin/mongod"),
            "Path of the MongoDB server binary, for the database that the gateway runs itself.";

        [DATABASE]
        uri: Option<Secret> = "GATEWAY_MONGODB_URI",
            form(
                |text| backends::mongodb_uri(text).map(Some),
                "a MongoDB connection string with percent-encoded user name and password",
            )
            .none("none: the gateway runs its own MongoDB server")
            .example("mongodb://gateway:password@db1,db2,db3/?replicaSet=rs0")
            .secret(),
            "Connection string of the database: MongoDB 6 to 8, a replica set or a sharded cluster.";
        name: String = "GATEWAY_MONGODB_DATABASE",
            form(backends::database_name, DATABASE_NAME).default("storefront_gateway"),
            "Name of the database in which the gateway stores all its data.";
    }
}

impl DatabaseConfig {
    fn read(reader: &mut Reader) -> Self {
        let DatabaseSettings { mongod, uri, name } = DatabaseSettings::read(reader);
        let server = match uri {
            Some(uri) => DatabaseServer::External { uri },
            None => DatabaseServer::Managed { mongod },
        };
        Self { server, name }
    }
}

/// One socket address.
const ADDRESS: &str = "an IP address and a port (port 0 selects a free port)";

settings! {
    /// Addresses, browsers and proxies.
    #[derive(Debug, Clone)]
    pub struct HttpConfig {
        [ADDRESSES]
        listen: SocketAddr = "GATEWAY_LISTEN",
            form(web::socket_address, ADDRESS).default("127.0.0.1:8080").example("0.0.0.0:8080"),
            "IP address and port of the API; port 0 selects a free port, which the log reports at the start.";
        /// [`HttpConfig::public_url`] returns the one in use.
        configured_public_url: Option<PublicUrl> = "GATEWAY_PUBLIC_URL",
            form(
                |text| PublicUrl::parse(text).map(Some),
                "an http or https URL without user name, query, fragment and trailing slash",
            )
            .none("http:// followed by the address and port at which the gateway listens")
            .example("https://api.shop.example"),
            "URL at which clients reach the gateway; the issuer of access tokens and the base of download URLs.";

        [PROXIES]
        trusted_proxies: Vec<IpNet> = "GATEWAY_TRUSTED_PROXIES",
            list(web::networks, "IP addresses and networks").unset("none", Vec::new).example("10.0.0.0/8,fd00::/8"),
            "Networks of reverse proxies from which GATEWAY_CLIENT_ADDRESS_HEADER is trusted.";
        client_address_header: AddressHeader = "GATEWAY_CLIENT_ADDRESS_HEADER",
            form(
                AddressHeader::parse,
                "x-forwarded-for, forwarded, or the name of a header with one address, such as cf-connecting-ip",
            )
            .default("x-forwarded-for")
            .example("cf-connecting-ip"),
            "Request header from which the client's address is read, if a trusted proxy sends it; others are ignored.";
        /// How many connections there may be, and for how long without a request.
        connections: ConnectionLimits => ConnectionLimits::read;

        [BROWSERS]
        cors_origins: CorsOrigins = "GATEWAY_CORS_ORIGINS",
            list(CorsOrigins::parse, "* alone, or http or https origins")
                .default("*")
                .example("https://shop.example,http://localhost:3000"),
            "Origins whose web pages can call the API (CORS), always without credentials; * allows all origins.";
        graphiql: bool = "GATEWAY_GRAPHIQL", switch(), "Whether browsers receive the GraphiQL page at /.";
        introspection: bool = "GATEWAY_INTROSPECTION", switch(),
            "off disables introspection, suggestions of names in error messages, and /schema.graphql.";

        [BODY]
        /// In bytes.
        max_body: u64 = "GATEWAY_MAX_BODY", size("1MiB", "64MiB"),
            "Maximum size of a request body, without uploaded files.";

        [TIMEOUT]
        request_timeout: Duration = "GATEWAY_REQUEST_TIMEOUT", duration("15s", "1ms", "1h"),
            "Time limit for the response to a request, from the end of the request body.";
    }
}

impl HttpConfig {
    /// Where clients reach a gateway that listens at `bound`: the URL that is set, else the address itself.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> PublicUrl {
        self.configured_public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::of_listener(bound))
    }
}

settings! {
    /// Where mails go.
    #[derive(Debug, Clone)]
    pub struct MailConfig {
        [MAIL]
        smtp: Option<SmtpServer> = "GATEWAY_SMTP_URL",
            form(
                |text| SmtpServer::parse(text).map(Some),
                "smtp:// or smtps:// with a host, and optionally a percent-encoded user name and password; smtp:// accepts \
                 ?tls=required (STARTTLS), ?tls=opportunistic (STARTTLS if the server offers it, the default), ?tls=none. \
                 With a user name and a server on another machine, STARTTLS is required unless tls is none",
            )
            .none("none: mails are written as .eml files into mail/ of the data directory")
            .example("smtp://user:password@mail.example:587?tls=required")
            .secret(),
            "URL of the mail server, with user name and password if the server requires them.";
        from: Mailbox = "GATEWAY_MAIL_FROM",
            form(backends::sender, "one mail address, with or without a display name before it")
                .default("no-reply@localhost")
                .example("Shop <no-reply@shop.example>"),
            "Sender address of all mails.";
    }
}

settings! {
    /// What is logged, and how.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LogConfig {
        [LOG]
        /// A filter that `tracing_subscriber::EnvFilter` can read.
        filter: String = "GATEWAY_LOG",
            form(
                backends::log_filter,
                "levels (error, warn, info, debug, trace, off) separated by commas, each alone or as target=level",
            )
            .default("info")
            .example("info,mongodb=debug"),
            "Levels of the log, for everything or for parts of the program, such as info,mongodb=debug.";
        format: LogFormat = "GATEWAY_LOG_FORMAT",
            choice(log_format, &["text", "json"]).default("text").example("json"),
            "Format of a log line.";
    }
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is neither text nor json".to_owned()),
    }
}

settings! {
    /// Traces and metrics.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TelemetryConfig {
        [TELEMETRY]
        /// The whole URL that traces are posted to, `/v1/traces` included; `None`: no traces.
        traces_url: Option<Url> = "GATEWAY_OTLP_ENDPOINT",
            form(
                |text| web::traces_url(text).map(Some),
                "an http or https URL without user name, query and fragment; set credentials in OTEL_EXPORTER_OTLP_HEADERS",
            )
            .none("none")
            .example("http://127.0.0.1:4318")
            .secret(),
            "URL of the OpenTelemetry collector to which traces are sent over HTTP; /v1/traces is appended.";
        /// `None`: no metrics.
        metrics_listen: Option<SocketAddr> = "GATEWAY_METRICS_LISTEN",
            form(|text| web::socket_address(text).map(Some), ADDRESS).none("none").example("127.0.0.1:9090"),
            "IP address and port at which Prometheus metrics are served, at /metrics.";
    }
}

fn path(text: &str) -> Parsed<PathBuf> {
    if text.contains('\0') {
        Err("contains a NUL character".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}
