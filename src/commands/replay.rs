//! `--replay`: prints a recording with the code of a live run, so that the same bytes come out (HIST-16, HIST-17).

mod lines;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use self::lines::read_batches;
use super::error::Error;
use crate::config::{Replay, ReplayFrom};
use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::recording::{self, LineError, RecordedItem, RecordingEntry, RecordingLine};
use crate::delivery::sink::Sink;
use crate::delivery::{Delivery, DeliveryOptions};
use crate::event::{EventBody, Gap, RawFrame, TranscriptEvent};
use crate::output::Prefixes;
use crate::source::{ConnectionRole, Item, ItemKind, transcript_item};
use crate::status::stderr::Stderr;
use crate::system::io_error;
use crate::wire::notification::{self, Notification};
use crate::wire::transcript::fast_path::TemplateCache;

/// An error that ends a replay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The recording does not exist.
    #[error("there is no recording {}", .0.display())]
    Missing(PathBuf),
    /// The recording cannot be read.
    #[error("cannot read the recording{name}: {}", io_error::describe(source))]
    Io {
        /// Its name after a blank; empty for standard input.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The file is not a recording, or is damaged.
    #[error("line {line} is no line of a recording: {reason}")]
    Corrupt {
        /// The number of the line, from 1.
        line: u64,
        /// The fault.
        reason: String,
    },
}

/// Prints a recording until its end, or until `stop` is cancelled.
///
/// # Errors
///
/// The failure to read or write, which was not reported.
pub(super) async fn replay_recording(
    settings: Replay,
    stdout: File,
    stderr: &Stderr,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let options = DeliveryOptions {
        output: settings.output,
        history_lines: None,
        prefixes: Prefixes::default(),
        recorder: None,
        cursor: None,
    };
    let delivery = Delivery::start(options, stdout, stderr)?;
    let replayed = stop.run_until_cancelled(replay(&settings.from, &delivery.sink));
    let Some(replayed) = delivery.run_until_failed(replayed).await? else { return Ok(()) };
    delivery.finish(stop).await?;
    replayed.unwrap_or(Ok(())).map_err(Error::Replay)
}

/// Delivers a recording. Warns if its last line was cut short, or if there is none. Cancel safe.
///
/// # Errors
///
/// The recording is missing or cannot be read to its end. Everything before the fault was delivered.
pub(crate) async fn replay(recording: &ReplayFrom, sink: &RefCell<Sink>) -> Result<(), ReplayError> {
    let mut batches = read_batches(recording).await?;
    let writer = sink.borrow().output.handle();
    let mut run = Run::default();
    let mut number = 0;
    while let Some(batch) = batches.recv().await {
        for line in batch.map_err(|source| ReplayError::io(recording, source))? {
            number += 1;
            match recording::parse(line.trim_end()) {
                Ok(line) => run.deliver(line, number, &mut sink.borrow_mut())?,
                Err(LineError::Torn) if !line.ends_with('\n') => {
                    tracing::warn!(line = number, "the recording is cut short: line {number} is not whole");
                }
                Err(error) => return Err(ReplayError::Corrupt { line: number, reason: error.to_string() }),
            }
            if sink.borrow().output.is_over_limit() {
                sink.borrow_mut().flush();
                writer.wait_for_capacity().await;
            }
        }
        sink.borrow_mut().flush();
    }
    if number == 0 {
        tracing::warn!("the recording is empty");
    }
    Ok(())
}

impl ReplayError {
    fn io(recording: &ReplayFrom, source: io::Error) -> Self {
        let name = match recording {
            ReplayFrom::Stdin => String::new(),
            ReplayFrom::File(path) => format!(" {}", path.display()),
        };
        Self::Io { name, source }
    }
}

/// The state of the recorded run whose lines are replayed.
#[derive(Default)]
struct Run {
    has_header: bool,
    dedup: Dedup,
    occurrences: HashMap<(String, u32), OccurrenceCounter>,
    templates: TemplateCache,
}

/// The place of an entry: its conversation and time of arrival.
#[derive(Clone, Copy)]
struct Place<'a> {
    conversation: &'a str,
    received: DateTime<Utc>,
}

impl Run {
    fn deliver(&mut self, line: RecordingLine, number: u64, sink: &mut Sink) -> Result<(), ReplayError> {
        match line {
            RecordingLine::Header(header) => {
                *self = Self { has_header: true, ..Self::default() };
                let ids = header.conversations.iter().map(String::as_str);
                let prefixes = if header.grows { Prefixes::growing(ids) } else { Prefixes::new(ids) };
                sink.output.start_run(prefixes);
                Ok(())
            }
            RecordingLine::Entry(entry) if self.has_header => self.deliver_entry(entry, number, sink),
            RecordingLine::Entry(_) => {
                Err(ReplayError::Corrupt { line: number, reason: "its head is missing".to_owned() })
            }
        }
    }

    fn deliver_entry(&mut self, entry: RecordingEntry, number: u64, sink: &mut Sink) -> Result<(), ReplayError> {
        let RecordingEntry { at: received, conversation, item } = entry;
        let place = Place { conversation: &conversation, received };
        match item {
            RecordedItem::Text(connection, text) => self.deliver_frame(place, connection, RawFrame::Text(&text), sink),
            RecordedItem::Binary(connection, base64) => {
                let reason = || "its base64 is broken".to_owned();
                let bytes = recording::decode_binary(&base64)
                    .ok_or_else(|| ReplayError::Corrupt { line: number, reason: reason() })?;
                self.deliver_frame(place, connection, RawFrame::Binary(&bytes), sink);
            }
            RecordedItem::Gap { from, reason } => {
                let gap = Gap { from, to: received, reason };
                self.deliver_event(place, Some(received), EventBody::Gap(gap), sink);
            }
            RecordedItem::Message(at, message) => {
                self.deliver_event(place, at, EventBody::Message(*message), sink);
            }
            RecordedItem::Update(at, description) => {
                let description = description.map(Into::into);
                self.deliver_event(place, at, EventBody::Update { description }, sink);
            }
            RecordedItem::Closed(at) => self.deliver_event(place, at, EventBody::Closed, sink),
        }
        Ok(())
    }

    fn deliver_frame(&mut self, place: Place<'_>, connection: u32, raw: RawFrame<'_>, sink: &mut Sink) {
        let Place { conversation, received } = place;
        let occurrences = self.occurrences.entry((conversation.to_owned(), connection));
        let occurrences = occurrences.or_insert_with(|| OccurrenceCounter::for_connection(connection));
        let mut item = transcript_item(raw, conversation, received, ConnectionRole::Live, &self.templates);
        let is_keepalive = || matches!(notification::decode(raw), Notification::Heartbeat | Notification::Pong);
        if matches!(item.kind, ItemKind::Ignored(_)) && is_keepalive() {
            item.kind = ItemKind::Keepalive;
        }
        sink.deliver(item, &mut self.dedup, occurrences);
    }

    /// Delivers an event that did not come in a frame.
    fn deliver_event(&mut self, place: Place<'_>, at: Option<DateTime<Utc>>, body: EventBody<'_>, sink: &mut Sink) {
        let Place { conversation, received } = place;
        let kind = ItemKind::Event(TranscriptEvent { conversation, at, received, body });
        let item = Item { conversation, received, raw: None, kind, connection: ConnectionRole::Live };
        sink.deliver(item, &mut self.dedup, &mut OccurrenceCounter::default());
    }
}
