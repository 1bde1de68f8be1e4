//! The thread that owns standard output, and the producer's end of it.
//!
//! The producer formats into a batch of its own and hands it over when the burst ends or the batch is full; a few lines for
//! a pipe that has room it writes itself. It never waits in a call: a reader that falls behind shows in [`Writer::is_over_limit`], and [`WriterHandle::wait_for_capacity`] is where to
//! wait, so that the runtime goes on answering pings. The thread is never joined, so no reader can hang the process.

mod batch;
mod handle;
mod nonblocking;
mod queue;
mod reader_monitor;
mod thread;

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use thiserror::Error;

use self::batch::Batch;
pub use self::handle::WriterHandle;
use self::nonblocking::NonblockingPipe;
use self::queue::Queue;
use self::reader_monitor::ReaderMonitor;
use crate::event::Checkpoint;

/// The producer's end. Dropping it flushes and lets the thread end by itself.
pub struct Writer {
    local: Batch,
    direct: NonblockingPipe,
    handle: WriterHandle,
    /// Whether the limit was passed when something was handed over last; only then it can be passed now.
    was_over_limit: bool,
}

/// What was taken by the reader or the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Records of which the last byte was written.
    pub records: u64,
    /// All bytes, those of a record cut short too.
    pub bytes: u64,
}

/// Why nothing is written any more.
#[derive(Debug, Clone, Error)]
pub enum WriterExit {
    /// Nobody reads any more, as after `| head -3`. That is success.
    #[error("the reader has gone away")]
    ReaderClosed,
    /// The output cannot be written to: a full disk, say.
    #[error("cannot write the output")]
    WriteFailed(#[source] Arc<io::Error>),
    /// The checkpoints of written records cannot be stored. The checkpoint of the last record is lost.
    #[error("cannot store a checkpoint")]
    CheckpointFailed(#[source] Arc<io::Error>),
}

impl Writer {
    /// Starts the thread on `out`, holding back not much more than `stall_buffer` bytes for a slow reader.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn spawn(out: impl Write + AsFd + Send + 'static, stall_buffer: usize) -> io::Result<Self> {
        let direct = NonblockingPipe::to(out.as_fd());
        Self::start(out, direct, stall_buffer, thread::drain)
    }

    /// Like [`Writer::spawn`], but writes one record at a time and hands its checkpoints to `on_written` before it
    /// begins the next record.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(crate) fn spawn_with_checkpoints(
        out: impl Write + AsFd + Send + 'static,
        stall_buffer: usize,
        on_written: impl FnMut(&[Checkpoint]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        Self::start(out, NonblockingPipe::never(), stall_buffer, |out, queue| {
            thread::drain_with_checkpoints(out, queue, on_written);
        })
    }

    fn start<W: Write + AsFd + Send + 'static>(
        out: W,
        direct: NonblockingPipe,
        stall_buffer: usize,
        drain: impl FnOnce(W, &Queue) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(stall_buffer));
        let handle = WriterHandle::new(Arc::clone(&queue), ReaderMonitor::watch(out.as_fd()));
        Builder::new().name("stdout".to_owned()).spawn(move || drain(out, &queue))?;
        Ok(Self { local: Batch::default(), direct, handle, was_over_limit: false })
    }

    /// Appends what `format` writes as one record. A full batch is handed over at once.
    pub fn record(&mut self, format: impl FnOnce(&mut Vec<u8>)) {
        self.local.record(format);
        if self.local.is_full() {
            self.flush();
        }
    }

    /// Appends what the cursor is to know once all records before it are written. For a writer with a cursor only.
    pub(crate) fn checkpoint(&mut self, mark: Checkpoint) {
        self.local.checkpoint(mark);
        if self.local.is_full() {
            self.flush();
        }
    }

    /// Hands over what was recorded, or writes it itself if nothing is before it and that takes no time. After a failure it
    /// is thrown away.
    pub fn flush(&mut self) {
        if self.local.is_empty() {
            return;
        }
        let queue = self.handle.queue();
        if queue.is_at_rest() {
            let length = self.direct.write(self.local.bytes());
            let records = self.local.cut(length);
            queue.count_written(records, length);
        }
        if !self.local.is_empty() {
            self.was_over_limit = queue.push(&mut self.local);
        }
    }

    /// Whether more is waiting for the reader than the soft limit allows.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        self.was_over_limit && self.handle.queue().is_over_limit()
    }

    /// What can be awaited and asked without borrowing the writer.
    #[must_use]
    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Flushes and waits until everything is written or the limit is reached, and says how much was.
    ///
    /// At the limit the thread stops after the batch it is at. Dropping the future leaves it to write the rest.
    ///
    /// # Errors
    ///
    /// Why not everything could be written; [`WriterHandle::written`] has the count.
    pub async fn finish(self, limit: Option<Duration>) -> Result<Written, WriterExit> {
        let handle = self.handle();
        drop(self);
        let Some(limit) = limit else { return handle.queue().ended().await };
        match tokio::time::timeout(limit, handle.queue().ended()).await {
            Ok(ended) => ended,
            Err(_) => handle.queue().abandon(),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flush();
        self.handle.queue().close();
    }
}

#[cfg(test)]
mod tests;
