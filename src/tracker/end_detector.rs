//! Whether a conversation is over, which only a list of its participants can tell.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::CLOCKS_APART;

use crate::event::EventBody;
use crate::source::TimedEvent;

/// After the end the service may still be writing: it is looked at once more, this much later.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// The way to the end.
#[derive(Debug, Default)]
pub(super) enum EndDetector {
    /// There is no sign of it.
    #[default]
    Open,
    /// The customer has gone, which is not the end, and was looked into.
    Suspected { looked: bool },
    /// It is over, and to be looked at once more.
    Near { at: Option<DateTime<Utc>>, look: Instant },
    /// It is over, and everything is read.
    Reached { at: Option<DateTime<Utc>> },
    /// The reader knows.
    TimedEvent,
}

impl EndDetector {
    /// Where the customer is `gone`: is it over?
    pub(super) fn suspect(&mut self, gone: bool) {
        match self {
            Self::Open if gone => *self = Self::Suspected { looked: false },
            Self::Suspected { .. } if !gone => *self = Self::Open,
            _ => {}
        }
    }

    /// Takes what a list says, which was asked for where it is a `look`.
    pub(super) fn note(&mut self, over: bool, ended: Option<DateTime<Utc>>, look: bool) {
        let now = Instant::now();
        match self {
            Self::TimedEvent | Self::Reached { .. } => {}
            Self::Near { look: due, at } if over && look && *due <= now => *self = Self::Reached { at: at.or(ended) },
            Self::Near { at, .. } if over => *at = at.or(ended),
            Self::Near { .. } => *self = Self::Open,
            Self::Open | Self::Suspected { .. } if over => {
                let long_ago = ended.is_some_and(|ended| Utc::now() - ended > CLOCKS_APART);
                *self = if long_ago && look {
                    Self::Reached { at: ended }
                } else {
                    Self::Near { at: ended, look: now + LAST_LOOK }
                };
            }
            Self::Suspected { looked } => *looked |= look,
            Self::Open => {}
        }
    }

    /// Whether it has to be looked into now, or when [`EndDetector::look_at`] says.
    pub(super) fn wants_look(&self) -> bool {
        matches!(self, Self::Suspected { looked: false } | Self::Near { .. })
    }

    /// The earliest moment of the last look.
    pub(super) fn look_at(&self) -> Option<Instant> {
        match self {
            Self::Near { look, .. } => Some(*look),
            _ => None,
        }
    }

    /// The end for the reader, once everything is read, and only once.
    pub(super) fn tell(&mut self) -> Option<TimedEvent> {
        let Self::Reached { at } = *self else { return None };
        *self = Self::TimedEvent;
        Some(TimedEvent { at, body: EventBody::Closed })
    }

    /// Whether it is over, or seems to be.
    pub(super) fn is_near(&self) -> bool {
        matches!(self, Self::Near { .. } | Self::Reached { .. } | Self::TimedEvent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(end: &mut EndDetector, over: bool, ended: Option<DateTime<Utc>>, look: bool) -> Option<TimedEvent> {
        end.note(over, ended, look);
        end.tell()
    }

    fn closed(at: Option<DateTime<Utc>>) -> TimedEvent {
        TimedEvent { at, body: EventBody::Closed }
    }

    #[tokio::test(start_paused = true)]
    async fn it_takes_a_look_three_seconds_later() {
        let mut end = EndDetector::default();
        let now = Some(Utc::now());
        assert_eq!(note(&mut end, true, None, false), None);
        assert!(end.is_near() && end.wants_look());
        assert_eq!(end.look_at(), Some(Instant::now() + LAST_LOOK));
        assert_eq!(note(&mut end, true, now, true), None, "too early");
        tokio::time::advance(LAST_LOOK).await;
        assert_eq!(note(&mut end, true, None, false), None, "an event is no look");
        assert_eq!(note(&mut end, true, None, true), Some(closed(now)), "with the time that was said first");
        assert_eq!((note(&mut end, true, now, true), end.is_near()), (None, true), "once");
        assert_eq!(note(&mut end, false, None, true), None, "it is told");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_over_long_ago_needs_no_second_look() {
        let mut end = EndDetector::default();
        let long_ago = Some(Utc::now() - CLOCKS_APART - chrono::TimeDelta::seconds(1));
        assert_eq!(note(&mut end, true, long_ago, false), None, "but a first one");
        assert_eq!(note(&mut EndDetector::default(), true, long_ago, true), Some(closed(long_ago)));
        assert_eq!(note(&mut EndDetector::default(), true, Some(Utc::now()), true), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_suspected_once_for_each_time_the_customer_goes() {
        let mut end = EndDetector::default();
        end.suspect(false);
        assert!(!end.wants_look());
        for _ in 0..2 {
            end.suspect(true);
            assert!(end.wants_look() && !end.is_near());
            end.note(false, None, false);
            assert!(end.wants_look(), "an event is no look");
            end.note(false, None, true);
            end.suspect(true);
            assert!(!end.wants_look());
            end.suspect(false);
        }
        end.note(true, None, false);
        end.note(false, None, true);
        assert!(!end.is_near(), "it goes on");
    }
}
