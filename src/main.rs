//! The `storefront-gateway` binary.

use std::process::ExitCode;

/// Replaces the system's allocator.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that hands the process's variables to the settings"
)]
fn main() -> ExitCode {
    storefront_gateway::cli::main(std::env::args_os(), std::env::vars_os())
}
