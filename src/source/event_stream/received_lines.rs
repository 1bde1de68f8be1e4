//! Lines that were received and not read yet.

/// The lines of a piece of the stream.
#[derive(Debug, Default)]
pub(super) struct ReceivedLines {
    bytes: Vec<u8>,
    read: usize,
}

impl ReceivedLines {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, read: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.read >= self.bytes.len()
    }

    /// Returns the next line.
    pub(super) fn next(&mut self) -> &[u8] {
        let rest = &self.bytes[self.read..];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.read += length + 1;
        &rest[..length]
    }

    /// Gives the memory back if everything was read.
    pub(super) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}
