//! The writer of the event stream: the events of all conversations as EventBridge delivers them, one JSON object per line.

mod envelope;
mod foreign;
mod order;
mod writer;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::state::SimulatorState;
use super::state::event_stream::StreamItem;
use writer::StreamWriter;

/// The event stream of a simulator, before it has a writer.
#[derive(Debug)]
pub struct UnwrittenStream {
    items: mpsc::Receiver<StreamItem>,
    state: Arc<SimulatorState>,
}

/// The end of an event stream.
#[derive(Debug)]
pub struct StreamEnd(oneshot::Receiver<io::Result<u64>>);

impl UnwrittenStream {
    pub(super) fn new(items: mpsc::Receiver<StreamItem>, state: Arc<SimulatorState>) -> Self {
        Self { items, state }
    }

    /// Writes the events of all conversations, and starts their scripts. The stream ends with the last of them, or with the
    /// simulator; then `to` is dropped.
    ///
    /// The writer has a thread of its own, since a slow reader blocks it.
    pub fn write(self, to: impl Write + Send + 'static) -> StreamEnd {
        let (sender, end) = oneshot::channel();
        self.state.start_all_scripts();
        let (items, mut writer) = (self.items, StreamWriter::new(to, self.state.seed));
        thread::spawn(move || {
            let result = writer.write_all(items);
            drop(writer);
            // The simulator may have been dropped meanwhile.
            let _ = sender.send(result);
        });
        StreamEnd(end)
    }
}

impl StreamEnd {
    /// Waits for the end of the stream, and returns the number of objects in it. Cancel safe.
    ///
    /// # Errors
    ///
    /// The stream cannot be written.
    pub async fn wait(&mut self) -> io::Result<u64> {
        // The thread sends its result unless it panics.
        (&mut self.0).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}
