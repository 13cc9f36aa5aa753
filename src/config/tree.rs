//! The typed tree, and how each part of it is read.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use super::backends::{self, SmtpServer};
use super::limits::{ConnectionLimits, GuardLimits, PasswordConfig, StorageLimits, TokenLifetimes};
use super::parse::Parsed;
use super::reader::{ConfigFaults, Reader};
use super::web::{self, AddressHeader, CorsOrigins, PublicUrl};
use crate::platform::secret::{MasterKey, Secret};

/// Everything that an operator can set. Checked as a whole: a `Config` that exists is one that the gateway
/// can use.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether anything is set at all; the gateway starts as a demo when nothing is.
    pub any_set: bool,
    /// Directory of the managed database, the generated master key, and mails without SMTP.
    pub data_dir: PathBuf,
    /// Where documents are kept.
    pub database: DatabaseConfig,
    /// Encrypts signing keys and identity providers' secrets. `None`, which only a managed database allows:
    /// the one in the data directory, generated at the first start.
    pub master_key: Option<MasterKey>,
    /// Addresses, browsers and proxies.
    pub http: HttpConfig,
    /// What a document may be before it is refused.
    pub guard: GuardLimits,
    /// How long tokens and mailed keys are good for.
    pub tokens: TokenLifetimes,
    /// Idle time after which an anonymous user is removed.
    pub anonymous_ttl: Duration,
    /// Time between a requested erasure and its start; may be zero.
    pub anonymization_grace: Duration,
    /// How long an entry of the audit trail is kept.
    pub audit_ttl: Duration,
    /// What may be uploaded.
    pub storage: StorageLimits,
    /// Password rules and hashing.
    pub passwords: PasswordConfig,
    /// Off for load tests: no waits and no limits on mails.
    pub rate_limits: bool,
    /// Where mails go.
    pub mail: MailConfig,
    /// Off where another copy runs the jobs.
    pub jobs: bool,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Traces and metrics.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Reads the `GATEWAY_*` ones among the variables; others are ignored.
    ///
    /// # Errors
    /// [`ConfigFaults`] with every wrong setting and every unknown `GATEWAY_*` name.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::new(vars);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader) -> Self {
        let http = HttpConfig::read(reader);
        Self {
            any_set: reader.any_set(),
            data_dir: reader.value("GATEWAY_DATA_DIR", path),
            database: DatabaseConfig::read(reader),
            master_key: master_key(reader),
            telemetry: TelemetryConfig::read(reader, http.listen),
            http,
            guard: GuardLimits::read(reader),
            tokens: TokenLifetimes::read(reader),
            anonymous_ttl: reader.duration("GATEWAY_ANONYMOUS_TTL"),
            anonymization_grace: reader.duration("GATEWAY_ANONYMIZATION_GRACE"),
            audit_ttl: reader.duration("GATEWAY_AUDIT_TTL"),
            storage: StorageLimits::read(reader),
            passwords: PasswordConfig::read(reader),
            rate_limits: reader.switch("GATEWAY_RATE_LIMITS"),
            mail: MailConfig::read(reader),
            jobs: reader.switch("GATEWAY_JOBS"),
            log: LogConfig::read(reader),
        }
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

impl DatabaseConfig {
    fn read(reader: &mut Reader) -> Self {
        let mongod = reader.optional("GATEWAY_MONGOD", path);
        let server = match reader.optional("GATEWAY_MONGODB_URI", backends::mongodb_uri) {
            Some(uri) => DatabaseServer::External { uri },
            None => DatabaseServer::Managed { mongod },
        };
        Self {
            server,
            name: reader.value("GATEWAY_MONGODB_DATABASE", backends::database_name),
        }
    }
}

/// Addresses, browsers and proxies.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Address of the API; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The public URL where one is set; [`HttpConfig::public_url`] has the one in use.
    pub configured_public_url: Option<PublicUrl>,
    /// Networks of reverse proxies whose header about the client's address is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they name the client's address.
    pub client_address_header: AddressHeader,
    /// How many connections there may be, and for how long without a request.
    pub connections: ConnectionLimits,
    /// Origins whose pages may call the API.
    pub cors_origins: CorsOrigins,
    /// Whether browsers get GraphiQL.
    pub graphiql: bool,
    /// Whether the schema can be asked for.
    pub introspection: bool,
    /// Largest request body in bytes, files not counted.
    pub max_body: u64,
    /// Time to answer a request, from its whole body on.
    pub request_timeout: Duration,
}

impl HttpConfig {
    /// Where clients reach a gateway that listens at `bound`: the URL that is set, else the address itself.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> PublicUrl {
        self.configured_public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::of_listener(bound))
    }

    fn read(reader: &mut Reader) -> Self {
        Self {
            listen: reader.value("GATEWAY_LISTEN", web::socket_address),
            configured_public_url: reader.optional("GATEWAY_PUBLIC_URL", PublicUrl::parse),
            trusted_proxies: reader
                .optional("GATEWAY_TRUSTED_PROXIES", web::networks)
                .unwrap_or_default(),
            client_address_header: reader.value("GATEWAY_CLIENT_ADDRESS_HEADER", AddressHeader::parse),
            connections: ConnectionLimits::read(reader),
            cors_origins: reader.value("GATEWAY_CORS_ORIGINS", CorsOrigins::parse),
            graphiql: reader.switch("GATEWAY_GRAPHIQL"),
            introspection: reader.switch("GATEWAY_INTROSPECTION"),
            max_body: reader.size("GATEWAY_MAX_BODY"),
            request_timeout: reader.duration("GATEWAY_REQUEST_TIMEOUT"),
        }
    }
}

/// Where mails go.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The server; `None`: mails become `.eml` files in the data directory's `mail/`.
    pub smtp: Option<SmtpServer>,
    /// Sender of every mail.
    pub from: Mailbox,
}

impl MailConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            smtp: reader.optional("GATEWAY_SMTP_URL", SmtpServer::parse),
            from: reader.value("GATEWAY_MAIL_FROM", backends::sender),
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// A filter that `tracing_subscriber::EnvFilter` can read.
    pub filter: String,
    /// Form of a line.
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            filter: reader.value("GATEWAY_LOG", backends::log_filter),
            format: reader.value("GATEWAY_LOG_FORMAT", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("is neither text nor json".to_owned()),
            }),
        }
    }
}

/// Traces and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// The whole URL that traces are posted to, `/v1/traces` included; `None`: no traces.
    pub traces_url: Option<Url>,
    /// Address of `/metrics`; `None`: no metrics.
    pub metrics_listen: Option<SocketAddr>,
}

impl TelemetryConfig {
    fn read(reader: &mut Reader, api: SocketAddr) -> Self {
        const METRICS: &str = "GATEWAY_METRICS_LISTEN";
        let metrics_listen = reader.optional(METRICS, web::socket_address);
        if metrics_listen == Some(api) && api.port() != 0 && reader.sound(&["GATEWAY_LISTEN"]) {
            reader.refuse(METRICS, "is also the address of the API (GATEWAY_LISTEN)");
        }
        Self {
            traces_url: reader.optional("GATEWAY_OTLP_ENDPOINT", web::traces_url),
            metrics_listen,
        }
    }
}

fn path(text: &str) -> Parsed<PathBuf> {
    if text.contains('\0') {
        Err("contains a NUL character".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

/// The key, which every copy on a shared database must have in common and therefore cannot generate.
fn master_key(reader: &mut Reader) -> Option<MasterKey> {
    const MASTER_KEY: &str = "GATEWAY_MASTER_KEY";
    if reader.is_set("GATEWAY_MONGODB_URI") && !reader.is_set(MASTER_KEY) {
        reader.refuse(MASTER_KEY, "is not set, but is required with GATEWAY_MONGODB_URI");
    }
    reader.optional(MASTER_KEY, backends::master_key)
}
