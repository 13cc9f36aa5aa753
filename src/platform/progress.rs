//! Shows the progress of work that takes more than a second: a spinner or a bar on a terminal, lines elsewhere.
//!
//! Each step is shown by its own thread, which reads one counter, so that counting costs the worker an atomic store and
//! is almost free in a hot loop. A step that ends within a second is never shown.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Steps that end sooner are not shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// Interval at which a terminal is redrawn.
const FRAME: Duration = Duration::from_millis(100);
/// Interval at which the counter is read where lines are written.
const LOOK: Duration = Duration::from_millis(500);
/// A line is written at least after this many reads of the counter (5 s), so that a stuck step is visible.
const LOOKS_A_LINE: u32 = 10;
/// A line is written for each further progress of this many percent.
const PERCENT_A_LINE: u64 = 10;

/// The destination of progress. Cheap to clone; passed to work that may take long.
#[derive(Clone, Copy, Debug)]
pub struct Progress(Sink);

#[derive(Clone, Copy, Debug)]
enum Sink {
    Silent,
    Terminal,
    Lines,
    Log,
}

/// The unit that a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown as megabytes.
    Bytes,
    /// Items, shown as a number.
    Items,
}

impl Progress {
    /// Draws on standard error if that is a terminal; otherwise writes plain lines to it.
    pub fn detect() -> Self {
        Self::terminal_or(Sink::Lines)
    }

    /// Draws on standard error if that is a terminal; otherwise writes events to the log. For `serve`, whose standard
    /// error contains only log lines.
    pub fn detect_or_log() -> Self {
        Self::terminal_or(Sink::Log)
    }

    fn terminal_or(other: Sink) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self(if is_terminal { Sink::Terminal } else { other })
    }

    /// Shows nothing: for tests and `--json`.
    pub fn silent() -> Self {
        Self(Sink::Silent)
    }

    /// Starts a step of unknown length. `what` begins with a capital letter and has no full stop: "Starting the
    /// database".
    pub fn spinner(&self, what: impl Into<String>) -> Step {
        Step::new(self.0, what.into(), None)
    }

    /// Starts a step of `total` units.
    pub fn bar(&self, what: impl Into<String>, total: u64, unit: Unit) -> Step {
        Step::new(self.0, what.into(), Some((total, unit)))
    }
}

/// A step in progress. Dropping it removes its display silently; [`Step::finish`] reports that it is done.
#[derive(Debug)]
pub struct Step {
    state: Arc<State>,
    display: Option<Display>,
}

#[derive(Debug)]
struct State {
    what: String,
    extent: Option<(u64, Unit)>,
    done: AtomicU64,
}

#[derive(Debug)]
struct Display {
    end: mpsc::Sender<Ended>,
    thread: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Finished,
    Dropped,
}

impl Step {
    fn new(sink: Sink, what: String, extent: Option<(u64, Unit)>) -> Self {
        let state = Arc::new(State {
            what,
            extent,
            done: AtomicU64::new(0),
        });
        let display = match sink {
            Sink::Silent => None,
            Sink::Terminal => Display::start(&state, draw),
            Sink::Lines => Display::start(&state, |state, end| write_lines(state, end, &to_standard_error)),
            Sink::Log => Display::start(&state, |state, end| {
                write_lines(state, end, &|line| tracing::info!("{line}"));
            }),
        };
        Self { state, display }
    }

    /// Sets the number of completed units.
    pub fn set(&self, done: u64) {
        self.state.done.store(done, Ordering::Relaxed);
    }

    /// Adds to the number of completed units.
    pub fn advance(&self, by: u64) {
        self.state.done.fetch_add(by, Ordering::Relaxed);
    }

    /// Ends the step. If it was shown as lines, a last line reports that it is done.
    pub fn finish(mut self) {
        self.end(Ended::Finished);
    }

    fn end(&mut self, how: Ended) {
        if let Some(display) = self.display.take() {
            // An error means that the display has ended by itself.
            let _ = display.end.send(how);
            // Joined, so that a bar is removed from the screen before anything else is written.
            let _ = display.thread.join();
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.end(Ended::Dropped);
    }
}

impl Display {
    /// Returns `None` if no thread can be started: the work continues without a display.
    fn start(
        state: &Arc<State>,
        show: impl FnOnce(&State, &mpsc::Receiver<Ended>) + Send + 'static,
    ) -> Option<Self> {
        let (end, ended) = mpsc::channel();
        let state = Arc::clone(state);
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || {
                if under_way(&ended, PATIENCE).is_none() {
                    show(&state, &ended);
                }
            })
            .ok()?;
        Some(Self { end, thread })
    }
}

/// Returns how the step ended within `time`; `None` if it is still in progress.
fn under_way(ended: &mpsc::Receiver<Ended>, time: Duration) -> Option<Ended> {
    match ended.recv_timeout(time) {
        Ok(how) => Some(how),
        Err(RecvTimeoutError::Disconnected) => Some(Ended::Dropped),
        Err(RecvTimeoutError::Timeout) => None,
    }
}

fn draw(state: &State, ended: &mpsc::Receiver<Ended>) {
    let template = match state.extent {
        None => "{spinner} {msg} {elapsed}",
        Some((_, Unit::Bytes)) => "{spinner} {msg} {bar:30} {bytes} of {total_bytes}",
        Some((_, Unit::Items)) => "{spinner} {msg} {bar:30} {human_pos} of {human_len}, {eta} left",
    };
    let length = state.extent.map(|(total, _)| total);
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).expect("the templates above are valid"));
    bar.set_message(state.what.clone());
    loop {
        bar.set_position(state.done());
        bar.tick();
        if under_way(ended, FRAME).is_some() {
            break;
        }
    }
    bar.finish_and_clear();
}

fn write_lines(state: &State, ended: &mpsc::Receiver<Ended>, write: &dyn Fn(&str)) {
    let mut shown = state.percent();
    write(&state.line());
    let mut looks = 0;
    let how = loop {
        if let Some(how) = under_way(ended, LOOK) {
            break how;
        }
        looks += 1;
        let now = state.percent();
        if looks == LOOKS_A_LINE || now >= shown + PERCENT_A_LINE {
            write(&state.line());
            (looks, shown) = (0, now);
        }
    };
    if how == Ended::Finished {
        write(&format!("{}: done", state.what));
    }
}

fn to_standard_error(line: &str) {
    // A failure to write progress must not end the work.
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl State {
    fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Returns the completed share in percent, rounded down; 0 without a known total.
    fn percent(&self) -> u64 {
        match self.extent {
            None | Some((0, _)) => 0,
            Some((total, _)) => {
                let percent = u128::from(self.done()) * 100 / u128::from(total);
                u64::try_from(percent.min(100)).unwrap_or(100)
            }
        }
    }

    fn line(&self) -> String {
        let (what, percent) = (&self.what, self.percent());
        let mega = |bytes: u64| bytes / 1_000_000;
        match self.extent {
            None => format!("{what} …"),
            Some((total, Unit::Items)) => format!("{what}: {percent} %, {} of {total}", self.done()),
            Some((total, Unit::Bytes)) => {
                format!("{what}: {percent} %, {} of {} MB", mega(self.done()), mega(total))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(extent: Option<(u64, Unit)>, done: u64) -> State {
        State {
            what: "Fetching".to_owned(),
            extent,
            done: AtomicU64::new(done),
        }
    }

    #[test]
    fn a_line_names_the_step_and_how_far_it_is() {
        for (extent, done, line) in [
            (None, 0, "Fetching …"),
            (Some((200, Unit::Items)), 50, "Fetching: 25 %, 50 of 200"),
            (
                Some((42_000_000, Unit::Bytes)),
                21_500_000,
                "Fetching: 51 %, 21 of 42 MB",
            ),
        ] {
            assert_eq!(state(extent, done).line(), line);
        }
    }

    #[test]
    fn percent_is_never_above_a_hundred_and_bears_a_total_of_nothing() {
        assert_eq!(state(Some((10, Unit::Items)), 11).percent(), 100);
        assert_eq!(state(Some((0, Unit::Items)), 11).percent(), 0);
        assert_eq!(state(Some((u64::MAX, Unit::Bytes)), u64::MAX).percent(), 100);
    }

    #[test]
    fn a_step_that_has_ended_is_distinguished_from_one_in_progress() {
        let (end, ended) = mpsc::channel();
        assert_eq!(under_way(&ended, Duration::ZERO), None);
        end.send(Ended::Finished).expect("the receiver lives");
        assert_eq!(under_way(&ended, Duration::ZERO), Some(Ended::Finished));
        drop(end);
        assert_eq!(under_way(&ended, Duration::ZERO), Some(Ended::Dropped));
    }

    #[test]
    fn a_step_counts_from_any_thread() {
        let step = Progress::silent().bar("Counting", 10, Unit::Items);
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| step.advance(2));
            }
        });
        assert_eq!(step.state.done(), 10);
        step.finish();
    }
}
