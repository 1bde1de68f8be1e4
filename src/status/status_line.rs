//! Whether the connections of a run are alive, and how a watcher sees that while nothing is said.
//!
//! The tails note in a [`Vital`] each what they are doing; [`Pulse::show`] looks at all of them from time to time, and
//! at nothing where there is no terminal to show it on.

mod words;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::words::{Attempt, Doing};
use crate::config::Retries;
use crate::output::WriterHandle;
use crate::status::stderr::Stderr;

/// How long nothing is said before that is remarkable: in a conversation that goes on, the next line comes sooner.
const QUIET: Duration = Duration::from_secs(10);

/// How often to look. A socket wakes up as often, to see whether the machine has slept.
const LOOK: Duration = Duration::from_secs(5);

/// How soon at most.
const SOON: Duration = Duration::from_secs(1);

/// How long the answer to a ping may take before the silence is mentioned.
const ANSWER: Duration = Duration::from_secs(5);

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// When a connection gave its last sign of life; the socket sees to it.
pub(crate) type LastActivity = Rc<Cell<Instant>>;

/// What the tails of a run are doing.
#[derive(Debug)]
pub(crate) struct Pulse {
    vitals: RefCell<Vec<Vital>>,
    ping_interval: Duration,
    begun: Instant,
}

/// What one tail is doing: at first, nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vital(Rc<RefCell<Phase>>);

#[derive(Debug, Default)]
enum Phase {
    /// Nothing that waits for anybody else.
    #[default]
    Idle,
    /// Connecting, or waiting until then to do so.
    Connecting(Attempt, Option<Instant>),
    /// Connected.
    Listening(LastActivity),
}

impl Vital {
    /// An attempt to connect begins.
    pub(crate) fn connects(&self) {
        let mut phase = self.0.borrow_mut();
        match &mut *phase {
            Phase::Connecting(_, wait) => *wait = None,
            Phase::Idle | Phase::Listening(_) => *phase = Phase::Connecting(Attempt::default(), None),
        }
    }

    /// There is a connection. One without a `life` of its own has nothing to show.
    pub(crate) fn listens(&self, life: Option<LastActivity>) {
        *self.0.borrow_mut() = life.map_or(Phase::Idle, Phase::Listening);
    }

    /// There is none, and the next attempt will begin after `wait`: the retry with this number, of so many.
    pub(crate) fn waits(&self, again: bool, retry: Option<(u32, Retries)>, wait: Duration) {
        let attempt = Attempt { again, retry, wait: None };
        *self.0.borrow_mut() = Phase::Connecting(attempt, Some(Instant::now() + wait));
    }

    /// It is leaving, or has left.
    pub(crate) fn leaves(&self) {
        *self.0.borrow_mut() = Phase::Idle;
    }

    fn doing(&self, patience: Duration) -> Option<Doing> {
        match &*self.0.borrow() {
            Phase::Idle => None,
            Phase::Connecting(attempt, until) => {
                let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
                Some(Doing::Connecting(Attempt { wait, ..*attempt }))
            }
            Phase::Listening(life) => {
                let sign = life.get().elapsed();
                Some(Doing::Listening { sign, silent: sign > patience })
            }
        }
    }
}

impl Pulse {
    /// Of a run that begins now, and asks for signs of life so often.
    pub(crate) fn new(ping_interval: Duration) -> Self {
        Self { vitals: RefCell::default(), ping_interval, begun: Instant::now() }
    }

    /// Where one more tail is to note what it does.
    pub(crate) fn vital(&self) -> Vital {
        let vital = Vital::default();
        self.vitals.borrow_mut().push(vital.clone());
        vital
    }

    /// Runs `work`, and shows at the foot of the terminal what it waits for while nothing is said, until it is done or
    /// `stop` is cancelled.
    pub(crate) async fn show<T>(
        &self,
        work: impl Future<Output = T>,
        (stderr, reader): (&Stderr, &WriterHandle),
        stop: &CancellationToken,
    ) -> T {
        let showing = async {
            if stderr.may_have_foot() {
                stop.run_until_cancelled(self.keep_showing(stderr, reader)).await;
                stderr.wipe();
            }
            pending::<Infallible>().await
        };
        let done = tokio::select! {
            biased;
            done = work => done,
            never = showing => match never {},
        };
        stderr.wipe();
        done
    }

    async fn keep_showing(&self, stderr: &Stderr, reader: &WriterHandle) {
        let said = || self.silence(stderr.last_output(), stderr.last_line());
        let show = |line: Option<String>| match line {
            // What is on its way to the terminal would come to stand behind the foot.
            Some(line) if reader.is_idle() => stderr.foot(&format!("{PROGRAM}: {line}")),
            _ => stderr.wipe(),
        };
        self.watch(said, show).await;
    }

    /// Looks from time to time how long it is silent, and shows what there is to show then.
    async fn watch(&self, silence: impl Fn() -> Silence, mut show: impl FnMut(Option<String>)) {
        loop {
            sleep(silence().until_next_look()).await;
            show(self.line(silence()));
        }
    }

    fn silence(&self, line: Option<Instant>, status: Option<Instant>) -> Silence {
        let line = line.unwrap_or(self.begun);
        Silence { transcript: line.elapsed(), everything: status.map_or(line, |status| line.max(status)).elapsed() }
    }

    /// What there is to say, if it is quiet enough for that.
    fn line(&self, silence: Silence) -> Option<String> {
        if silence.everything < QUIET {
            return None;
        }
        let doings: Vec<Doing> =
            self.vitals.borrow().iter().filter_map(|vital| vital.doing(self.ping_interval + ANSWER)).collect();
        words::line(&doings, silence.transcript)
    }
}

/// How long nothing was said.
#[derive(Debug, Clone, Copy)]
struct Silence {
    /// In the transcript.
    transcript: Duration,
    /// Nor on standard error.
    everything: Duration,
}

impl Silence {
    /// When to look again, which is sooner where it is about to be quiet for long enough.
    fn until_next_look(self) -> Duration {
        match QUIET.saturating_sub(self.everything) {
            Duration::ZERO => LOOK,
            rest => rest.clamp(SOON, LOOK),
        }
    }
}

#[cfg(test)]
mod tests;
