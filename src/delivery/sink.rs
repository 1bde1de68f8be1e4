//! Takes items: records them, lets each event through once, prints and counts it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::recording::{RecordError, Recorder};
use crate::event::{EventBody, EventContext, RawFrame, Role, TranscriptEvent};
use crate::output::Output;
use crate::plural;
use crate::rate_limited_warning::RateLimitedWarning;
use crate::redaction::Redaction;
use crate::source::{BackfillReason, Item, ItemKind, TimedEvent};

/// Takes the items of all sources.
pub(crate) struct Sink {
    /// The formatter and the writer of stdout.
    pub(crate) output: Output,
    recorder: Option<Recorder>,
    record_error: Option<RecordError>,
    recording_failed: CancellationToken,
    history_lines: Option<usize>,
    /// Replaces personal data, after repeats were sorted out and before anything is recorded or printed (SVC-15).
    redaction: Option<Redaction>,
    connections: u32,
    malformed_frames: RateLimitedWarning,
    malformed_lines: RateLimitedWarning,
    /// The counts so far.
    pub(crate) counts: Counts,
}

/// The counts of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Events that were delivered, shown or not.
    pub(crate) delivered: u64,
    /// Events that had been delivered before.
    pub(crate) repeats: u64,
    /// Frames with an unknown event name.
    pub(crate) unknown: u64,
    /// Frames that could not be read.
    pub(crate) malformed: u64,
    /// Lines of an event stream that could not be read.
    pub(crate) malformed_lines: u64,
    /// Messages of outages that were read by REST.
    pub(crate) recovered: u64,
    /// Gap events.
    pub(crate) gaps: u64,
    /// Connections that replaced a lost one.
    pub(crate) reconnects: u64,
}

/// The result of delivering an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// A new event was delivered.
    New,
    /// The item held no event, only events that had been delivered, or a gap, which does not reset the retries (CONN-3).
    Repeat,
}

impl Sink {
    /// Creates a sink. `history_lines` is the number of lines of history for each conversation, or all. `recording_failed`
    /// is cancelled when nothing more can be recorded.
    pub(crate) fn new(
        output: Output,
        recorder: Option<Recorder>,
        history_lines: Option<usize>,
        recording_failed: CancellationToken,
    ) -> Self {
        Self {
            output,
            recorder,
            record_error: None,
            recording_failed,
            history_lines,
            redaction: None,
            connections: 0,
            malformed_frames: RateLimitedWarning::default(),
            malformed_lines: RateLimitedWarning::default(),
            counts: Counts::default(),
        }
    }

    /// Returns a sink that redacts what it records and prints.
    pub(crate) fn with_redaction(self, redaction: Redaction) -> Self {
        Self { redaction: Some(redaction).filter(|redaction| !redaction.is_empty()), ..self }
    }

    /// Takes the error after which nothing is recorded any more.
    pub(crate) fn take_record_error(&mut self) -> Option<RecordError> {
        self.record_error.take()
    }

    /// Starts to count the events without an id of a connection that was just opened.
    pub(crate) fn on_connection_opened(&mut self) -> OccurrenceCounter {
        self.connections += 1;
        OccurrenceCounter::for_connection(self.connections)
    }

    /// Delivers an item of the connection that `occurrences` counts for.
    pub(crate) fn deliver(
        &mut self,
        item: Item<'_>,
        dedup: &mut Dedup,
        occurrences: &mut OccurrenceCounter,
    ) -> Admitted {
        if let Some(raw) = item.raw {
            let is_used = self.recorder.is_some() || self.output.prints_frames();
            let redacted = self.redaction.as_ref().filter(|_| is_used).and_then(|redaction| redaction.frame(raw));
            let raw = redacted.as_deref().map_or(raw, RawFrame::Text);
            if let Some(recorder) = &mut self.recorder {
                let context = context_of(self.redaction.as_ref(), &item.kind);
                recorder.record_frame(&item, occurrences.connection(), raw, context);
            }
            self.output.print_frame(item.conversation, raw, item.kind == ItemKind::Keepalive);
        }
        let Item { conversation, received, raw, kind, .. } = item;
        match kind {
            ItemKind::Event(event) if raw.is_some() => self.deliver_event(&event, dedup, occurrences),
            ItemKind::Event(event) => self.deliver_read_event(&event, dedup, occurrences),
            ItemKind::Backfill(events, reason) => {
                let backfill = Backfill { conversation, received, events, reason };
                self.deliver_backfill(backfill, dedup, occurrences)
            }
            ItemKind::Keepalive | ItemKind::Notification => Admitted::Repeat,
            ItemKind::Ignored(name) => {
                self.counts.unknown += 1;
                tracing::debug!(event = %name, "ignored unknown event '{name}'");
                Admitted::Repeat
            }
            ItemKind::Malformed(reason) => {
                self.counts.malformed += 1;
                report_malformed(&mut self.malformed_frames, "frame", &reason);
                Admitted::Repeat
            }
            ItemKind::MalformedLine(reason) => {
                self.counts.malformed_lines += 1;
                report_malformed(&mut self.malformed_lines, "line", &reason);
                Admitted::Repeat
            }
        }
    }

    /// Hands everything to the writers, to the recording first: what the user has seen can be replayed.
    pub(crate) fn flush(&mut self) {
        if let Some(Err(error)) = self.recorder.as_mut().map(Recorder::flush) {
            self.recorder = None;
            self.record_error = Some(error);
            self.recording_failed.cancel();
        }
        self.output.flush();
    }

    fn deliver_event(
        &mut self,
        event: &TranscriptEvent<'_>,
        dedup: &mut Dedup,
        occurrences: &mut OccurrenceCounter,
    ) -> Admitted {
        if !dedup.admit(event, occurrences) {
            self.counts.repeats += 1;
            return Admitted::Repeat;
        }
        self.counts.delivered += 1;
        self.output.print(&redacted(self.redaction.as_ref(), event));
        self.output.checkpoint(dedup.take_checkpoint());
        self.output.checkpoint(dedup.take_utterance_checkpoint());
        Admitted::New
    }

    /// Delivers an event that did not come in a frame, and therefore is recorded itself.
    fn deliver_read_event(
        &mut self,
        event: &TranscriptEvent<'_>,
        dedup: &mut Dedup,
        occurrences: &mut OccurrenceCounter,
    ) -> Admitted {
        if let EventBody::Gap(gap) = &event.body {
            debug_assert_eq!(event.received, gap.to, "a recording has one time for the end of the gap and its arrival");
            self.counts.gaps += 1;
            let event = redacted(self.redaction.as_ref(), event);
            self.record(&event);
            self.output.print(&event);
            return Admitted::Repeat;
        }
        let admitted = self.deliver_event(event, dedup, occurrences);
        if admitted == Admitted::New && self.recorder.is_some() {
            let event = redacted(self.redaction.as_ref(), event).into_owned();
            self.record(&event);
        }
        admitted
    }

    /// Delivers the new events of a backfill; of the history, the last lines that are wanted.
    fn deliver_backfill(
        &mut self,
        backfill: Backfill<'_>,
        dedup: &mut Dedup,
        occurrences: &mut OccurrenceCounter,
    ) -> Admitted {
        let Backfill { conversation, received, events, reason } = backfill;
        let events = events.into_iter().map(|TimedEvent { at, body, context }| TranscriptEvent {
            conversation,
            at,
            received,
            body,
            context,
        });
        let redaction = self.redaction.as_ref();
        let admitted = events.filter_map(|event| {
            let is_new = dedup.admit(&event, occurrences);
            let event = match redaction {
                Some(redaction) if is_new => redaction.event(&event),
                _ => event,
            };
            is_new.then(|| (event, dedup.take_checkpoint()))
        });
        let (new, mut checkpoints): (Vec<_>, Vec<_>) = admitted.unzip();
        let is_resumed = dedup.resume_point(conversation).is_some();
        let wanted = if reason == BackfillReason::Startup && !is_resumed { self.history_lines } else { None };
        let first_shown = wanted.map_or(0, |lines| self.output.start_of_last(&new, lines));
        // The next run does not want the skipped lines either.
        checkpoints.drain(..first_shown).for_each(|checkpoint| self.output.checkpoint(checkpoint));
        for (event, checkpoint) in new[first_shown..].iter().zip(checkpoints) {
            self.counts.delivered += 1;
            self.record(event);
            self.output.print(event);
            self.output.checkpoint(checkpoint);
        }
        if reason == BackfillReason::Outage {
            // Typing, receipts and joins are no messages for the user.
            let is_message = |event: &&TranscriptEvent<'_>| matches!(&event.body, EventBody::Message(message) if message.role != Role::System);
            self.report_recovered(conversation, new.iter().filter(is_message).count());
        }
        if new.is_empty() { Admitted::Repeat } else { Admitted::New }
    }

    fn report_recovered(&mut self, conversation: &str, count: usize) {
        if count == 0 {
            return;
        }
        self.counts.recovered += count as u64;
        tracing::info!(conversation, count, "{} fetched", plural::count(count, "missed message"));
    }

    fn record(&mut self, event: &TranscriptEvent<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record_event(event);
        }
    }
}

/// Warns about unreadable frames or lines, at most once a minute (SRC-16).
fn report_malformed(warning: &mut RateLimitedWarning, noun: &str, reason: &str) {
    if let Some(count) = warning.count() {
        let skipped = plural::count(count, &format!("malformed {noun}"));
        tracing::warn!(count, "skipped {skipped}; last reason: {reason}");
    }
}

/// Returns what may be recorded and printed of an event.
fn redacted<'e, 'a>(redaction: Option<&Redaction>, event: &'e TranscriptEvent<'a>) -> Cow<'e, TranscriptEvent<'a>> {
    redaction.map_or(Cow::Borrowed(event), |redaction| Cow::Owned(redaction.event(event)))
}

/// Returns what may be recorded of the surroundings of a frame.
fn context_of(redaction: Option<&Redaction>, kind: &ItemKind<'_>) -> Option<EventContext> {
    let ItemKind::Event(event) = kind else { return None };
    let context = event.context.as_deref()?;
    Some(redaction.map_or_else(|| context.clone(), |redaction| redaction.context(context)))
}

/// Events that were read by REST.
struct Backfill<'a> {
    conversation: &'a str,
    received: DateTime<Utc>,
    events: Vec<TimedEvent>,
    reason: BackfillReason,
}
