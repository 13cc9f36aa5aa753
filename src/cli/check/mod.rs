//! `check`: what works and what does not, a verdict each. It changes nothing that lasts.

mod database;
mod mail;
mod report;

use self::report::{Finding, show};
use super::failure::{Failure, explain};
use super::open::Opened;
use super::output::Output;
use crate::app::App;
use crate::config::{Config, ConfigFaults, DatabaseServer};
use crate::schema;

const SETTINGS: &str = "settings";
const DATABASE: &str = "database";
const INDEXES: &str = "indexes";
const MAIL: &str = "mail";
const KEYS: &str = "keys";

pub(super) async fn run(config: Result<Config, ConfigFaults>, output: Output) -> Result<(), Failure> {
    let config = match config {
        Ok(config) => config,
        Err(faults) => {
            let findings: Vec<Finding> = faults
                .0
                .iter()
                .map(|fault| Finding::fail(SETTINGS, fault.to_string()))
                .collect();
            return show(&findings, output);
        }
    };
    crate::telemetry::log_of_command(&config.log)?;
    let mut findings = vec![settings(&config)];
    let mail = mail::check(&config).await;
    match Opened::new(config, output).await {
        Ok(opened) => {
            findings.extend(stored(&opened.app).await);
            opened.close().await;
        }
        Err(Failure::Message(why)) => findings.push(Finding::fail(DATABASE, why)),
        Err(other) => return Err(other),
    }
    findings.push(mail);
    show(&findings, output)
}

fn settings(config: &Config) -> Finding {
    let public = config.http.configured_public_url.is_some();
    let elsewhere = !config.http.listen.ip().is_loopback();
    if elsewhere && !public {
        Finding::warn(
            SETTINGS,
            "GATEWAY_LISTEN accepts requests of other machines, but GATEWAY_PUBLIC_URL is not set: set it to the URL \
             at which they reach the gateway",
        )
    } else if config.any_set {
        Finding::ok(SETTINGS, "all settings are valid")
    } else if cfg!(feature = "managed-database") {
        Finding::ok(
            SETTINGS,
            "no setting is set: the gateway serves a demo with its own database",
        )
    } else {
        Finding::ok(SETTINGS, "no setting is set")
    }
}

/// What is in the database, and the database itself. Without it the rest cannot be told.
async fn stored(app: &App) -> Vec<Finding> {
    let database = database::check(app).await;
    if database.verdict == report::Verdict::Fail {
        return vec![database];
    }
    vec![database, indexes(app).await, keys(app).await]
}

async fn indexes(app: &App) -> Finding {
    match app.database.index_state(&schema::indexes()).await {
        Ok(state) if !state.drifted.is_empty() => Finding::fail(
            INDEXES,
            format!(
                "these indexes differ from the definitions in this version: {}. Drop them; the next start creates them",
                state.drifted.join(", ")
            ),
        ),
        Ok(state) if !state.missing.is_empty() => Finding::warn(
            INDEXES,
            format!(
                "{} of {} indexes are missing; the next start creates them",
                state.missing.len(),
                schema::indexes().len()
            ),
        ),
        Ok(_) => Finding::ok(INDEXES, format!("all {} indexes exist", schema::indexes().len())),
        Err(error) => Finding::fail(INDEXES, explain(&error)),
    }
}

async fn keys(app: &App) -> Finding {
    match app.access.tokens.keys.check().await {
        Ok(0) => Finding::warn(KEYS, "no signing key exists; the first start creates one"),
        Ok(count) => Finding::ok(KEYS, format!("the master key decrypts all {count} signing keys")),
        Err(error) => Finding::fail(
            KEYS,
            format!(
                "{}: set the master key with which the signing keys were encrypted, in {}",
                explain(&error),
                match (&app.config.master_key, &app.config.database.server) {
                    (None, DatabaseServer::Managed { .. }) => "the file master.key of the data directory",
                    _ => "GATEWAY_MASTER_KEY",
                }
            ),
        ),
    }
}
