//! The tree as a whole: defaults, rules between settings, faults together, and the table against all of it.

use std::time::Duration;

mod faults;
mod table;

use super::*;
use crate::platform::secret::MasterKey;

/// 32 bytes whose base64 would be seen in a message.
const KEY: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyISE=";

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let vars = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_vars(vars)
}

fn faults(vars: &[(&str, &str)]) -> Vec<String> {
    let ConfigFaults(faults) = read(vars).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

/// Returns the variables of a text `NAME=value NAME=value`, whose values contain no spaces.
fn vars(text: &str) -> Vec<(&str, &str)> {
    text.split(' ').filter_map(|var| var.split_once('=')).collect()
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

fn days(count: u64) -> Duration {
    minutes(count * 24 * 60)
}

#[test]
fn defaults_are_those_of_the_service() {
    let config = Config::from_vars([]).unwrap();
    assert!(!config.any_set);
    assert_eq!(config.data_dir.as_os_str(), ".storefront-gateway");
    let DatabaseConfig { server, name } = &config.database;
    assert!(matches!(server, DatabaseServer::Managed { mongod: None }));
    assert_eq!(name, "storefront_gateway");
    assert_eq!(config.master_key, None);
    assert_eq!(config.anonymous_ttl, days(30));
    assert_eq!(config.anonymization_grace, days(1));
    assert_eq!(config.audit_ttl, days(400));
    assert!(config.rate_limits && config.jobs);
    assert!(config.mail.smtp.is_none());
    assert_eq!(config.mail.from.to_string(), "no-reply@localhost");
    let LogConfig { filter, format } = config.log;
    assert_eq!((&*filter, format), ("info", LogFormat::Text));
    let TelemetryConfig {
        traces_url,
        metrics_listen,
    } = config.telemetry;
    assert_eq!((traces_url, metrics_listen), (None, None));
    assert_eq!(
        config.tokens,
        TokenLifetimes {
            access: minutes(15),
            refresh: days(30),
            storefront_user: days(1),
            reset_key: minutes(60),
            email_token: days(1),
        }
    );
}

#[test]
fn default_limits_are_those_of_the_service() {
    let Config {
        http,
        guard,
        storage,
        passwords,
        ..
    } = Config::from_vars([]).unwrap();
    assert_eq!(http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        http.public_url("127.0.0.1:41233".parse().unwrap()).as_str(),
        "http://127.0.0.1:41233"
    );
    assert!(http.trusted_proxies.is_empty() && http.cors_origins == CorsOrigins::Any);
    assert!(http.graphiql && http.introspection);
    assert_eq!(http.max_body, 1_024 * 1_024);
    assert_eq!(http.request_timeout, Duration::from_secs(15));
    assert_eq!(
        guard,
        GuardLimits {
            max_tokens: 2_000,
            max_nesting: 32,
            max_depth: 15,
            max_cost: 5_000,
            max_aliases: 50,
            max_fragments: 50,
            max_directives: 50,
        }
    );
    assert_eq!((storage.max_file, storage.quota), (50 << 20, 1 << 30));
    assert_eq!(storage.anonymous_quota, 100 << 20);
    for allowed in ["image/png", "image/svg+xml"] {
        assert!(storage.allows(allowed), "{allowed}");
    }
    for allowed in ["pdf", "json", "zip"] {
        assert!(storage.allows(&format!("application/{allowed}")), "{allowed}");
    }
    assert!(!storage.allows("text/html") && !storage.allows("application/javascript"));
    assert_eq!(passwords.min_length, 7);
    let Argon2Config {
        memory_kib,
        iterations,
        parallelism,
        threads,
    } = passwords.argon2;
    assert_eq!((memory_kib, iterations, parallelism), (19_456, 2, 1));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    assert_eq!(threads.get(), (cores / 2).max(1));
}

#[test]
fn what_is_set_is_what_holds() {
    let set = format!(
        "GATEWAY_MONGODB_URI=mongodb://u:p@db/?replicaSet=rs0 GATEWAY_MASTER_KEY={KEY} GATEWAY_LISTEN=[::]:0 \
         GATEWAY_PUBLIC_URL=https://api.shop.example GATEWAY_TRUSTED_PROXIES=10.0.0.0/8 PATH=/bin \
         GATEWAY_ANONYMIZATION_GRACE=0s GATEWAY_ARGON2_THREADS=3 GATEWAY_MAX_ALIASES=0 GATEWAY_INTROSPECTION=off"
    );
    let config = read(&vars(&set)).unwrap();
    assert!(
        matches!(&config.database.server, DatabaseServer::External { uri } if uri.expose().ends_with("rs0"))
    );
    assert_eq!(config.master_key, MasterKey::from_base64(KEY).ok());
    assert_eq!(
        config.http.public_url("[::1]:4000".parse().unwrap()).as_str(),
        "https://api.shop.example"
    );
    assert_eq!(config.http.listen.port(), 0);
    assert_eq!(config.http.trusted_proxies.len(), 1);
    assert_eq!(config.anonymization_grace, Duration::ZERO);
    assert_eq!(config.passwords.argon2.threads.get(), 3);
    assert_eq!(config.guard.max_aliases, 0);
    assert!(config.any_set && !config.http.introspection && config.http.graphiql);
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let vars: Vec<(&str, &str)> = SETTINGS.iter().map(|setting| (setting.name, "")).collect();
    let config = read(&vars).unwrap();
    assert!(!config.any_set);
    assert_eq!(
        format!("{config:?}"),
        format!("{:?}", Config::from_vars([]).unwrap())
    );
}
