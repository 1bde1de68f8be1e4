//! The reader of the output.

use std::future::pending;

use crate::system::stream::BorrowedStream;

/// Monitors nothing. The next write finds a closed pipe.
///
/// Windows tells the writer of an anonymous pipe about a closed reader only by `NtQueryInformationFile`, for which there is
/// no safe wrapper. A write of zero bytes is no test: the reader takes it for the end of the file.
pub(crate) struct ReaderMonitor;

impl ReaderMonitor {
    /// Monitors nothing.
    pub(crate) fn new(_: BorrowedStream<'_>) -> Self {
        Self
    }

    /// Monitors nothing.
    pub(crate) fn disabled() -> Self {
        Self
    }

    /// Stays pending. Cancel safe.
    pub(crate) async fn closed(&self) {
        pending::<()>().await;
    }
}
