//! The data that a cursor file carries from one run to the next.
//!
//! [`Checkpoint`](crate::event::Checkpoint) is part of the domain model instead: `output` transports it together with
//! the lines, and may not import this module.

use chrono::{DateTime, Utc};

/// The key of the end of a conversation, which has no fingerprint.
pub(crate) const CLOSED_KEY: u64 = 0;

/// The progress of earlier runs in a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ResumePoint {
    /// Events older than this count as delivered.
    pub(crate) before: Option<DateTime<Utc>>,
    /// The time of the newest delivered event.
    pub(crate) latest: Option<DateTime<Utc>>,
    /// The end of the conversation was delivered.
    pub(crate) closed: bool,
}

impl ResumePoint {
    /// Returns whether an event of this time counts as delivered by its age.
    pub(crate) fn covers(&self, at: Option<DateTime<Utc>>) -> bool {
        at.zip(self.before).is_some_and(|(at, before)| at < before)
    }
}

/// The events of a conversation that earlier runs delivered.
#[derive(Debug)]
pub(crate) struct EarlierDeliveries {
    pub(crate) conversation: String,
    pub(crate) resume_point: ResumePoint,
    /// The keys of the events that are too young to be recognised by their age.
    pub(crate) keys: Vec<u64>,
}
