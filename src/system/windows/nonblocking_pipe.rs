//! Non-blocking writes by the producer itself, which Windows does not offer for an anonymous pipe.

use crate::system::stream::BorrowedStream;

/// Leaves all writes to the thread.
pub(crate) struct NonblockingPipe;

impl NonblockingPipe {
    /// Leaves all writes to the thread.
    pub(crate) fn disabled() -> Self {
        Self
    }

    /// Leaves all writes to the thread.
    pub(crate) fn new(_: BorrowedStream<'_>) -> Self {
        Self
    }

    /// Returns 0: the thread has to write.
    pub(crate) fn write(&mut self, _: &[u8]) -> usize {
        0
    }
}
