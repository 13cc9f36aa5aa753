//! Whether mails can be sent, or written to files.

use super::MAIL;
use super::report::Finding;
use crate::cli::failure::{chain, explain};
use crate::config::{Config, DatabaseServer, SmtpServer};
use crate::platform::clock::Clock;
use crate::platform::mail::{FOLDER, Mailer};

pub(super) async fn check(config: &Config) -> Finding {
    let mailer = match Mailer::new(&config.mail, &config.data_dir, Clock::system()) {
        Ok(mailer) => mailer,
        Err(error) => return Finding::fail(MAIL, format!("cannot send mails: {}", explain(&error))),
    };
    let probed = mailer.probe().await.map_err(|failure| chain(&failure));
    match &config.mail.smtp {
        Some(server) => of_server(server, probed),
        None => of_files(config, probed),
    }
}

fn of_server(server: &SmtpServer, probed: Result<(), String>) -> Finding {
    let name = format!("the mail server {}:{}", server.host, server.port);
    match probed {
        Ok(()) => Finding::ok(MAIL, format!("{name} answers")),
        Err(why) => Finding::fail(MAIL, format!("cannot use {name}: {why}")),
    }
}

fn of_files(config: &Config, probed: Result<(), String>) -> Finding {
    let directory = config.data_dir.join(FOLDER);
    let shown = directory.display();
    if let Err(why) = probed {
        return Finding::fail(MAIL, format!("cannot write mails to {shown}: {why}"));
    }
    let message = format!("mails are written to {shown} because GATEWAY_SMTP_URL is not set");
    match config.database.server {
        DatabaseServer::Managed { .. } => Finding::ok(MAIL, message),
        // Whoever runs a database of their own runs a store, whose customers wait for their mails.
        DatabaseServer::External { .. } => Finding::warn(MAIL, message),
    }
}
