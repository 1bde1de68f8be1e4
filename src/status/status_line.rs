//! The status line at the foot of a terminal: the state of the connections while no message comes (ERR-12), and the progress
//! of work that takes time (ERR-14).
//!
//! Each supervisor publishes its [`ConnectionStatus`], each task its progress; [`StatusLine::show`] reads all of them from
//! time to time. Without a terminal it does nothing.

mod text;

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::text::{describe_connections, describe_work};
use super::connection_status::{ConnectionReporter, ConnectionStatus};
use super::service_status::ServiceStatus;
use super::stderr::Stderr;
use super::work::{TaskProgress, Work, WorkReporter};

/// The silence before the state of the connections appears. In an active conversation the next line comes sooner.
const QUIET_AFTER: Duration = Duration::from_secs(10);

/// The duration of work before its progress appears, and the time between its updates.
const WORK_INTERVAL: Duration = Duration::from_secs(1);

/// The time between updates. A socket wakes up as often to detect a suspend, so this costs no extra wake-ups.
const UPDATE_INTERVAL: Duration = Duration::from_secs(5);

/// The shortest wait for an update.
const MIN_UPDATE_INTERVAL: Duration = Duration::from_secs(1);

/// The time that a server has to answer a ping before the status line reports its silence.
const PONG_TIMEOUT: Duration = Duration::from_secs(5);

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The status line of a run.
#[derive(Debug)]
pub(crate) struct StatusLine {
    stderr: Stderr,
    connections: RefCell<Vec<watch::Receiver<ConnectionStatus>>>,
    tasks: RefCell<Vec<watch::Receiver<TaskProgress>>>,
    ping_interval: Duration,
    started_at: Instant,
    /// Signals each change of a connection or a task.
    changed: Arc<Notify>,
    service: Option<ServiceStatus>,
}

impl StatusLine {
    pub(crate) fn new(stderr: &Stderr, ping_interval: Duration) -> Self {
        Self {
            stderr: stderr.clone(),
            connections: RefCell::default(),
            tasks: RefCell::default(),
            ping_interval,
            started_at: Instant::now(),
            changed: Arc::default(),
            service: None,
        }
    }

    /// Also tells the service manager about the state.
    pub(crate) fn with_service(self, service: ServiceStatus) -> Self {
        Self { service: Some(service), ..self }
    }

    /// Adds a connection and returns the reporter of its status. Dropping the reporter removes the connection.
    pub(crate) fn add_connection(&self) -> ConnectionReporter {
        let reporter = ConnectionReporter::new(Arc::clone(&self.changed));
        self.connections.borrow_mut().push(reporter.subscribe());
        reporter
    }

    /// Adds a task and returns the reporter of its progress. Dropping the reporter removes the task.
    pub(crate) fn add_work(&self) -> WorkReporter {
        let reporter = WorkReporter::new(self.stderr.clone(), Arc::clone(&self.changed));
        self.tasks.borrow_mut().push(reporter.subscribe());
        reporter
    }

    /// Runs `work` and shows the status line, until `work` is done or `stop` is cancelled.
    ///
    /// Output that is still on its way to the terminal would end up behind the status line, so nothing is shown unless
    /// `is_output_idle`.
    pub(crate) async fn show<T>(
        &self,
        work: impl Future<Output = T>,
        is_output_idle: impl Fn() -> bool,
        stop: &CancellationToken,
    ) -> T {
        let showing = async {
            if self.stderr.is_status_line_enabled() {
                stop.run_until_cancelled(self.keep_updated(is_output_idle)).await;
                self.stderr.clear_status_line();
            }
            pending::<Infallible>().await
        };
        let result = tokio::select! {
            // Work that never waits would keep what is polled after it from being ready.
            biased;
            never = showing => match never {},
            never = self.keep_service_informed() => match never {},
            result = work => result,
        };
        self.stderr.clear_status_line();
        result
    }

    /// Tells the service manager about each change.
    async fn keep_service_informed(&self) -> Infallible {
        let Some(service) = &self.service else { return pending().await };
        loop {
            let work: Vec<Work> = self.tasks.borrow().iter().map(|task| task.borrow().work).collect();
            service.update(&self.active_connections(), &work);
            self.changed.notified().await;
        }
    }

    async fn keep_updated(&self, is_output_idle: impl Fn() -> bool) {
        let stderr = &self.stderr;
        let show = |text: Option<String>| match text {
            Some(text) if !stderr.shares_terminal() || is_output_idle() => {
                stderr.show_status_line(&format!("{PROGRAM}: {text}"));
            }
            _ => stderr.clear_status_line(),
        };
        let last_writes =
            || LastWrites { output: stderr.last_output(), line: stderr.last_line(), shared: stderr.shares_terminal() };
        self.update_regularly(last_writes, show).await;
    }

    async fn update_regularly(&self, last_writes: impl Fn() -> LastWrites, mut show: impl FnMut(Option<String>)) {
        loop {
            let until_next = self.until_next_update(self.silence(last_writes()));
            tokio::select! {
                () = sleep(until_next) => {}
                () = self.stderr.update_requested() => {}
            }
            show(self.text(self.silence(last_writes())));
        }
    }

    fn silence(&self, LastWrites { output, line, shared }: LastWrites) -> Silence {
        let output = output.unwrap_or(self.started_at);
        let any = line.map_or(output, |line| output.max(line));
        let terminal = if shared { any } else { line.unwrap_or(self.started_at) };
        Silence { output: output.elapsed(), any: any.elapsed(), terminal: terminal.elapsed() }
    }

    /// Returns the wait before the next update, which is shorter just before something is due.
    fn until_next_update(&self, silence: Silence) -> Duration {
        if let Some(worked) = self.worked() {
            let rest = WORK_INTERVAL.saturating_sub(worked);
            return if rest.is_zero() { WORK_INTERVAL } else { rest };
        }
        match QUIET_AFTER.saturating_sub(silence.any) {
            Duration::ZERO => UPDATE_INTERVAL,
            rest => rest.clamp(MIN_UPDATE_INTERVAL, UPDATE_INTERVAL),
        }
    }

    /// Returns the text to show: the progress of work, or else the state of the connections after a silence.
    fn text(&self, silence: Silence) -> Option<String> {
        if self.worked() >= Some(WORK_INTERVAL) && silence.terminal >= WORK_INTERVAL {
            return describe_work(self.tasks.borrow().iter().map(|task| task.borrow().work));
        }
        if silence.any < QUIET_AFTER {
            return None;
        }
        describe_connections(&self.active_connections(), silence.output, self.ping_interval + PONG_TIMEOUT)
    }

    /// Returns how long the oldest task has worked; `None` without work.
    fn worked(&self) -> Option<Duration> {
        let mut tasks = self.tasks.borrow_mut();
        tasks.retain(|task| task.has_changed().is_ok());
        tasks.iter().filter_map(|task| task.borrow().since).map(|since| since.elapsed()).max()
    }

    fn active_connections(&self) -> Vec<ConnectionStatus> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| connection.has_changed().is_ok());
        let statuses = connections.iter().map(|connection| connection.borrow().clone());
        statuses.filter(|status| *status != ConnectionStatus::Idle).collect()
    }
}

/// The times of the last writes.
#[derive(Debug, Clone, Copy, Default)]
struct LastWrites {
    /// Of the last output on stdout.
    output: Option<Instant>,
    /// Of the last line on stderr.
    line: Option<Instant>,
    /// Both go to the same terminal.
    shared: bool,
}

/// The time since the last line.
#[derive(Debug, Clone, Copy)]
struct Silence {
    /// Since the last line of output.
    output: Duration,
    /// Since the last line of output or on stderr.
    any: Duration,
    /// Since the last line on the terminal of the status line.
    terminal: Duration,
}

#[cfg(test)]
mod tests;
