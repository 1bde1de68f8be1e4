//! Delivers events to the user: records, deduplicates, prints and counts them, until writing has to stop.

pub(crate) mod recording;
pub(crate) mod sink;

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::recording::{RecordError, Recorder};
use self::sink::{Counts, Sink};
use crate::config::OutputOptions;
use crate::cursor::{CursorError, CursorFile};
use crate::output::{CheckpointWriter, FileError, Output, OutputFolder, Prefixes, Writer, WriterExit};
use crate::status::stderr::{Stderr, StderrAwareStdout};
use crate::system::stdout::Stdout;

/// The time limit for the last lines to reach the reader of stdout when the user stops the program (CONN-46).
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// The settings of a delivery.
pub(crate) struct DeliveryOptions {
    /// The format of the lines, and how much waits for a slow reader.
    pub(crate) output: OutputOptions,
    /// The number of lines of history for each conversation; `None` for all.
    pub(crate) history_lines: Option<usize>,
    /// The prefixes of the lines.
    pub(crate) prefixes: Prefixes,
    /// Records what is delivered.
    pub(crate) recorder: Option<Recorder>,
    /// Stores the progress.
    pub(crate) cursor: Option<CursorFile>,
}

/// The sink, and the failures that end it.
pub(crate) struct Delivery {
    /// The sink, shared by all sources.
    pub(crate) sink: RefCell<Sink>,
    recording_failed: CancellationToken,
    cursor_path: Option<PathBuf>,
}

/// A failure of the delivery.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// The thread for stdout cannot be started.
    #[error(transparent)]
    Start(io::Error),
    /// Lines cannot be written.
    #[error(transparent)]
    Output(Arc<io::Error>),
    /// The folder, or the file of a conversation, cannot be used or written.
    #[error(transparent)]
    File(Arc<FileError>),
    /// The recording cannot be written.
    #[error(transparent)]
    Record(RecordError),
    /// The cursor cannot be written.
    #[error(transparent)]
    Cursor(CursorError),
}

/// The totals of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    /// The lines that the reader of stdout was given.
    pub(crate) lines: u64,
    /// The counts of events.
    pub(crate) counts: Counts,
}

impl Delivery {
    /// Starts the thread that owns stdout, or the files of conversations.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started, or the folder of the files cannot be used.
    pub(crate) fn start(options: DeliveryOptions, stdout: Stdout, stderr: &Stderr) -> Result<Self, DeliveryError> {
        let DeliveryOptions { output, history_lines, prefixes, recorder, cursor } = options;
        let cursor_path = cursor.as_ref().map(|cursor| cursor.path().to_owned());
        let on_written =
            cursor.map(|mut cursor| -> CheckpointWriter { Box::new(move |checkpoints| cursor.record(checkpoints)) });
        let writer = match output.folder {
            Some(path) => {
                let folder = OutputFolder::create(&path, output.style.format);
                let folder = folder.map_err(|error| DeliveryError::File(Arc::new(error)))?;
                let stderr = stderr.clone();
                Writer::spawn_files(folder, output.stall_buffer, move || stderr.on_output(), on_written)
            }
            None => spawn_writer(StderrAwareStdout::new(stdout, stderr), output.stall_buffer, on_written),
        };
        let formatter = Output::new(output.style, prefixes, writer.map_err(DeliveryError::Start)?);
        let recording_failed = CancellationToken::new();
        let sink = Sink::new(formatter, recorder, history_lines, recording_failed.clone());
        let sink = RefCell::new(sink.with_redaction(output.redaction));
        Ok(Self { sink, recording_failed, cursor_path })
    }

    /// Runs `work` until it is done or nothing more can be delivered. `None` if the reader of stdout has closed it.
    ///
    /// # Errors
    ///
    /// The failure to write or record.
    pub(crate) async fn run_until_failed<T>(&self, work: impl Future<Output = T>) -> Result<Option<T>, DeliveryError> {
        let writer = self.sink.borrow().output.handle();
        tokio::select! {
            biased;
            exit = writer.exit() => self.on_exit(exit).map(|()| None),
            () = self.recording_failed.cancelled() => match self.sink.borrow_mut().take_record_error() {
                Some(error) => Err(DeliveryError::Record(error)),
                None => Ok(None),
            },
            done = work => Ok(Some(done)),
        }
    }

    /// Waits until the reader of stdout has everything, or for 500 ms if the user stops the program. `None` if the reader
    /// has closed stdout, or did not take everything in time.
    ///
    /// # Errors
    ///
    /// The failure to write or record the rest.
    pub(crate) async fn finish(self, stop: &CancellationToken) -> Result<Option<Totals>, DeliveryError> {
        let Self { sink, cursor_path, .. } = self;
        let mut sink = sink.into_inner();
        sink.flush();
        let record_error = sink.take_record_error();
        let Sink { output, counts, .. } = sink;
        let writer = output.handle();
        let mut finishing = std::pin::pin!(output.finish());
        let result = tokio::select! {
            result = &mut finishing => Some(result),
            () = stop.cancelled() => tokio::time::timeout(FLUSH_TIMEOUT, finishing).await.ok(),
        };
        let totals = match result.and_then(Result::err) {
            Some(exit) => on_exit(exit, cursor_path.as_ref()).map(|()| None)?,
            None => Some(Totals { lines: writer.written().records, counts }),
        };
        record_error.map_or(Ok(totals), |error| Err(DeliveryError::Record(error)))
    }

    fn on_exit(&self, exit: WriterExit) -> Result<(), DeliveryError> {
        on_exit(exit, self.cursor_path.as_ref())
    }
}

fn spawn_writer(
    stdout: StderrAwareStdout<Stdout>,
    stall_buffer: usize,
    on_written: Option<CheckpointWriter>,
) -> io::Result<Writer> {
    match on_written {
        Some(on_written) => Writer::spawn_with_checkpoints(stdout, stall_buffer, on_written),
        None => Writer::spawn(stdout, stall_buffer),
    }
}

fn on_exit(exit: WriterExit, cursor_path: Option<&PathBuf>) -> Result<(), DeliveryError> {
    match exit {
        // The reader has what it wants: the run ends with exit code 0 (OUT-43).
        WriterExit::ReaderClosed => Ok(()),
        WriterExit::WriteFailed(error) => Err(DeliveryError::Output(error)),
        WriterExit::FileFailed(error) => Err(DeliveryError::File(error)),
        WriterExit::CheckpointFailed(source) => {
            let path = cursor_path.cloned().unwrap_or_default();
            Err(DeliveryError::Cursor(CursorError::Io { path, source }))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::config::Style;
    use crate::event::RawFrame;
    use crate::source::{ConnectionRole, Item, ItemKind};
    use crate::system::stdout;

    fn delivery(recorder: Recorder) -> Delivery {
        let output = OutputOptions {
            style: Style::default(),
            folder: None,
            stall_buffer: 1024,
            redaction: crate::redaction::Redaction::default(),
        };
        let (history_lines, prefixes, recorder) = (None, Prefixes::default(), Some(recorder));
        let options = DeliveryOptions { output, history_lines, prefixes, recorder, cursor: None };
        let stdout = stdout::of_file(tempfile::tempfile().expect("a file"));
        Delivery::start(options, stdout, &Stderr::default()).expect("a thread")
    }

    #[tokio::test]
    async fn a_recording_that_fails_in_the_last_flush_fails_the_delivery() {
        for flushes_itself in [true, false] {
            let mut recorder = Recorder::that_cannot_write();
            let (raw, kind) = (RawFrame::Text("{}"), ItemKind::Keepalive);
            let (conversation, connection) = ("c1", ConnectionRole::Live);
            let item = Item { conversation, received: Utc::now(), raw: Some(raw), kind, connection };
            recorder.record_frame(&item, 0, raw, None);
            let delivery = delivery(recorder);
            let work = async {
                if flushes_itself {
                    delivery.sink.borrow_mut().flush();
                }
            };
            assert!(matches!(delivery.run_until_failed(work).await, Ok(Some(()))), "the work ends with the failure");
            let finished = delivery.finish(&CancellationToken::new()).await;
            assert!(matches!(finished, Err(DeliveryError::Record(RecordError::Io { .. }))), "{finished:?}");
        }
    }
}
