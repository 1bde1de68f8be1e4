//! Records on their way to the thread.

/// The size a chunk is made with, and up to which small ones are put together.
const CAPACITY: usize = 64 * 1024;
/// Handed over from here on, so that a record of ordinary size does not make the chunk grow.
const FULL: usize = CAPACITY - 4 * 1024;

/// Whole records, and where each of them ends.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Chunk {
    /// Appends what `format` writes as one record.
    pub(super) fn record(&mut self, format: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(CAPACITY);
        }
        format(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// What it takes in memory. The ends count, too: a record may be a single byte.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + size_of_val(self.ends.as_slice())
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
        }
        fits
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Whether it is worth keeping for later; one huge message should not be paid for until the end.
    pub(super) fn is_reusable(&self) -> bool {
        self.bytes.capacity() <= 2 * CAPACITY && self.ends.capacity() <= CAPACITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(records: &[&str]) -> Chunk {
        let mut chunk = Chunk::default();
        for record in records {
            chunk.record(|out| out.extend_from_slice(record.as_bytes()));
        }
        chunk
    }

    #[test]
    fn only_whole_records_are_counted() {
        let mut chunk = chunk(&["one\n", "two\n"]);
        assert!(chunk.absorb(&mut self::chunk(&["three\n"])));
        assert_eq!(chunk.bytes(), b"one\ntwo\nthree\n");
        assert_eq!([0, 3, 4, 7, 8, 13, 14].map(|length| chunk.records_within(length)), [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn chunks_are_put_together_only_while_they_are_small() {
        let long = "x".repeat(CAPACITY - 3);
        assert!(chunk(&[&long]).absorb(&mut chunk(&["ab\n"])));
        assert!(!chunk(&[&long]).absorb(&mut chunk(&["abc\n"])));
        assert!(chunk(&[&long]).is_full());
    }
}
