//! The gateway's settings: one typed tree read from variables, every fault reported at once.
//!
//! A setting is one row: a field of [`Config`] or of its parts, with the name, default, bounds and meaning of the
//! variable. [`SETTINGS`] is the table of all rows. Nothing here touches the process environment, the network or a
//! clock; [`Config::load`] reads one file, `.env`. An empty value counts as not set, so that
//! `GATEWAY_SMTP_URL= storefront-gateway serve` puts aside what the file says.

mod backends;
mod help;
mod limits;
mod load;
mod nearest;
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
