//! What the gateway costs, as ratios measured in one run: `cargo bench`.
//!
//! Several parts start this program again as a server in a child process and read from the operating system what that
//! process used, so that the cost of the client is not in the figures.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    clippy::cast_precision_loss,
    reason = "a program that prints a table of small figures and fails when one is over its bound"
)]

mod accounts;
mod baseline;
mod child_process;
mod environment;
mod erasing;
mod flood;
mod hostile;
mod levels;
mod lists;
mod memory;
mod merging;
mod mixed;
mod nested;
mod point;

use std::borrow::Cow;
use std::sync::Arc;

use environment::Environment;

/// The allocator of the gateway's binary.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match arguments.first().map(String::as_str) {
        Some("serve-gateway") => runtime.block_on(child_process::serve_gateway(&arguments[1])),
        Some("serve-bare") => runtime.block_on(baseline::serve(&arguments[1])),
        // `cargo test --benches` asks for a quick pass; the measurements are not run then.
        _ if arguments.iter().any(|argument| argument == "--test") => {}
        _ => runtime.block_on(measure(&arguments)),
    }
}

/// Measures the named parts, or all of them. Example: `cargo bench -- point`.
async fn measure(arguments: &[String]) {
    let named: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |part: &str| named.is_empty() || named.contains(&part);
    let environment = Arc::new(Environment::build().await);
    let mut within_bound = true;
    println!("| figure | measured | at most |\n|---|---|---|");
    if wanted("merging") {
        within_bound &= print_rows(merging::measure(&environment).await);
    }
    if wanted("accounts") {
        within_bound &= print_rows(accounts::measure(&environment).await);
    }
    if wanted("flood") {
        within_bound &= print_rows(flood::measure(&environment).await);
    }
    if wanted("erasing") {
        within_bound &= print_rows(erasing::measure(&environment).await);
    }
    if wanted("memory") {
        within_bound &= print_rows(memory::measure(&environment).await);
    }
    if wanted("hostile") {
        within_bound &= print_rows(hostile::measure(&environment).await);
    }
    if wanted("point") {
        within_bound &= print_rows(point::measure(&environment).await);
    }
    if wanted("mixed") {
        within_bound &= print_rows(mixed::measure(&environment).await);
    }
    if wanted("nested") {
        within_bound &= print_rows(nested::measure(&environment).await);
    }
    // Runs last: once several storefronts exist, every query has to name its storefront.
    if wanted("lists") {
        within_bound &= print_rows(lists::measure(&environment).await);
    }
    // Only if it is named, because it takes a quarter of an hour and several GiB.
    if named.contains(&"millions") {
        within_bound &= print_rows(lists::millions(&environment).await);
    }
    Arc::into_inner(environment)
        .expect("no further handles")
        .close()
        .await;
    if !within_bound {
        eprintln!("A figure is over its bound.");
        std::process::exit(1);
    }
}

/// Prints rows of the table as soon as they are known. Returns whether all are within their bounds.
fn print_rows(rows: impl IntoIterator<Item = Row>) -> bool {
    let mut within_bound = true;
    for row in rows {
        println!("| {} | {} | {} |", row.what, row.measured, row.bound);
        within_bound &= row.within_bound;
    }
    within_bound
}

/// One row of the table.
struct Row {
    what: Cow<'static, str>,
    measured: String,
    bound: String,
    within_bound: bool,
}
