//! The table of settings: the one place that names them, with their defaults, units and bounds.
//!
//! The reader takes defaults and bounds from here, `--help` and docs/operators.md their texts, and the check for
//! unknown names its list. A new setting is a row here and a field in [`Config`](super::Config).

use super::setting::DefaultValue::{Described, Text};
use super::setting::{LONGEST, Setting, Unit, jwt_lifetime, lifetime, number, secret, setting, size, switch};

/// The largest file and quota: a tebibyte, far within what the database counts.
const LARGEST: &str = "1024GiB";
/// Database names as MongoDB allows them on every platform.
const DATABASE_NAME: &str =
    "a name of 1 to 63 bytes without spaces and /\\.\"$*<>:|?, other than admin, local and config";
/// One socket address.
const ADDRESS: &str = "an IP address and a port, port 0 for a free one";

/// Every setting, in the order in which they are explained.
pub const SETTINGS: &[Setting] = &[
    secret(
        "GATEWAY_MONGODB_URI",
        Described("none: the gateway runs its own server"),
        Unit::Form("a MongoDB connection string; user name and password percent-encoded"),
        "mongodb://gateway:password@db1,db2,db3/?replicaSet=rs0",
        "MongoDB 6 to 8, a replica set or a sharded cluster.",
    ),
    setting(
        "GATEWAY_MONGODB_DATABASE",
        Text("storefront_gateway"),
        Unit::Form(DATABASE_NAME),
        "storefront_gateway",
        "Database that holds everything.",
    ),
    setting(
        "GATEWAY_DATA_DIR",
        Text(".storefront-gateway"),
        Unit::Form("a path"),
        "/var/lib/storefront-gateway",
        "Directory of the managed database, the generated master key, and mails without SMTP.",
    ),
    setting(
        "GATEWAY_MONGOD",
        Described("none: on PATH, or fetched"),
        Unit::Form("a path"),
        "/usr/bin/mongod",
        "Server binary for the managed database.",
    ),
    setting(
        "GATEWAY_LISTEN",
        Text("127.0.0.1:8080"),
        Unit::Form(ADDRESS),
        "0.0.0.0:8080",
        "Address of the API; the log's start line has its URL.",
    ),
    setting(
        "GATEWAY_PUBLIC_URL",
        Described("http:// and the listen address with the port in use"),
        Unit::Form("an http or https URL without a slash at its end, user name, query and fragment"),
        "https://api.shop.example",
        "Where clients reach the gateway: issuer of tokens, base of links.",
    ),
    secret(
        "GATEWAY_MASTER_KEY",
        Described("generated into the data directory; required with GATEWAY_MONGODB_URI"),
        Unit::Form("32 random bytes in base64"),
        "the output of `openssl rand -base64 32`",
        "Encrypts signing keys and identity providers' secrets; the same for every copy.",
    ),
    secret(
        "GATEWAY_SMTP_URL",
        Described("none: .eml files in the data directory's mail/"),
        Unit::Form(
            "smtp:// or smtps:// with a host, user name and password percent-encoded and both or neither, and for smtp:// \
             ?tls=required, opportunistic (STARTTLS where the server offers it, as without tls) or none; with a user name, a \
             server on another machine needs STARTTLS unless tls is none",
        ),
        "smtp://user:password@mail.example:587?tls=required",
        "Server that sends the mails.",
    ),
    setting(
        "GATEWAY_MAIL_FROM",
        Text("no-reply@localhost"),
        Unit::Form("one mail address, with or without a name before it"),
        "Shop <no-reply@shop.example>",
        "Sender of the mails.",
    ),
    jwt_lifetime(
        "GATEWAY_ACCESS_TOKEN_TTL",
        "15m",
        "How long a customer's or a backend's access token is good for.",
    ),
    lifetime(
        "GATEWAY_REFRESH_TOKEN_TTL",
        "30d",
        "How long a refresh token is good for.",
    ),
    jwt_lifetime(
        "GATEWAY_STOREFRONT_USER_TOKEN_TTL",
        "24h",
        "How long a storefront user's token is good for.",
    ),
    lifetime(
        "GATEWAY_RESET_KEY_TTL",
        "60m",
        "How long a mailed password reset key is good for.",
    ),
    lifetime(
        "GATEWAY_EMAIL_TOKEN_TTL",
        "24h",
        "How long a mailed verification or e-mail change token is good for.",
    ),
    lifetime(
        "GATEWAY_ANONYMOUS_TTL",
        "30d",
        "Idle time after which an anonymous user is removed.",
    ),
    setting(
        "GATEWAY_ANONYMIZATION_GRACE",
        Text("24h"),
        Unit::Duration {
            least: "0s",
            most: LONGEST,
        },
        "0s",
        "Time between a requested erasure and its start.",
    ),
    lifetime(
        "GATEWAY_AUDIT_TTL",
        "400d",
        "How long an entry of the audit trail is kept; a change holds for entries from then on.",
    ),
    size(
        "GATEWAY_STORAGE_MAX_FILE",
        "50MiB",
        LARGEST,
        "Largest file in a private storage.",
    ),
    size(
        "GATEWAY_STORAGE_QUOTA",
        "1GiB",
        LARGEST,
        "Largest private storage of a user, all its files together.",
    ),
    size(
        "GATEWAY_ANONYMOUS_QUOTA",
        "100MiB",
        LARGEST,
        "Largest private storage of an anonymous user; never more than GATEWAY_STORAGE_QUOTA.",
    ),
    setting(
        "GATEWAY_STORAGE_TYPES",
        Text("image/*,application/pdf,image/svg+xml,application/json,application/zip"),
        Unit::List("content types, image/* for all of a kind"),
        "image/*,application/pdf",
        "Content types that may be uploaded.",
    ),
    number(
        "GATEWAY_PASSWORD_MIN_LENGTH",
        "7",
        1,
        128,
        "Shortest password, in characters.",
    ),
    number(
        "GATEWAY_ARGON2_MEMORY_KIB",
        "19456",
        8,
        4_194_304,
        "Memory of one password hash, in KiB.",
    ),
    number(
        "GATEWAY_ARGON2_ITERATIONS",
        "2",
        1,
        1_000,
        "Passes of one password hash.",
    ),
    number(
        "GATEWAY_ARGON2_PARALLELISM",
        "1",
        1,
        64,
        "Lanes of one password hash.",
    ),
    setting(
        "GATEWAY_ARGON2_THREADS",
        Described("half the cores, at least 1"),
        Unit::Number {
            least: 1,
            most: 1_024,
        },
        "2",
        "Threads that hash passwords, each with its own memory.",
    ),
    switch(
        "GATEWAY_RATE_LIMITS",
        "off for load tests: no waits and no limits on mails; the hashing queue stays bounded.",
    ),
    setting(
        "GATEWAY_TRUSTED_PROXIES",
        Described("none"),
        Unit::List("IP addresses and networks"),
        "10.0.0.0/8,fd00::/8",
        "Networks of reverse proxies whose header about the client's address is believed.",
    ),
    setting(
        "GATEWAY_CLIENT_ADDRESS_HEADER",
        Text("x-forwarded-for"),
        Unit::Form(
            "x-forwarded-for, forwarded, or the name of a header that holds one address, such as cf-connecting-ip or x-real-ip",
        ),
        "cf-connecting-ip",
        "The one header in which trusted proxies name the client's address; all other such headers are ignored.",
    ),
    number(
        "GATEWAY_MAX_CONNECTIONS",
        "8192",
        1,
        1_000_000,
        "Most connections at once; fewer where the limit of open files allows fewer.",
    ),
    number(
        "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS",
        "1024",
        1,
        1_000_000,
        "Most connections at once from one address (IPv6: from one /64), trusted proxies excepted.",
    ),
    setting(
        "GATEWAY_IDLE_TIMEOUT",
        Text("75s"),
        Unit::Duration {
            least: "100ms",
            most: "1h",
        },
        "75s",
        "Time after which a connection without a request under way is closed.",
    ),
    setting(
        "GATEWAY_CORS_ORIGINS",
        Text("*"),
        Unit::List("* alone, or http and https origins"),
        "https://shop.example,http://localhost:3000",
        "Origins whose pages may call the API; always without credentials.",
    ),
    switch("GATEWAY_GRAPHIQL", "GraphiQL at / for browsers."),
    switch(
        "GATEWAY_INTROSPECTION",
        "off: no introspection, no suggested names in messages, no /schema.graphql.",
    ),
    size(
        "GATEWAY_MAX_BODY",
        "1MiB",
        "64MiB",
        "Largest request body, files not counted.",
    ),
    number(
        "GATEWAY_MAX_TOKENS",
        "2000",
        1,
        1_000_000,
        "Most tokens in a document.",
    ),
    number(
        "GATEWAY_MAX_NESTING",
        "32",
        1,
        48,
        "Deepest brackets in a document; more than 48 could overflow the parser's stack.",
    ),
    number(
        "GATEWAY_MAX_DEPTH",
        "15",
        1,
        256,
        "Deepest selection in a document.",
    ),
    number(
        "GATEWAY_MAX_COST",
        "5000",
        1,
        1_000_000_000,
        "Most objects that an answer may hold; a page counts its size, any other list ten.",
    ),
    number(
        "GATEWAY_MAX_ALIASES",
        "50",
        0,
        1_000_000,
        "Most aliases in a document.",
    ),
    number(
        "GATEWAY_MAX_FRAGMENTS",
        "50",
        0,
        1_000_000,
        "Most fragments in a document.",
    ),
    number(
        "GATEWAY_MAX_DIRECTIVES",
        "50",
        0,
        1_000_000,
        "Most directives in a document.",
    ),
    setting(
        "GATEWAY_REQUEST_TIMEOUT",
        Text("15s"),
        Unit::Duration {
            least: "1ms",
            most: "1h",
        },
        "15s",
        "Time to answer a request, from its whole body on.",
    ),
    switch("GATEWAY_JOBS", "off: another copy runs the jobs."),
    setting(
        "GATEWAY_LOG",
        Text("info"),
        Unit::Form(
            "a level (error, warn, info, debug, trace, off), or levels for parts as target=level with commas",
        ),
        "info,mongodb=debug",
        "What is logged.",
    ),
    setting(
        "GATEWAY_LOG_FORMAT",
        Text("text"),
        Unit::Choice(&["text", "json"]),
        "json",
        "Form of a log line.",
    ),
    secret(
        "GATEWAY_OTLP_ENDPOINT",
        Described("none"),
        Unit::Form(
            "an http or https URL without user name, query and fragment; credentials go into OTEL_EXPORTER_OTLP_HEADERS",
        ),
        "http://127.0.0.1:4318",
        "OpenTelemetry collector that traces go to over HTTP; /v1/traces is added.",
    ),
    setting(
        "GATEWAY_METRICS_LISTEN",
        Described("none"),
        Unit::Form(ADDRESS),
        "127.0.0.1:9090",
        "Address of Prometheus metrics, at /metrics.",
    ),
];

/// The row of a name, if there is such a setting.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
