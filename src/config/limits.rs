//! The parts of the tree that are bounds: of documents, tokens, storages and passwords.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::parse;
use super::reader::Reader;
use super::web::MediaRange;

/// What a document may be before it is refused. Each number is the largest that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardLimits {
    /// Tokens in the document.
    pub max_tokens: usize,
    /// Brackets within each other, counted before the parser runs.
    pub max_nesting: usize,
    /// Selections within each other.
    pub max_depth: usize,
    /// Objects that the answer may hold.
    pub max_cost: u64,
    /// Aliases in the document.
    pub max_aliases: usize,
    /// Fragments in the document.
    pub max_fragments: usize,
    /// Directives in the document.
    pub max_directives: usize,
}

impl GuardLimits {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            max_tokens: reader.number("GATEWAY_MAX_TOKENS"),
            max_nesting: reader.number("GATEWAY_MAX_NESTING"),
            max_depth: reader.number("GATEWAY_MAX_DEPTH"),
            max_cost: reader.number("GATEWAY_MAX_COST"),
            max_aliases: reader.number("GATEWAY_MAX_ALIASES"),
            max_fragments: reader.number("GATEWAY_MAX_FRAGMENTS"),
            max_directives: reader.number("GATEWAY_MAX_DIRECTIVES"),
        }
    }
}

/// How many connections clients may hold, and for how long without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once.
    pub all: usize,
    /// Connections at once from one address.
    pub per_address: usize,
    /// Time after which a connection without a request under way is closed.
    pub idle_timeout: Duration,
}

impl ConnectionLimits {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            all: reader.number("GATEWAY_MAX_CONNECTIONS"),
            per_address: reader.number("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS"),
            idle_timeout: reader.duration("GATEWAY_IDLE_TIMEOUT"),
        }
    }
}

/// How long tokens and mailed keys are good for, from their issue on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// A customer's or a backend's access token; at least a second, because a JWT counts whole ones.
    pub access: Duration,
    /// A refresh token.
    pub refresh: Duration,
    /// A storefront user's token; at least a second.
    pub storefront_user: Duration,
    /// A mailed password reset key.
    pub reset_key: Duration,
    /// A mailed verification or e-mail change token.
    pub email_token: Duration,
}

impl TokenLifetimes {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            access: reader.duration("GATEWAY_ACCESS_TOKEN_TTL"),
            refresh: reader.duration("GATEWAY_REFRESH_TOKEN_TTL"),
            storefront_user: reader.duration("GATEWAY_STOREFRONT_USER_TOKEN_TTL"),
            reset_key: reader.duration("GATEWAY_RESET_KEY_TTL"),
            email_token: reader.duration("GATEWAY_EMAIL_TOKEN_TTL"),
        }
    }
}

/// What may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageLimits {
    /// Bytes of the largest file; never more than the quota.
    pub max_file: u64,
    /// Bytes of all files of a regular user together.
    pub quota: u64,
    /// Bytes of all files of an anonymous user together; never more than the quota.
    pub anonymous_quota: u64,
    /// Content types; [`StorageLimits::allows`] asks them all.
    pub types: Vec<MediaRange>,
}

impl StorageLimits {
    /// Whether a file of this content type may be uploaded.
    #[must_use]
    pub fn allows(&self, content_type: &str) -> bool {
        self.types.iter().any(|range| range.matches(content_type))
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        const MAX_FILE: &str = "GATEWAY_STORAGE_MAX_FILE";
        const QUOTA: &str = "GATEWAY_STORAGE_QUOTA";
        let max_file = reader.size(MAX_FILE);
        let quota = reader.size(QUOTA);
        if max_file > quota && reader.sound(&[MAX_FILE, QUOTA]) {
            // Named after what was set: with only a small quota set, the file limit is not the one to blame.
            if reader.is_set(MAX_FILE) {
                reader.refuse(MAX_FILE, "is more than GATEWAY_STORAGE_QUOTA");
            } else {
                reader.refuse(QUOTA, "is less than GATEWAY_STORAGE_MAX_FILE (50MiB); set both");
            }
        }
        let types = reader.value("GATEWAY_STORAGE_TYPES", |text| {
            parse::list(text, MediaRange::parse)
        });
        Self {
            max_file,
            quota,
            anonymous_quota: reader.size("GATEWAY_ANONYMOUS_QUOTA").min(quota),
            types,
        }
    }
}

/// Password rules and hashing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordConfig {
    /// Code points of the shortest password.
    pub min_length: usize,
    /// How passwords are hashed.
    pub argon2: Argon2Config,
}

/// Parameters of Argon2id (RFC 9106) and the threads that it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Config {
    /// Memory of one hash in KiB; at least eight times the parallelism (RFC 9106 §3.1).
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Threads that hash, each with its own memory.
    pub threads: NonZeroUsize,
}

impl PasswordConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            min_length: reader.number("GATEWAY_PASSWORD_MIN_LENGTH"),
            argon2: Argon2Config::read(reader),
        }
    }
}

impl Argon2Config {
    fn read(reader: &mut Reader) -> Self {
        const MEMORY: &str = "GATEWAY_ARGON2_MEMORY_KIB";
        const PARALLELISM: &str = "GATEWAY_ARGON2_PARALLELISM";
        let memory_kib = reader.number(MEMORY);
        let parallelism: u32 = reader.number(PARALLELISM);
        if memory_kib < 8 * parallelism && reader.sound(&[MEMORY, PARALLELISM]) {
            reader.refuse(
                MEMORY,
                "is less than eight times GATEWAY_ARGON2_PARALLELISM, the minimum of Argon2",
            );
        }
        let threads = reader
            .optional_number("GATEWAY_ARGON2_THREADS")
            .and_then(NonZeroUsize::new);
        Self {
            memory_kib,
            iterations: reader.number("GATEWAY_ARGON2_ITERATIONS"),
            parallelism,
            threads: threads.unwrap_or_else(half_the_cores),
        }
    }
}

/// Half the cores that the process may use, at least one.
fn half_the_cores() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
}
