//! From an arrival to the reader: recorded as it came, let through once, printed, and counted.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::recording::{RecordError, Recorder};
use crate::event::{EventBody, TranscriptEvent};
use crate::output::{Output, Prefixes};
use crate::plural;
use crate::source::{BackfillReason, Item, ItemKind, TimedEvent};

/// How often frames that cannot be read may be mentioned.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// What stands at the end of the way, shared by all conversations.
pub(crate) struct Delivery {
    /// Where lines go.
    pub(crate) output: Output,
    recorder: Option<Recorder>,
    connections: u32,
    malformed: RateLimitedWarning,
    /// How many lines of what was said before the start are wanted of a conversation.
    lines: Option<usize>,
    prefixes: Prefixes,
    broken: Option<RecordError>,
    interrupt: CancellationToken,
    /// What happened so far.
    pub(crate) counts: Counts,
}

/// What happened in a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Events that were delivered, whether shown or not.
    pub(crate) delivered: u64,
    /// Events that had been delivered before.
    pub(crate) repeats: u64,
    /// Frames of a kind this program does not know.
    pub(crate) unknown: u64,
    /// Frames that could not be read.
    pub(crate) malformed: u64,
    /// Messages that were missed in a time without a connection, and read afterwards.
    pub(crate) recovered: u64,
    /// Stretches without a connection.
    pub(crate) gaps: u64,
    /// Connections that replaced a lost one.
    pub(crate) reconnects: u64,
}

/// What became of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Nothing for the reader, or nothing new.
    Repeat,
    /// An event the reader had not seen.
    New,
}

impl Delivery {
    /// A delivery that has delivered nothing yet. Of what was said before the start, so many `lines` of a conversation
    /// are wanted, or all. It cancels `interrupt` when it can no longer record.
    pub(crate) fn new(
        output: Output,
        recorder: Option<Recorder>,
        (lines, prefixes): (Option<usize>, Prefixes),
        interrupt: CancellationToken,
    ) -> Self {
        Self {
            output,
            recorder,
            connections: 0,
            malformed: RateLimitedWarning::default(),
            lines,
            prefixes,
            broken: None,
            interrupt,
            counts: Counts::default(),
        }
    }

    /// Why it can no longer record, if it cannot.
    pub(crate) fn broken(&mut self) -> Option<RecordError> {
        self.broken.take()
    }

    /// Starts the tally of a connection that has just been opened.
    pub(crate) fn opened(&mut self) -> OccurrenceCounter {
        self.connections += 1;
        OccurrenceCounter::for_connection(self.connections)
    }

    /// Takes what came over the connection that keeps this tally.
    pub(crate) fn take(&mut self, arrival: Item<'_>, ledger: &mut Dedup, tally: &mut OccurrenceCounter) -> Admitted {
        let Item { conversation, received, raw, meaning, .. } = arrival;
        if let Some(raw) = raw {
            if let Some(recorder) = &mut self.recorder {
                recorder.record_frame(conversation, tally.connection(), received, raw);
            }
            self.output.print_frame(raw, meaning == ItemKind::Keepalive);
        }
        match meaning {
            ItemKind::Event(event) if raw.is_some() => self.event(&event, ledger, tally),
            ItemKind::Event(event) => self.told(&event, ledger, tally),
            ItemKind::History(events, why) => self.past(conversation, received, (events, why), (ledger, tally)),
            ItemKind::Keepalive | ItemKind::Hint => Admitted::Repeat,
            ItemKind::Ignored(name) => {
                self.counts.unknown += 1;
                tracing::debug!(event = %name, "ignored an event of the unknown kind \"{name}\"");
                Admitted::Repeat
            }
            ItemKind::Malformed(reason) => {
                self.counts.malformed += 1;
                if let Some(count) = self.malformed.raise() {
                    let frames = plural::count(count, "frame");
                    tracing::warn!(count, "skipped {frames} that cannot be read, the last one because: {reason}");
                }
                Admitted::Repeat
            }
        }
    }

    /// Hands everything over to the writers, the recording first: what the reader has seen can be replayed.
    pub(crate) fn flush(&mut self) {
        if let Some(Err(error)) = self.recorder.as_mut().map(Recorder::flush) {
            self.recorder = None;
            self.broken = Some(error);
            self.interrupt.cancel();
        }
        self.output.flush();
    }

    fn event(&mut self, event: &TranscriptEvent<'_>, ledger: &mut Dedup, tally: &mut OccurrenceCounter) -> Admitted {
        if !ledger.admit(event, tally) {
            self.counts.repeats += 1;
            return Admitted::Repeat;
        }
        self.counts.delivered += 1;
        self.output.print(event);
        self.output.checkpoint(ledger.take_checkpoint());
        Admitted::New
    }

    /// An event that came in no frame of its own, and so has to be recorded itself.
    fn told(&mut self, event: &TranscriptEvent<'_>, ledger: &mut Dedup, tally: &mut OccurrenceCounter) -> Admitted {
        if let EventBody::Gap(gap) = &event.body {
            // It is known when it ends; a moment later would be lost in a recording, which has one time for both.
            let event = TranscriptEvent { received: gap.to, ..event.clone() };
            self.counts.gaps += 1;
            self.record(&event);
            self.output.print(&event);
            return Admitted::Repeat;
        }
        let taken = self.event(event, ledger, tally);
        if taken == Admitted::New {
            self.record(event);
        }
        taken
    }

    /// What was read afterwards: what is new of it, and of what was said before the start the last lines that are wanted.
    fn past(
        &mut self,
        conversation: &str,
        received: DateTime<Utc>,
        (events, why): (Vec<TimedEvent>, BackfillReason),
        (ledger, tally): (&mut Dedup, &mut OccurrenceCounter),
    ) -> Admitted {
        let events =
            events.into_iter().map(|TimedEvent { at, body }| TranscriptEvent { conversation, at, received, body });
        let admitted =
            events.filter_map(|event| ledger.admit(&event, tally).then(|| (event, ledger.take_checkpoint())));
        let (new, mut marks): (Vec<_>, Vec<_>) = admitted.unzip();
        let begun = ledger.resume_point(conversation).is_some();
        let wanted = if why == BackfillReason::Startup && !begun { self.lines } else { None };
        let shown = wanted.map_or(0, |lines| self.output.start_of_last(&new, lines));
        // What is passed over now is not wanted of the next run either.
        marks.drain(..shown).for_each(|mark| self.output.checkpoint(mark));
        for (event, mark) in new[shown..].iter().zip(marks) {
            self.counts.delivered += 1;
            self.record(event);
            self.output.print(event);
            self.output.checkpoint(mark);
        }
        if why == BackfillReason::Outage {
            let messages = new.iter().filter(|event| matches!(event.body, EventBody::Message(_))).count();
            self.say_recovered(conversation, messages);
        }
        if new.is_empty() { Admitted::Repeat } else { Admitted::New }
    }

    fn say_recovered(&mut self, conversation: &str, count: usize) {
        if count == 0 {
            return;
        }
        self.counts.recovered += count as u64;
        let name = self.prefixes.label(conversation).unwrap_or_default();
        tracing::info!(count, "{name}{} fetched", plural::count(count, "missed message"));
    }

    fn record(&mut self, event: &TranscriptEvent<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record_event(event);
        }
    }
}

/// Decides when to mention frames that cannot be read: at most once a minute, with their number.
#[derive(Debug, Default)]
struct RateLimitedWarning {
    silent_until: Option<Instant>,
    since: u64,
}

impl RateLimitedWarning {
    /// Counts one more, and says how many there were since the last time when it is time to mention them.
    fn raise(&mut self) -> Option<u64> {
        self.since += 1;
        let now = Instant::now();
        if self.silent_until.is_some_and(|until| now < until) {
            return None;
        }
        self.silent_until = Some(now + COMPLAINT_INTERVAL);
        Some(std::mem::take(&mut self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn complaints_come_once_a_minute_with_the_count() {
        let mut complaint = RateLimitedWarning::default();
        let first: Vec<_> = (0..3).map(|_| complaint.raise()).collect();
        assert_eq!(first, [Some(1), None, None]);
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert_eq!(complaint.raise(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((complaint.raise(), complaint.raise()), (Some(4), None));
    }
}
