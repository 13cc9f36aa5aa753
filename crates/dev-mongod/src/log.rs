//! The server's log: kept small, and searched for the cause when the server has ended.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use confidential::private;
use serde_json::Value;

use super::names::{DATA_DIR, MONGOD, URI};

/// Size in bytes from which a running server's log is moved aside; the server writes about 1 MB a day.
const LARGEST: u64 = 8 * 1024 * 1024;
/// How much of the end of the log is searched for the cause, in bytes.
const TAIL: u64 = 64 * 1024;
/// Maximum log lines shown.
const SHOWN: usize = 5;
/// Maximum length of a shown line, in characters.
const LONGEST: usize = 300;

/// Opens a new log at `path`; the previous one is kept beside it with the suffix `.1`.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match std::fs::rename(path, aside(path)) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    // Opened for appending, so that the file may be truncated while the server writes.
    private::options().create(true).append(true).open(path)
}

/// Moves the log's content aside when it has grown large; the server continues to write to the same file.
pub(super) fn trim(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.len() > LARGEST {
        std::fs::copy(path, aside(path))?;
        OpenOptions::new().write(true).open(path)?.set_len(0)?;
    }
    Ok(())
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// How and why the server ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How its process ended.
    pub status: Status,
    /// The cause, as far as the log shows it.
    pub cause: Cause,
    /// The most informative of the last lines of its log, oldest first.
    pub lines: Vec<String>,
    /// Path of its log.
    pub log: PathBuf,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
    /// Unknown, because its supervisor was killed.
    Unknown,
}

/// Why the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The disk is full.
    DiskFull,
    /// Its port is in use.
    PortTaken,
    /// Another server uses the same database files.
    DataInUse,
    /// A file cannot be read or written.
    Permission,
    /// The database files were written by another version of MongoDB.
    OtherVersion,
    /// The processor lacks instructions that the server needs.
    Processor,
    /// It was killed by a user, or by the system for lack of memory.
    Killed,
    /// It was asked to shut down, but not by this gateway.
    ShutDown,
    /// The log shows no known cause.
    Unknown,
}

impl Status {
    /// Derives the server's status from its supervisor's, which exits with 128 + n when signal n ended the server.
    pub(super) fn of_supervised(status: ExitStatus) -> Self {
        match status.code() {
            Some(code) if code > 128 => Self::Signal(code - 128),
            Some(code) => Self::Code(code),
            None => Self::Unknown,
        }
    }
}

impl Ended {
    /// Reads the cause from the end of the log.
    pub(super) fn read(status: Status, log: &Path) -> Self {
        // A log that cannot be read shows no cause, which the message then says.
        let tail = tail(log).unwrap_or_default();
        Self {
            status,
            cause: cause(status, &tail),
            lines: informative_lines(&tail),
            log: log.to_owned(),
        }
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Signals with a known cause (POSIX).
mod signal {
    pub const ILLEGAL_INSTRUCTION: i32 = 4;
    pub const KILL: i32 = 9;
}

/// Exit codes of the server with a known cause (MongoDB manual, "Exit Codes and Statuses").
mod code {
    pub const CLEAN: i32 = 0;
    pub const CANNOT_LISTEN: i32 = 48;
    pub const NEEDS_OTHER_VERSION: i32 = 62;
}

/// Parts of messages about a file that cannot be read or written.
const DENIALS: &[&str] = &[
    "Permission denied",
    "Read-only file system",
    "IllegalOperation: Attempted to create a lock file",
];
/// Parts of messages about database files of another version.
const VERSION_CONFLICTS: &[&str] = &[
    "Wrong mongod version",
    "Invalid featureCompatibilityVersion",
    "unsupported WiredTiger file version",
];

fn cause(status: Status, log: &str) -> Cause {
    let shows = |texts: &[&str]| texts.iter().any(|text| log.contains(text));
    match status {
        Status::Signal(signal::KILL) | Status::Unknown => Cause::Killed,
        Status::Signal(signal::ILLEGAL_INSTRUCTION) => Cause::Processor,
        Status::Code(code::NEEDS_OTHER_VERSION) => Cause::OtherVersion,
        _ if shows(&["No space left on device", "Disk quota exceeded"]) => Cause::DiskFull,
        Status::Code(code::CANNOT_LISTEN) => Cause::PortTaken,
        _ if shows(&["Address already in use"]) => Cause::PortTaken,
        _ if shows(&["DBPathInUse"]) => Cause::DataInUse,
        _ if shows(DENIALS) => Cause::Permission,
        _ if shows(VERSION_CONFLICTS) => Cause::OtherVersion,
        Status::Code(code::CLEAN) => Cause::ShutDown,
        _ if shows(&["Received signal", "Signal was sent by"]) => Cause::ShutDown,
        _ => Cause::Unknown,
    }
}

/// Returns the last lines with severity fatal or error, or the last lines of any severity if there are none.
fn informative_lines(log: &str) -> Vec<String> {
    let lines: Vec<Line> = log.lines().filter_map(readable).collect();
    let any_severe = lines.iter().any(|line| line.severe);
    let shown = lines.into_iter().filter(|line| line.severe || !any_severe);
    let mut texts: Vec<String> = shown.map(|line| line.text).collect();
    texts.split_off(texts.len().saturating_sub(SHOWN))
}

/// A line of the log in readable form.
struct Line {
    severe: bool,
    text: String,
}

/// Parses a line; `None` if it contains nothing readable. The server's own lines are JSON (`s` severity, `msg`,
/// `attr`); other lines come from the loader or from before the log was set up, and count as severe.
fn readable(line: &str) -> Option<Line> {
    let (severe, text) = match serde_json::from_str::<Value>(line) {
        Ok(entry) => (
            matches!(entry["s"].as_str(), Some("F" | "E")),
            entry_text(&entry)?,
        ),
        // An entry that was truncated, or is nested too deeply to be parsed: a backtrace.
        Err(_) if line.starts_with('{') => return None,
        Err(_) => (true, line.to_owned()),
    };
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = words.chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(Line { severe, text })
}

/// Returns the entry's message, with those of its attributes that contain a cause.
fn entry_text(entry: &Value) -> Option<String> {
    let mut text = entry["msg"].as_str()?.to_owned();
    for key in ["error", "message", "reason", "signal"] {
        let part = match &entry["attr"][key] {
            Value::Null => continue,
            Value::String(part) => part.clone(),
            Value::Object(part) => match part.get("msg").or_else(|| part.get("errmsg")) {
                Some(Value::String(part)) => part.clone(),
                _ => Value::Object(part.clone()).to_string(),
            },
            part => part.to_string(),
        };
        text = format!("{text}: {part}");
    }
    Some(text)
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "the managed database ended ({}): {}. See its log {}",
            self.status,
            self.cause,
            self.log.display()
        )?;
        if !self.lines.is_empty() {
            write!(out, "; last lines:")?;
        }
        for line in &self.lines {
            write!(out, "\n  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Ended {}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(out, "exit code {code}"),
            Self::Signal(signal) => write!(out, "signal {signal}"),
            Self::Unknown => write!(out, "its supervisor was killed"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskFull => write!(
                out,
                "the disk is full. Free some space, or set {DATA_DIR} to a directory on another disk"
            ),
            Self::PortTaken => out.write_str("another program uses its port. Start again"),
            Self::DataInUse => out.write_str("another server uses the same database files. Stop that server"),
            Self::Permission => {
                out.write_str("a file in the data directory cannot be read or written by this user")
            }
            Self::OtherVersion => write!(
                out,
                "the data directory was written by another version of MongoDB. Set {MONGOD} to a server of that \
                 version, or {DATA_DIR} to a new directory"
            ),
            Self::Processor => write!(
                out,
                "this processor lacks instructions that MongoDB 5 and later require (AVX on x86-64). Set {URI} to a \
                 server on another machine"
            ),
            Self::Killed => out.write_str("it was killed, by a user or by the system because of low memory"),
            Self::ShutDown => out.write_str("another program requested its shutdown"),
            Self::Unknown => out.write_str("unknown cause"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = concat!(
        r#"{"s":"I","c":"STORAGE","msg":"Opening WiredTiger"}"#,
        "\n",
        r#"{"s":"E","c":"WT","msg":"WiredTiger error message","attr":{"error":28,"message":{"msg":"write: No space left on device"}}}"#,
    );

    #[test]
    fn a_full_disk_is_found_in_the_log() {
        assert_eq!(cause(Status::Code(14), FULL), Cause::DiskFull);
        assert_eq!(
            informative_lines(FULL),
            ["WiredTiger error message: 28: write: No space left on device"]
        );
    }

    #[test]
    fn some_ends_need_no_log() {
        for (status, expected) in [
            (Status::Signal(9), Cause::Killed),
            (Status::Signal(4), Cause::Processor),
            (Status::Code(0), Cause::ShutDown),
        ] {
            assert_eq!(cause(status, ""), expected);
        }
    }

    #[test]
    fn each_line_is_shown_in_one_line() {
        let line =
            "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file\n";
        assert_eq!(informative_lines(line), [line.trim()]);
        assert_eq!(cause(Status::Code(127), line), Cause::Unknown);
        let aborting = r#"{"s":"F","msg":"\n\n***aborting after invariant() failure\n\n"}"#;
        let truncated = format!("{aborting}\n{{\"s\":\"F\",\"msg\":\"BACKTR");
        assert_eq!(
            informative_lines(&truncated),
            ["***aborting after invariant() failure"]
        );
    }

    // DEF-01
    #[test]
    fn no_log_breaks_the_reader() {
        let check = |log: &[u8]| {
            let lines = informative_lines(&String::from_utf8_lossy(log));
            assert!(lines.len() <= SHOWN);
            assert!(lines.iter().all(|line| line.chars().count() <= LONGEST));
        };
        let line = b"{\"s\":\"F\",\"msg\":\"m\",\"attr\":{\"error\":{\"code\":1}}}\n";
        for at in 0..line.len() {
            let (before, after) = line.split_at(at);
            check(before);
            for byte in 0..=u8::MAX {
                check(&[before, &[byte], &after[1..]].concat());
            }
            for piece in ["[", "{\"a\":", "a", "\n", "\u{fffd}"] {
                check(&[before, piece.repeat(10_000).as_bytes(), after].concat());
            }
        }
        check(&line.repeat(10_000));
    }

    #[test]
    fn an_end_without_failures_shows_the_last_lines() {
        let log = (1..=7)
            .map(|n| format!("{{\"s\":\"I\",\"msg\":\"line {n}\"}}\n"))
            .collect::<String>();
        assert_eq!(
            informative_lines(&log),
            ["line 3", "line 4", "line 5", "line 6", "line 7"]
        );
    }

    #[test]
    fn a_log_starts_afresh_and_keeps_the_one_before() {
        use std::io::Write;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("mongod.log");
        open(&path).expect("a log").write_all(b"one").expect("written");
        open(&path).expect("a log").write_all(b"two").expect("written");
        assert_eq!(std::fs::read(aside(&path)).expect("kept"), b"one");
        assert_eq!(std::fs::read(&path).expect("fresh"), b"two");
    }

    #[test]
    fn a_large_log_is_moved_aside_under_its_writer() {
        use std::io::Write;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("mongod.log");
        let mut writer = open(&path).expect("a log");
        writer
            .write_all(&vec![b'x'; usize::try_from(LARGEST).expect("small") + 1])
            .expect("written");
        trim(&path).expect("trimmed");
        writer.write_all(b"after").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"after");
        assert!(std::fs::metadata(aside(&path)).expect("kept").len() > LARGEST);
    }
}
