//! Records on their way to the thread.

use crate::event::Checkpoint;

/// The size a batch is made with, and up to which small ones are put together.
const CAPACITY: usize = 64 * 1024;
/// Handed over from here on, so that a record of ordinary size does not make the batch grow.
const FULL: usize = CAPACITY - 4 * 1024;

/// As many marks without records are worth handing over.
const MANY_MARKS: usize = 4 * 1024;

/// Whole records, and where each of them ends.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    checkpoints: Vec<Checkpoint>,
    /// The number of bytes to write before each checkpoint is stored.
    checkpoint_offsets: Vec<usize>,
}

impl Batch {
    /// Appends what `format` writes as one record.
    pub(super) fn record(&mut self, format: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(CAPACITY);
        }
        format(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Appends what the cursor is to know once all records before it are written.
    pub(super) fn checkpoint(&mut self, mark: Checkpoint) {
        self.checkpoints.push(mark);
        self.checkpoint_offsets.push(self.bytes.len());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each record ends.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Returns the checkpoints that are due when exactly `length` bytes are written.
    pub(super) fn checkpoints_at(&self, length: usize) -> &[Checkpoint] {
        let first = self.checkpoint_offsets.partition_point(|&offset| offset < length);
        let count = self.checkpoint_offsets[first..].iter().take_while(|&&offset| offset == length).count();
        &self.checkpoints[first..first + count]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.checkpoints.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL || self.checkpoints.len() >= MANY_MARKS
    }

    /// What it takes in memory. The ends count, too: a record may be a single byte.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len()
            + size_of_val(self.ends.as_slice())
            + size_of_val(self.checkpoints.as_slice())
            + size_of_val(self.checkpoint_offsets.as_slice())
    }

    /// How many records end within the first `length` bytes.
    pub(super) fn records_within(&self, length: usize) -> usize {
        self.ends.partition_point(|&end| end <= length)
    }

    /// Moves the records of `other` behind its own if they fit, and says whether they did.
    pub(super) fn absorb(&mut self, other: &mut Self) -> bool {
        let offset = self.bytes.len();
        let fits = offset + other.bytes.len() <= CAPACITY;
        if fits {
            self.bytes.append(&mut other.bytes);
            self.ends.extend(other.ends.drain(..).map(|end| offset + end));
            self.checkpoints.append(&mut other.checkpoints);
            self.checkpoint_offsets.extend(other.checkpoint_offsets.drain(..).map(|due| offset + due));
        }
        fits
    }

    /// Forgets the first `length` bytes, and says how many records end in them. For batches without marks.
    pub(super) fn cut(&mut self, length: usize) -> usize {
        let records = self.records_within(length);
        if length > 0 {
            self.bytes.drain(..length);
            self.ends.drain(..records);
            self.ends.iter_mut().for_each(|end| *end -= length);
        }
        records
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.checkpoints.clear();
        self.checkpoint_offsets.clear();
    }

    /// Whether it is worth keeping for later; one huge message should not be paid for until the end.
    pub(super) fn is_reusable(&self) -> bool {
        self.bytes.capacity() <= 2 * CAPACITY
            && self.ends.capacity() <= CAPACITY
            && self.checkpoints.capacity() <= CAPACITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for record in records {
            batch.record(|out| out.extend_from_slice(record.as_bytes()));
        }
        batch
    }

    #[test]
    fn only_whole_records_are_counted() {
        let mut batch = batch(&["one\n", "two\n"]);
        assert!(batch.absorb(&mut self::batch(&["three\n"])));
        assert_eq!(batch.bytes(), b"one\ntwo\nthree\n");
        assert_eq!([0, 3, 4, 7, 8, 13, 14].map(|length| batch.records_within(length)), [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn what_is_cut_off_is_counted() {
        let mut batch = batch(&["one\n", "two\n"]);
        assert_eq!((batch.cut(0), batch.cut(5), batch.bytes()), (0, 1, &b"wo\n"[..]));
        assert_eq!((batch.cut(3), batch.is_empty()), (1, true));
    }

    #[test]
    fn marks_keep_their_place_among_records() {
        let mark = |key| Checkpoint { conversation: "c".into(), key, at: None };
        let mut batch = Batch::default();
        batch.checkpoint(mark(1));
        assert!(!batch.is_empty());
        let mut other = self::batch(&["one\n"]);
        other.checkpoint(mark(2));
        other.checkpoint(mark(3));
        assert!(batch.absorb(&mut other) && other.is_empty());
        let keys = |length| batch.checkpoints_at(length).iter().map(|mark| mark.key).collect::<Vec<_>>();
        assert_eq!([keys(0), keys(3), keys(4), keys(5)], [vec![1], vec![], vec![2, 3], vec![]]);
    }

    #[test]
    fn chunks_are_put_together_only_while_they_are_small() {
        let long = "x".repeat(CAPACITY - 3);
        assert!(batch(&[&long]).absorb(&mut batch(&["ab\n"])));
        assert!(!batch(&[&long]).absorb(&mut batch(&["abc\n"])));
        assert!(batch(&[&long]).is_full());
    }
}
