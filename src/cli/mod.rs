//! The command line: what an operator can ask for, and what comes of it.
//!
//! Results go to standard output, for a person or with `--json` for a program; errors and progress go to standard
//! error. The process ends with 0, with 1 after an error, and with 2 after wrong use.

mod address_note;
mod arguments;
mod audit;
mod check;
mod clients;
mod demo_output;
mod failure;
mod health;
mod identity_providers;
mod jobs;
mod keys;
#[cfg(feature = "managed-database")]
mod managed;
mod master_key;
mod open;
mod organizations;
mod output;
mod secret_file;
mod serve;
mod storefronts;
#[cfg(any(test, not(feature = "managed-database")))]
#[cfg_attr(
    feature = "managed-database",
    expect(dead_code, reason = "its tests alone use it")
)]
mod unmanaged;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use self::arguments::{Arguments, Command};
use self::failure::Failure;
use self::open::Opened;
use self::output::Output;
#[cfg(not(feature = "managed-database"))]
use self::unmanaged as managed;
use crate::config::{Config, ConfigFaults};
use crate::{schema, telemetry};

/// Runs the command that the arguments name, with the settings of these variables and of the file `.env`.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let outcome = Arguments::read(arguments).and_then(|arguments| run(arguments, variables));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(
    Arguments { json, command }: Arguments,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Failure> {
    let output = Output::new(json);
    if matches!(command, Some(Command::Schema)) {
        return output::print(schema::sdl());
    }
    let config = Config::load(Path::new("."), variables);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(perform(command, config, output));
    // All work that must be completed has been waited for; the rest ends with the process.
    runtime.shutdown_background();
    outcome
}

async fn perform(
    command: Option<Command>,
    config: Result<Config, ConfigFaults>,
    output: Output,
) -> Result<(), Failure> {
    if let Some(Command::Check) = command {
        return check::run(config, output).await;
    }
    let config = config?;
    let command = command.unwrap_or(Command::Serve {
        demo: !config.any_set,
    });
    if let Command::Serve { demo } = command {
        return serve::run(config, demo).await;
    }
    if let Command::Health = command {
        return health::run(&config, output).await;
    }
    telemetry::log_of_command(&config.log)?;
    // It reads a secret before it opens the database.
    if let Command::IdentityProvider { command } = command {
        return identity_providers::run(command, config, output).await;
    }
    Opened::with(config, output, async |app| match command {
        Command::Organization { command } => organizations::organization(command, app, output).await,
        Command::Member { command } => organizations::member(command, app, output).await,
        Command::Storefront { command } => storefronts::run(command, app, output).await,
        Command::Client { command } => clients::run(command, app, output).await,
        Command::Keys { command } => keys::keys(command, app, output).await,
        Command::Token { command } => keys::token(command, app, output).await,
        Command::Jobs { command } => jobs::run(command, app, output).await,
        Command::Audit { command } => audit::run(command, app, output).await,
        Command::Demo { customers } => demo_output::run(app, output, customers).await,
        Command::Serve { .. }
        | Command::Check
        | Command::Health
        | Command::Schema
        | Command::IdentityProvider { .. } => {
            unreachable!("these were run above")
        }
    })
    .await
}
