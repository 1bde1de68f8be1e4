//! The events of all conversations, on their way to the writer of the event stream.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::simulator::faults::StreamFault;
use crate::simulator::lock::lock;

/// The number of events that the writer may lag behind. A slower reader slows the conversations down, so that memory stays
/// bounded.
const STREAM_QUEUE: usize = 1024;

/// The queue of the event stream. It is closed without a stream, and after the last script was played.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    sender: Mutex<Option<mpsc::Sender<StreamItem>>>,
    /// The number of scripts that were not played to their end.
    remaining: AtomicUsize,
}

#[derive(Debug)]
pub(crate) enum StreamItem {
    Event(StreamEvent),
    /// The script of this conversation was played to its end.
    Played(String),
}

/// An event of a conversation.
#[derive(Debug)]
pub(crate) struct StreamEvent {
    pub(crate) topic: String,
    pub(crate) body: Box<RawValue>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) conversation: String,
    /// The number of the event in its conversation, counted from 1.
    pub(crate) number: u64,
    /// The faults that happen to it.
    pub(crate) faults: Vec<StreamFault>,
}

impl EventStream {
    /// Opens a stream of this many conversations. Also returns its end for the writer.
    pub(crate) fn open(conversations: usize) -> (Self, mpsc::Receiver<StreamItem>) {
        let (sender, items) = mpsc::channel(STREAM_QUEUE);
        (Self { sender: Mutex::new(Some(sender)), remaining: AtomicUsize::new(conversations) }, items)
    }

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.sender).is_some()
    }

    /// Sends an item, unless the stream is closed.
    pub(crate) async fn send(&self, item: StreamItem) {
        let sender = lock(&self.sender).clone();
        if let Some(sender) = sender {
            // A writer that failed loses the item; the failure is reported where it happened.
            let _ = sender.send(item).await;
        }
    }

    /// Reports that the script of a conversation was played to its end. The last one closes the stream.
    pub(crate) async fn finish(&self, conversation: &str) {
        if self.is_open() {
            self.send(StreamItem::Played(conversation.to_owned())).await;
            if self.remaining.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.close();
            }
        }
    }

    /// Closes the stream. The writer still receives the items in the queue.
    pub(crate) fn close(&self) {
        lock(&self.sender).take();
    }
}
