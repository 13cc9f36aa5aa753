//! The gateway's command.

use std::process::ExitCode;

/// Argon2 and per-request work allocate a lot; measured faster and steadier than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that hands the process's variables to the settings"
)]
fn main() -> ExitCode {
    storefront_gateway::cli::main(std::env::args_os(), std::env::vars_os())
}
