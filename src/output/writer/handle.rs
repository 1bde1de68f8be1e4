//! A view of the writer for tasks that do not own it.

use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use super::{WriterExit, Written};
use crate::system::reader_monitor::ReaderMonitor;

/// The time that a slow reader gets to catch up before its limit is raised.
const CATCH_UP_TIMEOUT: Duration = Duration::from_millis(200);

/// A view of a [`Writer`](super::Writer). It can be cloned and kept.
///
/// A handle keeps the output open: the reader sees the end of file once the writer is finished and the last handle is
/// dropped.
#[derive(Clone)]
pub(crate) struct WriterHandle {
    queue: Arc<Queue>,
    reader: Arc<ReaderMonitor>,
}

impl WriterHandle {
    pub(super) fn new(queue: Arc<Queue>, reader: ReaderMonitor) -> Self {
        Self { queue, reader: Arc::new(reader) }
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Waits until the reader catches up, or its limit is raised after a short time.
    ///
    /// Returns at once if the writer is within its limit or has failed. At the stall buffer, the highest limit, it waits
    /// as long as the reader stalls. Cancel safe.
    pub(crate) async fn wait_for_capacity(&self) {
        if !self.queue.is_over_limit() {
            return;
        }
        if self.queue.is_at_stall_limit() {
            return self.queue.wait_for_capacity().await;
        }
        if tokio::time::timeout(CATCH_UP_TIMEOUT, self.queue.wait_for_capacity()).await.is_err() {
            self.queue.raise_limit();
        }
    }

    /// Waits until the reader closes the output or the writer fails, also while nothing is written.
    ///
    /// Stays pending while the writer works, and after it has written everything. Cancel safe.
    pub(crate) async fn exit(&self) -> WriterExit {
        tokio::select! {
            biased;
            exit = self.queue.failed() => return exit,
            () = self.reader.closed() => self.queue.fail(WriterExit::ReaderClosed),
        }
        self.queue.failed().await
    }

    /// Returns whether everything that was handed over is written.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the amount written so far.
    #[must_use]
    pub(crate) fn written(&self) -> Written {
        self.queue.written()
    }
}
