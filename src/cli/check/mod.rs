//! `check`: a verdict on each part of an installation. It changes nothing that lasts.

mod report;

use self::report::{Finding, Verdict, show};
use super::failure::{Failure, chain, explain};
use super::open::Opened;
use super::output::Output;
use crate::app::App;
use crate::config::{Config, ConfigFaults, DatabaseServer};
use crate::platform::{
    clock::Clock,
    inspect::Topology,
    mail::{FOLDER, Mailer},
};
use crate::schema;

/// Major versions of MongoDB that the gateway supports.
const VERSIONS: std::ops::RangeInclusive<u32> = 6..=8;

const SETTINGS: &str = "settings";
const DATABASE: &str = "database";

pub(super) async fn run(config: Result<Config, ConfigFaults>, output: Output) -> Result<(), Failure> {
    let config = match config {
        Ok(config) => config,
        Err(ConfigFaults(faults)) => {
            let findings = faults
                .iter()
                .map(|fault| (SETTINGS, Finding::fail(fault.to_string())));
            return show(&findings.collect::<Vec<_>>(), output);
        }
    };
    crate::telemetry::log_of_command(&config.log)?;
    let mut findings = vec![(SETTINGS, settings(&config))];
    let mail = mail(&config).await;
    match Opened::new(config, output).await {
        Ok(opened) => {
            let database = database(&opened.app).await;
            let is_usable = database.verdict != Verdict::Fail;
            findings.push((DATABASE, database));
            if is_usable {
                findings.push(("indexes", indexes(&opened.app).await));
                findings.push(("keys", keys(&opened.app).await));
            }
            opened.close().await;
        }
        Err(Failure::Message(why)) => findings.push((DATABASE, Finding::fail(why))),
        Err(other) => return Err(other),
    }
    findings.push(("mail", mail));
    show(&findings, output)
}

fn settings(config: &Config) -> Finding {
    let is_public_url_set = config.http.configured_public_url.is_some();
    if !config.http.listen.ip().is_loopback() && !is_public_url_set {
        Finding::warn(
            "GATEWAY_LISTEN accepts requests of other machines, but GATEWAY_PUBLIC_URL is not set: set it to the URL \
             at which they reach the gateway",
        )
    } else if config.any_set {
        Finding::ok("all settings are valid")
    } else if cfg!(feature = "managed-database") {
        Finding::ok("no setting is set: the gateway serves a demo with its own database")
    } else {
        Finding::ok("no setting is set")
    }
}

/// Checks that the database is a replica set or a cluster of a supported version, and takes writes.
async fn database(app: &App) -> Finding {
    let server = match app.database.server().await {
        Ok(server) => server,
        Err(error) => return Finding::fail(explain(&error)),
    };
    let topology = match server.topology {
        Topology::ReplicaSet => "a replica set",
        Topology::Cluster => "a sharded cluster",
        Topology::Standalone => {
            return Finding::fail(
                "the MongoDB server is standalone and does not support transactions: make it a replica set, which \
                 can have a single node",
            );
        }
    };
    if let Err(error) = app.database.try_write().await {
        return Finding::fail(format!(
            "a test write was not acknowledged by a majority of the nodes: {}",
            explain(&error)
        ));
    }
    let version = &server.version;
    let found = format!("MongoDB {version}, {topology}, acknowledges writes by majority");
    match version.split('.').next().and_then(|major| major.parse().ok()) {
        Some(major) if VERSIONS.contains(&major) => Finding::ok(found),
        Some(major) if major < *VERSIONS.start() => Finding::fail(format!(
            "MongoDB {version} is too old: the gateway requires version 6 to 8"
        )),
        _ => Finding::warn(format!(
            "{found}; the gateway is tested with versions 6 to 8 only"
        )),
    }
}

async fn indexes(app: &App) -> Finding {
    let all = schema::indexes();
    match app.database.index_state(&all).await {
        Ok(state) if !state.drifted.is_empty() => Finding::fail(format!(
            "these indexes differ from the definitions in this version: {}. Drop them; the next start creates them",
            state.drifted.join(", ")
        )),
        Ok(state) if !state.missing.is_empty() => Finding::warn(format!(
            "{} of {} indexes are missing; the next start creates them",
            state.missing.len(),
            all.len()
        )),
        Ok(_) => Finding::ok(format!("all {} indexes exist", all.len())),
        Err(error) => Finding::fail(explain(&error)),
    }
}

async fn keys(app: &App) -> Finding {
    match app.access.tokens.keys.check().await {
        Ok(0) => Finding::warn("no signing key exists; the first start creates one"),
        Ok(count) => Finding::ok(format!("the master key decrypts all {count} signing keys")),
        Err(error) => Finding::fail(format!(
            "{}: set the master key with which the signing keys were encrypted, in {}",
            explain(&error),
            match (&app.config.master_key, &app.config.database.server) {
                (None, DatabaseServer::Managed { .. }) => "the file master.key of the data directory",
                _ => "GATEWAY_MASTER_KEY",
            }
        )),
    }
}

/// Checks that mails can be sent, or written to files.
async fn mail(config: &Config) -> Finding {
    let mailer = match Mailer::new(&config.mail, &config.data_dir, Clock::system()) {
        Ok(mailer) => mailer,
        Err(error) => return Finding::fail(format!("cannot send mails: {}", explain(&error))),
    };
    let probed = mailer.probe().await.map_err(|failure| chain(&failure));
    if let Some(server) = &config.mail.smtp {
        let name = format!("the mail server {}:{}", server.host, server.port);
        return match probed {
            Ok(()) => Finding::ok(format!("{name} answers")),
            Err(why) => Finding::fail(format!("cannot use {name}: {why}")),
        };
    }
    let directory = config.data_dir.join(FOLDER);
    let directory = directory.display();
    if let Err(why) = probed {
        return Finding::fail(format!("cannot write mails to {directory}: {why}"));
    }
    let message = format!("mails are written to {directory} because GATEWAY_SMTP_URL is not set");
    match config.database.server {
        DatabaseServer::Managed { .. } => Finding::ok(message),
        // An operator with a database of their own runs a store, whose customers wait for their mails.
        DatabaseServer::External { .. } => Finding::warn(message),
    }
}
