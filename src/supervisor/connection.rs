//! One connection, and those that take its place in time, until the end; then the graceful close.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::announcement::Announcement;
use super::pump::{EventPump, Progress};
use super::{Outcome, Supervision};
use crate::source::{Retry, Source, SourceError};
use crate::status::connection_status::ConnectionStatus;

/// The time limit for reading frames in flight after the end of the conversation, and again after the close frame (SRC-19).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time limit for missing bodies after the end: the timeout of a body and a second more.
const PENDING_BODIES_TIMEOUT: Duration = Duration::from_secs(61);

/// The time limit for the answer to the close frame when the user stops the program (CONN-46).
const INTERRUPT_TIMEOUT: Duration = Duration::from_millis(500);

/// The end of a connection.
pub(super) enum ConnectionEnd {
    /// Nothing more is to be read.
    Finished(Outcome),
    /// The connection was lost.
    Lost(LostConnection),
}

/// A connection that was lost.
pub(super) struct LostConnection {
    pub(super) error: SourceError,
    pub(super) last_activity: DateTime<Utc>,
    /// The server had accepted it, which was logged.
    pub(super) was_accepted: bool,
    /// It was open for 10 s or delivered a new event.
    pub(super) was_productive: bool,
}

/// Delivers what an open source yields until the connection ends, and closes it.
pub(super) async fn follow_connection<T>(
    source: &mut Source<'_, T>,
    supervision: Supervision<'_>,
    announcement: Announcement<'_>,
) -> ConnectionEnd
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut pump = EventPump::new(source, supervision, announcement);
    let end = loop {
        tokio::select! {
            biased;
            () = supervision.stop.cancelled() => {
                stop(&mut pump).await;
                break ConnectionEnd::Finished(Outcome::Stopped);
            }
            progress = pump.advance() => match progress {
                Ok(Progress::More | Progress::Renewed) => {}
                Ok(Progress::Finished) => break finish(&mut pump, supervision).await,
                Err(error) => break on_lost(&mut pump, error, supervision).await,
            }
        }
    };
    supervision.status.report(ConnectionStatus::Idle);
    pump.flush();
    pump.source.disconnect();
    end
}

/// Closes the connection because the user stops the program.
async fn stop<T: AsyncRead + AsyncWrite + Unpin>(pump: &mut EventPump<'_, '_, T>) {
    pump.source.close().await;
    drain(pump, INTERRUPT_TIMEOUT).await;
}

/// Closes the connection after the end of the conversation. Frames in flight and missing bodies are still delivered, unless
/// the user stops the program.
async fn finish<T: AsyncRead + AsyncWrite + Unpin>(
    pump: &mut EventPump<'_, '_, T>,
    supervision: Supervision<'_>,
) -> ConnectionEnd {
    supervision.status.report(ConnectionStatus::Idle);
    let source = &pump.source;
    let is_refused = source.has_refusals() && !source.has_ended_conversations() && source.conversation_count() == 0;
    let orderly = async {
        if !pump.source.drains_after_end() || !drain(pump, CLOSE_TIMEOUT).await {
            pump.source.close().await;
            drain(pump, CLOSE_TIMEOUT).await;
        }
        await_pending_bodies(pump).await;
    };
    if supervision.stop.run_until_cancelled(orderly).await.is_none() {
        pump.source.close().await;
    }
    ConnectionEnd::Finished(if is_refused { Outcome::AllRefused } else { Outcome::Closed })
}

/// Handles the loss of the connection. If the server has closed it for good, pending bodies are still delivered.
async fn on_lost<T: AsyncRead + AsyncWrite + Unpin>(
    pump: &mut EventPump<'_, '_, T>,
    error: SourceError,
    supervision: Supervision<'_>,
) -> ConnectionEnd {
    supervision.status.report(ConnectionStatus::Idle);
    pump.source.send_close_for(&error).await;
    if error.retry(true) == Retry::ClosedByServer && !supervision.policy.reconnect_after_close {
        supervision.stop.run_until_cancelled(await_pending_bodies(pump)).await;
    }
    let last_activity = pump.source.last_activity();
    let (was_accepted, was_productive) = (pump.was_accepted(), pump.was_productive());
    ConnectionEnd::Lost(LostConnection { error, last_activity, was_accepted, was_productive })
}

/// Delivers messages whose bodies are pending. A body that is late is delivered as not available.
async fn await_pending_bodies<T: AsyncRead + AsyncWrite + Unpin>(pump: &mut EventPump<'_, '_, T>) {
    let all = async { while pump.advance_pending().await {} };
    let _ = timeout(PENDING_BODIES_TIMEOUT, all).await;
}

/// Delivers what still arrives. Returns whether the server has closed the connection within `limit`.
async fn drain<T: AsyncRead + AsyncWrite + Unpin>(pump: &mut EventPump<'_, '_, T>, limit: Duration) -> bool {
    let closed = timeout(limit, async {
        loop {
            if let Err(error) = pump.advance().await {
                break error;
            }
        }
    });
    match closed.await {
        Ok(error) => {
            pump.source.send_close_for(&error).await;
            true
        }
        Err(_) => false,
    }
}
