//! From an arrival to the reader: recorded as it came, let through once, printed, and counted.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::{Body, Gap, TranscriptEvent};
use crate::genesys::decode::Decoded;
use crate::ledger::{Ledger, Tally};
use crate::output::Output;
use crate::recording::{RecordError, Recorder};
use crate::source::Arrival;

/// How often frames that cannot be read may be mentioned.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// What stands at the end of the way, shared by all conversations.
pub(crate) struct Delivery {
    /// Where lines go.
    pub(crate) output: Output,
    recorder: Option<Recorder>,
    connections: u32,
    malformed: Complaint,
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
    /// Stretches without a connection.
    pub(crate) gaps: u64,
    /// Connections that replaced a lost one.
    pub(crate) reconnects: u64,
}

/// What became of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing for the reader, or nothing new.
    Nothing,
    /// An event the reader had not seen.
    News,
    /// The end of the conversation.
    Closed,
}

impl Delivery {
    /// A delivery that has delivered nothing yet. It cancels `interrupt` when it can no longer record.
    pub(crate) fn new(output: Output, recorder: Option<Recorder>, interrupt: CancellationToken) -> Self {
        Self {
            output,
            recorder,
            connections: 0,
            malformed: Complaint::default(),
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
    pub(crate) fn opened(&mut self) -> Tally {
        self.connections += 1;
        Tally::of(self.connections)
    }

    /// Takes what came over the connection that keeps this tally.
    pub(crate) fn take(&mut self, arrival: &Arrival<'_>, ledger: &mut Ledger, tally: &mut Tally) -> Taken {
        if let Some(recorder) = &mut self.recorder {
            recorder.frame(arrival.conversation, tally.connection(), arrival.received, arrival.raw);
        }
        self.output.frame(arrival.raw);
        match &arrival.meaning {
            Decoded::Event(event) => self.event(event, ledger, tally),
            Decoded::Unknown(name) => {
                self.counts.unknown += 1;
                tracing::debug!(event = %name, "ignored an event of the unknown kind \"{name}\"");
                Taken::Nothing
            }
            Decoded::Malformed(reason) => {
                self.counts.malformed += 1;
                if let Some(count) = self.malformed.raise() {
                    let frames = if count == 1 { "frame" } else { "frames" };
                    tracing::warn!(
                        count,
                        "skipped {count} {frames} that cannot be read, the last one because: {reason}"
                    );
                }
                Taken::Nothing
            }
        }
    }

    /// Tells the reader that messages may be missing.
    pub(crate) fn gap(&mut self, conversation: &str, gap: Gap) {
        if let Some(recorder) = &mut self.recorder {
            recorder.gap(conversation, &gap);
        }
        self.counts.gaps += 1;
        let (at, received) = (Some(gap.to), gap.to);
        self.output.event(&TranscriptEvent { conversation, at, received, body: Body::Gap(gap) });
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

    fn event(&mut self, event: &TranscriptEvent<'_>, ledger: &mut Ledger, tally: &mut Tally) -> Taken {
        let closed = event.body == Body::Closed;
        if !ledger.admit(event, tally) {
            self.counts.repeats += 1;
            return if closed { Taken::Closed } else { Taken::Nothing };
        }
        self.counts.delivered += 1;
        self.output.event(event);
        if closed { Taken::Closed } else { Taken::News }
    }
}

/// Decides when to mention frames that cannot be read: at most once a minute, with their number.
#[derive(Debug, Default)]
struct Complaint {
    silent_until: Option<Instant>,
    since: u64,
}

impl Complaint {
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
        let mut complaint = Complaint::default();
        let first: Vec<_> = (0..3).map(|_| complaint.raise()).collect();
        assert_eq!(first, [Some(1), None, None]);
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert_eq!(complaint.raise(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((complaint.raise(), complaint.raise()), (Some(4), None));
    }
}
