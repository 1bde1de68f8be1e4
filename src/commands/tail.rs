//! Tailing, from the settings to the end: which wire each conversation is followed on, and what became of all of them.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use reqwest::Upgraded;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::http::Http;
use crate::api::oauth::Auth;
use crate::api::rest::Rest;
use crate::commands::error::Error;
use crate::config::{Config, SocketLimits, SourceChoice, Targets};
use crate::cursor::{self, CursorFile, FollowedTargets};
use crate::dedup::Dedup;
use crate::delivery::recording::Recorder;
use crate::delivery::sink::{Counts, Delivery};
use crate::delivery::stage::Sink;
use crate::output::Prefixes;
use crate::plural::count;
use crate::source::notifications::Notifications;
use crate::source::transcript::Transcript;
use crate::source::{Session, SourceError};
use crate::status::logging::Log;
use crate::status::status_line::StatusLine;
use crate::supervisor::{Failure, Outcome, RetryPolicy, follow};
use crate::wire::transcript::fast_path::TemplateCache;

/// Follows conversations until all are over, cannot be followed, or `stop` is cancelled.
///
/// # Errors
///
/// Why that could not be done. It was not reported yet, but for the failures of single conversations among several.
pub(crate) async fn tail(config: Config, stdout: File, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    let Log { secrets, stderr, .. } = log;
    let http = Http::new(&config.connection.network, &config.endpoints, secrets.clone()).map_err(Error::Network)?;
    let (endpoint, credentials) = (config.endpoints.token.clone(), config.credentials.clone());
    let auth = Arc::new(Auth::new(http.clone(), endpoint, credentials, secrets.clone()));
    let rest = Rest::new(http.clone(), Arc::clone(&auth), config.endpoints.api.clone());
    let ids = || config.conversations.iter().map(String::as_str);
    let prefixes = if config.targets.is_empty() { Prefixes::new(ids()) } else { Prefixes::growing(ids()) };
    let (ledger, cursor) = opened(&config)?.map_or_else(Default::default, |(ledger, cursor)| (ledger, Some(cursor)));
    let recorder = config.record.as_ref().map(|path| Recorder::open(path, &config.conversations, prefixes.grows()));
    let stage = Sink::new(
        config.output.clone(),
        (config.history.lines, prefixes),
        (recorder.transpose()?, cursor),
        (stdout, stderr),
    )?;
    let (ledger, delivery) = (Rc::new(RefCell::new(ledger)), &stage.delivery);
    let (status_line, shapes) = (StatusLine::new(config.connection.socket.ping_interval), TemplateCache::default());
    let handshakes = Semaphore::new(HANDSHAKES);
    let tail = Tail {
        config: &config,
        http,
        auth,
        rest,
        prefixes,
        ledger,
        shapes,
        handshakes,
        delivery,
        status_line: &status_line,
        stop,
    };
    let reader = delivery.borrow().output.handle();
    let ended = stage.until_broken(status_line.show(tail.run(), stderr, || reader.is_idle(), stop)).await;
    // Where it is the recording that failed, the reader is still to be given what was read.
    let outcome = ended.as_ref().ok().and_then(Option::as_ref).and_then(|ended| ended.outcome);
    let summary = stage.finish(stop).await?;
    if let (Some(outcome), Some((lines, counts))) = (outcome, summary) {
        tell(in_words(outcome, config.history.follow), lines, &counts);
    }
    ended?.map_or(Ok(()), Ended::into_result)
}

/// What all tails of a process have in common.
struct Tail<'a> {
    config: &'a Config,
    http: Http,
    auth: Arc<Auth>,
    rest: Rest,
    prefixes: Prefixes,
    ledger: Rc<RefCell<Dedup>>,
    shapes: TemplateCache,
    handshakes: Semaphore,
    delivery: &'a RefCell<Delivery>,
    status_line: &'a StatusLine,
    stop: &'a CancellationToken,
}

/// The memory that the sockets of a process read into, as far as there is a choice.
const READ_BUFFERS: usize = 4 * 1024 * 1024;

/// Less is not read at once, however many sockets there are.
const LEAST_READ: usize = 4 * 1024;

/// How many first handshakes are under way at once. Each takes several times the memory of an open socket, and a service may
/// take thousands at a time for an attack.
const HANDSHAKES: usize = 64;

/// What became of one tail.
enum Done {
    /// Of the transcript socket of the conversation with this number.
    Transcript(usize, Result<Outcome, Failure>),
    /// Of the notifications, with all their conversations.
    Notifications(Result<Outcome, Failure>),
}

/// What became of the conversations.
struct Ended {
    outcome: Option<Outcome>,
    failures: Vec<Failure>,
    all: usize,
}

/// Tails that run side by side. Each of them gives way to the others, and to signals, in between.
type Running<'a> = FuturesUnordered<LocalBoxFuture<'a, Done>>;

impl Tail<'_> {
    async fn run(&self) -> Ended {
        let conversations = &self.config.conversations;
        let mut ended = Ended { outcome: None, failures: Vec::new(), all: conversations.len().max(1) };
        let (notifications, refusal) = (self.notifications(), RefCell::new(None));
        let mut running = Running::default();
        if self.wants_transcripts() {
            for index in 0..conversations.len() {
                running.push(self.transcribed(index, &refusal));
            }
        } else {
            for id in conversations {
                notifications.adopt(id, None);
            }
            running.push(self.notified(&notifications));
        }
        let mut notified = !self.wants_transcripts();
        while let Some(done) = running.next().await {
            match done {
                Done::Transcript(index, Err(Failure::Refused(refused))) if self.moves_for(&refused) => {
                    say_move(&mut refusal.borrow_mut(), &refused);
                    notifications.adopt(&conversations[index], Some(refused));
                    if !std::mem::replace(&mut notified, true) {
                        running.push(self.notified(&notifications));
                    }
                }
                Done::Transcript(index, result) => ended.note(result, self.name(&conversations[index]).as_deref()),
                Done::Notifications(result) => {
                    notified = false;
                    ended.note_all(result.map_err(|failure| failure.after(refusal.borrow().as_ref())), &notifications);
                }
            }
        }
        ended
    }

    /// Whether the transcript socket is asked first. What is only read needs no socket.
    fn wants_transcripts(&self) -> bool {
        self.config.source != SourceChoice::Notifications && self.config.history.follow
    }

    /// Whether a refusal of the transcript socket is no reason to give up.
    fn moves_for(&self, refusal: &SourceError) -> bool {
        self.config.source == SourceChoice::Auto && refusal.is_without_transcript_socket()
    }

    fn notifications(&self) -> Notifications {
        let Config { targets, history, connection, .. } = self.config;
        Notifications::new(
            self.rest.clone(),
            targets.clone(),
            *history,
            connection.socket,
            self.prefixes,
            Rc::clone(&self.ledger),
        )
    }

    /// Follows a conversation on the transcript socket, unless that was refused to another before it stood here.
    fn transcribed<'a>(&'a self, index: usize, refusal: &'a RefCell<Option<SourceError>>) -> LocalBoxFuture<'a, Done> {
        let id = &self.config.conversations[index];
        let name = self.name(id).unwrap_or_default();
        let transcript = Transcript::new(
            (self.http.clone(), Arc::clone(&self.auth), self.rest.clone()),
            &self.config.endpoints.api,
            id.clone(),
            (self.socket_limits(), self.config.history, self.prefixes),
            (Rc::clone(&self.ledger), self.shapes.clone()),
        );
        let mut stood = false;
        let connect = async move || {
            // Who waits for a turn shares the fate of the sign-in, too; and nobody who has stood waits for one to come back.
            self.auth.token().await?;
            let _turn = if stood { None } else { self.handshakes.acquire().await.ok() };
            // Nothing stays borrowed while the handshake is awaited: another conversation may note its refusal then.
            let known = refusal.borrow().clone();
            if let Some(refusal) = known.filter(|_| !stood) {
                return Err(refusal);
            }
            let session = transcript.connect().await?;
            stood = true;
            Ok(Session::Transcript(session))
        };
        async move { Done::Transcript(index, self.follow(&name, connect).await) }.boxed_local()
    }

    /// The library's own 128 KiB a socket would take 211 MiB for a thousand conversations (measured).
    fn socket_limits(&self) -> SocketLimits {
        let limits = self.config.connection.socket;
        let share = (READ_BUFFERS / self.config.conversations.len().max(1)).max(LEAST_READ);
        SocketLimits { read_buffer: limits.read_buffer.min(share), ..limits }
    }

    /// Follows everything that the notifications are about.
    fn notified<'a>(&'a self, notifications: &'a Notifications) -> LocalBoxFuture<'a, Done> {
        let connect = async || notifications.connect().await.map(Session::Notifications);
        async move { Done::Notifications(self.follow("", connect).await) }.boxed_local()
    }

    async fn follow<C>(&self, name: &str, connect: C) -> Result<Outcome, Failure>
    where
        C: AsyncFnMut() -> Result<Session<Upgraded>, SourceError>,
    {
        let persistence =
            RetryPolicy { retries: self.config.connection.retries, follow: self.config.connection.follow };
        let status = self.status_line.add_connection();
        let ledger = Rc::clone(&self.ledger);
        follow((name, &status), connect, persistence, (self.delivery, ledger), self.stop).await
    }

    /// What stands before the status lines of a conversation, where there are several.
    fn name(&self, id: &str) -> Option<String> {
        self.prefixes.label(id)
    }
}

impl Ended {
    /// Takes the end of one conversation. Its failure is reported at once where there are others, which go on.
    fn note(&mut self, result: Result<Outcome, Failure>, name: Option<&str>) {
        match result {
            Ok(outcome) => self.outcome = Some(outcome),
            Err(failure) => {
                if let Some(name) = name {
                    tracing::error!("{name}{failure}; {}", failure.cause().hint());
                }
                self.failures.push(failure);
            }
        }
    }

    /// Takes the end of the notifications. Refusals of single conversations were reported as they happened.
    fn note_all(&mut self, result: Result<Outcome, Failure>, notifications: &Notifications) {
        let refused = notifications.take_refused();
        let known = |failure: &Failure| refused.iter().any(|refused| refused == failure.cause());
        match result {
            Err(failure) if known(&failure) => {}
            Err(failure) => {
                let others = notifications.followed().saturating_sub(1);
                self.failures.extend(std::iter::repeat_n(failure.clone(), others));
                self.note(Err(failure), (self.all > 1).then_some(""));
            }
            result => self.note(result, (self.all > 1).then_some("")),
        }
        self.failures.extend(refused.into_iter().map(Failure::Refused));
    }

    fn into_result(mut self) -> Result<(), Error> {
        let failed = self.failures.len();
        match (failed, self.all) {
            (0, _) => Ok(()),
            (_, 1) => Err(Error::Tail(Box::new(self.failures.remove(0)))),
            (_, all) => Err(Error::Tails { failed: failed.min(all), all, first: Box::new(self.failures.remove(0)) }),
        }
    }
}

/// The cursor, and what it knows of earlier runs.
fn opened(config: &Config) -> Result<Option<(Dedup, CursorFile)>, Error> {
    let Some(path) = &config.cursor else { return Ok(None) };
    let Config { conversations, targets, history, .. } = config;
    let Targets { queues, users } = targets;
    let cursor = cursor::open(path, FollowedTargets { conversations, queues, users, since: history.since })?;
    let dedup = Dedup::resumed(cursor.fingerprint_key(), cursor.earlier_deliveries());
    tracing::debug!(
        "going on after what {} says was delivered; -n and --since are for what it does not know",
        path.display()
    );
    Ok(Some((dedup, cursor)))
}

/// Says that the transcript socket is not what this organisation has, the first time.
fn say_move(known: &mut Option<SourceError>, refusal: &SourceError) {
    if known.is_none() {
        let status = refusal.handshake_status().map_or_else(String::new, |status| format!(" ({status})"));
        tracing::info!("there is no transcript socket here{status}; using notifications");
        *known = Some(refusal.clone());
    }
}

fn in_words(outcome: Outcome, follow: bool) -> &'static str {
    match outcome {
        Outcome::Closed if !follow => "that is all so far",
        Outcome::Closed => "conversation ended",
        Outcome::Ended => "the server has ended the connection",
        Outcome::Stopped => "stopped",
    }
}

fn tell(ended: &str, lines: u64, counts: &Counts) {
    let Counts { repeats, malformed, unknown, gaps, reconnects, recovered, .. } = *counts;
    let mut more = String::new();
    for (number, noun, ending) in [
        (repeats, "repeat", " hidden"),
        (recovered, "missed message", " fetched"),
        (reconnects, "reconnect", ""),
        (gaps, "gap", ""),
        (malformed, "frame", " that could not be read"),
    ] {
        if number > 0 {
            let _ = write!(more, ", {}{ending}", count(number, noun));
        }
    }
    let printed = count(lines, "line");
    tracing::info!(lines, repeats, recovered, malformed, unknown, gaps, reconnects, "{ended}: {printed}{more}");
}
