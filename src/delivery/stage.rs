//! Where lines go, for as long as somebody takes them.

use std::cell::RefCell;
use std::fs::File;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::commands::error::Error;
use crate::config::OutputOptions;
use crate::cursor::CursorFile;
use crate::delivery::recording::Recorder;
use crate::delivery::sink::{Counts, Delivery};
use crate::output::{Fate, Output, Prefixes, Writer};
use crate::status::stderr::{Above, Stderr};

/// How long what was read may take to reach the reader when the user wants to leave.
const LAST_FLUSH: Duration = Duration::from_millis(500);

/// Where lines go, for as long as that is possible.
pub(crate) struct Sink {
    /// What everything that arrives goes through.
    pub(crate) delivery: RefCell<Delivery>,
    broken: CancellationToken,
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
        let stdout = Above::new(stdout, stderr);
        let writer = match cursor {
            Some(cursor) => Writer::spawn_noting(stdout, lines.stall_buffer, cursor),
            None => Writer::spawn(stdout, lines.stall_buffer),
        };
        let writer = writer.map_err(Error::Start)?;
        let output = Output::new(lines.style, prefixes, writer);
        let broken = CancellationToken::new();
        Ok(Self { delivery: RefCell::new(Delivery::new(output, recorder, (past, prefixes), broken.clone())), broken })
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
            fate = writer.fate() => match fate {
                Fate::ReaderGone => Ok(None),
                Fate::Failed(error) => Err(Error::Output(error)),
                Fate::Unmarked(error) => Err(Error::Cursor(error)),
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
        let Delivery { output, counts, .. } = self.delivery.into_inner();
        let writer = output.handle();
        let mut finishing = std::pin::pin!(output.finish(None));
        let summary = tokio::select! {
            summary = &mut finishing => Some(summary),
            () = stop.cancelled() => tokio::time::timeout(LAST_FLUSH, finishing).await.ok(),
        };
        match summary.and_then(|summary| summary.fate) {
            Some(Fate::Failed(error)) => Err(Error::Output(error)),
            Some(Fate::Unmarked(error)) => Err(Error::Cursor(error)),
            Some(Fate::ReaderGone) => Ok(None),
            None => Ok(Some((writer.written().records, counts))),
        }
    }
}
