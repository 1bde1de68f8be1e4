//! The part of the history that is printed before new messages.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The history to print, and whether to follow the conversation afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct History {
    /// The maximum number of earlier lines of each conversation. `None` prints all of them.
    pub(crate) lines: Option<usize>,
    /// The time before which nothing is printed. May lie in the future.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Prints new messages as well.
    pub(crate) follow: bool,
}

/// The value of `--lines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineLimit {
    All,
    Lines(usize),
}

/// The value of `--since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// A duration before now, at most one year.
    Ago(Duration),
    At(DateTime<Utc>),
}
