//! Appends checkpoints to a cursor, and compacts it from time to time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;

use super::format::{self, Content};
use super::retention::{RetainedConversation, RetainedEvent};
use super::{CursorError, MAX_CONVERSATIONS, MAX_RETAINED_EVENTS};
use crate::dedup::FingerprintKey;
use crate::dedup::checkpoint::EarlierDeliveries;
use crate::event::Checkpoint;
use crate::system::private_file::{self, PrivateFileError};

/// The number of appended lines before a compaction. A longer file may double first.
const MIN_LINES_TO_COMPACT: usize = 16_384;

/// A cursor that this process holds locked.
#[derive(Debug)]
pub(crate) struct CursorFile {
    path: PathBuf,
    file: File,
    content: Content,
    /// The position of each conversation in the file.
    positions: HashMap<Arc<str>, usize>,
    /// The start of the wanted history of new conversations, in milliseconds since 1970.
    since: Option<i64>,
    /// The lines appended since the last compaction, and the number that causes the next one.
    appended_lines: usize,
    lines_to_compact: usize,
    buffer: Vec<u8>,
}

impl CursorFile {
    /// Replaces the file at `path` by this content in its shortest form.
    pub(super) fn create(path: PathBuf, mut content: Content, since: Option<i64>) -> Result<Self, CursorError> {
        content.conversations = shortened(content.conversations);
        let (file, line_count) = private_file::replace(&path, |out| format::write(out, &content))
            .map_err(|error| CursorError::from_file(&path, PrivateFileError::Io(error)))?;
        Ok(Self {
            path,
            file,
            positions: positions(&content.conversations),
            content,
            since,
            appended_lines: 0,
            lines_to_compact: MIN_LINES_TO_COMPACT.max(line_count),
            buffer: Vec::new(),
        })
    }

    /// Returns the path of the file, behind any symbolic link.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the key of the fingerprints in this file.
    pub(crate) fn fingerprint_key(&self) -> FingerprintKey {
        self.content.header.fingerprint_key()
    }

    /// Returns the events that earlier runs delivered.
    pub(crate) fn earlier_deliveries(&self) -> impl Iterator<Item = EarlierDeliveries> {
        self.content.conversations.iter().map(EarlierDeliveries::from)
    }

    /// Appends checkpoints with one `write`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written. This process cannot use it any longer; the next one can, up to the last complete
    /// line.
    pub(crate) fn record<'a>(&mut self, checkpoints: impl IntoIterator<Item = &'a Checkpoint>) -> io::Result<()> {
        self.buffer.clear();
        for checkpoint in checkpoints {
            self.push(checkpoint);
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.buffer)?;
        if self.appended_lines > self.lines_to_compact { self.compact() } else { Ok(()) }
    }

    fn push(&mut self, checkpoint: &Checkpoint) {
        let position = match self.positions.get(&checkpoint.conversation) {
            Some(position) => *position,
            None => self.push_conversation(&checkpoint.conversation),
        };
        let event = RetainedEvent { at: checkpoint.at, key: checkpoint.key };
        self.content.conversations[position].events.push(event);
        format::push_event(&mut self.buffer, position, event);
        self.appended_lines += 1;
    }

    /// Adds a conversation, and returns its position.
    fn push_conversation(&mut self, id: &Arc<str>) -> usize {
        let position = self.content.conversations.len();
        self.positions.insert(Arc::clone(id), position);
        self.content.conversations.push(RetainedConversation::new(Arc::clone(id), self.since));
        format::push_conversation(&mut self.buffer, id, self.since);
        self.appended_lines += 1;
        position
    }

    fn compact(&mut self) -> io::Result<()> {
        self.content.conversations = shortened(std::mem::take(&mut self.content.conversations));
        self.positions = positions(&self.content.conversations);
        let (file, line_count) = private_file::replace(&self.path, |out| format::write(out, &self.content))?;
        self.file = file;
        (self.appended_lines, self.lines_to_compact) = (0, MIN_LINES_TO_COMPACT.max(line_count));
        Ok(())
    }
}

/// Drops the events that age identifies, and the longest silent conversations beyond the limits.
fn shortened(mut conversations: Vec<RetainedConversation>) -> Vec<RetainedConversation> {
    let now = Utc::now().timestamp_millis();
    for conversation in &mut conversations {
        conversation.trim(now);
    }
    let event_count: usize = conversations.iter().map(|conversation| conversation.events.len()).sum();
    let mut surplus = event_count.saturating_sub(MAX_RETAINED_EVENTS);
    if surplus == 0 && conversations.len() <= MAX_CONVERSATIONS {
        return conversations;
    }
    conversations.sort_by_cached_key(RetainedConversation::latest);
    conversations.drain(..conversations.len().saturating_sub(MAX_CONVERSATIONS));
    for longest_silent in &mut conversations {
        if surplus == 0 {
            break;
        }
        surplus = surplus.saturating_sub(longest_silent.events.len());
        longest_silent.retire(now);
    }
    conversations
}

fn positions(conversations: &[RetainedConversation]) -> HashMap<Arc<str>, usize> {
    conversations.iter().enumerate().map(|(position, conversation)| (Arc::clone(&conversation.id), position)).collect()
}
