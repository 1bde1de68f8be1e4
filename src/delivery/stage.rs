//! Where lines go, for as long as somebody takes them.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::commands::error::Error;
use crate::config::OutputOptions;
use crate::cursor::{CursorError, CursorFile};
use crate::delivery::recording::Recorder;
use crate::delivery::sink::{Counts, Delivery};
use crate::output::{Output, Prefixes, Writer, WriterExit};
use crate::status::stderr::{Stderr, StderrAwareStdout};

/// How long what was read may take to reach the reader when the user wants to leave.
const LAST_FLUSH: Duration = Duration::from_millis(500);

/// Where lines go, for as long as that is possible.
pub(crate) struct Sink {
    /// What everything that arrives goes through.
    pub(crate) delivery: RefCell<Delivery>,
    broken: CancellationToken,
    cursor_path: Option<PathBuf>,
}

impl Sink {
    /// A stage for lines of this kind, with so many lines of the past and these prefixes; what comes is recorded, and
    /// noted when it is written, where there is something to do so with.
    ///
    /// # Errors
    ///
    /// When the machine gives no thread to write with.
    pub(crate) fn new(
        lines: OutputOptions,
        (past, prefixes): (Option<usize>, Prefixes),
        (recorder, cursor): (Option<Recorder>, Option<CursorFile>),
        (stdout, stderr): (File, &Stderr),
    ) -> Result<Self, Error> {
        let stdout = StderrAwareStdout::new(stdout, stderr);
        let cursor_path = cursor.as_ref().map(|cursor| cursor.path().to_owned());
        let writer = match cursor {
            Some(mut cursor) => {
                let on_written = move |checkpoints: &[_]| cursor.record(checkpoints);
                Writer::spawn_with_checkpoints(stdout, lines.stall_buffer, on_written)
            }
            None => Writer::spawn(stdout, lines.stall_buffer),
        };
        let writer = writer.map_err(Error::Start)?;
        let output = Output::new(lines.style, prefixes, writer);
        let broken = CancellationToken::new();
        let delivery = RefCell::new(Delivery::new(output, recorder, (past, prefixes), broken.clone()));
        Ok(Self { delivery, broken, cursor_path })
    }

    /// Runs `work` for as long as there is somebody to read it. `None` when the reader has gone away.
    ///
    /// # Errors
    ///
    /// When lines can no longer be written or recorded.
    pub(crate) async fn until_broken<T>(&self, work: impl Future<Output = T>) -> Result<Option<T>, Error> {
        let writer = self.delivery.borrow().output.handle();
        tokio::select! {
            biased;
            exit = writer.exit() => match exit {
                WriterExit::ReaderClosed => Ok(None),
                WriterExit::WriteFailed(error) => Err(Error::Output(error)),
                WriterExit::CheckpointFailed(source) => Err(cursor_error(self.cursor_path.clone(), source)),
            },
            () = self.broken.cancelled() => match self.delivery.borrow_mut().broken() {
                Some(error) => Err(Error::Record(error)),
                None => Ok(None),
            },
            done = work => Ok(Some(done)),
        }
    }

    /// Waits until the reader has everything, or for a moment only when the user wants to leave: how many lines it was
    /// given, and what happened; `None` when the reader has gone away.
    ///
    /// # Errors
    ///
    /// When the rest could not be written.
    pub(crate) async fn finish(self, stop: &CancellationToken) -> Result<Option<(u64, Counts)>, Error> {
        let cursor_path = self.cursor_path;
        let Delivery { output, counts, .. } = self.delivery.into_inner();
        let writer = output.handle();
        let mut finishing = std::pin::pin!(output.finish());
        let result = tokio::select! {
            result = &mut finishing => Some(result),
            () = stop.cancelled() => tokio::time::timeout(LAST_FLUSH, finishing).await.ok(),
        };
        match result.and_then(Result::err) {
            Some(WriterExit::WriteFailed(error)) => Err(Error::Output(error)),
            Some(WriterExit::CheckpointFailed(source)) => Err(cursor_error(cursor_path, source)),
            Some(WriterExit::ReaderClosed) => Ok(None),
            None => Ok(Some((writer.written().records, counts))),
        }
    }
}

fn cursor_error(path: Option<PathBuf>, source: Arc<io::Error>) -> Error {
    Error::Cursor(CursorError::Io { path: path.unwrap_or_default(), source })
}
