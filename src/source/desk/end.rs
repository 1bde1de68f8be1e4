//! Whether a conversation is over, which only a list of its participants can tell.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// After the end the service may still be writing: it is looked at once more, this much later.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// The way to the end.
#[derive(Debug, Default)]
pub(super) enum End {
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
    Told,
}

impl End {
    /// The customer has gone: is it over?
    pub(super) fn suspect(&mut self) {
        if matches!(self, Self::Open) {
            *self = Self::Suspected { looked: false };
        }
    }

    /// Takes what a list says, which was asked for where it is a `look`.
    pub(super) fn note(&mut self, over: bool, ended: Option<DateTime<Utc>>, look: bool) {
        let now = Instant::now();
        match self {
            Self::Told | Self::Reached { .. } => {}
            Self::Near { look: due, at } if over && look && *due <= now => *self = Self::Reached { at: at.or(ended) },
            Self::Near { at, .. } if over => *at = at.or(ended),
            Self::Near { .. } => *self = Self::Open,
            Self::Open | Self::Suspected { .. } if over => {
                let long_ago = ended.is_some_and(|ended| Utc::now() - ended > TimeDelta::seconds(30));
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

    /// Whether it has to be looked into now, or when [`End::look_at`] says.
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

    /// When it was, once everything is read; the reader is told only once.
    pub(super) fn tell(&mut self) -> Option<Option<DateTime<Utc>>> {
        let Self::Reached { at } = *self else { return None };
        *self = Self::Told;
        Some(at)
    }

    /// Whether there is a sign of it that was not taken back.
    pub(super) fn is_near(&self) -> bool {
        matches!(self, Self::Near { .. } | Self::Reached { .. } | Self::Told)
    }
}
