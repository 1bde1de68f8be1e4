//! What is known of one conversation, and what still has to be asked: no network in it.
//!
//! A notification is a hint. Every list of messages, from an event or from a look at the conversation, is compared with
//! what is known and what was delivered; what is new is wanted, and its words are fetched in bulk.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::end_detector::EndDetector;
use super::participants::Participants;
use super::pending_messages::{PendingMessage, PendingMessages};
use super::poll_timer::{self, PollTimer};
use super::{Event, Mode, spoken};
use crate::dedup::checkpoint::ResumePoint;
use crate::event::{EventBody, Gap, Origin};
use crate::source::{BackfillReason, Outage, TimedEvent};
use crate::tracker::attribution;
use crate::wire::conversation::{MessageKind, MessageRef, Participant, Snapshot};
use crate::wire::message::MessageBody;
use crate::wire::transcription::{Transcription, Utterance};

/// Ids that no list has any more are forgotten when there are so many of them.
const STALE: usize = 10_000;

/// One conversation that is followed.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) id: String,
    pub(super) people: Participants,
    pub(super) looks: PollTimer,
    scope: Mode,
    phase: State,
    /// Why what was said at first is read afterwards.
    why: BackfillReason,
    begun: DateTime<Utc>,
    /// Nothing older is wanted, until what was there at the start is listed.
    since: Option<DateTime<Utc>>,
    fetch: PendingMessages,
    end: EndDetector,
    known: HashSet<String>,
    has_calls: bool,
    /// Whether the service has said that nothing more of the call will be told.
    call_is_over: bool,
    /// What was said on a call and waits for a look at who is there.
    unheard: Vec<Utterance>,
    /// What was read of the past so far.
    gathered: Vec<TimedEvent>,
    /// What happened since all of the past was listed, and is told after it.
    held: Vec<TimedEvent>,
    out: Vec<Event>,
}

#[derive(Debug, PartialEq)]
enum State {
    /// What was said before the start is being read, if need be over a loss; `listed` once it is known what that is.
    Startup { listed: bool, loss: Option<Outage> },
    /// A connection was lost, and what was said meanwhile is being read; without a `loss` a gap was told already.
    Recovering { listed: bool, loss: Option<Outage> },
    /// Everything comes as it happens.
    Live,
}

impl Conversation {
    /// Nothing is known yet. Messages from before `since` are not wanted.
    pub(super) fn new(id: String, scope: Mode, since: Option<DateTime<Utc>>, why: BackfillReason) -> Self {
        Self {
            id,
            people: Participants::default(),
            looks: PollTimer::new(),
            scope,
            phase: State::Startup { listed: false, loss: None },
            why,
            begun: Utc::now(),
            since,
            fetch: PendingMessages::default(),
            end: EndDetector::default(),
            known: HashSet::new(),
            has_calls: false,
            call_is_over: false,
            unheard: Vec::new(),
            gathered: Vec::new(),
            held: Vec::new(),
            out: Vec::new(),
        }
    }

    /// An earlier run has begun with it: what that one missed is wanted, and where it cannot be had, that is told as after
    /// a lost connection.
    pub(super) fn resumed(id: String, scope: Mode, begun: ResumePoint, why: BackfillReason) -> Self {
        let mut watch = Self::new(id, scope, begun.before, why);
        if let Some(last_activity) = begun.latest.filter(|_| !begun.closed) {
            watch.resume(&Outage {
                last_activity: last_activity.min(Utc::now()),
                reason: "the run before had ended".to_owned(),
            });
        }
        watch
    }

    /// Takes a list of everything, or of the latest messages, which the service sent or, for a `look`, was asked for.
    /// `delivered` tells which messages the reader has.
    pub(super) fn see(
        &mut self,
        snapshot: Snapshot,
        look: bool,
        delivered: impl Fn(&str, Option<DateTime<Utc>>) -> bool,
    ) {
        let (over, ended) = (snapshot.has_ended(), snapshot.ended_at);
        self.has_calls |= snapshot.has_calls;
        if look {
            self.forget_all_but(&snapshot);
        }
        let mut changes = Vec::new();
        for mut participant in snapshot.participants {
            let entries = std::mem::take(&mut participant.messages);
            let by = self.meet(participant, &mut changes);
            for entry in entries {
                self.list(entry, &by, &delivered);
            }
        }
        self.change(changes);
        let whole = look && self.looked();
        if self.scope == Mode::Full {
            self.note_end(over, ended, whole);
        }
        self.settle();
    }

    /// Something may have changed: look soon.
    pub(super) fn look_soon(&mut self) {
        self.looks.soon(self.end.look_at());
    }

    /// A look was begun; the next is due after `period`, unless something asks for it earlier.
    pub(super) fn begin_look(&mut self, period: Duration) {
        self.looks.begin((self.scope == Mode::Full).then_some(period));
    }

    /// A look came to nothing, and is to be tried again.
    pub(super) fn look_failed(&mut self, again: Instant) {
        self.attribute();
        self.looks.fail(again);
    }

    /// Takes what was said on a call: final words only.
    pub(super) fn hear(&mut self, transcription: Transcription) {
        self.has_calls = true;
        self.call_is_over = transcription.session_ended;
        if transcription.session_ended {
            tracing::debug!("{}: the transcription of a call has ended", self.id);
            self.look_soon();
        }
        let spoken = transcription.utterances.into_iter().filter(|utterance| utterance.is_final);
        self.unheard.extend(spoken);
        let unknown = self.unheard.iter().any(|utterance| spoken::speaker(utterance, &self.people).is_none());
        if unknown {
            self.look_soon();
        }
        // Who speaks may be about to be found out, which decides whose line it is.
        let soon = Instant::now() + poll_timer::DISTANCE;
        if !self.looks.under_way && self.looks.due.is_none_or(|due| due > soon) {
            self.attribute();
        }
    }

    /// The next ids whose words are to be fetched, until [`Conversation::fetched`] or [`Conversation::fetch_failed`].
    pub(super) fn request(&mut self) -> Option<Vec<String>> {
        if self.people.awaits_names() {
            return None;
        }
        let ids = self.fetch.next()?;
        if ids.is_empty() {
            // There are signs only, which are told by the list itself.
            self.fetched(Vec::new());
            return None;
        }
        Some(ids)
    }

    /// Takes the words that were asked for, or as many of them as there are yet.
    pub(super) fn fetched(&mut self, said: Vec<MessageBody>) {
        let people = &self.people;
        let mut told = self.fetch.resolve(said, |wanted, said| tell(wanted, said, people.get(&wanted.by)));
        told.sort_by_key(|told| told.at);
        self.gather(told);
        self.settle();
    }

    /// What was asked for has to be asked for again.
    pub(super) fn fetch_failed(&mut self) {
        self.fetch.fail();
    }

    /// Looks, or requests for words, that failed in a row since a connection was lost.
    pub(super) fn failures(&self) -> u32 {
        self.looks.failures.max(self.fetch.failures)
    }

    /// A connection was lost and another one stands.
    pub(super) fn resume(&mut self, loss: &Outage) {
        self.attribute();
        // Nothing that was said on a call can be read afterwards.
        let on_call = self.has_calls && !self.call_is_over;
        self.out.extend(on_call.then(|| gap(loss)));
        match &mut self.phase {
            State::Startup { listed, loss: first } | State::Recovering { listed, loss: first } => {
                *listed = false;
                *first = if on_call { None } else { first.take().or_else(|| Some(loss.clone())) };
            }
            State::Live => self.phase = State::Recovering { listed: false, loss: (!on_call).then(|| loss.clone()) },
        }
        self.fetch.make_past();
        self.looks.afresh();
    }

    /// The past cannot be had. What was missed after a loss is told as a gap, once.
    pub(super) fn despair(&mut self) {
        let (loss, why) = match std::mem::replace(&mut self.phase, State::Live) {
            State::Recovering { loss, .. } => (loss, BackfillReason::Outage),
            State::Startup { loss, listed } => {
                // What was said before the start is not what is missed in a later loss.
                self.since = if listed { self.since } else { Some(self.begun) };
                (loss, self.why)
            }
            State::Live => return,
        };
        self.out.extend(loss.as_ref().map(gap));
        if self.scope == Mode::HistoryOnly {
            // Told later, it would stand among what the other wire brings.
            for id in self.fetch.drain() {
                self.known.remove(&id);
            }
            self.looks.stop();
        }
        self.tell_past(why);
        self.settle();
    }

    /// Whether there are or were calls in it.
    pub(super) fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// Whether it was seen at all.
    pub(super) fn is_seen(&self) -> bool {
        !matches!(self.phase, State::Startup { listed: false, .. })
    }

    /// Whether what was said before the start, or during a loss, is still being read.
    pub(super) fn is_reading(&self) -> bool {
        self.phase != State::Live
    }

    /// Whether a loss is being made up for.
    pub(super) fn is_recovering(&self) -> bool {
        matches!(self.phase, State::Recovering { .. })
    }

    /// Whether all is told that is known.
    pub(super) fn is_caught_up(&self) -> bool {
        self.phase == State::Live && self.fetch.is_idle() && !self.end.is_near()
    }

    /// Whether it is over, or seems to be.
    pub(super) fn is_ending(&self) -> bool {
        self.end.is_near()
    }

    /// When words are to be fetched.
    pub(super) fn fetch_due(&self) -> Option<Instant> {
        if self.people.awaits_names() { None } else { self.fetch.due(Instant::now()) }
    }

    /// What there is for the reader.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.out)
    }

    /// Takes note of a participant, and returns what it is known by.
    fn meet(&mut self, participant: Participant, changes: &mut Vec<TimedEvent>) -> String {
        let quiet = self.scope == Mode::HistoryOnly || !self.is_seen();
        let (by, change) = self.people.note(participant, quiet);
        changes.extend(change);
        by
    }

    /// Tells changes, in their place among messages whose words are being fetched.
    fn change(&mut self, changes: Vec<TimedEvent>) {
        if self.phase != State::Live && !self.is_listing() {
            self.held.extend(changes);
        } else if self.fetch.is_busy() {
            self.fetch.accompany(changes);
        } else {
            self.gather(changes);
        }
    }

    fn list(&mut self, entry: MessageRef, by: &str, delivered: &impl Fn(&str, Option<DateTime<Utc>>) -> bool) {
        if self.known.contains(&entry.id) {
            return;
        }
        self.known.insert(entry.id.clone());
        // Without a time it may be old, and where nothing old is wanted it is not.
        let before = |since| entry.sent_at.map_or(since == DateTime::<Utc>::MAX_UTC, |time| time < since);
        if self.since.is_some_and(before) || delivered(&entry.id, entry.sent_at) {
            return;
        }
        let past = self.is_listing();
        let joined = self.why == BackfillReason::Joined && !self.is_seen();
        let origin = if past && !joined { Origin::History } else { Origin::Live };
        self.fetch.want(PendingMessage::new(entry, by.to_owned(), origin, past));
    }

    /// Whether what is missing of the past is still being listed.
    fn is_listing(&self) -> bool {
        matches!(self.phase, State::Startup { listed: false, .. } | State::Recovering { listed: false, .. })
    }

    fn forget_all_but(&mut self, snapshot: &Snapshot) {
        let listed: usize = snapshot.participants.iter().map(|participant| participant.messages.len()).sum();
        if self.known.len() > 2 * listed + STALE {
            let entries = snapshot.participants.iter().flat_map(|participant| &participant.messages);
            let listed: HashSet<&str> = entries.map(|entry| entry.id.as_str()).collect();
            self.known.retain(|id| listed.contains(id.as_str()) || self.fetch.has(id));
        }
    }

    /// Ends a look; whether it told everything until now.
    fn looked(&mut self) -> bool {
        self.attribute();
        let whole = self.looks.end();
        match &mut self.phase {
            State::Startup { listed, .. } if whole => {
                *listed = true;
                self.since = None;
            }
            State::Recovering { listed, .. } => *listed |= whole,
            State::Startup { .. } | State::Live => {}
        }
        whole
    }

    /// Tells what was said on a call, by whoever is known to be there.
    fn attribute(&mut self) {
        let unheard = std::mem::take(&mut self.unheard);
        self.out.extend(unheard.into_iter().map(|utterance| Event::Live(spoken::told(utterance, &self.people))));
    }

    fn note_end(&mut self, over: bool, ended: Option<DateTime<Utc>>, look: bool) {
        self.end.suspect(self.people.customer_has_left() && !over);
        self.end.note(over, ended, look);
        if self.end.wants_look() {
            self.look_soon();
        }
    }

    fn gather(&mut self, told: Vec<TimedEvent>) {
        if self.phase == State::Live {
            self.out.extend(told.into_iter().map(Event::Live));
        } else {
            self.gathered.extend(told);
        }
    }

    /// Goes on to the next phase, or to the end, where nothing is missing any more.
    fn settle(&mut self) {
        if self.phase != State::Live && !self.is_listing() && !self.fetch.has_past() {
            self.tell_past(if matches!(self.phase, State::Startup { .. }) { self.why } else { BackfillReason::Outage });
            self.phase = State::Live;
        }
        if self.phase == State::Live
            && self.fetch.is_idle()
            && let Some(end) = self.end.tell()
        {
            self.out.push(Event::Live(end));
        }
    }

    /// Tells what was read of the past, in order, and then what has happened since.
    fn tell_past(&mut self, why: BackfillReason) {
        let mut events = std::mem::take(&mut self.gathered);
        events.sort_by_key(|told| told.at);
        if !events.is_empty() {
            self.out.push(Event::Backfill(events, why));
        }
        self.out.extend(self.held.drain(..).map(Event::Live));
    }
}

/// The words of a message, or what stands for them.
fn tell(wanted: &PendingMessage, said: Option<MessageBody>, by: Option<&Participant>) -> TimedEvent {
    let (at, message) = match (said, &wanted.kind, by) {
        (Some(said), ..) => (said.sent_at.or(wanted.time), attribution::message(said, by, wanted.origin)),
        (None, MessageKind::Event(words), Some(by)) => {
            (wanted.time, attribution::sign(&wanted.id, words, by, wanted.origin))
        }
        (None, ..) => (wanted.time, attribution::missing(&wanted.id, by, wanted.origin)),
    };
    TimedEvent { at, body: EventBody::Message(message) }
}

fn gap(loss: &Outage) -> Event {
    let to = Utc::now();
    let gap = Gap { from: loss.last_activity, to, reason: loss.reason.clone() };
    Event::Live(TimedEvent { at: Some(to), body: EventBody::Gap(gap) })
}

#[cfg(test)]
mod tests;
