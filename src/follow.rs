//! Keeps the tail of one conversation alive: one function decides, another runs a single connection and says why it
//! ended. Nothing here knows what a token or a socket is.

use std::cell::RefCell;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::config::Retries;
use crate::connection::{Connection, Heard, Shared};
use crate::delivery::Delivery;
use crate::event::Gap;
use crate::ledger::{Ledger, Tally};
use crate::source::{Recovery, Session, SourceError};

/// A connection that stayed up this long is a success: the next loss is the first in a row again.
const CALM: Duration = Duration::from_secs(10);

/// How long to read what is in flight after the end of the conversation, and then again to wait for the answer to our
/// close.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// The same when the user is waiting for us to leave.
const HASTY_WAIT: Duration = Duration::from_millis(500);

/// How hard to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Persistence {
    /// How often in a row.
    pub(crate) retries: Retries,
    /// Whether to go on after the server has closed in an orderly way.
    pub(crate) follow: bool,
}

/// How a tail ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The conversation is over.
    Closed,
    /// The server has ended the connection in an orderly way.
    Ended,
    /// We were asked to stop.
    Stopped,
}

/// How a tail failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A refusal that trying again cannot change.
    #[error("{0}")]
    Refused(SourceError),
    /// Too many attempts in a row.
    #[error("gave up after {attempts} attempts in a row: {last}")]
    GaveUp { attempts: u32, last: SourceError },
}

/// Follows one conversation until it is over, cannot be followed, or `stop` is cancelled; then everything that was read
/// has been handed to the output.
///
/// `connect` opens a session. It is called again after every loss, and beside a living session when that one is due
/// for renewal. `name` stands before every status line, and is empty where there is only one conversation.
///
/// # Errors
///
/// The last trouble, when it is final or the attempts are used up. It was not reported yet.
pub(crate) async fn follow<T, C>(
    conversation: &str,
    name: &str,
    mut connect: C,
    persistence: Persistence,
    delivery: &RefCell<Delivery>,
    stop: &CancellationToken,
) -> Result<Outcome, Failure>
where
    T: AsyncRead + AsyncWrite + Unpin,
    C: AsyncFnMut() -> Result<Session<T>, SourceError>,
{
    let shared = Shared { delivery, ledger: RefCell::new(Ledger::default()) };
    let mut trying = Trying { name, persistence, backoff: Backoff::new(), failures: 0, connected_before: false };
    let mut lost: Option<Loss> = None;
    loop {
        let Some(opened) = stop.run_until_cancelled(connect()).await else { return Ok(Outcome::Stopped) };
        let error = match opened {
            Ok(session) => {
                trying.connected(&session.peer, lost.as_ref());
                let tally = shared.opened(conversation, lost.take());
                let tail = Tail { name, shared: &shared, stop };
                match tail.run(Connection::new(session, tally), &mut connect).await {
                    Tailed::Closed => return Ok(Outcome::Closed),
                    Tailed::Stopped => return Ok(Outcome::Stopped),
                    Tailed::Lost { error, last_sign, fruitful } => {
                        trying.failures = if fruitful { 0 } else { trying.failures };
                        lost = Some(Loss { last_sign, reason: error.to_string() });
                        error
                    }
                }
            }
            Err(error) => error,
        };
        let Some(delay) = trying.next_delay(error)? else { return Ok(Outcome::Ended) };
        if stop.run_until_cancelled(sleep(delay)).await.is_none() {
            return Ok(Outcome::Stopped);
        }
    }
}

/// A connection that was lost.
#[derive(Debug, Clone)]
struct Loss {
    last_sign: DateTime<Utc>,
    reason: String,
}

impl Shared<'_> {
    /// Notes a new connection, and before its first line what was missed before it.
    fn opened(&self, conversation: &str, lost: Option<Loss>) -> Tally {
        let mut delivery = self.delivery.borrow_mut();
        if let Some(Loss { last_sign, reason }) = lost {
            delivery.counts.reconnects += 1;
            delivery.gap(conversation, Gap { from: last_sign, to: Utc::now(), reason });
        }
        delivery.flush();
        delivery.opened()
    }
}

/// The count of attempts, and what follows from it.
struct Trying<'a> {
    name: &'a str,
    persistence: Persistence,
    backoff: Backoff,
    failures: u32,
    connected_before: bool,
}

impl Trying<'_> {
    fn connected(&mut self, peer: &str, lost: Option<&Loss>) {
        let name = self.name;
        self.connected_before = true;
        match lost {
            None => tracing::info!(peer, "{name}connected to {peer}"),
            Some(Loss { last_sign, .. }) => {
                let seconds = (Utc::now() - last_sign).num_seconds().max(0);
                tracing::info!(peer, seconds, "{name}reconnected to {peer} after {seconds} s");
            }
        }
    }

    /// How long to wait before the next attempt; `None` when there is nothing left to attempt.
    fn next_delay(&mut self, error: SourceError) -> Result<Option<Duration>, Failure> {
        let wish = match error.recovery() {
            Recovery::GiveUp => return Err(Failure::Refused(error)),
            Recovery::GiveUpAtFirst if !self.connected_before => return Err(Failure::Refused(error)),
            Recovery::Over if !self.persistence.follow => return Ok(None),
            Recovery::AtOnce => {
                tracing::warn!("{}{error}; reconnecting", self.name);
                return Ok(Some(Duration::ZERO));
            }
            Recovery::Retry { wish } => wish,
            Recovery::Over | Recovery::GiveUpAtFirst => None,
        };
        let of = match self.persistence.retries {
            Retries::Limited(most) if self.failures >= most => {
                return Err(Failure::GaveUp { attempts: self.failures.saturating_add(1), last: error });
            }
            Retries::Limited(most) => format!(" of {most}"),
            Retries::Unlimited => String::new(),
        };
        let delay = self.backoff.delay(self.failures, wish);
        self.failures = self.failures.saturating_add(1);
        let (name, retry, seconds) = (self.name, self.failures, delay.as_secs_f64());
        tracing::warn!(retry, seconds, "{name}{error}; retry {retry}{of} in {seconds:.1} s");
        Ok(Some(delay))
    }
}

/// Why the tail over one connection, and over those that took its place in time, has ended.
enum Tailed {
    Closed,
    Stopped,
    /// `fruitful` when the connection was worth something: up for a while, or with news.
    Lost {
        error: SourceError,
        last_sign: DateTime<Utc>,
        fruitful: bool,
    },
}

/// Why a phase of a tail has ended, other than by its purpose.
enum Break {
    Closed,
    Stopped,
    Lost(SourceError),
}

struct Tail<'a> {
    name: &'a str,
    shared: &'a Shared<'a>,
    stop: &'a CancellationToken,
}

impl Tail<'_> {
    /// Reads a connection to its end. When it is due for renewal, the next one is opened before it is given up.
    async fn run<T, C>(&self, mut connection: Connection<T>, connect: &mut C) -> Tailed
    where
        T: AsyncRead + AsyncWrite + Unpin,
        C: AsyncFnMut() -> Result<Session<T>, SourceError>,
    {
        loop {
            let ended = match self.steady(&mut connection).await {
                Ok(()) => match self.renew(&mut connection, connect).await {
                    Ok(successor) => {
                        let old = std::mem::replace(&mut connection, successor);
                        self.hand_over(old, &mut connection).await.err()
                    }
                    Err(ended) => Some(ended),
                },
                Err(ended) => Some(ended),
            };
            if let Some(ended) = ended {
                return self.end(connection, ended).await;
            }
        }
    }

    /// Reads until the connection is due for renewal.
    async fn steady<T: AsyncRead + AsyncWrite + Unpin>(&self, connection: &mut Connection<T>) -> Result<(), Break> {
        loop {
            let renew_at = connection.renew_at;
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Break::Stopped),
                () = due(renew_at) => return Ok(()),
                heard = connection.advance(self.shared) => proceed(heard)?,
            }
        }
    }

    /// Opens the next connection while reading this one. An attempt that fails costs nothing but time.
    async fn renew<T, C>(&self, connection: &mut Connection<T>, connect: &mut C) -> Result<Connection<T>, Break>
    where
        T: AsyncRead + AsyncWrite + Unpin,
        C: AsyncFnMut() -> Result<Session<T>, SourceError>,
    {
        let mut backoff = Backoff::new();
        let mut attempt = 0;
        loop {
            let mut connecting = std::pin::pin!(connect());
            let opened = loop {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Err(Break::Stopped),
                    opened = &mut connecting => break opened,
                    heard = connection.advance(self.shared) => proceed(heard)?,
                }
            };
            match opened {
                Ok(session) => return Ok(Connection::new(session, self.shared.delivery.borrow_mut().opened())),
                Err(error) => {
                    let wish = match error.recovery() {
                        Recovery::Retry { wish } => wish,
                        _ => None,
                    };
                    let delay = backoff.delay(attempt, wish);
                    attempt += 1;
                    tracing::warn!("{}cannot renew the connection yet: {error}", self.name);
                    connection.renew_at = Some(Instant::now() + delay);
                    self.steady(connection).await?;
                }
            }
        }
    }

    /// Closes the old connection and reads it to its end, and the new one beside it.
    async fn hand_over<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut old: Connection<T>,
        new: &mut Connection<T>,
    ) -> Result<(), Break> {
        tracing::debug!("{}moved to a new connection", self.name);
        old.session.close().await;
        let deadline = Instant::now() + LAST_WAIT;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Break::Stopped),
                () = sleep_until(deadline) => return Ok(()),
                heard = old.advance(self.shared) => match heard {
                    Ok(Heard::More) => {}
                    Ok(Heard::Closed) => return Err(Break::Closed),
                    Err(_) => return Ok(()),
                },
                heard = new.advance(self.shared) => proceed(heard)?,
            }
        }
    }

    /// Leaves a connection as it deserves.
    async fn end<T: AsyncRead + AsyncWrite + Unpin>(&self, mut connection: Connection<T>, ended: Break) -> Tailed {
        let tailed = match ended {
            Break::Closed => {
                if self.read_on(&mut connection, LAST_WAIT).await {
                    connection.session.close().await;
                    self.read_on(&mut connection, LAST_WAIT).await;
                }
                Tailed::Closed
            }
            Break::Stopped => {
                connection.session.close().await;
                self.read_on(&mut connection, HASTY_WAIT).await;
                Tailed::Stopped
            }
            Break::Lost(error) => {
                connection.session.bury(&error).await;
                let last_sign = connection.session.heard_at();
                let fruitful = connection.news || connection.opened.elapsed() >= CALM;
                Tailed::Lost { error, last_sign, fruitful }
            }
        };
        self.shared.delivery.borrow_mut().flush();
        tailed
    }
}

impl Tail<'_> {
    /// Reads what still comes, for a while. Whether the connection stands after that.
    async fn read_on<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<T>,
        limit: Duration,
    ) -> bool {
        let ending = timeout(limit, async {
            loop {
                if let Err(error) = connection.advance(self.shared).await {
                    break error;
                }
            }
        });
        match ending.await {
            Ok(error) => {
                connection.session.bury(&error).await;
                false
            }
            Err(_) => true,
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn proceed(heard: Result<Heard, SourceError>) -> Result<(), Break> {
    match heard {
        Ok(Heard::More) => Ok(()),
        Ok(Heard::Closed) => Err(Break::Closed),
        Err(error) => Err(Break::Lost(error)),
    }
}
