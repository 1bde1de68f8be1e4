//! Where events come from.

mod error;
pub(crate) mod notifications;
pub(crate) mod transcript;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

pub(crate) use self::error::{Retry, SourceError};
use self::notifications::NotificationSession;
use self::transcript::TranscriptSession;
use crate::api::websocket::LastActivity;
use crate::event::{EventBody, RawFrame, TranscriptEvent};

/// Something that came over a connection.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// The conversation it belongs to; empty for what belongs to all.
    pub(crate) conversation: &'a str,
    /// When it came.
    pub(crate) received: DateTime<Utc>,
    /// The frame as received; `None` for what came otherwise.
    pub(crate) raw: Option<RawFrame<'a>>,
    /// What it means.
    pub(crate) meaning: ItemKind<'a>,
    /// Whether nothing more is to be expected after it.
    pub(crate) last: bool,
}

/// What an arrival means.
#[derive(Debug, PartialEq)]
pub(crate) enum ItemKind<'a> {
    /// An event of the transcript.
    Event(TranscriptEvent<'a>),
    /// Events that were read afterwards, in order, and why they were.
    History(Vec<TimedEvent>, BackfillReason),
    /// A sign of life, or an answer to ours: no more than that.
    Keepalive,
    /// Something that leads to events, but is none.
    Hint,
    /// A frame with another name, or none: not for the reader.
    Ignored(std::borrow::Cow<'a, str>),
    /// A frame that cannot be read; the reason.
    Malformed(std::borrow::Cow<'static, str>),
}

/// Why something is read afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackfillReason {
    /// It was said before the program was started.
    Startup,
    /// It was said before a conversation that began meanwhile was noticed.
    Joined,
    /// It was said in a time without a connection.
    Outage,
}

/// What happened, as far as it did not come in a frame of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimedEvent {
    /// When, by the clock of the service.
    pub(crate) at: Option<DateTime<Utc>>,
    /// What.
    pub(crate) body: EventBody<'static>,
}

impl TimedEvent {
    /// When it came to us. A gap is over when it is measured, also where it is told a moment later.
    fn received(&self) -> DateTime<Utc> {
        match &self.body {
            EventBody::Gap(gap) => gap.to,
            _ => Utc::now(),
        }
    }
}

/// A connection that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The last sign of life, by the wall clock.
    pub(crate) last_activity: DateTime<Utc>,
    /// Why it was lost, in the words of the status line.
    pub(crate) reason: String,
}

/// An open connection, on one wire or the other.
#[derive(Debug)]
pub(crate) enum Session<T> {
    /// The transcript socket of one conversation.
    Transcript(TranscriptSession<T>),
    /// The notification socket of all of them.
    Notifications(NotificationSession<T>),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Session<T> {
    /// Where it leads, for the reader.
    pub(crate) fn peer(&self) -> &str {
        match self {
            Self::Transcript(session) => session.peer(),
            Self::Notifications(session) => session.peer(),
        }
    }

    /// Says that this is the first session after a loss: what was missed is to be read, or a gap to be told.
    pub(crate) fn resume(&mut self, loss: &Outage) {
        match self {
            Self::Transcript(session) => session.resume(loss),
            Self::Notifications(session) => session.resume(loss),
        }
    }

    /// When the next session should be opened beside this one, because this one will end.
    pub(crate) fn renew_at(&self) -> Option<Instant> {
        match self {
            Self::Transcript(session) => session.renew_at(),
            Self::Notifications(session) => session.renew_at(),
        }
    }

    /// The last sign of life of the other end, by the wall clock.
    pub(crate) fn last_activity(&self) -> DateTime<Utc> {
        match self {
            Self::Transcript(session) => session.last_activity(),
            Self::Notifications(session) => session.last_activity(),
        }
    }

    /// Where the time of that is to be seen while the session lives, by the clock that nobody sets; `None` where there is
    /// no socket.
    pub(crate) fn life(&self) -> Option<LastActivity> {
        match self {
            Self::Transcript(session) => Some(session.life()),
            Self::Notifications(session) => session.life(),
        }
    }

    /// Whether what is in flight after the end of the conversation is to be read, rather than known to be nothing.
    pub(crate) fn lingers(&self) -> bool {
        matches!(self, Self::Transcript(_))
    }

    /// What is there already, without waiting.
    pub(crate) fn ready(&mut self) -> Option<Result<Item<'_>, SourceError>> {
        match self {
            Self::Transcript(session) => session.ready(),
            Self::Notifications(session) => session.ready(),
        }
    }

    /// What comes next.
    ///
    /// # Errors
    ///
    /// When the connection has ended; it is of no use after that. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Item<'_>, SourceError> {
        match self {
            Self::Transcript(session) => session.next().await,
            Self::Notifications(session) => session.next().await,
        }
    }

    /// The next of what was said already and could not be told yet, after the end; `None` when nothing is missing. Cancel
    /// safe.
    pub(crate) async fn owed(&mut self) -> Option<Item<'_>> {
        match self {
            Self::Transcript(session) => session.owed().await,
            // Its end waits for everything.
            Self::Notifications(_) => None,
        }
    }

    /// Reads nothing until `until` is over; the connection is kept alive meanwhile. Cancel safe.
    pub(crate) async fn hold(&mut self, until: impl Future<Output = ()>) {
        match self {
            Self::Transcript(session) => session.hold(until).await,
            Self::Notifications(session) => session.hold(until).await,
        }
    }

    /// Asks the server to end this connection; what is under way can still be read.
    pub(crate) async fn close(&mut self) {
        match self {
            Self::Transcript(session) => session.close().await,
            Self::Notifications(session) => session.close().await,
        }
    }

    /// Says goodbye as the ending demands.
    pub(crate) async fn bury(&mut self, error: &SourceError) {
        let (SourceError::ClosedByServer(ending) | SourceError::ConnectionLost(ending)) = error else { return };
        match self {
            Self::Transcript(session) => session.bury(ending).await,
            Self::Notifications(session) => session.bury(ending).await,
        }
    }
}

/// Waits until then, or for ever.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Gap;

    #[test]
    fn a_gap_was_received_when_it_ended_so_that_a_recording_has_its_length() {
        let (from, to) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(42));
        let gap = TimedEvent { at: Some(to), body: EventBody::Gap(Gap { from, to, reason: String::new() }) };
        assert_eq!(gap.received(), to);
        assert!(TimedEvent { at: Some(to), body: EventBody::Closed }.received() > to);
    }
}
