//! The gateway's binary in a separate process, whose memory and processor time a test can read.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::gateway::{Gateway, master_key};
use super::graphql::Caller;
use super::server::{scratch, server_uri};

/// The built binary, serving on the database of a test's gateway. It is killed when the value is dropped.
pub(crate) struct Binary {
    process: Child,
    log: PathBuf,
    /// URL at which it serves.
    pub(crate) url: String,
    /// The same, as a socket address.
    pub(crate) address: SocketAddr,
    /// A client for custom requests.
    pub(crate) http: reqwest::Client,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Current resident size.
    pub(crate) resident: u64,
    /// Peak since the start, or since [`Binary::forget_peak`].
    pub(crate) peak: u64,
}

impl Binary {
    /// Starts a process with the settings of a test's gateway and these in addition, and waits until it is ready.
    pub(crate) async fn start(beside: &Gateway, settings: &[(&str, &str)]) -> Self {
        Self::run(
            Command::new(env!("CARGO_BIN_EXE_storefront-gateway")),
            beside,
            settings,
        )
        .await
    }

    /// Like [`Binary::start`], in a process that may open this many descriptors (`ulimit -n`, soft and hard).
    pub(crate) async fn with_descriptors(most: u32, beside: &Gateway, settings: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -n {most} && exec \"$0\" \"$@\""))
            .arg(env!("CARGO_BIN_EXE_storefront-gateway"));
        Self::run(shell, beside, settings).await
    }

    async fn run(mut command: Command, beside: &Gateway, settings: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = scratch(&format!("binary-{number}"));
        let log = folder.join("log");
        let process = command
            .arg("serve")
            .current_dir(&folder)
            .env_clear()
            .env("GATEWAY_MONGODB_URI", server_uri().await)
            .env("GATEWAY_MONGODB_DATABASE", beside.store.database().name())
            .env("GATEWAY_MASTER_KEY", master_key())
            .env("GATEWAY_PUBLIC_URL", &beside.app.public_url)
            .env("GATEWAY_LISTEN", "127.0.0.1:0")
            .env("GATEWAY_LOG_FORMAT", "json")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("started");
        let mut binary = Self {
            process,
            log,
            url: String::new(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            http: reqwest::Client::new(),
        };
        super::eventually("the binary serves", || {
            let url = binary.served_url();
            let ended = binary.process.try_wait().expect("a process");
            assert!(ended.is_none(), "it has ended: {}", binary.log());
            binary.url = url.unwrap_or_default();
            std::future::ready(!binary.url.is_empty())
        })
        .await;
        let address = binary.url.trim_start_matches("http://");
        binary.address = address.parse().expect("an address");
        let ready = format!("{}/health/ready", binary.url);
        super::eventually("the binary is ready", || async {
            let answer = binary.http.get(&ready).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        binary
    }

    fn served_url(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("serving at ")?;
        // An incomplete line may end in the middle of the address.
        let line = rest.split_once('\n')?.0;
        Some(line.chars().take_while(|c| !"\" ,}".contains(*c)).collect())
    }

    /// Returns its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Returns the caller of the test's gateway as a caller of this process.
    pub(crate) fn caller(&self, caller: &Caller) -> Caller {
        caller.at_url(&self.url, &self.http)
    }

    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether the process is running.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.process.try_wait().expect("a process").is_none()
    }

    /// Kills it immediately, like a power failure.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }

    /// Returns `VmRSS` and `VmHWM` of the process.
    pub(crate) fn memory(&self) -> Memory {
        let status = self.proc("status");
        let kib = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name));
            let line = line.unwrap_or_else(|| panic!("{name} is missing: {status}"));
            let digits = line.split_whitespace().nth(1).expect("a number");
            digits.parse().expect("a number")
        };
        Memory {
            resident: kib("VmRSS:") * 1024,
            peak: kib("VmHWM:") * 1024,
        }
    }

    /// Resets [`Memory::peak`] to the current resident size.
    pub(crate) fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").expect("its own user may");
    }

    /// Returns the processor time of all its threads since the start, in user and kernel mode. The system counts ticks
    /// of 10 ms.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = self.proc("stat");
        // The command's name is in parentheses and may contain blanks.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: u64 = [fields[11], fields[12]]
            .iter()
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// Returns the number of its open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.id()));
        open.expect("its own user may look").count()
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.id())).expect("the process runs")
    }
}

impl Drop for Binary {
    #[expect(clippy::print_stdout, reason = "shown with the test that failed")]
    fn drop(&mut self) {
        // The test may have killed it.
        drop(self.process.kill());
        drop(self.process.wait());
        if std::thread::panicking() {
            let log = self.log();
            let start = log.len().saturating_sub(20_000);
            println!("the binary's log:\n{}", log.get(start..).unwrap_or(&log));
        }
    }
}
