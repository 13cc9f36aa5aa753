//! Builds the GraphiQL page that is embedded in the binary (`src/http/graphiql.rs`), with npm and vite.
//!
//! All files are written to `OUT_DIR`; the source tree is only read. If the page cannot be built (no npm, no network,
//! an old Node.js), the build continues with a page that loads GraphiQL from a CDN and prints a warning with the reason
//! and the remedy. `GATEWAY_BUILD_GRAPHIQL=cdn` selects that page at once, for quick builds, and
//! `GATEWAY_BUILD_GRAPHIQL=off` builds no page. Both skip npm.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script has neither the App's clock nor its settings"
)]

use std::{
    env, fs,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

/// Selects the page: `on` (the default), `cdn` or `off`.
const VARIABLE: &str = "GATEWAY_BUILD_GRAPHIQL";

/// The variable of the compiler from which the crate knows which page there is: `offline`, `cdn` or `none`.
const PAGE: &str = "STOREFRONT_GATEWAY_GRAPHIQL";

/// The sources of the page, inside `graphiql/`. They are listed one by one, so that a developer's `node_modules` there
/// is neither copied nor watched.
const SOURCES: [&str; 7] = [
    ".npmrc",
    "package.json",
    "package-lock.json",
    "vite.config.js",
    "index.html",
    "src",
    "cdn",
];

/// The CDN page: source in `graphiql/`, name under `/graphiql/`.
const CDN_PAGE: [(&str, &str); 5] = [
    ("cdn/index.html", "index.html"),
    ("cdn/main.js", "cdn.js"),
    ("src/gateway.js", "gateway.js"),
    ("src/style.css", "style.css"),
    ("src/favicon.svg", "favicon.svg"),
];

/// Maximum time without output and maximum total time of a step. On a network that drops packets, npm would retry
/// package after package for minutes; while packages arrive, each one adds a line to its output.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);
const STEP_LIMIT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(50);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    for source in SOURCES {
        println!("cargo:rerun-if-changed=graphiql/{source}");
    }

    let work = Work::new();
    let selected = env::var_os(VARIABLE).unwrap_or_default();
    let page = match selected.to_str() {
        Some("" | "on") => match work.build_offline() {
            Ok(()) => "offline",
            Err(failure) => {
                failure.report();
                work.write_cdn_page()
            }
        },
        Some("cdn") => work.write_cdn_page(),
        Some("off") => work.write_no_page(),
        _ => panic!("{VARIABLE} is {}; it must be on, cdn or off", selected.display()),
    };
    println!("cargo:rustc-env={PAGE}={page}");
}

/// The folders of this build.
struct Work {
    /// `graphiql/` of the source tree.
    sources: PathBuf,
    /// A copy of `sources`, which npm and vite may write to.
    copy: PathBuf,
    /// The output of vite, until it is complete.
    fresh: PathBuf,
    /// The files that `src/http/graphiql.rs` embeds.
    dist: PathBuf,
}

/// Why there is no offline page, and the remedy.
struct Failure {
    reason: String,
    remedy: &'static str,
}

impl Work {
    fn new() -> Self {
        let folder = |name| PathBuf::from(env::var_os(name).expect("cargo sets it for build scripts"));
        let out = folder("OUT_DIR");
        Self {
            sources: folder("CARGO_MANIFEST_DIR").join("graphiql"),
            copy: out.join("graphiql-build"),
            fresh: out.join("graphiql-build").join("dist"),
            dist: out.join("graphiql-dist"),
        }
    }

    /// Installs the locked packages, bundles the page, and moves it into place once it is complete.
    fn build_offline(&self) -> Result<(), Failure> {
        let on_disk = |error: io::Error| Failure {
            reason: format!("its files could not be copied ({error})"),
            remedy: "Make room or permissions in the target folder",
        };
        remove(&self.copy).map_err(on_disk)?;
        for source in SOURCES {
            copy(&self.sources.join(source), &self.copy.join(source)).map_err(on_disk)?;
        }

        let outcome = self.install().and_then(|()| self.bundle()).and_then(|()| {
            remove(&self.dist).map_err(on_disk)?;
            fs::rename(&self.fresh, &self.dist).map_err(on_disk)
        });
        // The packages take 240 MB, and seconds to unpack from npm's own cache: not worth keeping for each profile.
        if let Err(error) = remove(&self.copy) {
            warn(&format!(
                "The folder {} could not be removed: {error}",
                self.copy.display()
            ));
        }
        outcome
    }

    fn install(&self) -> Result<(), Failure> {
        show_progress(
            "installing GraphiQL's packages with npm (only when graphiql/ has changed; half a minute or less)",
        );
        let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            // A production setting on the machine would leave out vite.
            .arg("--include=dev")
            // Logs a line for each package that arrives, which distinguishes progress from a stall.
            .args(["--prefer-offline", "--loglevel=http"]);
        self.run(npm, "npm ci").map_err(|reason| Failure {
            reason,
            remedy: "Install Node.js 22.12 or newer with npm, and let it reach its package registry",
        })
    }

    fn bundle(&self) -> Result<(), Failure> {
        show_progress("bundling GraphiQL with vite");
        let mut node = Command::new("node");
        node.args(["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"]);
        self.run(node, "vite build").map_err(|reason| Failure {
            reason,
            remedy: "Node.js must be 22.12 or newer (20.19 of the older line)",
        })?;
        if self.fresh.join("index.html").is_file() {
            return Ok(());
        }
        Err(Failure {
            reason: "vite build left no index.html".to_owned(),
            remedy: "See graphiql/vite.config.js",
        })
    }

    /// Runs one step in the copy. Its output goes to a file, because cargo interprets this script's output.
    fn run(&self, mut command: Command, step: &str) -> Result<(), String> {
        let log = self.copy.join("log.txt");
        let spawned = File::create(&log).and_then(|output| {
            command
                .current_dir(&self.copy)
                .env_remove("NODE_ENV")
                .env("NO_COLOR", "1")
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()
        });
        let child = spawned.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("the program for `{step}` was not found"),
            _ => format!("`{step}` could not be started ({error})"),
        })?;
        let status = wait(child, &log).map_err(|reason| format!("`{step}` was stopped: {reason}"))?;
        if status.success() {
            return Ok(());
        }
        let output = fs::read(&log).unwrap_or_default();
        let output = summary(&String::from_utf8_lossy(&output));
        Err(format!("`{step}` failed: {output}"))
    }

    /// Leaves an empty folder, without which the embedding does not compile. Returns the name for no page.
    fn write_no_page(&self) -> &'static str {
        if let Err(error) = remove(&self.dist).and_then(|()| fs::create_dir_all(&self.dist)) {
            panic!("the folder {} cannot be emptied: {error}", self.dist.display());
        }
        "none"
    }

    /// Writes the page that loads GraphiQL from a CDN. Without it there would be nothing to embed. Returns its name.
    fn write_cdn_page(&self) -> &'static str {
        let written = remove(&self.dist).and_then(|()| {
            CDN_PAGE
                .iter()
                .try_for_each(|(source, name)| copy(&self.sources.join(source), &self.dist.join(name)))
        });
        if let Err(error) = written {
            warn(&format!(
                "GraphiQL's page could not be written, so that / will answer 404: {error}"
            ));
            // The embedding does not compile without the folder.
            if let Err(error) = fs::create_dir_all(&self.dist) {
                warn(&format!("Nor could its folder {}: {error}", self.dist.display()));
            }
        }
        "cdn"
    }
}

/// Waits for a step to end, and kills it if it stalls or takes too long.
fn wait(mut child: Child, log: &Path) -> Result<ExitStatus, String> {
    let (mut running, mut silent, mut written) = (Duration::ZERO, Duration::ZERO, 0);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if silent >= SILENCE_LIMIT || running >= STEP_LIMIT {
            break;
        }
        thread::sleep(POLL);
        running += POLL;
        silent += POLL;
        let length = fs::metadata(log).map_or(written, |file| file.len());
        if length > written {
            (silent, written) = (Duration::ZERO, length);
        }
    }
    // The process may have ended by itself in the meantime; it is reaped in either case.
    let end = child.kill().and_then(|()| child.wait());
    let end = end.map_or_else(|error| error.to_string(), |status| status.to_string());
    let (running, silent) = (running.as_secs(), silent.as_secs());
    Err(format!(
        "no end after {running} s, the last {silent} s without a sign of progress ({end})"
    ))
}

/// Returns the lines of a step's output that describe the failure, joined into one line.
fn summary(output: &str) -> String {
    let is_informative = |line: &&str| {
        let is_noise = ["npm warn", "npm http", "at ", "A complete log"];
        !line.is_empty() && !is_noise.iter().any(|noise| line.starts_with(noise))
    };
    let lines: Vec<&str> = output
        .lines()
        .map(|line| line.trim().trim_start_matches("npm error").trim_start())
        .filter(is_informative)
        .take(6)
        .collect();
    if lines.is_empty() {
        return "it said nothing".to_owned();
    }
    lines.join(" | ").chars().take(400).collect()
}

impl Failure {
    fn report(&self) {
        let Self { reason, remedy } = self;
        warn(&format!(
            "GraphiQL is not built in, and its page will load it from a CDN: {reason}"
        ));
        warn(&format!(
            "{remedy}, then `touch graphiql/package.json` and build again. {VARIABLE}=cdn silences this."
        ));
    }
}

fn warn(text: &str) {
    println!("cargo:warning={text}");
}

/// Prints progress of a slow step on the terminal. Cargo withholds the output of a build script until the script has
/// ended, so the terminal is the only way. Without a terminal nothing is printed.
fn show_progress(what: &str) {
    let name = if cfg!(windows) { "CONOUT$" } else { "/dev/tty" };
    if let Ok(mut terminal) = File::options().write(true).open(name) {
        // A terminal that has disappeared must not fail the build.
        drop(writeln!(terminal, "\r\x1b[K    Building GraphiQL: {what}"));
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map(drop)
}

/// Removes a folder. A folder that does not exist is no error.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
