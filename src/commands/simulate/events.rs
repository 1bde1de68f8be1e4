//! The event stream of `simulate --events`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::commands::error::Error;
use crate::config::EventsTo;
use crate::simulator::{Simulator, UnwrittenStream};
use crate::system::stdout::{Stdout, close_stdout};

/// The maximum time that a stalled reader delays the end of the program.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// The place of the event stream, and its file if that is open.
pub(super) struct EventTarget {
    place: EventsTo,
    file: Option<File>,
}

impl EventTarget {
    /// Opens a file. A named pipe is opened later, since that waits for its reader, who may need the settings first.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn new(place: EventsTo) -> Result<Self, Error> {
        let file = match &place {
            EventsTo::File(path) if !is_special_file(path) => Some(append_to(path)),
            _ => None,
        };
        match file.transpose() {
            Ok(file) => Ok(Self { place, file }),
            Err(error) => Err(Error::SimulatedEvents { place, error }),
        }
    }

    pub(super) fn is_stdout(&self) -> bool {
        self.place == EventsTo::Stdout
    }

    /// Writes the events of all conversations. Returns when `stop` is cancelled, or the reader of standard output has closed it.
    ///
    /// # Errors
    ///
    /// The stream cannot be written.
    pub(super) async fn write(
        self,
        simulator: Simulator,
        stream: UnwrittenStream,
        stdout: Stdout,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let Self { place, file } = self;
        let opened = stop.run_until_cancelled(open(&place, file, stdout)).await;
        let mut end = match opened {
            Some(Ok(to)) => stream.write(to),
            Some(Err(error)) => return Err(Error::SimulatedEvents { place, error }),
            None => {
                simulator.shutdown().await;
                return Ok(());
            }
        };
        if let Some(result) = stop.run_until_cancelled(end.wait()).await {
            if report_end(&place, result)? {
                stop.cancelled().await;
            }
            simulator.shutdown().await;
        } else {
            // The shutdown ends the scripts, and the stream then ends with a whole line.
            simulator.shutdown().await;
            let _ = timeout(SHUTDOWN, end.wait()).await;
        }
        Ok(())
    }
}

/// Reports the end of the stream. Returns whether the simulator continues to serve.
fn report_end(place: &EventsTo, result: io::Result<u64>) -> Result<bool, Error> {
    match (result, place) {
        (Ok(number), _) => {
            tracing::info!("event stream complete: {number} events in {place}; the simulator continues to serve");
            if *place == EventsTo::Stdout {
                close_stdout();
            }
        }
        (Err(error), EventsTo::Stdout) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
        (Err(error), EventsTo::File(path)) if error.kind() == io::ErrorKind::BrokenPipe => {
            tracing::warn!(
                "the reader of {} closed it; the simulator continues to serve without events",
                path.display()
            );
        }
        (Err(error), _) => return Err(Error::SimulatedEvents { place: place.clone(), error }),
    }
    Ok(true)
}

/// Returns the open file of a place. A thread opens a named pipe, which waits for its reader.
async fn open(place: &EventsTo, file: Option<File>, stdout: Stdout) -> io::Result<Box<dyn Write + Send>> {
    match (place, file) {
        (EventsTo::Stdout, _) => Ok(Box::new(stdout)),
        (EventsTo::File(_), Some(file)) => Ok(Box::new(file)),
        (EventsTo::File(path), None) => {
            let path = path.clone();
            let file = tokio::task::spawn_blocking(move || append_to(&path)).await.map_err(io::Error::other)??;
            Ok(Box::new(file))
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

/// Returns whether there is something other than a regular file or a folder, such as a named pipe.
fn is_special_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| !file.is_file() && !file.is_dir())
}
