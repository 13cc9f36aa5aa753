//! Whether mails can be sent, or written to files.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use lettre::{AsyncSmtpTransport, Tokio1Executor};

use super::MAIL;
use super::report::Finding;
use crate::cli::failure::chain;
use crate::config::{Config, DatabaseServer, SmtpServer};

/// How long a mail server may take to answer, encrypt and let the gateway in.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn check(config: &Config) -> Finding {
    match &config.mail.smtp {
        Some(server) => smtp(server).await,
        None => files(config),
    }
}

async fn smtp(server: &SmtpServer) -> Finding {
    let name = format!("the mail server {}:{}", server.host, server.port);
    let transport: AsyncSmtpTransport<Tokio1Executor> =
        match AsyncSmtpTransport::<Tokio1Executor>::from_url(server.url.expose()) {
            Ok(builder) => builder.timeout(Some(LIMIT)).build(),
            // The cause could repeat the URL, and with it the password.
            Err(_cause) => return Finding::fail(MAIL, "GATEWAY_SMTP_URL cannot be used"),
        };
    match tokio::time::timeout(LIMIT, transport.test_connection()).await {
        Ok(Ok(true)) => Finding::ok(MAIL, format!("{name} answers")),
        Ok(Ok(false)) => Finding::fail(MAIL, format!("{name} is there but does not answer as one")),
        Ok(Err(error)) => Finding::fail(MAIL, format!("{name} cannot be used: {}", chain(&error))),
        Err(_elapsed) => Finding::fail(
            MAIL,
            format!("{name} did not answer within {} s", LIMIT.as_secs()),
        ),
    }
}

fn files(config: &Config) -> Finding {
    let directory = config.data_dir.join("mail");
    let shown = directory.display();
    match try_directory(&directory) {
        Err(error) => Finding::fail(MAIL, format!("mails cannot be written to {shown}: {error}")),
        Ok(()) => {
            let message = format!("mails are written to {shown}, because GATEWAY_SMTP_URL is not set");
            match config.database.server {
                DatabaseServer::Managed { .. } => Finding::ok(MAIL, message),
                // Whoever runs a database of their own runs a store, whose customers wait for their mails.
                DatabaseServer::External { .. } => Finding::warn(MAIL, message),
            }
        }
    }
}

fn try_directory(directory: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let trial = directory.join(".check");
    File::create(&trial)?;
    std::fs::remove_file(&trial)
}
