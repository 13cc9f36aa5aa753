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
    "a name of 1 to 63 bytes without spaces and /\\.\"$*<>:|?, except admin, local and config";
/// One socket address.
const ADDRESS: &str = "an IP address and a port (port 0 selects a free port)";

/// Every setting, in the order in which they are explained.
pub const SETTINGS: &[Setting] = &[
    secret(
        "GATEWAY_MONGODB_URI",
        Described("none: the gateway runs its own MongoDB server"),
        Unit::Form("a MongoDB connection string with percent-encoded user name and password"),
        "mongodb://gateway:password@db1,db2,db3/?replicaSet=rs0",
        "Connection string of the database: MongoDB 6 to 8, a replica set or a sharded cluster.",
    ),
    setting(
        "GATEWAY_MONGODB_DATABASE",
        Text("storefront_gateway"),
        Unit::Form(DATABASE_NAME),
        "storefront_gateway",
        "Name of the database in which the gateway stores all its data.",
    ),
    setting(
        "GATEWAY_DATA_DIR",
        Text(".storefront-gateway"),
        Unit::Form("a path"),
        "/var/lib/storefront-gateway",
        "Directory for the gateway's own database, the generated master key, and mails if GATEWAY_SMTP_URL is not set.",
    ),
    setting(
        "GATEWAY_MONGOD",
        Described("none: `mongod` on PATH, otherwise downloaded"),
        Unit::Form("a path"),
        "/usr/bin/mongod",
        "Path of the MongoDB server binary, for the database that the gateway runs itself.",
    ),
    setting(
        "GATEWAY_LISTEN",
        Text("127.0.0.1:8080"),
        Unit::Form(ADDRESS),
        "0.0.0.0:8080",
        "IP address and port of the API; port 0 selects a free port, which the log reports at the start.",
    ),
    setting(
        "GATEWAY_PUBLIC_URL",
        Described("http:// followed by the address and port at which the gateway listens"),
        Unit::Form("an http or https URL without user name, query, fragment and trailing slash"),
        "https://api.shop.example",
        "URL at which clients reach the gateway; the issuer of access tokens and the base of download URLs.",
    ),
    secret(
        "GATEWAY_MASTER_KEY",
        Described("generated in the data directory; required with GATEWAY_MONGODB_URI"),
        Unit::Form("32 random bytes in base64"),
        "the output of `openssl rand -base64 32`",
        "Key that encrypts stored secrets, such as signing keys; must be the same for all copies of the gateway.",
    ),
    secret(
        "GATEWAY_SMTP_URL",
        Described("none: mails are written as .eml files into mail/ of the data directory"),
        Unit::Form(
            "smtp:// or smtps:// with a host, and optionally a percent-encoded user name and password; smtp:// accepts \
             ?tls=required (STARTTLS), ?tls=opportunistic (STARTTLS if the server offers it, the default), ?tls=none. \
             With a user name and a server on another machine, STARTTLS is required unless tls is none",
        ),
        "smtp://user:password@mail.example:587?tls=required",
        "URL of the mail server, with user name and password if the server requires them.",
    ),
    setting(
        "GATEWAY_MAIL_FROM",
        Text("no-reply@localhost"),
        Unit::Form("one mail address, with or without a display name before it"),
        "Shop <no-reply@shop.example>",
        "Sender address of all mails.",
    ),
    jwt_lifetime(
        "GATEWAY_ACCESS_TOKEN_TTL",
        "15m",
        "Lifetime of the access tokens of customers and integrations.",
    ),
    lifetime("GATEWAY_REFRESH_TOKEN_TTL", "30d", "Lifetime of refresh tokens."),
    jwt_lifetime(
        "GATEWAY_STOREFRONT_USER_TOKEN_TTL",
        "24h",
        "Lifetime of the access tokens of storefront users.",
    ),
    lifetime(
        "GATEWAY_RESET_KEY_TTL",
        "60m",
        "Lifetime of password reset keys, which are sent by mail.",
    ),
    lifetime(
        "GATEWAY_EMAIL_TOKEN_TTL",
        "24h",
        "Lifetime of the tokens that are sent by mail to verify or change an e-mail address.",
    ),
    lifetime(
        "GATEWAY_ANONYMOUS_TTL",
        "30d",
        "Time without use after which an anonymous storefront user and its files are deleted.",
    ),
    setting(
        "GATEWAY_ANONYMIZATION_GRACE",
        Text("24h"),
        Unit::Duration {
            least: "0s",
            most: LONGEST,
        },
        "0s",
        "Time between the request to erase a customer and the start of the erasure; 0s starts it at once.",
    ),
    lifetime(
        "GATEWAY_AUDIT_TTL",
        "400d",
        "Time after which an entry of the audit trail is deleted; a changed value applies to new entries only.",
    ),
    size(
        "GATEWAY_STORAGE_MAX_FILE",
        "50MiB",
        LARGEST,
        "Maximum size of a file in a private storage.",
    ),
    size(
        "GATEWAY_STORAGE_QUOTA",
        "1GiB",
        LARGEST,
        "Maximum total size of the files in the private storage of a storefront user.",
    ),
    size(
        "GATEWAY_ANONYMOUS_QUOTA",
        "100MiB",
        LARGEST,
        "Maximum total size of the files of an anonymous storefront user; GATEWAY_STORAGE_QUOTA if that is less.",
    ),
    setting(
        "GATEWAY_STORAGE_TYPES",
        Text("image/*,application/pdf,image/svg+xml,application/json,application/zip"),
        Unit::List("content types, or ranges such as image/*"),
        "image/*,application/pdf",
        "Content types of files that can be uploaded, as detected from the content.",
    ),
    number(
        "GATEWAY_PASSWORD_MIN_LENGTH",
        "7",
        1,
        128,
        "Minimum length of a password, in characters.",
    ),
    number(
        "GATEWAY_ARGON2_MEMORY_KIB",
        "19456",
        8,
        4_194_304,
        "Memory for one password hash (Argon2id), in KiB; at least 8 times GATEWAY_ARGON2_PARALLELISM.",
    ),
    number(
        "GATEWAY_ARGON2_ITERATIONS",
        "2",
        1,
        1_000,
        "Number of passes for one password hash (Argon2id).",
    ),
    number(
        "GATEWAY_ARGON2_PARALLELISM",
        "1",
        1,
        64,
        "Number of lanes for one password hash (Argon2id).",
    ),
    setting(
        "GATEWAY_ARGON2_THREADS",
        Described("half the number of CPU cores, at least 1"),
        Unit::Number {
            least: 1,
            most: 1_024,
        },
        "2",
        "Number of threads that hash passwords; each uses GATEWAY_ARGON2_MEMORY_KIB of memory.",
    ),
    switch(
        "GATEWAY_RATE_LIMITS",
        "Rate limits; off disables them, for load tests only. The queue for password hashes remains bounded.",
    ),
    setting(
        "GATEWAY_TRUSTED_PROXIES",
        Described("none"),
        Unit::List("IP addresses and networks"),
        "10.0.0.0/8,fd00::/8",
        "Networks of reverse proxies from which GATEWAY_CLIENT_ADDRESS_HEADER is trusted.",
    ),
    setting(
        "GATEWAY_CLIENT_ADDRESS_HEADER",
        Text("x-forwarded-for"),
        Unit::Form(
            "x-forwarded-for, forwarded, or the name of a header with one address, such as cf-connecting-ip",
        ),
        "cf-connecting-ip",
        "Request header from which the client's address is read, if a trusted proxy sends it; others are ignored.",
    ),
    number(
        "GATEWAY_MAX_CONNECTIONS",
        "8192",
        1,
        1_000_000,
        "Maximum number of open connections; less if the limit of open files is too low for it.",
    ),
    number(
        "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS",
        "1024",
        1,
        1_000_000,
        "Maximum number of open connections per client address (IPv6: per /64 network), except trusted proxies.",
    ),
    setting(
        "GATEWAY_IDLE_TIMEOUT",
        Text("75s"),
        Unit::Duration {
            least: "100ms",
            most: "1h",
        },
        "75s",
        "Time after which a connection without a running request is closed.",
    ),
    setting(
        "GATEWAY_CORS_ORIGINS",
        Text("*"),
        Unit::List("* alone, or http or https origins"),
        "https://shop.example,http://localhost:3000",
        "Origins whose web pages can call the API (CORS), always without credentials; * allows all origins.",
    ),
    switch(
        "GATEWAY_GRAPHIQL",
        "Whether browsers receive the GraphiQL page at /.",
    ),
    switch(
        "GATEWAY_INTROSPECTION",
        "off disables introspection, suggestions of names in error messages, and /schema.graphql.",
    ),
    size(
        "GATEWAY_MAX_BODY",
        "1MiB",
        "64MiB",
        "Maximum size of a request body, without uploaded files.",
    ),
    number(
        "GATEWAY_MAX_TOKENS",
        "2000",
        1,
        1_000_000,
        "Maximum number of tokens in a GraphQL document.",
    ),
    number(
        "GATEWAY_MAX_NESTING",
        "32",
        1,
        48,
        "Maximum depth of nested brackets in a GraphQL document; limited to 48 to protect the parser's stack.",
    ),
    number(
        "GATEWAY_MAX_DEPTH",
        "15",
        1,
        256,
        "Maximum depth of nested selections in a GraphQL document.",
    ),
    number(
        "GATEWAY_MAX_COST",
        "5000",
        1,
        1_000_000_000,
        "Maximum number of objects in a response; a page counts as its requested size, any other list as 10.",
    ),
    number(
        "GATEWAY_MAX_ALIASES",
        "50",
        0,
        1_000_000,
        "Maximum number of aliases in a GraphQL document.",
    ),
    number(
        "GATEWAY_MAX_FRAGMENTS",
        "50",
        0,
        1_000_000,
        "Maximum number of fragments in a GraphQL document.",
    ),
    number(
        "GATEWAY_MAX_DIRECTIVES",
        "50",
        0,
        1_000_000,
        "Maximum number of directives in a GraphQL document.",
    ),
    setting(
        "GATEWAY_REQUEST_TIMEOUT",
        Text("15s"),
        Unit::Duration {
            least: "1ms",
            most: "1h",
        },
        "15s",
        "Time limit for the response to a request, from the end of the request body.",
    ),
    switch(
        "GATEWAY_JOBS",
        "Background jobs; set it to off only if another copy of the gateway runs them.",
    ),
    setting(
        "GATEWAY_LOG",
        Text("info"),
        Unit::Form(
            "levels (error, warn, info, debug, trace, off) separated by commas, each alone or as target=level",
        ),
        "info,mongodb=debug",
        "Levels of the log, for everything or for parts of the program, such as info,mongodb=debug.",
    ),
    setting(
        "GATEWAY_LOG_FORMAT",
        Text("text"),
        Unit::Choice(&["text", "json"]),
        "json",
        "Format of a log line.",
    ),
    secret(
        "GATEWAY_OTLP_ENDPOINT",
        Described("none"),
        Unit::Form(
            "an http or https URL without user name, query and fragment; set credentials in OTEL_EXPORTER_OTLP_HEADERS",
        ),
        "http://127.0.0.1:4318",
        "URL of the OpenTelemetry collector to which traces are sent over HTTP; /v1/traces is appended.",
    ),
    setting(
        "GATEWAY_METRICS_LISTEN",
        Described("none"),
        Unit::Form(ADDRESS),
        "127.0.0.1:9090",
        "IP address and port at which Prometheus metrics are served, at /metrics.",
    ),
];

/// The row of a name, if there is such a setting.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
