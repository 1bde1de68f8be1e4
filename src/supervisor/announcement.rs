//! The line about an open connection (ERR-1, ERR-2).

use chrono::{DateTime, Utc};

use super::Supervision;
use crate::event::Gap;
use crate::source::Peer;

/// The line about a connection that was opened. It is logged once the server has accepted the connection.
#[derive(Clone, Copy)]
pub(super) struct Announcement<'a> {
    supervision: Supervision<'a>,
    /// The time of the last activity of the previous connection; `None` for the first one.
    lost_at: Option<DateTime<Utc>>,
}

impl<'a> Announcement<'a> {
    /// Prepares the line about a first connection, or about one that replaces a connection lost at `lost_at`.
    pub(super) fn new(supervision: Supervision<'a>, lost_at: Option<DateTime<Utc>>) -> Self {
        Self { supervision, lost_at }
    }

    /// Logs the line, and counts a reconnect.
    pub(super) fn log(self, peer: &Peer) {
        let Self { supervision: Supervision { conversation, sink, .. }, lost_at } = self;
        let Peer { host, source } = peer;
        let Some(from) = lost_at else {
            tracing::info!(conversation, host, source, "connected to {peer}");
            return;
        };
        sink.borrow_mut().counts.reconnects += 1;
        let outage = Gap { from, to: Utc::now(), reason: String::new() };
        let (outage_ms, seconds) = ((outage.to - from).num_milliseconds().max(0), outage.seconds());
        tracing::info!(conversation, host, source, outage_ms, "reconnected to {peer} after {seconds} s");
    }
}
