//! Keeps the tail of one conversation alive: one function decides, another runs a single connection and says why it
//! ended. Nothing here knows what a token or a socket is.

mod connection;
mod retry;
mod tail;

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::connection::{Connection, Shared};
use self::retry::RetryState;
use self::tail::{ConnectionEnd, Tail};
use crate::config::Retries;
use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::sink::Delivery;
use crate::plural::count;
use crate::source::{Outage, Session, SourceError};
use crate::status::connection_status::ConnectionStatus;

/// How hard to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
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
    #[error("gave up after {} in a row: {last}", count(*.attempts, "attempt"))]
    GaveUp { attempts: u32, last: SourceError },
}

impl Failure {
    /// The same where the transcript socket was refused before it. Giving up is no refusal.
    pub(crate) fn after(self, before: Option<&SourceError>) -> Self {
        match (self, before) {
            (Self::Refused(error), Some(before)) => Self::Refused(error.with_transcript_refusal(before.clone())),
            (failure, _) => failure,
        }
    }

    /// What went wrong.
    pub(crate) fn cause(&self) -> &SourceError {
        match self {
            Self::Refused(error) | Self::GaveUp { last: error, .. } => error,
        }
    }
}

/// Follows what a source brings until it is over, cannot be followed, or `stop` is cancelled; then everything that was read
/// has been handed to the output.
///
/// `connect` opens a session. It is called again after every loss, and beside a living session when that one is due
/// for renewal. `name` stands before every status line, and is empty where nothing has to be told apart. The status of the
/// connection is published on `status`. The `ledger` is the one that the source looks into.
///
/// # Errors
///
/// The last trouble, when it is final or the attempts are used up. It was not reported yet.
pub(crate) async fn follow<T, C>(
    (name, status): (&str, &watch::Sender<ConnectionStatus>),
    mut connect: C,
    persistence: RetryPolicy,
    (delivery, ledger): (&RefCell<Delivery>, Rc<RefCell<Dedup>>),
    stop: &CancellationToken,
) -> Result<Outcome, Failure>
where
    T: AsyncRead + AsyncWrite + Unpin,
    C: AsyncFnMut() -> Result<Session<T>, SourceError>,
{
    let shared = Shared::new(delivery, ledger, status);
    let mut trying = RetryState::new((name, status), persistence);
    let mut lost: Option<Outage> = None;
    loop {
        status.send_modify(ConnectionStatus::start_attempt);
        let Some(opened) = stop.run_until_cancelled(connect()).await else { return Ok(Outcome::Stopped) };
        let error = match opened {
            Ok(mut session) => {
                trying.connected(session.peer(), lost.as_ref().map(|loss| loss.last_activity));
                status.send_replace(ConnectionStatus::connected(session.life()));
                let tally = shared.opened(&mut session, lost.take());
                let tail = Tail { name, shared: &shared, goes_on: persistence.follow, stop };
                match tail.run(Connection::new(session, tally), &mut connect).await {
                    ConnectionEnd::Closed => return Ok(Outcome::Closed),
                    ConnectionEnd::Stopped => return Ok(Outcome::Stopped),
                    ConnectionEnd::Lost { error, last_activity, fruitful } => {
                        if fruitful {
                            trying.start_over();
                        }
                        lost = Some(Outage { last_activity, reason: error.to_string() });
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

impl Shared<'_> {
    /// Notes a new connection; what was missed before it comes before its first line.
    fn opened<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        session: &mut Session<T>,
        lost: Option<Outage>,
    ) -> OccurrenceCounter {
        let mut delivery = self.delivery.borrow_mut();
        if let Some(loss) = lost {
            delivery.counts.reconnects += 1;
            session.resume(&loss);
        }
        delivery.opened()
    }
}

#[cfg(test)]
mod tests;
