//! What the producer's loop awaits without holding on to the writer.

use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use super::reader_monitor::ReaderMonitor;
use super::{WriterExit, Written};

/// How long a reader may take to catch up before it is allowed to fall behind further.
const PATIENCE: Duration = Duration::from_millis(200);

/// A view of a [`Writer`](super::Writer) that can be cloned and kept.
///
/// It holds the output open: a reader sees the end when the writer is finished and the last handle dropped.
#[derive(Clone)]
pub struct WriterHandle {
    queue: Arc<Queue>,
    hangup: Arc<ReaderMonitor>,
}

impl WriterHandle {
    pub(super) fn new(queue: Arc<Queue>, hangup: ReaderMonitor) -> Self {
        Self { queue, hangup: Arc::new(hangup) }
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Waits until the reader has caught up, or has been given its time and may fall behind further.
    ///
    /// At once when the writer is within its limit, or has failed. Once as much is held back as may ever be, it waits
    /// without a limit. Cancel safe.
    pub async fn wait_for_capacity(&self) {
        if !self.queue.is_over_limit() {
            return;
        }
        if self.queue.is_at_stall_limit() {
            return self.queue.drained().await;
        }
        if tokio::time::timeout(PATIENCE, self.queue.drained()).await.is_err() {
            self.queue.widen();
        }
    }

    /// Waits until the reader has gone away or a write has failed, and says which; also while nothing is written.
    ///
    /// Does not resolve as long as all is well. Cancel safe.
    pub async fn exit(&self) -> WriterExit {
        tokio::select! {
            biased;
            fate = self.queue.failed() => return fate,
            () = self.hangup.gone() => self.queue.fail(WriterExit::ReaderClosed),
        }
        self.queue.failed().await
    }

    /// Whether everything that was handed over is written.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// What has been written so far.
    #[must_use]
    pub fn written(&self) -> Written {
        self.queue.written()
    }
}
