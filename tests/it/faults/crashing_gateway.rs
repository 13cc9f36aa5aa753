//! A gateway in a child process that crashes at a chosen step.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::Remote;
use crate::customers;
use crate::kit::{self, Shop};

const URI: &str = "TRIAL_URI";
const DATABASE: &str = "TRIAL_DATABASE";
const PUBLIC_URL: &str = "TRIAL_PUBLIC_URL";

/// Not a test: the gateway process that the other tests kill. It is killed by SIGKILL right before the command whose number
/// it reads from its standard input.
#[tokio::test]
async fn child_gateway() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the test talks to its own child process"
    )]
    let var = |name: &str| std::env::var(name).ok();
    let (Some(uri), Some(database), Some(public_url)) = (var(URI), var(DATABASE), var(PUBLIC_URL)) else {
        // Run by the test runner, not as the child of a test.
        return;
    };
    let gateway = customers::setup()
        .set("GATEWAY_PUBLIC_URL", &public_url)
        .on(&uri, &database)
        .gateway()
        .await;
    println!("ready {}", gateway.url);
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).expect("read") > 0 {
        gateway
            .commands
            .crash_before(line.trim().parse().expect("a number"));
        println!("armed");
        line.clear();
    }
}

/// A gateway in a child process that crashes before a certain command.
pub(super) struct CrashingGateway {
    process: Child,
    input: ChildStdin,
    output: std::io::Lines<BufReader<std::process::ChildStdout>>,
    pub(super) remote: Remote,
}

impl CrashingGateway {
    pub(super) async fn start(shop: &Shop) -> Self {
        let module = module_path!()
            .split_once("::")
            .map_or("faults", |(_, module)| module);
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", &format!("{module}::child_gateway"), "--nocapture"])
            .env(URI, kit::server_uri().await)
            .env(DATABASE, shop.gateway.store.database().name())
            .env(PUBLIC_URL, &shop.gateway.app.public_url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let input = process.stdin.take().expect("piped");
        let mut output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let ready = output
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("ready "));
        let ready = ready.expect("the child is ready");
        let url = ready.split_once("ready ").map_or("", |(_, url)| url).to_owned();
        let remote = Remote {
            url,
            http: reqwest::Client::new(),
        };
        Self {
            process,
            input,
            output,
            remote,
        }
    }

    pub(super) fn set_crash_point(&mut self, command: u32) {
        writeln!(self.input, "{command}").expect("armed");
        let armed = self
            .output
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("armed"));
        assert!(armed, "the child is armed");
    }

    /// Kills the process if it is still running.
    pub(super) fn end(mut self) {
        // It may have ended already, as intended.
        drop(self.process.kill());
        self.process.wait().expect("gone");
    }
}
