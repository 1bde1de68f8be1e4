//! The file of `--cursor-file`: the delivered events on disk, so that the next run resumes where this one stops.
//!
//! A line is written to the output first and its checkpoint to the cursor after it. A `kill -9` in between repeats that
//! line and loses none (HIST-5). A checkpoint is one appended line in one `write`; a kill cannot take it back once the
//! kernel has accepted it. Compaction replaces the file by its shortest form from time to time. An incomplete last line is
//! ignored.
//!
//! The latest [`MIN_RETAINED_EVENTS`] events of a conversation are recognised one by one. Older events count as delivered
//! by their age, provided that they are older than the newest by [`MAX_LATENESS`]. An event that arrives late or with a
//! time out of order therefore does not pass for an old one.

mod error;
mod format;
mod retention;
mod writer;

use std::io::BufReader;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

pub(crate) use self::error::CursorError;
use self::format::{Content, Header};
pub(crate) use self::writer::CursorFile;
use crate::dedup::FingerprintKey;
use crate::system::private_file::{self, WriteMode};

/// The number of events per conversation that are recognised one by one at any age.
const MIN_RETAINED_EVENTS: usize = 1_000;

/// The minimum age difference to the newest event before age alone may identify an event.
const MAX_LATENESS: TimeDelta = TimeDelta::minutes(10);

/// The maximum number of events of all conversations. Beyond it, age alone identifies the events of the conversations
/// that were silent for longest.
const MAX_RETAINED_EVENTS: usize = 131_072;

/// The maximum number of conversations. Beyond it, those that were silent for longest are forgotten.
const MAX_CONVERSATIONS: usize = 10_000;

/// The targets of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FollowedTargets<'a> {
    pub(crate) conversations: &'a [String],
    pub(crate) queues: &'a [String],
    pub(crate) users: &'a [String],
    /// An event stream tells of further conversations, which any cursor may have.
    pub(crate) has_stream: bool,
    /// The start of the wanted history, for conversations that are not in the cursor yet.
    pub(crate) since: Option<DateTime<Utc>>,
}

/// Opens a cursor for a run that follows these targets, and locks it against other processes. Creates a missing file,
/// readable by its owner only.
///
/// # Errors
///
/// If the path leads to no regular file, or the file is in use, damaged, no cursor, or the cursor of other targets. It is
/// unchanged then.
pub(crate) fn open(path: &Path, targets: FollowedTargets<'_>) -> Result<CursorFile, CursorError> {
    let resolved = private_file::resolve(path).map_err(|error| CursorError::from_file(path, error))?;
    // The lock is held until the replacement of this file is locked as well.
    let locked = private_file::open_locked(&resolved, WriteMode::AtPosition)
        .map_err(|error| CursorError::from_file(&resolved, error))?;
    let content = format::read(BufReader::new(&locked)).map_err(|error| CursorError::from_format(path, error))?;
    let mut content = content.unwrap_or_else(|| Content::new(FingerprintKey::default()));
    if !shares_a_target(&content, targets) {
        return Err(CursorError::OtherTargets(path.to_owned()));
    }
    let replaces_targets = content.conversations.is_empty();
    add_targets(&mut content.header, targets, replaces_targets);
    CursorFile::create(resolved, content, targets.since.map(|since| since.timestamp_millis()))
}

/// Returns whether one of the targets was followed before. Any targets fit a cursor without conversations.
fn shares_a_target(content: &Content, targets: FollowedTargets<'_>) -> bool {
    let Content { header, conversations } = content;
    let is_shared = |known: &[String], followed: &[String]| known.iter().any(|id| followed.contains(id));
    targets.has_stream
        || conversations.is_empty()
        || conversations.iter().any(|known| targets.conversations.iter().any(|id| **id == *known.id))
        || is_shared(&header.queues, targets.queues)
        || is_shared(&header.users, targets.users)
}

/// Adds the queues and users of this run to those of earlier runs, or replaces them.
fn add_targets(header: &mut Header, targets: FollowedTargets<'_>, replace: bool) {
    for (known, followed) in [(&mut header.queues, targets.queues), (&mut header.users, targets.users)] {
        if replace {
            known.clear();
        }
        let new: Vec<String> = followed.iter().filter(|id| !known.contains(id)).cloned().collect();
        known.extend(new);
    }
}

/// Asserts that a file that can be read has the same content after it is written and read again, also in its shortest
/// form.
///
/// # Panics
///
/// If the content differs.
#[cfg(any(test, fuzzing))]
pub(crate) fn assert_round_trip(data: &[u8]) {
    use self::retention::RetainedConversation;

    fn rewrite(content: &Content) -> Content {
        let mut file = Vec::new();
        format::write(&mut file, content).expect("writing to memory does not fail");
        format::read(file.as_slice()).expect("a written file is readable").expect("a written file is not empty")
    }

    let Ok(Some(mut content)) = format::read(data) else { return };
    assert_eq!(rewrite(&content), content);
    for shorten in [RetainedConversation::trim, RetainedConversation::retire] {
        for conversation in &mut content.conversations {
            shorten(conversation, 1_767_323_045_000);
        }
        let resume_points = |content: &Content| {
            content.conversations.iter().map(RetainedConversation::resume_point).collect::<Vec<_>>()
        };
        assert_eq!(resume_points(&rewrite(&content)), resume_points(&content));
    }
}

#[cfg(test)]
mod tests;
