//! The thread that owns standard output, and the producer that feeds it (OUT-40 to OUT-46).
//!
//! The producer formats records into a [`Batch`] of its own. It hands the batch over when a burst of events ends or the
//! batch is full; a few lines for a pipe with free space it writes itself. No method blocks: a slow reader shows in
//! [`Writer::is_over_limit`], and [`WriterHandle::wait_for_capacity`] waits for it while the runtime continues to answer
//! pings. The thread is never joined, so that no reader can hang the process.
//!
//! A [`Checkpoint`] travels with the records it belongs to. The thread hands it to a callback once they are written; this
//! module knows no cursor.

mod batch;
mod files;
mod handle;
mod queue;
mod record_writer;
mod thread;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use thiserror::Error;

use self::batch::Batch;
use self::files::ConversationFiles;
pub(crate) use self::files::{FileError, OutputFolder};
pub(crate) use self::handle::WriterHandle;
use self::queue::Queue;
use self::record_writer::RecordWriter;
use crate::event::Checkpoint;
use crate::system::nonblocking_pipe::NonblockingPipe;
use crate::system::reader_monitor::ReaderMonitor;
use crate::system::stream::AsStream;

/// The producer's side. Dropping it flushes; the thread then ends by itself.
pub struct Writer {
    batch: Batch,
    pipe: NonblockingPipe,
    handle: WriterHandle,
    /// The limit was exceeded at the last handover. It can be exceeded now only if this is true.
    was_over_limit: bool,
    /// Records go to the file of their conversation.
    is_split: bool,
}

/// Stores the checkpoints of written records.
pub(crate) type CheckpointWriter = Box<dyn FnMut(&[Checkpoint]) -> io::Result<()> + Send>;

/// The amount of output that the reader or the file accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The number of completely written records.
    pub(crate) records: u64,
    /// The number of bytes, including those of a partially written record, even if a file keeps none of them.
    pub(crate) bytes: u64,
}

/// The reason why writing ended before everything was written.
#[derive(Debug, Clone, Error)]
pub(crate) enum WriterExit {
    /// The reader closed the pipe, as after `| head -3`. That is success.
    #[error("the reader closed the pipe")]
    ReaderClosed,
    /// A write failed, for example on a full disk.
    #[error("cannot write the output")]
    WriteFailed(#[source] Arc<io::Error>),
    /// Checkpoints cannot be stored. That of the last written record may be lost.
    #[error("cannot store a checkpoint")]
    CheckpointFailed(#[source] Arc<io::Error>),
    /// The file of a conversation cannot be written.
    #[error(transparent)]
    FileFailed(Arc<FileError>),
}

/// Waits until the reader of a pipe closes it. Stays pending for a terminal and a file. Cancel safe.
///
/// # Panics
///
/// Outside of a tokio runtime with I/O enabled.
pub(crate) async fn reader_closed(out: &impl AsStream) {
    ReaderMonitor::new(out.as_stream()).closed().await;
}

impl Writer {
    /// Starts the thread on `out`. Buffers not much more than `stall_buffer` bytes for a slow reader.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn spawn(out: impl Write + AsStream + Send + 'static, stall_buffer: usize) -> io::Result<Self> {
        let (pipe, reader) = (NonblockingPipe::new(out.as_stream()), ReaderMonitor::new(out.as_stream()));
        Self::start(pipe, reader, stall_buffer, |queue| {
            thread::write_batches(RecordWriter::new(out, queue), queue);
        })
    }

    /// Like [`Writer::spawn`], but writes one record at a time and hands its checkpoints to `on_written` before it
    /// begins the next record.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub(crate) fn spawn_with_checkpoints(
        out: impl Write + AsStream + Send + 'static,
        stall_buffer: usize,
        on_written: CheckpointWriter,
    ) -> io::Result<Self> {
        let reader = ReaderMonitor::new(out.as_stream());
        Self::start(NonblockingPipe::disabled(), reader, stall_buffer, |queue| {
            thread::write_records(RecordWriter::new(out, queue), queue, on_written);
        })
    }

    /// Starts the thread on the files of a folder, one for each conversation. With `on_written`, writes one record at a
    /// time, like [`Writer::spawn_with_checkpoints`]. `on_write` is called before each write.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn spawn_files(
        folder: OutputFolder,
        stall_buffer: usize,
        on_write: impl FnMut() + Send + 'static,
        on_written: Option<CheckpointWriter>,
    ) -> io::Result<Self> {
        let writer = Self::start(NonblockingPipe::disabled(), ReaderMonitor::disabled(), stall_buffer, move |queue| {
            let files = ConversationFiles::new(folder, queue, on_write);
            match on_written {
                Some(on_written) => thread::write_records(files, queue, on_written),
                None => thread::write_batches(files, queue),
            }
        });
        writer.map(|mut writer| {
            writer.is_split = true;
            writer
        })
    }

    fn start(
        pipe: NonblockingPipe,
        reader: ReaderMonitor,
        stall_buffer: usize,
        run: impl FnOnce(&Queue) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(stall_buffer));
        let handle = WriterHandle::new(Arc::clone(&queue), reader);
        Builder::new().name("stdout".to_owned()).spawn(move || run(&queue))?;
        Ok(Self { batch: Batch::default(), pipe, handle, was_over_limit: false, is_split: false })
    }

    /// Sets the conversation of the next record.
    pub(crate) fn set_conversation(&mut self, id: &str) {
        if self.is_split {
            self.batch.set_conversation(id);
        }
    }

    /// Closes the file of a conversation once all its records are written. A later record opens it again.
    pub(crate) fn end_conversation(&mut self, id: &str) {
        if self.is_split {
            self.batch.push_end(id);
        }
    }

    /// Appends the output of `format` as one record. Hands over a full batch at once.
    pub(crate) fn record(&mut self, format: impl FnOnce(&mut Vec<u8>)) {
        self.batch.push_record(format);
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// Appends a checkpoint, which is due once all records before it are written. Only for a writer that was
    /// [spawned with checkpoints](Writer::spawn_with_checkpoints).
    pub(crate) fn checkpoint(&mut self, checkpoint: Checkpoint) {
        self.batch.push_checkpoint(checkpoint);
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// Hands over the batch, or writes it itself if the queue is empty and the pipe has space. Discards the batch after
    /// the writer has failed.
    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let queue = self.handle.queue();
        if queue.is_idle() {
            let length = self.pipe.write(self.batch.bytes());
            let records = self.batch.remove_written(length);
            queue.count_written(records, length);
        }
        if !self.batch.is_empty() {
            self.was_over_limit = queue.push(&mut self.batch);
        }
    }

    /// Returns whether more output waits for the reader than the current limit allows.
    #[must_use]
    pub(crate) fn is_over_limit(&self) -> bool {
        self.was_over_limit && self.handle.queue().is_over_limit()
    }

    /// Returns a view that does not borrow the writer.
    #[must_use]
    pub(crate) fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Flushes, waits until everything is written or the time limit is reached, and returns the amount written.
    ///
    /// At the limit the thread stops after its current batch. Dropping the future leaves it to write the rest.
    ///
    /// # Errors
    ///
    /// The reason why not everything could be written. [`WriterHandle::written`] returns the amount written.
    pub(crate) async fn finish(self, limit: Option<Duration>) -> Result<Written, WriterExit> {
        let handle = self.handle();
        drop(self);
        let Some(limit) = limit else { return handle.queue().ended().await };
        match tokio::time::timeout(limit, handle.queue().ended()).await {
            Ok(result) => result,
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
