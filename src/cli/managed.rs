//! The managed database: the gateway runs its own MongoDB server if no other is set.

pub(super) use dev_mongod::{Attached, Managed};
use dev_mongod::{Fault, Options};

use super::failure::{Failure, chain};
use super::output::Output;
use crate::config::{Config, DatabaseServer, SETTINGS};
use crate::platform::progress::{Progress, Step, Unit};

/// Starts the managed database for a gateway; `None` if another one is set.
pub(super) async fn start(config: &Config) -> Result<Option<Managed>, Failure> {
    let Some(options) = options(config) else {
        return Ok(None);
    };
    let managed = Managed::start(&options, &Progress::detect_or_log()).await?;
    tracing::info!(data_dir = %config.data_dir.display(), "managed database started");
    Ok(Some(managed))
}

/// Uses the managed database of the running gateway, or starts one for a command; `None` if another one is set.
pub(super) async fn attach(config: &Config, output: Output) -> Result<Option<Attached>, Failure> {
    let Some(options) = options(config) else {
        return Ok(None);
    };
    Ok(Some(
        dev_mongod::attach_or_start(&options, &output.progress()).await?,
    ))
}

fn options(config: &Config) -> Option<Options> {
    let DatabaseServer::Managed { mongod } = &config.database.server else {
        return None;
    };
    let secret = SETTINGS.iter().filter(|setting| setting.secret);
    Some(Options {
        explicit: mongod.clone(),
        secret_variables: secret.map(|setting| setting.name.to_owned()).collect(),
        ..Options::new(&config.data_dir)
    })
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Message(chain(&fault))
    }
}

impl dev_mongod::Progress for Progress {
    fn step(&self, what: &str, bytes: Option<u64>) -> Box<dyn dev_mongod::Step> {
        Box::new(match bytes {
            Some(total) => self.bar(what, total, Unit::Bytes),
            None => self.spinner(what),
        })
    }
}

impl dev_mongod::Step for Step {
    fn set(&self, done: u64) {
        Self::set(self, done);
    }

    fn finish(self: Box<Self>) {
        Self::finish(*self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // DEF-09
    #[test]
    fn the_server_inherits_no_secrets() {
        let config = Config::from_vars([]).expect("the defaults are valid");
        let options = options(&config).expect("no other database is set");
        for name in ["GATEWAY_MASTER_KEY", "GATEWAY_MONGODB_URI", "GATEWAY_SMTP_URL"] {
            assert!(
                options.secret_variables.iter().any(|secret| secret == name),
                "{name}"
            );
        }
    }
}
