//! Counts the commands that one gateway sends to its database, through the driver's own events.

use std::sync::{Arc, Mutex, PoisonError};

use mongodb::event::command::CommandEvent;
use storefront_gateway::platform::database::Monitor;

/// The commands of one gateway.
#[derive(Clone, Default)]
pub(crate) struct Commands(Arc<Mutex<Vec<String>>>);

/// What the gateway and the driver do by the clock, whatever is asked.
const BACKGROUND: &[&str] = &["hello", "find signingKeys", "endSessions"];

impl Commands {
    /// What the driver tells of them.
    pub(super) fn monitor(&self) -> Monitor {
        let commands = self.clone();
        Monitor::new(move |event| {
            if let CommandEvent::Started(started) = event {
                let collection = started.command.get_str(&started.command_name).unwrap_or_default();
                let command = format!("{} {collection}", started.command_name);
                let command = command.trim_end().to_owned();
                if !BACKGROUND.contains(&command.as_str()) {
                    commands.list().push(command);
                }
            }
        })
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The commands that were sent while `work` ran, in order: `find storefrontUsers`.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        self.list().clear();
        let done = work.await;
        (done, std::mem::take(&mut *self.list()))
    }
}
