//! What `--cursor-file` keeps: the ledger on disk, so that the next run goes on where this one stops, however it stops.
//!
//! A line is written first, and noted here after it: a `kill -9` in between repeats that one line, and loses none. Noting
//! is one `write` that appends a line; what it has accepted no kill can take back. From time to time the file is put in
//! its shortest form by way of a second one that takes its place. What is half written is at the end and left out.
//!
//! Of a conversation the latest [`KEPT`] events are known one by one, and everything older than those counts as delivered, as
//! long as it is older by [`LATENESS`] than the newest: what is stamped out of order or lags behind is not taken for old.

mod error;
mod format;
mod open;
mod retention;
mod writer;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

pub(crate) use self::error::CursorError;
pub(crate) use self::writer::CursorFile;

/// How many events of a conversation are known one by one, however old they are.
const KEPT: usize = 1_000;

/// How much older than the newest an event has to be before it may be known by its age alone.
const LATENESS: TimeDelta = TimeDelta::minutes(10);

/// How many events of all conversations are known one by one. Of more, the conversations that were silent for longest are
/// known by their age alone.
const ALL_KEPT: usize = 131_072;

/// How many conversations are known; those that were silent for longest are forgotten first.
const CONVERSATIONS: usize = 10_000;

/// What is followed in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FollowedTargets<'a> {
    /// The conversations that were named.
    pub(crate) conversations: &'a [String],
    /// The queues whose conversations are followed.
    pub(crate) queues: &'a [String],
    /// The users whose conversations are followed.
    pub(crate) users: &'a [String],
    /// Of conversations that earlier runs did not begin with, nothing older is wanted.
    pub(crate) since: Option<DateTime<Utc>>,
}

/// Opens a cursor for a run that follows these targets, and locks it against other processes. Creates the file if it is
/// missing, readable by its owner alone.
///
/// # Errors
///
/// If the path names no regular file, or the file is in use, damaged, or the cursor of other targets. The file stays
/// unchanged then.
pub(crate) fn open(path: &Path, followed: FollowedTargets<'_>) -> Result<CursorFile, CursorError> {
    open::open(path, followed)
}

/// What holds for whatever stands in such a file: what can be read says the same when it is written anew, and can be put
/// into its shortest form.
///
/// # Panics
///
/// Where it does not hold.
#[cfg(any(test, fuzzing))]
pub(crate) fn assert_round_trip(data: &[u8]) {
    let Ok(Some((header, mut kept))) = format::read(data) else { return };
    let again = |kept: &[retention::Kept]| {
        let mut file = Vec::new();
        format::write(&mut file, &header, kept).expect("writing to memory does not fail");
        format::read(file.as_slice()).expect("it can be read again").expect("it is not empty")
    };
    assert_eq!(again(&kept), (header.clone(), kept.clone()));
    for shorten in [retention::Kept::trim, retention::Kept::retire] {
        for kept in &mut kept {
            shorten(kept, 1_767_323_045_000);
        }
        let latest: Vec<_> = kept.iter().map(retention::Kept::resume_point).collect();
        let (_, read) = again(&kept);
        assert_eq!(read.iter().map(retention::Kept::resume_point).collect::<Vec<_>>(), latest);
    }
}

#[cfg(test)]
mod tests;
