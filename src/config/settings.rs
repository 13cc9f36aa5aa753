//! The table of settings: all of them, in the order in which they are explained.
//!
//! `--help` and docs/operators.md take their texts from here, and the check for unknown names its list.

use super::limits::{
    Argon2Config, ConnectionLimits, GuardLimits, PasswordConfig, StorageLimits, TokenLifetimes,
};
use super::setting::Setting;
use super::tree::{Config, DatabaseSettings, HttpConfig, LogConfig, MailConfig, TelemetryConfig};

/// The slices that `settings!` makes of the structs.
const SLICES: &[&[Setting]] = &[
    DatabaseSettings::DATABASE,
    Config::DATA_DIR,
    DatabaseSettings::MONGOD,
    HttpConfig::ADDRESSES,
    Config::MASTER_KEY,
    MailConfig::MAIL,
    TokenLifetimes::TOKENS,
    Config::RETENTION,
    StorageLimits::STORAGE,
    PasswordConfig::PASSWORDS,
    Argon2Config::ARGON2,
    Config::RATE_LIMITS,
    HttpConfig::PROXIES,
    ConnectionLimits::CONNECTIONS,
    HttpConfig::BROWSERS,
    HttpConfig::BODY,
    GuardLimits::GUARD,
    HttpConfig::TIMEOUT,
    Config::JOBS,
    LogConfig::LOG,
    TelemetryConfig::TELEMETRY,
];

/// Every setting, in the order in which they are explained.
pub const SETTINGS: &[Setting] = &joined::<{ count() }>();

const fn count() -> usize {
    let (mut count, mut slice) = (0, 0);
    while slice < SLICES.len() {
        count += SLICES[slice].len();
        slice += 1;
    }
    count
}

const fn joined<const COUNT: usize>() -> [Setting; COUNT] {
    let mut all = [SLICES[0][0]; COUNT];
    let (mut next, mut slice) = (0, 0);
    while slice < SLICES.len() {
        let mut row = 0;
        while row < SLICES[slice].len() {
            all[next] = SLICES[slice][row];
            (next, row) = (next + 1, row + 1);
        }
        slice += 1;
    }
    all
}
