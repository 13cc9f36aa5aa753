//! The scripts in `tests/clients`, which use a gateway as its customers' programs do, and the tools that they need.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use storefront_gateway::platform::crypto::fingerprint;

use super::server::scratch;

/// Environment variable with the tools that must not be missing, separated by commas: `node,chromium,curl`.
const REQUIRE: &str = "STOREFRONT_GATEWAY_TEST_REQUIRE";

/// Timeout of a script: it only makes a test fail and measures nothing.
const LIMIT: Duration = Duration::from_secs(300);

/// The oldest Node.js version that the packages support.
const NODE_VERSION: u32 = 20;

/// Files that determine which packages are installed.
const PACKAGES: [&str; 3] = [".npmrc", "package.json", "package-lock.json"];

/// Tools that a machine may lack.
#[derive(Clone, Copy)]
pub(crate) enum Tool {
    /// Node.js with npm, and access to npm's registry or its cache.
    Node,
    /// Chromium, and GraphiQL in the binary.
    Chromium,
    /// curl.
    Curl,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Chromium => "chromium",
            Self::Curl => "curl",
        }
    }

    /// Prints that the current test is skipped and why, or fails the test if [`REQUIRE`] names the tool.
    pub(crate) fn is_missing(self, why: &str) {
        let required = variable(REQUIRE).unwrap_or_default();
        let is_required = required.split(',').any(|name| name.trim() == self.name());
        assert!(!is_required, "{REQUIRE} names {}, but {why}", self.name());
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        say(&format!("skipped: {test}: {why}"));
    }
}

/// Writes to the terminal directly, because the test harness captures the output of passing tests.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error takes a line");
}

/// Returns a setting of the tests.
#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the gateway"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the browser: the one that `CHROMIUM` names, or the first one on `PATH`.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(named) = variable("CHROMIUM") {
        return Some(named.into());
    }
    let path = variable("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// A copy of the scripts beside their packages, outside the source tree.
pub(crate) struct Scripts {
    folder: PathBuf,
}

impl Scripts {
    /// Returns the copy of the test run. Returns `None` if it cannot be created; the current test is then skipped.
    pub(crate) async fn ready() -> Option<&'static Self> {
        static SCRIPTS: OnceLock<Result<Scripts, String>> = OnceLock::new();
        let making = tokio::task::spawn_blocking(|| SCRIPTS.get_or_init(Self::make));
        let made = making.await.expect("the scripts are copied");
        made.as_ref().map_err(|why| Tool::Node.is_missing(why)).ok()
    }

    fn make() -> Result<Self, String> {
        check_node()?;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        let packages = install(&source)?;
        let folder = scratch("clients");
        copy(&source, &folder);
        symlink(&packages, folder.join("node_modules")).expect("a link to the packages");
        Ok(Self { folder })
    }

    /// Returns a script with its arguments, to be run by [`succeeds`].
    pub(crate) fn command<A: AsRef<OsStr>>(&self, script: &str, arguments: &[A]) -> Command {
        let mut command = Command::new("node");
        command
            .arg(script)
            .args(arguments)
            .current_dir(&self.folder)
            .env("NO_COLOR", "1")
            // The guide whose code blocks are tested.
            .env(
                "GUIDE",
                Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/frontend.md"),
            )
            .env_remove("NODE_OPTIONS");
        command
    }

    /// Runs a script, which must succeed.
    pub(crate) async fn run<A: AsRef<OsStr>>(&self, script: &str, arguments: &[A]) {
        succeeds(self.command(script, arguments)).await;
    }
}

/// Runs a command to its end; if it fails, the test fails with its output.
pub(crate) async fn succeeds(command: Command) {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let shown = format!("{:?}", command.as_std().get_args().next().unwrap_or_default());
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .unwrap_or_else(|_| panic!("{shown} has not ended within {LIMIT:?}"))
        .expect("node starts");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{shown} failed ({}):\n{out}{err}",
        output.status
    );
}

fn check_node() -> Result<(), String> {
    let wanted = format!("Node.js {NODE_VERSION} or newer with npm is needed");
    let version = output_of("node").map_err(|cause| format!("{wanted}: node {cause}"))?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_VERSION) {
        return Err(format!("{wanted}, this is {version}"));
    }
    output_of("npm").map_err(|cause| format!("{wanted}: npm {cause}"))?;
    Ok(())
}

fn output_of(program: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("does not start ({error})"))?;
    if !output.status.success() {
        return Err(format!("fails ({})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the folder with the locked packages, which later runs reuse; a changed lock file creates a new one.
fn install(source: &Path) -> Result<PathBuf, String> {
    let lock_file = fs::read_to_string(source.join("package-lock.json")).expect("a lock file");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = format!("clients-{:.16}", fingerprint(&lock_file));
    let packages = root.join(&name).join("node_modules");
    // Of two runs in one target folder, the second waits and uses what the first has installed.
    let turn = File::create(root.join("clients.lock")).expect("a file to wait at");
    turn.lock().expect("a turn");
    if packages.is_dir() {
        return Ok(packages);
    }
    remove_older(root);
    say("installing the packages of tests/clients with npm (half a minute, once)");
    let fresh = root.join("clients-fresh");
    fs::create_dir(&fresh).expect("a folder");
    for file in PACKAGES {
        fs::copy(source.join(file), fresh.join(file)).expect("copied");
    }
    let output = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--include=dev",
            "--no-audit",
            "--no-fund",
        ])
        .args(["--prefer-offline", "--fetch-retries=1", "--fetch-timeout=60000"])
        .current_dir(&fresh)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("npm does not start ({error})"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!(
            "the packages could not be installed: npm ci failed ({}):\n{message}",
            output.status
        ));
    }
    fs::rename(&fresh, root.join(&name)).expect("renamed");
    Ok(packages)
}

/// Removes the packages of other lock files and of an interrupted installation.
fn remove_older(root: &Path) {
    for entry in fs::read_dir(root).expect("a folder").flatten() {
        if entry.file_name().to_string_lossy().starts_with("clients-") {
            fs::remove_dir_all(entry.path()).expect("removed");
        }
    }
}

/// Copies a folder, except packages that a developer installed in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_file() {
            fs::copy(&source, &target).expect("copied");
        } else if entry.file_name() != "node_modules" {
            copy(&source, &target);
        }
    }
}
