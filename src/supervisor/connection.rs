//! One connection, and those that take its place in time, until the end; then the graceful close.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::reader::{Progress, Reader};
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
    /// The connection was lost. It `was_productive` if it was open for 10 s or delivered a new event.
    Lost { error: SourceError, last_activity: DateTime<Utc>, was_productive: bool },
}

/// Delivers what an open source yields until the connection ends, and closes it.
pub(super) async fn follow_connection<T>(source: &mut Source<'_, T>, supervision: Supervision<'_>) -> ConnectionEnd
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = Reader::new(source, supervision);
    let end = loop {
        tokio::select! {
            biased;
            () = supervision.stop.cancelled() => {
                stop(&mut reader).await;
                break ConnectionEnd::Finished(Outcome::Stopped);
            }
            progress = reader.advance() => match progress {
                Ok(Progress::More | Progress::Renewed) => {}
                Ok(Progress::Finished) => break finish(&mut reader, supervision).await,
                Err(error) => break lose(&mut reader, error, supervision).await,
            }
        }
    };
    supervision.status.send_replace(ConnectionStatus::Idle);
    reader.flush();
    reader.source.disconnect();
    end
}

/// Closes the connection because the user stops the program.
async fn stop<T: AsyncRead + AsyncWrite + Unpin>(reader: &mut Reader<'_, '_, T>) {
    reader.source.close().await;
    drain(reader, INTERRUPT_TIMEOUT).await;
}

/// Closes the connection after the end of the conversation. Frames in flight and missing bodies are still delivered, unless
/// the user stops the program.
async fn finish<T: AsyncRead + AsyncWrite + Unpin>(
    reader: &mut Reader<'_, '_, T>,
    supervision: Supervision<'_>,
) -> ConnectionEnd {
    supervision.status.send_replace(ConnectionStatus::Idle);
    let source = &reader.source;
    let is_refused = source.has_refusals() && !source.has_ended_conversations() && source.conversation_count() == 0;
    let orderly = async {
        if !reader.source.drains_after_end() || !drain(reader, CLOSE_TIMEOUT).await {
            reader.source.close().await;
            drain(reader, CLOSE_TIMEOUT).await;
        }
        await_pending_bodies(reader).await;
    };
    if supervision.stop.run_until_cancelled(orderly).await.is_none() {
        reader.source.close().await;
    }
    ConnectionEnd::Finished(if is_refused { Outcome::AllRefused } else { Outcome::Closed })
}

/// Answers the loss of the connection. If the server has closed it for good, missing bodies are still delivered.
async fn lose<T: AsyncRead + AsyncWrite + Unpin>(
    reader: &mut Reader<'_, '_, T>,
    error: SourceError,
    supervision: Supervision<'_>,
) -> ConnectionEnd {
    supervision.status.send_replace(ConnectionStatus::Idle);
    reader.source.send_close_for(&error).await;
    if error.retry() == Retry::ClosedByServer && !supervision.policy.reconnect_after_close {
        supervision.stop.run_until_cancelled(await_pending_bodies(reader)).await;
    }
    let last_activity = reader.source.last_activity();
    ConnectionEnd::Lost { error, last_activity, was_productive: reader.was_productive() }
}

/// Delivers the messages whose bodies are missing: no later run will ask for them. A body that does not arrive in time was
/// delivered as missing.
async fn await_pending_bodies<T: AsyncRead + AsyncWrite + Unpin>(reader: &mut Reader<'_, '_, T>) {
    let all = async { while reader.advance_pending().await {} };
    let _ = timeout(PENDING_BODIES_TIMEOUT, all).await;
}

/// Delivers what still arrives. Returns whether the server has closed the connection within `limit`.
async fn drain<T: AsyncRead + AsyncWrite + Unpin>(reader: &mut Reader<'_, '_, T>, limit: Duration) -> bool {
    let closed = timeout(limit, async {
        loop {
            if let Err(error) = reader.advance().await {
                break error;
            }
        }
    });
    match closed.await {
        Ok(error) => {
            reader.source.send_close_for(&error).await;
            true
        }
        Err(_) => false,
    }
}
