//! Programs that end with this process, even when it is killed.
//!
//! No signal handler runs on SIGKILL, and requesting a signal from the kernel at the parent's death needs unsafe code
//! and exists on Linux only. Closing a pipe works everywhere: a small shell holds one end, and ends the program when
//! the other end is closed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The shell script of the supervisor, which documents its usage.
const SCRIPT: &str = include_str!("supervise.sh");

/// Returns a command that runs `program` under a supervisor. The command's standard input is the pipe: when it is
/// closed, the program is asked to end, and killed if it has not ended after `grace` (in whole seconds; zero kills it
/// at once). Each line written to it is the name of a signal to send, without `SIG`.
///
/// The program does not inherit `secret_variables`, because neither the server nor a package's installer needs one.
///
/// It runs in its own process group: Ctrl-C reaches all processes of the terminal's foreground group, and the gateway
/// still needs its programs to finish its own shutdown.
pub(super) fn command(program: &Path, grace: Duration, secret_variables: &[String]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(script())
        .arg("supervise.sh")
        .arg(grace.as_secs().to_string())
        .arg(program)
        .stdin(Stdio::piped())
        .process_group(0);
    for variable in secret_variables {
        command.env_remove(variable);
    }
    command
}

/// Returns the script without its comments, because it is visible in lists of processes.
fn script() -> String {
    let lines = SCRIPT
        .lines()
        .filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::process::Child;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn shell(body: &str, grace: Duration) -> Child {
        let mut child = command(Path::new("/bin/sh"), grace, &[])
            .args(["-c", body])
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).await.expect("read");
        assert_eq!(line, "ready\n");
        child
    }

    async fn code(mut child: Child) -> Option<i32> {
        child.wait().await.expect("waited").code()
    }

    #[tokio::test]
    async fn the_end_of_the_pipe_ends_the_program() {
        for (case, body, grace, expected) in [
            (
                "it ends by itself",
                "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done",
                LONG,
                7,
            ),
            (
                "it does not end in time",
                "trap '' TERM; echo ready; while :; do sleep 0.1; done",
                Duration::from_secs(1),
                128 + 9,
            ),
            (
                "it is stopped and has no grace",
                "trap '' TERM; echo ready; kill -STOP $$",
                Duration::ZERO,
                128 + 9,
            ),
        ] {
            let mut child = shell(body, grace).await;
            drop(child.stdin.take());
            assert_eq!(code(child).await, Some(expected), "{case}");
        }
    }

    #[tokio::test]
    async fn a_line_is_a_signal() {
        let body = "trap 'exit 5' USR1; echo ready; while :; do sleep 0.1; done";
        let mut child = shell(body, LONG).await;
        let mut line = child.stdin.take().expect("piped");
        line.write_all(b"USR1\n").await.expect("written");
        assert_eq!(code(child).await, Some(5));
    }

    #[tokio::test]
    async fn the_programs_own_exit_code_is_passed_on() {
        let mut child = shell("echo ready; exit 3", LONG).await;
        let _line = child.stdin.take();
        assert_eq!(code(child).await, Some(3));
    }

    // DEF-09
    #[test]
    fn a_program_inherits_no_secrets() {
        let secret = ["PASSWORD", "KEY"].map(str::to_owned);
        let command = command(Path::new("/bin/sh"), LONG, &secret);
        let mut removed: Vec<_> = command.as_std().get_envs().collect();
        removed.sort_unstable();
        assert_eq!(
            removed,
            [(OsStr::new("KEY"), None), (OsStr::new("PASSWORD"), None)]
        );
    }

    #[test]
    fn the_script_holds_no_comments() {
        assert!(script().starts_with("grace=$1\nshift\n"));
        assert!(!script().contains("# "));
    }
}
