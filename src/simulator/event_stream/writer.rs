//! The lines of the event stream.

use std::io::{self, BufWriter, Write};
use std::thread;

use chrono::Utc;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::envelope::Envelope;
use super::foreign::presence_event;
use super::order::EventOrder;
use crate::simulator::faults::{StreamFault, StreamShape};
use crate::simulator::state::event_stream::{StreamEvent, StreamItem};

/// The number of events of conversations between two events about presence.
const EVENTS_PER_PRESENCE: u64 = 20;

/// Writes events with their faults.
pub(super) struct StreamWriter<W: Write> {
    to: BufWriter<W>,
    seed: u64,
    order: EventOrder,
    /// The number of events of conversations so far.
    received: u64,
    /// The number of objects in the stream so far.
    written: u64,
    separator: &'static str,
}

impl<W: Write> StreamWriter<W> {
    pub(super) fn new(to: W, seed: u64) -> Self {
        Self { to: BufWriter::new(to), seed, order: EventOrder::default(), received: 0, written: 0, separator: "\n" }
    }

    /// Writes all items. Returns the number of objects.
    pub(super) fn write_all(&mut self, mut items: mpsc::Receiver<StreamItem>) -> io::Result<u64> {
        while let Some(item) = self.next(&mut items)? {
            match item {
                StreamItem::Event(event) => self.write_event(&event)?,
                StreamItem::Played(conversation) => {
                    let held = self.order.finish(&conversation);
                    self.write_objects(&held)?;
                }
            }
        }
        let held = self.order.finish_all();
        self.write_objects(&held)?;
        self.to.flush()?;
        Ok(self.written)
    }

    /// Returns the next item. Before it waits for one, everything written so far is on its way to the reader.
    fn next(&mut self, items: &mut mpsc::Receiver<StreamItem>) -> io::Result<Option<StreamItem>> {
        match items.try_recv() {
            Ok(item) => Ok(Some(item)),
            Err(TryRecvError::Disconnected) => Ok(None),
            Err(TryRecvError::Empty) => {
                self.to.flush()?;
                Ok(items.blocking_recv())
            }
        }
    }

    fn write_event(&mut self, event: &StreamEvent) -> io::Result<()> {
        let shape = shape_of(&event.faults);
        let json = Envelope::new(event, self.seed).to_json(shape);
        self.separator = if event.faults.contains(&StreamFault::Concatenated) { "" } else { "\n" };
        for fault in &event.faults {
            self.precede(fault, &json)?;
        }
        let events = self.order.push(&event.conversation, json, &event.faults);
        self.write_objects(&events)?;
        self.received += 1;
        if self.received.is_multiple_of(EVENTS_PER_PRESENCE) {
            let number = self.received / EVENTS_PER_PRESENCE;
            self.write_objects(&[presence_event(number, self.seed, event.at, shape)])?;
        }
        Ok(())
    }

    /// Performs a fault that precedes an event.
    fn precede(&mut self, fault: &StreamFault, json: &str) -> io::Result<()> {
        match fault {
            StreamFault::Malformed => {
                // Without a line break, nothing ends an incomplete object.
                self.to.write_all(&json.as_bytes()[..json.len() / 2])?;
                self.to.write_all(b"\n")
            }
            StreamFault::Oversize(bytes) => self.write_objects(&[oversized_event(*bytes)]),
            StreamFault::Stall(duration) => {
                self.to.flush()?;
                thread::sleep(*duration);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn write_objects(&mut self, objects: &[String]) -> io::Result<()> {
        for object in objects {
            write!(self.to, "{object}{}", self.separator)?;
            self.written += 1;
        }
        Ok(())
    }
}

fn shape_of(faults: &[StreamFault]) -> StreamShape {
    let shape = faults.iter().find_map(|fault| match fault {
        StreamFault::Shape(shape) => Some(*shape),
        _ => None,
    });
    shape.unwrap_or(StreamShape::Envelope)
}

/// Returns an event with about this many bytes, which concerns no conversation.
fn oversized_event(bytes: usize) -> String {
    let detail =
        json!({ "topicName": "v2.operations.events.simulated", "version": "2", "eventBody": "x".repeat(bytes) });
    json!({ "version": "0", "detail-type": "v2.operations.events.{id}", "time": Utc::now(), "detail": detail })
        .to_string()
}
