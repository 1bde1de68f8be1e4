//! The state of one followed conversation, and what still has to be requested for it.
//!
//! A notification is a hint. Every list of messages, from a notification or a snapshot, is compared with what is known and
//! what was delivered; the bodies of new messages are requested in bulk (CONN-40, NTF-8 to NTF-12).

mod backfill;
mod bodies;
mod calls;
mod urgency;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use self::backfill::{Backfill, State};
use self::calls::Calls;
pub(super) use self::calls::{CallNotice, CallPolicy, EarlierCalls};
use super::end_detector::{EndDetector, SnapshotEnd};
use super::media_notice::MediaNotice;
use super::participants::{Participants, RecordedParticipant};
use super::pending_messages::{PendingMessage, PendingMessages};
use super::poll_timer::PollTimer;
use super::protocol::{BackfillReason, Event, Now, TimedEvent};
use super::{ConversationStart, Mode, SnapshotKind};
use crate::config::{FollowedMedia, Retries};
use crate::decision::RefusalRow;
use crate::dedup::IdKind;
use crate::event::Origin;
use crate::wire::conversation::{Medium, MessageKind, MessageRef, Participant, Snapshot};
use crate::wire::transcription::Utterance;

/// The number of known ids above which those that no list holds any more are forgotten.
const MAX_UNLISTED_IDS: usize = 10_000;

/// The place of a refusal among those in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    First,
    Again,
    OneTooMany,
}

impl Refused {
    fn count(row: &mut RefusalRow, limit: Retries, now: Instant) -> Self {
        match row.is_exhausted_by_another(limit, now) {
            true => Self::OneTooMany,
            false if row.is_first() => Self::First,
            false => Self::Again,
        }
    }
}

/// The media that a conversation had so far.
#[derive(Debug, Default)]
struct SeenMedia {
    calls: bool,
    messages: bool,
}

/// One followed conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    id: String,
    mode: Mode,
    state: State,
    participants: Participants,
    poll_timer: PollTimer,
    refused_snapshots: RefusalRow,
    refused_bodies: RefusalRow,
    has_read_bodies: bool,
    start_reason: BackfillReason,
    started_at: DateTime<Utc>,
    /// Older messages are not wanted, until the messages of the start are listed.
    not_before: Option<DateTime<Utc>>,
    pending: PendingMessages,
    end: EndDetector,
    /// Every listed id. One that a list calls text is text, whatever other lists call it (EVT-4).
    seen_ids: HashMap<String, IdKind>,
    seen: SeenMedia,
    /// The media that are followed, if the conversation is followed because of its queue or user.
    target_media: Option<FollowedMedia>,
    /// The media that are followed, if an event stream has told of the conversation. It brings the text of calls.
    streamed_media: Option<FollowedMedia>,
    media_notice: MediaNotice,
    /// The service has announced the end of the transcription.
    call_has_ended: bool,
    /// The time since when something that was announced waits for the backfill.
    news_since: Option<Instant>,
    /// Utterances whose speaker the next snapshot may tell.
    unattributed: Vec<Utterance>,
    calls: Calls,
    events: Vec<Event>,
}

impl Conversation {
    /// Creates a conversation of which nothing is known.
    pub(super) fn new(id: String, mode: Mode, start: ConversationStart, now: Now) -> Self {
        Self {
            id,
            mode,
            state: State::Startup(Backfill::default()),
            participants: Participants::default(),
            poll_timer: PollTimer::new(now.mono),
            refused_snapshots: RefusalRow::default(),
            refused_bodies: RefusalRow::default(),
            has_read_bodies: false,
            start_reason: start.reason,
            started_at: now.wall,
            not_before: start.not_before,
            pending: PendingMessages::default(),
            end: EndDetector::default(),
            seen_ids: HashMap::new(),
            seen: SeenMedia::default(),
            target_media: None,
            streamed_media: None,
            media_notice: MediaNotice::default(),
            call_has_ended: false,
            news_since: (start.reason == BackfillReason::Joined).then_some(now.mono),
            unattributed: Vec::new(),
            calls: Calls::default(),
            events: Vec::new(),
        }
    }

    /// Applies a list of everything or of the latest messages. `is_delivered` tells which messages the user has.
    pub(super) fn apply_snapshot(
        &mut self,
        snapshot: Snapshot,
        kind: SnapshotKind,
        now: Now,
        is_delivered: impl Fn(IdKind, &str, Option<DateTime<Utc>>) -> bool,
    ) {
        let end = SnapshotEnd {
            has_ended: snapshot.has_ended(),
            ended_at: snapshot.ended_at,
            last_left_at: snapshot.last_left_at(),
        };
        self.seen.calls |= snapshot.has_calls;
        self.seen.messages |= snapshot.has_messages;
        self.media_notice.on_snapshot(&snapshot);
        if kind == SnapshotKind::Complete {
            self.refused_snapshots.reset();
            self.forget_unlisted(&snapshot);
        }
        let mut changes = Vec::new();
        for mut participant in snapshot.participants {
            let messages = std::mem::take(&mut participant.messages);
            let recorded = self.record_participant(participant);
            changes.extend(recorded.changes);
            for message in messages {
                self.record_message(message, &recorded.key, &is_delivered);
            }
        }
        self.add_changes(changes);
        self.pending.mark_waiting(now.mono);
        let (was_known, not_before) = (self.is_known(), self.not_before);
        let is_current = kind == SnapshotKind::Complete && self.complete_poll();
        if is_current && !was_known {
            self.plan_call_history(end.has_ended, not_before, now);
            self.media_notice.on_history_listed(end.has_ended && self.wants_history());
        }
        if self.mode == Mode::Full {
            let kind = if is_current { SnapshotKind::Complete } else { SnapshotKind::Partial };
            self.detect_end(end, kind, now);
        }
        self.advance_state(now);
    }

    /// Schedules a snapshot soon, unless the final one was read.
    pub(super) fn poll_soon(&mut self, now: Instant) {
        if self.end.is_final() {
            return;
        }
        self.poll_timer.poll_soon(now, self.end.next_snapshot_at());
    }

    /// Records that a snapshot was requested. The next one is due after `period`, unless it is needed earlier.
    pub(super) fn poll_started(&mut self, now: Instant, period: Duration) {
        self.poll_timer.started(now, (self.mode == Mode::Full).then_some(period));
    }

    /// Records that a snapshot failed, and schedules the next one.
    pub(super) fn poll_failed(&mut self, retry_at: Instant) {
        self.flush_unattributed();
        self.poll_timer.failed(retry_at);
    }

    /// Counts a refused snapshot after a successful one, and schedules the next one. Returns whether it is one too many
    /// (CONN-20), else whether it is the first.
    pub(super) fn snapshot_refused(&mut self, limit: Retries, now: Instant) -> Refused {
        let refused = Refused::count(&mut self.refused_snapshots, limit, now);
        self.poll_failed(now + self.refused_snapshots.read_delay());
        refused
    }

    /// Counts a refused request for bodies after a successful one.
    pub(super) fn messages_refused(&mut self, limit: Retries, now: Instant) -> Refused {
        self.messages_failed();
        Refused::count(&mut self.refused_bodies, limit, now)
    }

    /// Closes the conversation, which seemed to have ended: the service no longer knows it.
    pub(super) fn close_missing(&mut self, now: Now) {
        self.poll_timer.stop();
        self.end.on_missing();
        self.abandon_backfill(now);
        self.advance_state(now);
    }

    /// Records that the service has sent bodies.
    pub(super) fn bodies_read(&mut self) {
        self.has_read_bodies = true;
        self.refused_bodies.reset();
    }

    /// Returns whether the service has sent bodies.
    pub(super) fn has_read_bodies(&self) -> bool {
        self.has_read_bodies
    }

    /// Returns when the next snapshot is due; `None` while one is in flight.
    pub(super) fn next_poll_at(&self) -> Option<Instant> {
        self.poll_timer.next_at()
    }

    /// Returns the number of requests that failed in a row since the last outage.
    pub(super) fn failures(&self) -> u32 {
        self.poll_timer.failures().max(self.pending.failures())
    }

    /// Returns the id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the participants.
    pub(super) fn participants(&self) -> &Participants {
        &self.participants
    }

    /// Returns the participants, to update name look-ups.
    pub(super) fn participants_mut(&mut self) -> &mut Participants {
        &mut self.participants
    }

    /// Returns whether the conversation has or had calls.
    pub(super) fn has_calls(&self) -> bool {
        self.seen.calls
    }

    /// Takes the fact that the conversation has ended and the service lists no messages.
    pub(super) fn take_empty_notice(&mut self) -> bool {
        self.media_notice.take_empty()
    }

    /// Takes the media of which nothing is printed, once, if there are no others.
    pub(super) fn take_media_notice(&mut self) -> Option<Vec<Medium>> {
        self.media_notice.take()
    }

    /// Returns whether the messages from before the start are listed, or were given up.
    pub(super) fn is_known(&self) -> bool {
        !matches!(&self.state, State::Startup(backfill) if !backfill.is_listed)
    }

    /// Records that the conversation is followed because of its queue or user, and which media of it are.
    pub(super) fn mark_of_target(&mut self, media: FollowedMedia) {
        self.target_media = Some(media);
    }

    /// Returns whether the conversation is followed because of its queue or user.
    pub(super) fn is_of_target(&self) -> bool {
        self.target_media.is_some()
    }

    /// Records that an event stream has told of the conversation, and which media of it are followed.
    pub(super) fn mark_streamed(&mut self, media: FollowedMedia) {
        self.streamed_media = Some(media);
        self.skip_call_history();
    }

    /// Returns whether an event stream has told of the conversation.
    pub(super) fn is_streamed(&self) -> bool {
        self.streamed_media.is_some()
    }

    /// Returns whether the conversation is a call of an event stream, without messages.
    pub(super) fn is_streamed_call(&self) -> bool {
        self.is_streamed() && self.seen.calls && !self.seen.messages
    }

    /// Returns the media of the conversation that are printed (CLI-12).
    fn printed_media(&self) -> FollowedMedia {
        self.target_media.or(self.streamed_media).unwrap_or_default()
    }

    /// Returns whether the conversation is a call of a queue or user, without messages.
    pub(super) fn is_call_of_target(&self) -> bool {
        self.is_of_target() && self.seen.calls && !self.seen.messages
    }

    /// Returns whether the conversation was found while others were followed.
    pub(super) fn is_new(&self) -> bool {
        self.start_reason == BackfillReason::Joined
    }

    /// Returns whether everything known was emitted.
    pub(super) fn is_caught_up(&self) -> bool {
        !self.is_backfilling() && self.pending.is_empty() && !self.end.is_ending()
    }

    /// Returns whether the conversation has ended, or seems to have.
    pub(super) fn is_ending(&self) -> bool {
        self.end.is_ending()
    }

    /// Takes the events that were emitted.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn record_participant(&mut self, participant: Participant) -> RecordedParticipant {
        let is_quiet = self.mode == Mode::HistoryOnly || !self.is_known();
        self.participants.record(participant, is_quiet)
    }

    /// Emits membership changes in their place among the messages whose bodies are missing.
    fn add_changes(&mut self, changes: Vec<TimedEvent>) {
        match self.state.backfill_mut() {
            Some(backfill) if backfill.is_listed => backfill.later_events.extend(changes),
            _ if self.pending.is_fetching() => self.pending.add_ordered(changes),
            _ => self.emit(changes),
        }
    }

    fn record_message(
        &mut self,
        message: MessageRef,
        participant: &str,
        is_delivered: &impl Fn(IdKind, &str, Option<DateTime<Utc>>) -> bool,
    ) {
        if !self.printed_media().messages {
            return;
        }
        let kind = if message.kind == MessageKind::Text { IdKind::Text } else { IdKind::System };
        if !self.record_id(&message.id, kind) {
            return;
        }
        // A message without a time may be old; it is skipped only if no history at all is wanted.
        let is_before = |limit| message.sent_at.map_or(limit == DateTime::<Utc>::MAX_UTC, |time| time < limit);
        if self.not_before.is_some_and(is_before) || is_delivered(kind, &message.id, message.sent_at) {
            return;
        }
        let is_backfill = self.is_listing_backfill();
        let is_new_conversation = self.start_reason == BackfillReason::Joined && !self.is_known();
        let origin = if is_backfill && !is_new_conversation { Origin::History } else { Origin::Live };
        self.pending.add(PendingMessage::new(message, participant.to_owned(), origin, is_backfill));
    }

    /// Records an id. Returns whether the entry is to be printed: it is new, or text where only an event was listed.
    fn record_id(&mut self, id: &str, kind: IdKind) -> bool {
        match (self.seen_ids.get_mut(id), kind) {
            (None, _) => {
                self.seen_ids.insert(id.to_owned(), kind);
                true
            }
            (Some(seen @ IdKind::System), IdKind::Text) => {
                *seen = IdKind::Text;
                self.pending.remove_event(id);
                true
            }
            (Some(_), _) => false,
        }
    }

    /// Forgets ids that no list holds any more, if there are many.
    fn forget_unlisted(&mut self, snapshot: &Snapshot) {
        let listed: usize = snapshot.participants.iter().map(|participant| participant.messages.len()).sum();
        if self.seen_ids.len() > 2 * listed + MAX_UNLISTED_IDS {
            let messages = snapshot.participants.iter().flat_map(|participant| &participant.messages);
            let listed: HashSet<&str> = messages.map(|message| message.id.as_str()).collect();
            self.seen_ids.retain(|id, _| listed.contains(id.as_str()) || self.pending.contains(id));
        }
    }

    /// Completes a snapshot that was requested. Returns whether it covers everything until now.
    fn complete_poll(&mut self) -> bool {
        self.flush_unattributed();
        let is_current = self.poll_timer.completed();
        match &mut self.state {
            State::Startup(backfill) if is_current => {
                backfill.is_listed = true;
                self.not_before = None;
            }
            State::Recovering(backfill) => backfill.is_listed |= is_current,
            State::Startup(_) | State::Live => {}
        }
        is_current
    }

    fn detect_end(&mut self, end: SnapshotEnd, kind: SnapshotKind, now: Now) {
        self.end.on_customer_presence(self.participants.customer_has_left() && !end.has_ended);
        self.end.on_snapshot(end, kind, now);
        if self.end.needs_snapshot() {
            self.poll_for_news(now.mono);
        }
    }

    /// Emits events, or adds them to the backfill that is being read.
    fn emit(&mut self, events: Vec<TimedEvent>) {
        match self.state.backfill_mut() {
            Some(backfill) => backfill.events.extend(events),
            None => events.into_iter().for_each(|event| self.push_live(event)),
        }
    }

    fn push_live(&mut self, event: TimedEvent) {
        self.events.push(Event::Live(self.id.clone(), event));
    }

    /// Ends the backfill, and then the conversation, if nothing is missing.
    fn advance_state(&mut self, now: Now) {
        self.end_backfill_if_complete();
        if self.is_backfilling() || !self.pending.is_empty() {
            return;
        }
        if self.end.is_final() {
            self.plan_gaps(now);
        }
        if !self.withholds_end()
            && let Some(closed) = self.end.take_closed_event()
        {
            self.push_live(TimedEvent { context: self.participants.closed_context(), ..closed });
        }
    }
}

#[cfg(test)]
mod tests;
