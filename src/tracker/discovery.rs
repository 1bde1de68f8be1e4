//! The search for open conversations of the followed queues and users.

use std::time::Duration;

use tokio::time::Instant;

/// The period of the search. A notification about a new conversation may be lost.
const SEARCH_PERIOD: Duration = Duration::from_secs(60);

/// The state of the search.
#[derive(Debug)]
pub(super) enum Discovery {
    /// No queue or user is followed, or the search is not permitted.
    Disabled,
    /// The next search is due at this time.
    Scheduled { at: Instant, is_repeat: bool },
    /// A search is in flight.
    InFlight { is_repeat: bool },
}

impl Discovery {
    /// Returns the initial state; `is_enabled` if queues or users are followed.
    pub(super) fn new(is_enabled: bool, now: Instant) -> Self {
        if is_enabled { Self::Scheduled { at: now, is_repeat: false } } else { Self::Disabled }
    }

    /// Returns when the next search is due.
    pub(super) fn next_at(&self) -> Option<Instant> {
        match self {
            Self::Scheduled { at, .. } => Some(*at),
            Self::Disabled | Self::InFlight { .. } => None,
        }
    }

    /// Starts the search if it is due. Returns whether it did.
    pub(super) fn start(&mut self, now: Instant) -> bool {
        let Self::Scheduled { at, is_repeat } = *self else { return false };
        let is_due = at <= now;
        if is_due {
            *self = Self::InFlight { is_repeat };
        }
        is_due
    }

    /// Schedules the next search at once, after an outage.
    pub(super) fn restart(&mut self, now: Instant) {
        if let Self::Scheduled { at, .. } = self {
            *at = now;
        }
    }

    /// Records a result and schedules the next search. Returns whether a search had succeeded before: the conversations
    /// that it finds are new then.
    pub(super) fn completed(&mut self, now: Instant) -> bool {
        let is_repeat = self.is_repeat();
        *self = Self::Scheduled { at: now + SEARCH_PERIOD, is_repeat: true };
        is_repeat
    }

    /// Repeats the search at once after a failure.
    pub(super) fn retry(&mut self, now: Instant) {
        *self = Self::Scheduled { at: now, is_repeat: self.is_repeat() };
    }

    /// Returns whether a search has succeeded.
    pub(super) fn has_succeeded(&self) -> bool {
        self.is_repeat()
    }

    /// Returns whether the first search is over, or there is none.
    pub(super) fn has_searched(&self) -> bool {
        match self {
            Self::Disabled => true,
            Self::Scheduled { is_repeat, .. } => *is_repeat,
            Self::InFlight { .. } => false,
        }
    }

    fn is_repeat(&self) -> bool {
        matches!(self, Self::Scheduled { is_repeat: true, .. } | Self::InFlight { is_repeat: true })
    }
}
