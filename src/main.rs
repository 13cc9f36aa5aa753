//! The `storefront-gateway` binary.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that hands the process's variables to the settings"
)]
fn main() -> ExitCode {
    storefront_gateway::cli::main(std::env::args_os(), std::env::vars_os())
}
