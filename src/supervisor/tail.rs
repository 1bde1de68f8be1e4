//! The tail over one connection, and over those that take its place before it is given up.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Progress, Shared};
use crate::backoff::Backoff;
use crate::source::{Retry, Session, SourceError};
use crate::status::connection_status::ConnectionStatus;

/// How long to read what is in flight after the end of the conversation, and then again to wait for the answer to our
/// close.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// How long words that the service has not given away yet are waited for after the end.
const LAST_WORDS: Duration = Duration::from_secs(61);

/// The same when the user is waiting for us to leave.
const HASTY_WAIT: Duration = Duration::from_millis(500);

/// Why the tail over one connection, and over those that took its place in time, has ended.
pub(super) enum ConnectionEnd {
    /// The conversation is over.
    Closed,
    /// The user wants to leave.
    Stopped,
    /// `fruitful` when the connection was worth something: up for a while, or with news.
    Lost { error: SourceError, last_activity: DateTime<Utc>, fruitful: bool },
}

/// Why a phase of a tail has ended, other than by its purpose.
enum Interrupt {
    Closed,
    Stopped,
    Lost(SourceError),
}

/// What the tail over one connection needs besides the connection.
pub(super) struct Tail<'a> {
    /// What stands before every status line.
    pub(super) name: &'a str,
    /// Where arrivals go.
    pub(super) shared: &'a Shared<'a>,
    /// Whether an orderly end of the connection is not the end of the tail.
    pub(super) goes_on: bool,
    /// Cancelled when the user wants to leave.
    pub(super) stop: &'a CancellationToken,
}

impl Tail<'_> {
    /// Reads a connection to its end. When it is due for renewal, the next one is opened before it is given up.
    pub(super) async fn run<T, C>(&self, mut connection: Connection<T>, connect: &mut C) -> ConnectionEnd
    where
        T: AsyncRead + AsyncWrite + Unpin,
        C: AsyncFnMut() -> Result<Session<T>, SourceError>,
    {
        loop {
            let ended = match self.steady(&mut connection).await {
                Ok(()) => match self.renew(&mut connection, connect).await {
                    Ok(successor) => {
                        let old = std::mem::replace(&mut connection, successor);
                        connection.news |= old.is_fruitful();
                        self.shared.status.send_replace(ConnectionStatus::connected(connection.session.life()));
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
    async fn steady<T: AsyncRead + AsyncWrite + Unpin>(&self, connection: &mut Connection<T>) -> Result<(), Interrupt> {
        loop {
            let renew_at = connection.renew_at();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Interrupt::Stopped),
                () = due(renew_at) => return Ok(()),
                heard = connection.advance(self.shared) => proceed(heard)?,
            }
        }
    }

    /// Opens the next connection while reading this one. An attempt that fails costs nothing but time.
    async fn renew<T, C>(&self, connection: &mut Connection<T>, connect: &mut C) -> Result<Connection<T>, Interrupt>
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
                    () = self.stop.cancelled() => return Err(Interrupt::Stopped),
                    opened = &mut connecting => break opened,
                    heard = connection.advance(self.shared) => proceed(heard)?,
                }
            };
            match opened {
                Ok(session) => return Ok(Connection::new(session, self.shared.delivery.borrow_mut().opened())),
                Err(error) => {
                    let wish = match error.retry() {
                        Retry::After(wish) => wish,
                        _ => None,
                    };
                    let delay = backoff.delay(attempt, wish);
                    attempt += 1;
                    tracing::warn!("{}cannot renew the connection yet: {error}", self.name);
                    connection.not_before = Some(Instant::now() + delay);
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
    ) -> Result<(), Interrupt> {
        tracing::debug!("{}moved to a new connection", self.name);
        old.session.close().await;
        let mut deadline = Instant::now() + LAST_WAIT;
        loop {
            // What the reader has no room for is still in the old connection; then the clock rests.
            let behind = self.shared.delivery.borrow().output.is_over_limit();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Interrupt::Stopped),
                () = sleep_until(deadline), if !behind => return Ok(()),
                heard = old.advance(self.shared) => match heard {
                    Ok(Progress::More) => {}
                    Ok(Progress::Closed) => return Err(Interrupt::Closed),
                    Err(_) => return Ok(()),
                },
                heard = new.advance(self.shared) => proceed(heard)?,
            }
            if behind {
                deadline = Instant::now() + LAST_WAIT;
            }
        }
    }

    /// Leaves a connection as it deserves.
    async fn end<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut connection: Connection<T>,
        ended: Interrupt,
    ) -> ConnectionEnd {
        self.shared.status.send_replace(ConnectionStatus::Idle);
        let tailed = match ended {
            Interrupt::Closed => {
                let orderly = async {
                    if !connection.session.lingers() || self.read_on(&mut connection, LAST_WAIT).await {
                        connection.session.close().await;
                        self.read_on(&mut connection, LAST_WAIT).await;
                    }
                    self.settle(&mut connection).await;
                };
                if self.stop.run_until_cancelled(orderly).await.is_none() {
                    connection.session.close().await;
                }
                ConnectionEnd::Closed
            }
            Interrupt::Stopped => {
                connection.session.close().await;
                self.read_on(&mut connection, HASTY_WAIT).await;
                ConnectionEnd::Stopped
            }
            Interrupt::Lost(error) => {
                connection.session.bury(&error).await;
                if error.retry() == Retry::ClosedByServer && !self.goes_on {
                    self.stop.run_until_cancelled(self.settle(&mut connection)).await;
                }
                let last_activity = connection.session.last_activity();
                ConnectionEnd::Lost { error, last_activity, fruitful: connection.is_fruitful() }
            }
        };
        self.shared.delivery.borrow_mut().flush();
        tailed
    }

    /// Waits for what was said and lacks its words yet, since nobody will ask for it any more.
    async fn settle<T: AsyncRead + AsyncWrite + Unpin>(&self, connection: &mut Connection<T>) {
        let everything = async { while connection.settle(self.shared).await {} };
        // What has not come by then was told without words.
        let _ = timeout(LAST_WORDS, everything).await;
    }

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

fn proceed(heard: Result<Progress, SourceError>) -> Result<(), Interrupt> {
    match heard {
        Ok(Progress::More) => Ok(()),
        Ok(Progress::Closed) => Err(Interrupt::Closed),
        Err(error) => Err(Interrupt::Lost(error)),
    }
}
