//! The table of all settings, from which `--help` and docs/operators.md take their texts.

use std::sync::LazyLock;

use super::limits::{
    Argon2Config, ConnectionLimits, GuardLimits, PasswordConfig, StorageLimits, TokenLifetimes,
};
use super::setting::Setting;
use super::tree::{Config, DatabaseSettings, HttpConfig, LogConfig, MailConfig, TelemetryConfig};

/// The slices that `settings!` makes of the structs, in the order of the documentation.
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

/// Every setting, in the order of the documentation.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| SLICES.concat());
