//! The parts of the tree that are bounds: of documents, tokens, storages and passwords.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::parse;
use super::reader::Reader;
use super::row::{duration, jwt_lifetime, lifetime, list, number, number_by, settings, size};
use super::web::MediaRange;

settings! {
    /// What a document may be before it is refused. Each number is the largest that is accepted.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct GuardLimits {
        [GUARD]
        max_tokens: usize = "GATEWAY_MAX_TOKENS", number("2000", 1, 1_000_000),
            "Maximum number of tokens in a GraphQL document.";
        max_nesting: usize = "GATEWAY_MAX_NESTING", number("32", 1, 48),
            "Maximum depth of nested brackets in a GraphQL document; limited to 48 to protect the parser's stack.";
        max_depth: usize = "GATEWAY_MAX_DEPTH", number("15", 1, 256),
            "Maximum depth of nested selections in a GraphQL document.";
        max_cost: u64 = "GATEWAY_MAX_COST", number("5000", 1, 1_000_000_000),
            "Maximum number of objects in a response; a page counts as its requested size, any other list as 10.";
        max_aliases: usize = "GATEWAY_MAX_ALIASES", number("50", 0, 1_000_000),
            "Maximum number of aliases in a GraphQL document.";
        max_fragments: usize = "GATEWAY_MAX_FRAGMENTS", number("50", 0, 1_000_000),
            "Maximum number of fragments in a GraphQL document.";
        max_directives: usize = "GATEWAY_MAX_DIRECTIVES", number("50", 0, 1_000_000),
            "Maximum number of directives in a GraphQL document.";
    }
}

settings! {
    /// How many connections clients may hold, and for how long without a request.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ConnectionLimits {
        [CONNECTIONS]
        all: usize = "GATEWAY_MAX_CONNECTIONS", number("8192", 1, 1_000_000),
            "Maximum number of open connections; less if the limit of open files is too low for it.";
        per_address: usize = "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", number("1024", 1, 1_000_000),
            "Maximum number of open connections per client address (IPv6: per /64 network), except trusted proxies.";
        idle_timeout: Duration = "GATEWAY_IDLE_TIMEOUT", duration("75s", "100ms", "1h"),
            "Time after which a connection without a running request is closed.";
    }
}

settings! {
    /// How long tokens and mailed keys are good for, from their issue on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct TokenLifetimes {
        [TOKENS]
        access: Duration = "GATEWAY_ACCESS_TOKEN_TTL", jwt_lifetime("15m"),
            "Lifetime of the access tokens of customers and integrations.";
        refresh: Duration = "GATEWAY_REFRESH_TOKEN_TTL", lifetime("30d"), "Lifetime of refresh tokens.";
        storefront_user: Duration = "GATEWAY_STOREFRONT_USER_TOKEN_TTL", jwt_lifetime("24h"),
            "Lifetime of the access tokens of storefront users.";
        reset_key: Duration = "GATEWAY_RESET_KEY_TTL", lifetime("60m"),
            "Lifetime of password reset keys, which are sent by mail.";
        email_token: Duration = "GATEWAY_EMAIL_TOKEN_TTL", lifetime("24h"),
            "Lifetime of the tokens that are sent by mail to verify or change an e-mail address.";
    }
}

/// The largest file and quota: a tebibyte, far within what the database counts.
const LARGEST: &str = "1024GiB";

settings! {
    /// What may be uploaded. Sizes are in bytes.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StorageLimits {
        [STORAGE]
        /// Never more than the quota.
        max_file: u64 = "GATEWAY_STORAGE_MAX_FILE", size("50MiB", LARGEST),
            "Maximum size of a file in a private storage.";
        quota: u64 = "GATEWAY_STORAGE_QUOTA", size("1GiB", LARGEST),
            "Maximum total size of the files in the private storage of a storefront user.";
        anonymous_quota: u64 = "GATEWAY_ANONYMOUS_QUOTA", size("100MiB", LARGEST),
            "Maximum total size of the files of an anonymous storefront user; GATEWAY_STORAGE_QUOTA if that is less.";
        types: Vec<MediaRange> = "GATEWAY_STORAGE_TYPES",
            list(|text| parse::list(text, MediaRange::parse), "content types, or ranges such as image/*")
                .default("image/*,application/pdf,image/svg+xml,application/json,application/zip")
                .example("image/*,application/pdf"),
            "Content types of files that can be uploaded, as detected from the content.";
    }
}

impl StorageLimits {
    /// Whether a file of this content type may be uploaded.
    #[must_use]
    pub fn allows(&self, content_type: &str) -> bool {
        self.types.iter().any(|range| range.matches(content_type))
    }

    /// Checks that a file fits into the quota.
    pub(super) fn check(&self, reader: &mut Reader) {
        const MAX_FILE: &str = "GATEWAY_STORAGE_MAX_FILE";
        const QUOTA: &str = "GATEWAY_STORAGE_QUOTA";
        if self.max_file > self.quota && reader.sound(&[MAX_FILE, QUOTA]) {
            // Named after what was set: with only a small quota set, the file limit is not the one to blame.
            if reader.is_set(MAX_FILE) {
                reader.refuse(MAX_FILE, "is more than GATEWAY_STORAGE_QUOTA");
            } else {
                reader.refuse(QUOTA, "is less than GATEWAY_STORAGE_MAX_FILE (50MiB); set both");
            }
        }
    }
}

settings! {
    /// Password rules and hashing.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PasswordConfig {
        [PASSWORDS]
        /// Characters are code points.
        min_length: usize = "GATEWAY_PASSWORD_MIN_LENGTH", number("7", 1, 128),
            "Minimum length of a password, in characters.";
        /// How passwords are hashed.
        argon2: Argon2Config => Argon2Config::read;
    }
}

settings! {
    /// Parameters of Argon2id (RFC 9106) and the threads that it runs on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Argon2Config {
        [ARGON2]
        memory_kib: u32 = "GATEWAY_ARGON2_MEMORY_KIB", number("19456", 8, 4_194_304),
            "Memory for one password hash (Argon2id), in KiB; at least 8 times GATEWAY_ARGON2_PARALLELISM.";
        iterations: u32 = "GATEWAY_ARGON2_ITERATIONS", number("2", 1, 1_000),
            "Number of passes for one password hash (Argon2id).";
        parallelism: u32 = "GATEWAY_ARGON2_PARALLELISM", number("1", 1, 64),
            "Number of lanes for one password hash (Argon2id).";
        threads: NonZeroUsize = "GATEWAY_ARGON2_THREADS",
            number_by(|text, bounds| Ok(at_least_one(parse::number(text, bounds)?)), 1, 1_024)
                .unset("half the number of CPU cores, at least 1", half_the_cores)
                .example("2"),
            "Number of threads that hash passwords; each uses GATEWAY_ARGON2_MEMORY_KIB of memory.";
    }
}

impl Argon2Config {
    /// Checks the minimum memory (RFC 9106 §3.1).
    pub(super) fn check(self, reader: &mut Reader) {
        const MEMORY: &str = "GATEWAY_ARGON2_MEMORY_KIB";
        const PARALLELISM: &str = "GATEWAY_ARGON2_PARALLELISM";
        if self.memory_kib < 8 * self.parallelism && reader.sound(&[MEMORY, PARALLELISM]) {
            reader.refuse(
                MEMORY,
                "is less than eight times GATEWAY_ARGON2_PARALLELISM, the minimum of Argon2",
            );
        }
    }
}

/// Half the cores that the process may use, at least one.
fn half_the_cores() -> NonZeroUsize {
    at_least_one(std::thread::available_parallelism().map_or(1, NonZeroUsize::get) / 2)
}

fn at_least_one(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}
