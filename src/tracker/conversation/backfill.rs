//! History and outages of a conversation: events that are read by REST and emitted together, in order, before newer ones
//! (HIST-1, CONN-40, CONN-41).

use super::Conversation;
use crate::dedup::checkpoint::ResumePoint;
use crate::event::{EventBody, Gap};
use crate::tracker::protocol::{BackfillProgress, BackfillReason, Event, Now, Outage, TimedEvent};
use crate::tracker::{ConversationStart, Mode};

/// The phase of a conversation.
#[derive(Debug)]
pub(super) enum State {
    /// The history from before the start is being read.
    Startup(Backfill),
    /// The events of an outage are being read.
    Recovering(Backfill),
    /// Events are emitted as they happen.
    Live,
}

/// A backfill that is being read.
#[derive(Debug, Default)]
pub(super) struct Backfill {
    /// A snapshot has listed all its messages.
    pub(super) is_listed: bool,
    /// The outage until the latest reconnect, unless a gap event has reported it already.
    pub(super) gap: Option<Gap>,
    /// The gap lasts until the backfill ends: the first connection of this run is not open yet.
    is_before_connection: bool,
    /// The events that were read so far.
    pub(super) events: Vec<TimedEvent>,
    /// Events that happened after the messages were listed. They follow the backfill.
    pub(super) later_events: Vec<TimedEvent>,
}

impl State {
    /// Returns the backfill that is being read.
    pub(super) fn backfill_mut(&mut self) -> Option<&mut Backfill> {
        match self {
            Self::Startup(backfill) | Self::Recovering(backfill) => Some(backfill),
            Self::Live => None,
        }
    }
}

impl Conversation {
    /// Creates a conversation that an earlier run has followed. The time since then counts as an outage.
    pub(in crate::tracker) fn resumed(
        id: String,
        mode: Mode,
        resume_point: ResumePoint,
        reason: BackfillReason,
        now: Now,
    ) -> Self {
        let start = ConversationStart { not_before: resume_point.before, reason };
        let mut conversation = Self::new(id, mode, start, now);
        if let Some(latest) = resume_point.latest.filter(|_| !resume_point.closed) {
            let reason = "the previous run ended".to_owned();
            conversation.on_reconnect(&Outage { last_activity: latest.min(now.wall), reason }, now);
            conversation.state.backfill_mut().into_iter().for_each(|backfill| backfill.is_before_connection = true);
        }
        conversation
    }

    /// Starts to read the events of an outage: a new connection replaces a lost one.
    pub(in crate::tracker) fn on_reconnect(&mut self, outage: &Outage, now: Now) {
        self.flush_unattributed();
        // A call in progress has no history. The connection is not that of an event stream.
        let is_on_call = self.seen.calls && !self.call_has_ended && !self.is_streamed();
        let mut gap = Some(Gap { from: outage.last_activity, to: now.wall, reason: outage.reason.clone() });
        if is_on_call {
            gap.take().into_iter().for_each(|gap| self.push_call_gap(gap));
        }
        match &mut self.state {
            State::Startup(backfill) | State::Recovering(backfill) => {
                (backfill.is_listed, backfill.is_before_connection) = (false, false);
                backfill.gap = match (backfill.gap.take(), gap) {
                    (Some(first), Some(latest)) => Some(Gap { to: latest.to, ..first }),
                    (_, gap) => gap,
                };
            }
            State::Live => self.state = State::Recovering(Backfill { gap, ..Backfill::default() }),
        }
        self.news_since = None;
        self.pending.mark_as_backfill();
        self.poll_timer.restart(now.mono);
    }

    /// Gives up the backfill: reports an open outage as one gap and switches to live.
    pub(in crate::tracker) fn abandon_backfill(&mut self, now: Now) {
        let (mut backfill, reason) = match std::mem::replace(&mut self.state, State::Live) {
            State::Recovering(backfill) => (backfill, BackfillReason::Outage),
            State::Startup(backfill) => {
                // Later backfills exclude the messages from before the start.
                self.not_before = if backfill.is_listed { self.not_before } else { Some(self.started_at) };
                (backfill, self.start_reason)
            }
            State::Live => return,
        };
        if let Some(gap) = backfill.gap.take() {
            let to = if backfill.is_before_connection { now.wall } else { gap.to };
            self.push_gap(Gap { to, ..gap });
        }
        if self.mode == Mode::HistoryOnly {
            // Bodies that arrive later would be printed out of order between frames.
            for id in self.pending.cancel_all() {
                self.seen_ids.remove(&id);
            }
            self.poll_timer.stop();
        }
        self.emit_backfill(backfill, reason);
        self.advance_state(now);
    }

    /// Returns whether history, or the events of an outage, are being read.
    pub(in crate::tracker) fn is_backfilling(&self) -> bool {
        !matches!(self.state, State::Live)
    }

    /// Returns how many messages of the backfill that is being read were read and listed.
    pub(in crate::tracker) fn backfill_progress(&self) -> Option<BackfillProgress> {
        let (State::Startup(backfill) | State::Recovering(backfill)) = &self.state else { return None };
        let read = backfill.events.iter().filter(|event| matches!(event.body, EventBody::Message(_))).count();
        Some(BackfillProgress { read, listed: read + self.pending.backfill_count() })
    }

    /// Returns whether the events of an outage are being read.
    pub(in crate::tracker) fn is_recovering(&self) -> bool {
        matches!(self.state, State::Recovering(_))
    }

    /// Returns whether messages of the backfill are not all listed yet.
    pub(super) fn is_listing_backfill(&self) -> bool {
        matches!(&self.state, State::Startup(backfill) | State::Recovering(backfill) if !backfill.is_listed)
    }

    /// Emits the backfill if all its messages are listed and all its bodies have arrived.
    pub(super) fn end_backfill_if_complete(&mut self) {
        if self.is_listing_backfill() || self.pending.has_backfill() || self.reads_transcripts() {
            return;
        }
        match std::mem::replace(&mut self.state, State::Live) {
            State::Startup(backfill) => self.emit_backfill(backfill, self.start_reason),
            State::Recovering(backfill) => self.emit_backfill(backfill, BackfillReason::Outage),
            State::Live => {}
        }
    }

    /// Emits what was read, in order, and then what happened since.
    fn emit_backfill(&mut self, backfill: Backfill, reason: BackfillReason) {
        let Backfill { mut events, later_events, .. } = backfill;
        events.sort_by_key(|event| event.at);
        if !events.is_empty() {
            self.events.push(Event::Backfill(self.id.clone(), events, reason));
        }
        for event in later_events {
            self.push_live(event);
        }
    }

    fn push_call_gap(&mut self, gap: Gap) {
        self.log_call_gap(gap.from);
        self.push_gap(gap);
    }

    fn push_gap(&mut self, gap: Gap) {
        self.push_live(TimedEvent::new(Some(gap.to), EventBody::Gap(gap)));
    }
}
