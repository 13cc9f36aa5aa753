//! Servers in child processes, and the resources they use according to the operating system.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::environment;

/// A server that runs in its own child process.
pub struct Served {
    process: Child,
    /// The URL at which the server listens.
    pub url: String,
}

/// Resources that a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Processor time in user and system mode, in seconds.
    pub cpu: f64,
    /// Peak resident set size, in KiB.
    pub peak_kib: i64,
    /// Current resident set size, in KiB.
    pub resident_kib: i64,
}

impl Served {
    /// Starts this program again as the server `what`.
    pub async fn start(what: &str, uri: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command
            .args([what, uri])
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let mut process = command.spawn().expect("started");
        let output = process.stdout.take().expect("piped");
        let mut lines = BufReader::new(output).lines();
        let url = lines.next_line().await.expect("readable").expect("its address");
        Self { process, url }
    }

    /// Returns what the process has used so far.
    pub fn used(&self) -> Used {
        Used::of(self.process.id().expect("it runs"))
    }

    /// Kills the process.
    pub async fn stop(mut self) {
        self.process.kill().await.expect("ended");
    }
}

impl Used {
    /// Returns what the process with this id has used so far, from `/proc` (Linux only).
    pub fn of(id: u32) -> Self {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).expect("Linux");
        let stat = read("stat");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .expect("fields")
            .split_ascii_whitespace()
            .collect();
        let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
        let status = read("status");
        let kib = |name: &str| {
            let line = status
                .lines()
                .find(|line| line.starts_with(name))
                .expect("a line");
            line.split_ascii_whitespace()
                .nth(1)
                .expect("a value")
                .parse()
                .expect("a number")
        };
        // USER_HZ is 100 on every relevant Linux architecture.
        Self {
            cpu: (ticks(11) + ticks(12)) / 100.0,
            peak_kib: kib("VmHWM"),
            resident_kib: kib("VmRSS"),
        }
    }
}

/// Runs the gateway as such a server: prints its address and serves until the process is killed.
pub async fn serve_gateway(uri: &str) {
    let running = environment::gateway(uri, None).await;
    println!("{}", running.app.public_url);
    std::future::pending::<()>().await;
}
