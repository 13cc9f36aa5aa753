//! The gateway's settings: a typed tree read from variables. All faults are reported together.
//!
//! A setting is one row: a field of [`Config`] or of its parts, with the name, default, bounds and meaning of the
//! variable. [`SETTINGS`] is the table of all rows. Nothing here touches the process environment, the network or a
//! clock; [`Config::load`] reads one file, `.env`. An empty value counts as not set, so that
//! `GATEWAY_SMTP_URL= storefront-gateway serve` overrides the file.

mod backends;
mod help;
mod limits;
mod load;
mod parse;
mod reader;
mod row;
mod setting;
mod settings;
#[cfg(test)]
mod tests;
mod tree;
mod web;

pub use backends::{SmtpEncryption, SmtpLogin, SmtpServer};
pub use help::{settings_help, settings_markdown};
pub use limits::{
    Argon2Config, ConnectionLimits, GuardLimits, PasswordConfig, StorageLimits, TokenLifetimes,
};
pub use reader::{ConfigFaults, SettingFault};
pub use setting::{DefaultValue, Setting, ValueUnit};
pub use settings::SETTINGS;
pub use tree::{
    Config, DatabaseConfig, DatabaseServer, HttpConfig, LogConfig, LogFormat, MailConfig, TelemetryConfig,
};
pub use web::{AddressHeader, CorsOrigins, MediaRange, PublicUrl};
