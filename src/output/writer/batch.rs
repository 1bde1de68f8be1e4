//! Records and checkpoints on their way to the thread.

use std::ops::Range;
use std::sync::Arc;

use crate::event::Checkpoint;

/// The initial capacity in bytes. Small batches are merged up to it.
const CAPACITY: usize = 32 * 1024;

/// The size at which a batch is handed over. A record of ordinary size still fits without growing the buffer.
const FULL: usize = CAPACITY - 4 * 1024;

/// The number of checkpoints at which a batch without records is handed over.
const MAX_CHECKPOINTS: usize = 4 * 1024;

/// Complete records and the checkpoints between them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// The end of each record in `bytes`.
    record_ends: Vec<usize>,
    checkpoints: Vec<Checkpoint>,
    /// The number of bytes to write before each checkpoint is due.
    checkpoint_offsets: Vec<usize>,
    /// The conversation of the next record. `None` if all records go to the same output.
    conversation: Option<Arc<str>>,
    /// The conversation of each record, or nothing.
    conversations: Vec<Arc<str>>,
    /// The conversations that end with this batch.
    ended: Vec<Arc<str>>,
}

impl Batch {
    /// Appends the output of `format` as one record.
    pub(super) fn push_record(&mut self, format: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(CAPACITY);
        }
        format(&mut self.bytes);
        self.record_ends.push(self.bytes.len());
        self.conversations.extend(self.conversation.clone());
    }

    /// Sets the conversation of the next record. Either all records of a batch have one, or none.
    pub(super) fn set_conversation(&mut self, id: &str) {
        if self.conversation.as_deref() != Some(id) {
            self.conversation = Some(id.into());
        }
    }

    /// Marks the end of a conversation, whose records precede it.
    pub(super) fn push_end(&mut self, id: &str) {
        self.ended.push(id.into());
    }

    /// Appends a checkpoint, which is due once all records before it are written.
    pub(super) fn push_checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoints.push(checkpoint);
        self.checkpoint_offsets.push(self.bytes.len());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the end of each record.
    pub(super) fn record_ends(&self) -> &[usize] {
        &self.record_ends
    }

    /// Returns the checkpoints that become due with the byte at `length`.
    pub(super) fn checkpoints_at(&self, length: usize) -> &[Checkpoint] {
        let first = self.checkpoint_offsets.partition_point(|&offset| offset < length);
        let count = self.checkpoint_offsets[first..].iter().take_while(|&&offset| offset == length).count();
        &self.checkpoints[first..first + count]
    }

    /// Returns the records of a range in order, those of the same conversation that follow each other at once.
    pub(super) fn by_conversation(&self, range: Range<usize>) -> impl Iterator<Item = (&Arc<str>, Range<usize>)> {
        let records = self.records_within(range.start)..self.records_within(range.end);
        let mut start = range.start;
        let ends = &self.record_ends[records.start..];
        let runs = self.conversations[records].chunk_by(|a, b| a == b).scan(0, |count, run| {
            *count += run.len();
            Some((&run[0], *count))
        });
        runs.map(move |(conversation, count)| {
            let end = ends[count - 1];
            (conversation, std::mem::replace(&mut start, end)..end)
        })
    }

    /// Returns the conversations that end with this batch.
    pub(super) fn ended_conversations(&self) -> &[Arc<str>] {
        &self.ended
    }

    pub(super) fn is_empty(&self) -> bool {
        self.record_ends.is_empty() && self.checkpoints.is_empty() && self.ended.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL || self.checkpoints.len() >= MAX_CHECKPOINTS
    }

    /// Returns the memory in use. It includes the record ends, because a record may be a single byte.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len()
            + size_of_val(self.record_ends.as_slice())
            + size_of_val(self.checkpoints.as_slice())
            + size_of_val(self.checkpoint_offsets.as_slice())
            + size_of_val(self.conversations.as_slice())
            + size_of_val(self.ended.as_slice())
    }

    /// Returns the number of records that end within the first `length` bytes.
    pub(super) fn records_within(&self, length: usize) -> usize {
        self.record_ends.partition_point(|&end| end <= length)
    }

    /// Returns the part of the first `length` bytes that belongs to an incomplete record.
    pub(super) fn incomplete_record(&self, length: usize) -> &[u8] {
        let records = self.records_within(length);
        let start = records.checked_sub(1).map_or(0, |last| self.record_ends[last]);
        &self.bytes[start..length]
    }

    /// Moves the content of `other` to the end of this batch if it fits. Returns whether it does.
    pub(super) fn try_merge(&mut self, other: &mut Self) -> bool {
        let offset = self.bytes.len();
        let fits = offset + other.bytes.len() <= CAPACITY;
        if fits {
            self.bytes.append(&mut other.bytes);
            self.record_ends.extend(other.record_ends.drain(..).map(|end| offset + end));
            self.checkpoints.append(&mut other.checkpoints);
            self.checkpoint_offsets.extend(other.checkpoint_offsets.drain(..).map(|due| offset + due));
            self.conversations.append(&mut other.conversations);
            self.ended.append(&mut other.ended);
        }
        fits
    }

    /// Removes the first `length` bytes of a batch without checkpoints. Returns the number of records that end in them.
    pub(super) fn remove_written(&mut self, length: usize) -> usize {
        let records = self.records_within(length);
        if length > 0 {
            self.bytes.drain(..length);
            self.record_ends.drain(..records);
            self.record_ends.iter_mut().for_each(|end| *end -= length);
        }
        records
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.record_ends.clear();
        self.checkpoints.clear();
        self.checkpoint_offsets.clear();
        self.conversations.clear();
        self.ended.clear();
    }

    /// Returns whether the buffers may be kept. A huge message must not occupy memory for the rest of the run.
    pub(super) fn is_reusable(&self) -> bool {
        self.bytes.capacity() <= 2 * CAPACITY
            && self.record_ends.capacity() <= CAPACITY
            && self.checkpoints.capacity() <= CAPACITY
            && self.conversations.capacity() <= CAPACITY
            && self.ended.capacity() <= CAPACITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for record in records {
            batch.push_record(|out| out.extend_from_slice(record.as_bytes()));
        }
        batch
    }

    fn checkpoint(key: u64) -> Checkpoint {
        Checkpoint { conversation: "c".into(), key, at: None }
    }

    #[test]
    fn only_complete_records_are_counted() {
        let mut batch = batch(&["one\n", "two\n"]);
        assert!(batch.try_merge(&mut self::batch(&["three\n"])));
        assert_eq!(batch.bytes(), b"one\ntwo\nthree\n");
        assert_eq!([0, 3, 4, 7, 8, 13, 14].map(|length| batch.records_within(length)), [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn a_partly_written_record_starts_after_the_last_complete_one() {
        let batch = batch(&["one\n", "t\nwo\n"]);
        let incomplete = [0, 1, 4, 5, 7, 9].map(|length| batch.incomplete_record(length));
        assert_eq!(incomplete, [&b""[..], b"o", b"", b"t", b"t\nw", b""]);
    }

    #[test]
    fn removing_written_bytes_counts_the_records_that_end_in_them() {
        let mut batch = batch(&["one\n", "two\n"]);
        assert_eq!((batch.remove_written(0), batch.remove_written(5), batch.bytes()), (0, 1, &b"wo\n"[..]));
        assert_eq!((batch.remove_written(3), batch.is_empty()), (1, true));
    }

    #[test]
    fn a_merge_keeps_the_position_of_checkpoints() {
        let mut batch = Batch::default();
        batch.push_checkpoint(checkpoint(1));
        assert!(!batch.is_empty());
        let mut other = self::batch(&["one\n"]);
        other.push_checkpoint(checkpoint(2));
        other.push_checkpoint(checkpoint(3));
        assert!(batch.try_merge(&mut other) && other.is_empty());
        let keys = |length| batch.checkpoints_at(length).iter().map(|checkpoint| checkpoint.key).collect::<Vec<_>>();
        assert_eq!([keys(0), keys(3), keys(4), keys(5)], [vec![1], vec![], vec![2, 3], vec![]]);
    }

    #[test]
    fn batches_are_merged_up_to_the_capacity() {
        let long = "x".repeat(CAPACITY - 3);
        assert!(batch(&[&long]).try_merge(&mut batch(&["ab\n"])));
        assert!(!batch(&[&long]).try_merge(&mut batch(&["abc\n"])));
        assert!(batch(&[&long]).is_full());
    }
}
