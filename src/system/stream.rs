//! Open files, pipes, sockets and terminals.

pub use super::platform::stream::BorrowedStream;
pub(crate) use super::platform::stream::wait_until_writable;

/// An output that the operating system knows: a file descriptor, on Windows a handle.
pub trait AsStream {
    /// Borrows the descriptor or handle.
    fn as_stream(&self) -> BorrowedStream<'_>;
}
