//! Counts the commands that one gateway sends to its database, by the driver's events.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::event::command::CommandEvent;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use storefront_gateway::platform::database::Monitor;

/// The commands of one gateway.
#[derive(Clone, Default)]
pub(crate) struct Commands {
    sent: Arc<Mutex<Vec<String>>>,
    /// Countdown to the command before which the process is killed; 0: never.
    left: Arc<AtomicU32>,
}

/// Periodic commands of the gateway and the driver, which do not depend on requests.
const BACKGROUND: &[&str] = &["hello", "find signingKeys", "endSessions"];

impl Commands {
    /// Returns the monitor for the driver's events.
    pub(super) fn monitor(&self) -> Monitor {
        let commands = self.clone();
        Monitor::new(move |event| {
            if let CommandEvent::Started(started) = event {
                let collection = started.command.get_str(&started.command_name).unwrap_or_default();
                let command = format!("{} {collection}", started.command_name);
                let command = command.trim_end().to_owned();
                if !BACKGROUND.contains(&command.as_str()) {
                    commands.crash_if_due();
                    commands.list().push(command);
                }
            }
        })
    }

    /// Kills this process (SIGKILL) right before it sends the command with this number, counted from now on.
    pub(crate) fn crash_before(&self, command: u32) {
        self.left.store(command, Ordering::SeqCst);
    }

    fn crash_if_due(&self) {
        let count_down = |left: u32| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down)
            == Ok(1)
        {
            kill(Pid::this(), Signal::SIGKILL).expect("killed");
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<String>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the commands that were sent while `work` ran, in order: `find storefrontUsers`. Omits the commands that
    /// look up whether a backend is still valid, which run every few seconds regardless of requests.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        self.list().clear();
        let done = work.await;
        (done, without_client_lookups(std::mem::take(&mut *self.list())))
    }
}

/// Omits each lookup of a backend, and the subsequent lookup of its organization's storefronts.
fn without_client_lookups(commands: Vec<String>) -> Vec<String> {
    let mut follow = 0;
    let mut is_client_lookup = |command: &str| match command {
        "find apiClients" => {
            follow += 1;
            true
        }
        "find storefronts" if follow > 0 => {
            follow -= 1;
            true
        }
        _ => false,
    };
    let mut kept = commands;
    kept.retain(|command| !is_client_lookup(command));
    kept
}
