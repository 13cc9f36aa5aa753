//! Looks for a server binary and checks that it is usable.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time;

use super::fault::Fault;
use super::progress::Progress;
use super::{Options, fetch};

/// The oldest supported major version of MongoDB.
const OLDEST: u32 = 6;
/// How long a binary may take to print its version: enough for the first read of a large file from a slow disk.
const VERSION_LIMIT: Duration = Duration::from_secs(20);
/// How often the start of a binary is retried when the system reports it as busy.
const BUSY_TRIES: u32 = 20;

/// Why a file is not a usable server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unusable {
    /// It cannot be run: missing, not executable, or built for another machine.
    Run(io::Error),
    /// It started and failed with this status, for example because a shared library is missing. The text is the last lines
    /// of its standard error.
    Refused(ExitStatus, String),
    /// It did not print its version in time.
    Mute(Duration),
    /// It is not a MongoDB server: its output for `--version`.
    Stranger(String),
    /// It is older than MongoDB 6.
    Old(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(source) => out.write_str(match source.kind() {
                io::ErrorKind::NotFound => "the file or its interpreter does not exist",
                io::ErrorKind::PermissionDenied => "this user cannot execute the file",
                _ => "cannot execute the file",
            }),
            Self::Refused(status, output) if output.is_empty() => {
                write!(out, "it does not run ({status})")
            }
            Self::Refused(status, output) => write!(out, "it does not run ({status}): {output}"),
            Self::Mute(waited) => write!(out, "it did not print its version within {} s", waited.as_secs()),
            Self::Stranger(output) if output.is_empty() => out.write_str("it is not a MongoDB server"),
            Self::Stranger(output) => {
                write!(out, "it is not a MongoDB server; output of --version: {output}")
            }
            Self::Old(version) => write!(out, "it is MongoDB {version}; the gateway requires 6 or later"),
        }
    }
}

impl std::error::Error for Unusable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run(source) => Some(source),
            _ => None,
        }
    }
}

/// Looks for a server binary as [`Options`] says, and downloads one if none is found.
///
/// # Errors
/// No usable server was found, and none could be downloaded.
pub async fn find_server(options: &Options, progress: &dyn Progress) -> Result<PathBuf, Fault> {
    if let Some(path) = &options.explicit {
        return match usable(path).await {
            Ok(()) => Ok(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            Err(source) => Err(Fault::Explicit(path.clone(), source)),
        };
    }
    if let Some(path) = on_path(options.path.as_deref(), "mongod") {
        match usable(&path).await {
            Ok(()) => return Ok(path),
            Err(fault) => tracing::warn!(
                path = %path.display(),
                %fault,
                "cannot use the mongod on PATH; looking for a downloaded one"
            ),
        }
    }
    let path = fetch::fetched_or_fetch(options, progress).await?;
    match usable(&path).await {
        Ok(()) => Ok(path),
        Err(source) => Err(Fault::Fetched(path, source)),
    }
}

/// Returns a variable of the process that is not a setting of the gateway: `PATH`, `HOME`, the cache's directory.
#[expect(
    clippy::disallowed_methods,
    reason = "not settings; tests hand their own in through the options"
)]
pub(super) fn ambient(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns the first executable file with this name in the directories of `path`, or of the variable `PATH`.
pub(super) fn on_path(path: Option<&OsStr>, name: &str) -> Option<PathBuf> {
    let path = path.map(OsStr::to_owned).or_else(|| ambient("PATH"))?;
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Checks that the file is a server that runs on this machine and is recent enough.
async fn usable(binary: &Path) -> Result<(), Unusable> {
    let output = match time::timeout(VERSION_LIMIT, ask_version(binary)).await {
        Ok(output) => output.map_err(Unusable::Run)?,
        Err(_) => return Err(Unusable::Mute(VERSION_LIMIT)),
    };
    if !output.status.success() {
        let errors = last_lines(&String::from_utf8_lossy(&output.stderr), 3);
        return Err(Unusable::Refused(output.status, errors));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().next().unwrap_or_default();
    let Some(version) = first.strip_prefix("db version v") else {
        return Err(Unusable::Stranger(first.chars().take(80).collect()));
    };
    let major = version.split('.').next().and_then(|major| major.parse().ok());
    if major.is_some_and(|major: u32| major >= OLDEST) {
        Ok(())
    } else {
        Err(Unusable::Old(version.to_owned()))
    }
}

async fn ask_version(binary: &Path) -> io::Result<std::process::Output> {
    let mut tries = 0;
    loop {
        let asked = Command::new(binary)
            .arg("--version")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        match asked {
            // A child that another thread has forked but that has not executed its program yet still has the file open
            // for writing.
            Err(fault) if fault.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES => {
                tries += 1;
                time::sleep(Duration::from_millis(50)).await;
            }
            other => return other,
        }
    }
}

/// Returns the last `count` lines that are not empty.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Creates an executable shell script, which takes the place of a program.
#[cfg(test)]
pub(super) fn script(dir: &Path, name: &str, body: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_executable_file_is_found_on_path() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(first.path().join("mongod"), "").expect("written");
        let expected = script(second.path(), "mongod", "");
        let path = std::env::join_paths([first.path(), Path::new("."), second.path()]).expect("a path");
        assert_eq!(on_path(Some(&path), "mongod"), Some(expected));
        assert_eq!(on_path(Some(OsStr::new("")), "mongod"), None);
    }

    #[tokio::test]
    async fn each_kind_of_unusable_file_has_its_reason() {
        let dir = tempfile::tempdir().expect("a directory");
        let recent = script(dir.path(), "recent", "echo db version v8.0.17");
        usable(&recent).await.expect("usable");
        let plain = dir.path().join("plain");
        std::fs::write(&plain, "").expect("written");
        for (file, expected) in [
            (
                script(dir.path(), "old", "echo db version v4.4.29"),
                "it is MongoDB 4.4.29; the gateway requires 6 or later",
            ),
            (
                script(dir.path(), "stranger", "echo hello"),
                "it is not a MongoDB server; output of --version: hello",
            ),
            (
                script(dir.path(), "broken", "echo libcurl.so.4: not found >&2; exit 127"),
                "it does not run (exit status: 127): libcurl.so.4: not found",
            ),
            (plain, "this user cannot execute the file"),
            (
                dir.path().join("none"),
                "the file or its interpreter does not exist",
            ),
        ] {
            let reason = usable(&file).await.expect_err("unusable");
            assert_eq!(reason.to_string(), expected);
        }
    }

    #[test]
    fn the_last_lines_are_those_with_words() {
        assert_eq!(last_lines("a\n\nb\nc \n\n", 2), "b\nc");
        assert_eq!(last_lines("", 2), "");
    }
}
