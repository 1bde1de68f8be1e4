//! Delivers the lines of a recording as a live run delivers frames and events.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::error::ReplayError;
use super::lines::read_batches;
use crate::config::ReplayFrom;
use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::recording::{self, LineError, RecordedItem, RecordingEntry, RecordingLine};
use crate::delivery::sink::Sink;
use crate::event::{EventBody, EventContext, Gap, RawFrame, TranscriptEvent};
use crate::output::Prefixes;
use crate::source::{ConnectionRole, Item, ItemKind, transcript_item};
use crate::status::work::{Work, WorkReporter};
use crate::wire::notification::{self, Notification};
use crate::wire::transcript::fast_path::TemplateCache;

/// Delivers a recording. Warns if its last line was cut short, or if there is none. Cancel safe.
///
/// # Errors
///
/// The recording is missing or cannot be read to its end. Everything before the fault was delivered.
pub(crate) async fn replay(
    recording: &ReplayFrom,
    sink: &RefCell<Sink>,
    progress: &WorkReporter,
) -> Result<(), ReplayError> {
    let mut batches = read_batches(recording).await?;
    let (size, mut delivered) = (size_of_file(recording), 0);
    report(progress, delivered, size);
    let writer = sink.borrow().output.handle();
    let mut run = Run::default();
    let mut number = 0;
    while let Some(batch) = batches.recv().await {
        for line in batch.map_err(|source| ReplayError::io(recording, source))? {
            number += 1;
            delivered += line.len() as u64;
            match recording::parse(line.trim_end()) {
                Ok(line) => run.deliver(line, number, &mut sink.borrow_mut())?,
                Err(LineError::Torn) if !line.ends_with('\n') => {
                    tracing::warn!(line = number, "the recording is truncated: line {number} is incomplete");
                }
                Err(error) => return Err(ReplayError::Corrupt { line: number, reason: error.to_string() }),
            }
            if sink.borrow().output.is_over_limit() {
                sink.borrow_mut().flush();
                writer.wait_for_capacity().await;
            }
        }
        sink.borrow_mut().flush();
        report(progress, delivered, size);
    }
    if number == 0 {
        tracing::warn!("the recording is empty");
    }
    Ok(())
}

/// Returns the size of a recording in a regular file. That of a pipe is unknown.
fn size_of_file(recording: &ReplayFrom) -> Option<u64> {
    let ReplayFrom::File(path) = recording else { return None };
    let metadata = fs::metadata(path).ok()?;
    (metadata.is_file() && metadata.len() > 0).then_some(metadata.len())
}

fn report(progress: &WorkReporter, delivered: u64, size: Option<u64>) {
    if let Some(size) = size {
        let percent = (delivered.saturating_mul(100) / size).min(100);
        progress.report(Work::Replaying { percent: u8::try_from(percent).unwrap_or(100) });
    }
}

/// The state of the recorded run whose lines are replayed.
#[derive(Default)]
struct Run {
    has_header: bool,
    dedup: Dedup,
    occurrences: HashMap<(String, u32), OccurrenceCounter>,
    /// Counts the events outside of frames. Each is recorded because it was new.
    read_occurrences: OccurrenceCounter,
    templates: TemplateCache,
}

/// The origin of an entry: its conversation and time of arrival, and the surroundings of its event.
struct EntryOrigin<'a> {
    conversation: &'a str,
    received: DateTime<Utc>,
    context: Option<EventContext>,
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
                Err(ReplayError::Corrupt { line: number, reason: "no header before it".to_owned() })
            }
        }
    }

    fn deliver_entry(&mut self, entry: RecordingEntry, number: u64, sink: &mut Sink) -> Result<(), ReplayError> {
        let RecordingEntry { at: received, conversation, context, item } = entry;
        let origin = EntryOrigin { conversation: &conversation, received, context };
        match item {
            RecordedItem::Text(connection, text) => {
                self.deliver_frame(origin, connection, RawFrame::Text(&text), sink);
            }
            RecordedItem::Binary(connection, base64) => {
                let reason = || "invalid base64".to_owned();
                let bytes = recording::decode_binary(&base64)
                    .ok_or_else(|| ReplayError::Corrupt { line: number, reason: reason() })?;
                self.deliver_frame(origin, connection, RawFrame::Binary(&bytes), sink);
            }
            RecordedItem::Gap { from, reason } => {
                let gap = Gap { from, to: received, reason };
                self.deliver_event(origin, Some(received), EventBody::Gap(gap), sink);
            }
            RecordedItem::Message(at, message) => {
                self.deliver_event(origin, at, EventBody::Message(*message), sink);
            }
            RecordedItem::Update(at, description) => {
                let description = description.map(Into::into);
                self.deliver_event(origin, at, EventBody::Update { description }, sink);
            }
            RecordedItem::Closed(at) => self.deliver_event(origin, at, EventBody::Closed, sink),
        }
        Ok(())
    }

    fn deliver_frame(&mut self, origin: EntryOrigin<'_>, connection: u32, raw: RawFrame<'_>, sink: &mut Sink) {
        let EntryOrigin { conversation, received, context } = origin;
        let occurrences = self.occurrences.entry((conversation.to_owned(), connection));
        let occurrences = occurrences.or_insert_with(|| OccurrenceCounter::for_connection(connection));
        let mut item = transcript_item(raw, conversation, received, ConnectionRole::Live, &self.templates);
        let is_keepalive = || matches!(notification::decode(raw), Notification::Heartbeat | Notification::Pong);
        if matches!(item.kind, ItemKind::Ignored(_)) && is_keepalive() {
            item.kind = ItemKind::Keepalive;
        }
        if let ItemKind::Event(event) = &mut item.kind {
            event.context = context.map(Arc::new);
        }
        sink.deliver(item, &mut self.dedup, occurrences);
    }

    /// Delivers an event that did not come in a frame.
    fn deliver_event(
        &mut self,
        origin: EntryOrigin<'_>,
        at: Option<DateTime<Utc>>,
        body: EventBody<'_>,
        sink: &mut Sink,
    ) {
        let EntryOrigin { conversation, received, context } = origin;
        let context = context.map(Arc::new);
        let kind = ItemKind::Event(TranscriptEvent { conversation, at, received, body, context });
        let item = Item { conversation, received, raw: None, kind, connection: ConnectionRole::Live };
        sink.deliver(item, &mut self.dedup, &mut self.read_occurrences);
    }
}
