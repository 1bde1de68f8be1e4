//! Noting in a cursor what was delivered.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;

use super::format::{self, Header};
use super::retention::Kept;
use super::{ALL_KEPT, CONVERSATIONS, CursorError};
use crate::dedup::FingerprintKey;
use crate::dedup::checkpoint::EarlierDeliveries;
use crate::event::Checkpoint;
use crate::system::private_file;

/// So many lines may be added before the file is put in its shortest form again; more, where that is long.
const ADDED: usize = 16_384;

/// A cursor that this process holds.
#[derive(Debug)]
pub(crate) struct CursorFile {
    path: PathBuf,
    file: File,
    header: Header,
    kept: Vec<Kept>,
    numbers: HashMap<Arc<str>, usize>,
    /// Of conversations that are new, what is older than this is not wanted.
    since: Option<i64>,
    /// Lines that were added since the file was in its shortest form, and how many may be.
    added: usize,
    most: usize,
    lines: Vec<u8>,
}

impl CursorFile {
    /// Puts this content in its place, from where it goes on.
    pub(super) fn start(
        path: PathBuf,
        header: Header,
        kept: Vec<Kept>,
        since: Option<i64>,
    ) -> Result<Self, CursorError> {
        let kept = shortened(kept);
        let replaced = private_file::replace(&path, |out| format::write(out, &header, &kept));
        let (file, count) = replaced.map_err(|source| CursorError::io(&path, source))?;
        let (numbers, most) = (numbers(&kept), ADDED.max(count));
        Ok(Self { path, file, header, kept, numbers, since, added: 0, most, lines: Vec::new() })
    }

    /// Returns the path of the file itself, behind any symbolic link.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the key of the fingerprints in this file.
    pub(crate) fn fingerprint_key(&self) -> FingerprintKey {
        self.header.keys()
    }

    /// Returns what earlier runs delivered of each conversation.
    pub(crate) fn earlier_deliveries(&self) -> impl Iterator<Item = EarlierDeliveries> {
        self.kept.iter().map(EarlierDeliveries::from)
    }

    /// Notes what was delivered, with one `write` for all of it.
    ///
    /// # Errors
    ///
    /// When that cannot be written. The file is of no more use to this process then, and to the next one as far as it came.
    pub(crate) fn record<'a>(&mut self, marks: impl IntoIterator<Item = &'a Checkpoint>) -> io::Result<()> {
        self.lines.clear();
        for mark in marks {
            self.push(mark);
        }
        if self.lines.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.lines)?;
        if self.added > self.most { self.shorten() } else { Ok(()) }
    }

    fn push(&mut self, mark: &Checkpoint) {
        let number = match self.numbers.get(&mark.conversation) {
            Some(number) => *number,
            None => self.begin(&mark.conversation),
        };
        self.kept[number].events.push((mark.at, mark.key));
        format::push_event(&mut self.lines, number, mark.at, mark.key);
        self.added += 1;
    }

    fn begin(&mut self, conversation: &Arc<str>) -> usize {
        let number = self.kept.len();
        self.numbers.insert(Arc::clone(conversation), number);
        self.kept.push(Kept::new(Arc::clone(conversation), self.since));
        format::push_conversation(&mut self.lines, conversation, self.since);
        self.added += 1;
        number
    }

    fn shorten(&mut self) -> io::Result<()> {
        self.kept = shortened(std::mem::take(&mut self.kept));
        self.numbers = numbers(&self.kept);
        let (file, count) = private_file::replace(&self.path, |out| format::write(out, &self.header, &self.kept))?;
        (self.file, self.added, self.most) = (file, 0, ADDED.max(count));
        Ok(())
    }
}

fn shortened(mut kept: Vec<Kept>) -> Vec<Kept> {
    let now = Utc::now().timestamp_millis();
    for kept in &mut *kept {
        kept.trim(now);
    }
    let mut surplus = kept.iter().map(|kept| kept.events.len()).sum::<usize>().saturating_sub(ALL_KEPT);
    if surplus == 0 && kept.len() <= CONVERSATIONS {
        return kept;
    }
    kept.sort_by_cached_key(Kept::latest);
    kept.drain(..kept.len().saturating_sub(CONVERSATIONS));
    for silent in &mut kept {
        if surplus == 0 {
            break;
        }
        surplus = surplus.saturating_sub(silent.events.len());
        silent.retire(now);
    }
    kept
}

fn numbers(kept: &[Kept]) -> HashMap<Arc<str>, usize> {
    kept.iter().enumerate().map(|(number, kept)| (Arc::clone(&kept.conversation), number)).collect()
}
