//! The status line of a terminal: while the transcript is quiet, shows whether the connections are alive (ERR-12).
//!
//! Each supervisor publishes its [`ConnectionStatus`]; [`StatusLine::show`] reads all of them from time to time. Without
//! a terminal it does nothing.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::connection_status::{Attempt, ConnectionStatus, RetryCount};
use super::stderr::Stderr;
use crate::config::Retries;

/// The silence before the status line appears. In an active conversation the next line comes sooner.
const QUIET_AFTER: Duration = Duration::from_secs(10);

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
    connections: RefCell<Vec<watch::Receiver<ConnectionStatus>>>,
    ping_interval: Duration,
    started_at: Instant,
}

impl StatusLine {
    pub(crate) fn new(ping_interval: Duration) -> Self {
        Self { connections: RefCell::default(), ping_interval, started_at: Instant::now() }
    }

    /// Adds a connection and returns the sender of its status. Dropping the sender removes the connection.
    pub(crate) fn add_connection(&self) -> watch::Sender<ConnectionStatus> {
        let (sender, receiver) = watch::channel(ConnectionStatus::default());
        self.connections.borrow_mut().push(receiver);
        sender
    }

    /// Runs `work` and shows the status line while the transcript is quiet, until `work` is done or `stop` is cancelled.
    ///
    /// Output that is still on its way to the terminal would end up behind the status line, so nothing is shown unless
    /// `is_output_idle`.
    pub(crate) async fn show<T>(
        &self,
        work: impl Future<Output = T>,
        stderr: &Stderr,
        is_output_idle: impl Fn() -> bool,
        stop: &CancellationToken,
    ) -> T {
        let showing = async {
            if stderr.is_status_line_enabled() {
                stop.run_until_cancelled(self.keep_updated(stderr, is_output_idle)).await;
                stderr.clear_status_line();
            }
            pending::<Infallible>().await
        };
        let result = tokio::select! {
            // Work that never waits would keep what is polled after it from being ready.
            biased;
            never = showing => match never {},
            result = work => result,
        };
        stderr.clear_status_line();
        result
    }

    async fn keep_updated(&self, stderr: &Stderr, is_output_idle: impl Fn() -> bool) {
        let silence = || self.silence(stderr.last_output(), stderr.last_line());
        let show = |text: Option<String>| match text {
            Some(text) if is_output_idle() => stderr.show_status_line(&format!("{PROGRAM}: {text}")),
            _ => stderr.clear_status_line(),
        };
        self.update_regularly(silence, show).await;
    }

    async fn update_regularly(&self, silence: impl Fn() -> Silence, mut show: impl FnMut(Option<String>)) {
        loop {
            sleep(silence().until_next_update()).await;
            show(self.text(silence()));
        }
    }

    fn silence(&self, last_output: Option<Instant>, last_stderr_line: Option<Instant>) -> Silence {
        let output = last_output.unwrap_or(self.started_at);
        let any = last_stderr_line.map_or(output, |line| output.max(line));
        Silence { output: output.elapsed(), any: any.elapsed() }
    }

    /// Returns the text to show; `None` before it is quiet for long enough, and without an active connection.
    fn text(&self, silence: Silence) -> Option<String> {
        if silence.any < QUIET_AFTER {
            return None;
        }
        render(&self.active_connections(), silence.output, self.ping_interval + PONG_TIMEOUT)
    }

    fn active_connections(&self) -> Vec<ConnectionStatus> {
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| connection.has_changed().is_ok());
        let statuses = connections.iter().map(|connection| connection.borrow().clone());
        statuses.filter(|status| *status != ConnectionStatus::Idle).collect()
    }
}

/// The time since the last line.
#[derive(Debug, Clone, Copy)]
struct Silence {
    /// Since the last line of output.
    output: Duration,
    /// Since the last line of output or on stderr.
    any: Duration,
}

impl Silence {
    /// Returns the wait before the next update, which is shorter just before the status line is due.
    fn until_next_update(self) -> Duration {
        match QUIET_AFTER.saturating_sub(self.any) {
            Duration::ZERO => UPDATE_INTERVAL,
            rest => rest.clamp(MIN_UPDATE_INTERVAL, UPDATE_INTERVAL),
        }
    }
}

/// Returns the text for these active connections, in ASCII. A connection counts as silent after `silent_after` without
/// activity.
fn render(connections: &[ConnectionStatus], quiet: Duration, silent_after: Duration) -> Option<String> {
    let quiet = format!("quiet for {}", format_span(quiet));
    match connections {
        [] | [ConnectionStatus::Idle] => None,
        [ConnectionStatus::Connecting(attempt)] => Some(describe_attempt(*attempt)),
        [ConnectionStatus::Retrying { attempt, at }] => {
            let wait = at.saturating_duration_since(Instant::now());
            Some(format!("{} in {}", describe_attempt(*attempt), format_span(wait)))
        }
        [ConnectionStatus::Connected { last_activity }] => {
            let inactive = last_activity.get().elapsed();
            let since = format_span(inactive);
            Some(if inactive > silent_after {
                format!("{quiet}; no sign of life for {since}")
            } else {
                format!("alive, {quiet}; last sign of life {since} ago")
            })
        }
        several => Some(summarize(several, &quiet, silent_after)),
    }
}

fn summarize(connections: &[ConnectionStatus], quiet: &str, silent_after: Duration) -> String {
    let (mut alive, mut silent, mut is_reconnecting, mut longest) = (0, 0, false, Duration::ZERO);
    for connection in connections {
        match connection {
            ConnectionStatus::Connected { last_activity } => match last_activity.get().elapsed() {
                inactive if inactive > silent_after => silent += 1,
                inactive => {
                    alive += 1;
                    longest = longest.max(inactive);
                }
            },
            ConnectionStatus::Connecting(attempt) | ConnectionStatus::Retrying { attempt, .. } => {
                is_reconnecting |= attempt.is_reconnect;
            }
            ConnectionStatus::Idle => {}
        }
    }
    let all = connections.len();
    if alive == all {
        return format!("{all} connections alive, {quiet}; last signs of life within {}", format_span(longest));
    }
    let connecting = all - alive - silent;
    let others = [(silent, "silent"), (connecting, if is_reconnecting { "reconnecting" } else { "connecting" })];
    let others: Vec<String> =
        others.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}")).collect();
    format!("{alive} of {all} connections alive, {quiet}; {}", others.join(", "))
}

fn describe_attempt(attempt: Attempt) -> String {
    let verb = if attempt.is_reconnect { "reconnecting" } else { "connecting" };
    match attempt.retry {
        Some(RetryCount { number, limit: Retries::Limited(limit) }) => format!("{verb}, retry {number} of {limit}"),
        Some(RetryCount { number, limit: Retries::Unlimited }) => format!("{verb}, retry {number}"),
        None => verb.to_owned(),
    }
}

/// Formats a duration in its one or two largest units, rounded down.
fn format_span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests;
