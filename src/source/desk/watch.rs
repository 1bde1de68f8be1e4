//! What is known of one conversation, and what still has to be asked: no network, no clock of its own.
//!
//! A notification is a hint. Every list of messages, from an event or from a look at the conversation, is compared with
//! the ids that are known; what is new is wanted, and its words are fetched in bulk.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::end::End;
use super::people::People;
use super::fetch::{Fetch, Wanted};
use crate::event::{Body, Gap, Origin};
use crate::genesys::conversation::{EntryKind, Participant, Snapshot};
use crate::genesys::message_data::Said;
use crate::genesys::speaker;
use crate::genesys::transcription::{Side, Transcription, Utterance};
use crate::source::{Loss, Told};

/// Something for the reader.
#[derive(Debug)]
pub(super) enum Out {
    /// It happened now.
    Live(Told),
    /// It was read afterwards, in order; all of what was said before the start, or in a time without a connection.
    Past {
        /// What was read.
        events: Vec<Told>,
        /// Whether it is what was there at the start.
        opening: bool,
    },
}

/// One conversation that is followed.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) id: String,
    pub(super) people: People,
    fetch: Fetch,
    phase: Phase,
    end: End,
    since: Option<DateTime<Utc>>,
    known: HashSet<String>,
    has_calls: bool,
    has_messages: bool,
    /// What was read of the past so far.
    gathered: Vec<Told>,
    /// Looks that failed in a row.
    pub(super) failures: u32,
    pub(super) looks: Looks,
    out: Vec<Out>,
}

/// When to look at the conversation.
#[derive(Debug)]
pub(super) struct Looks {
    pub(super) due: Instant,
    pub(super) under_way: bool,
    last: Option<Instant>,
}

#[derive(Debug, PartialEq)]
enum Phase {
    /// What was said before the start is still being read; `listed` once it is known what that is.
    Opening { listed: bool },
    /// A connection was lost, and what was said meanwhile is still being read.
    Recovering { listed: bool, loss: Loss },
    /// Everything comes as it happens.
    Live,
}

/// Looks that a hint asks for keep this distance, so that a flood of hints is no flood of requests.
const LOOK_DISTANCE: std::time::Duration = std::time::Duration::from_secs(1);

impl Watch {
    /// Nothing is known yet. Messages from before `since` are not wanted.
    pub(super) fn new(id: String, since: Option<DateTime<Utc>>) -> Self {
        Self {
            id,
            people: People::default(),
            fetch: Fetch::default(),
            phase: Phase::Opening { listed: false },
            end: End::default(),
            since,
            known: HashSet::new(),
            has_calls: false,
            has_messages: false,
            gathered: Vec::new(),
            failures: 0,
            looks: Looks { due: Instant::now(), under_way: false, last: None },
            out: Vec::new(),
        }
    }

    /// Takes a list of everything, or of the latest messages; `look` where it was asked for.
    pub(super) fn see(&mut self, snapshot: Snapshot, look: bool) {
        let over = snapshot.is_over();
        let ended = snapshot.ended;
        self.has_calls |= snapshot.has_calls;
        self.has_messages |= snapshot.has_messages;
        let opening = matches!(self.phase, Phase::Opening { .. });
        let origin = if self.phase == Phase::Live { Origin::Live } else { Origin::History };
        if look {
            self.forget_all_but(&snapshot);
        }
        for mut participant in snapshot.participants {
            let entries = std::mem::take(&mut participant.messages);
            let who = participant.id.clone();
            let change = self.people.note(participant, opening);
            if let Some(told) = change {
                self.tell(vec![told]);
            }
            for entry in entries {
                if self.known.contains(&entry.id) {
                    continue;
                }
                self.known.insert(entry.id.clone());
                let before = |since| entry.time.is_some_and(|time| time < since);
                if !(opening && self.since.is_some_and(before)) {
                    self.fetch.want(Wanted::new(entry, who.clone(), origin));
                }
            }
        }
        if self.people.customer_has_left() && !over {
            self.end.suspect();
        }
        if look {
            self.looked();
        }
        self.end.note(over, ended, look);
        if self.end.wants_look() {
            self.look_soon();
        }
        self.settle();
    }

    /// Something may have changed: look soon.
    pub(super) fn look_soon(&mut self) {
        let now = Instant::now();
        let soonest = self.looks.last.map_or(now, |last| (last + LOOK_DISTANCE).max(now));
        self.looks.due = self.looks.due.min(self.end.look_at().map_or(soonest, |at| at.max(soonest)));
    }

    /// A look was begun; the next is due after `period`, unless something asks for it earlier.
    pub(super) fn begin_look(&mut self, period: std::time::Duration) {
        let now = Instant::now();
        self.looks = Looks { due: now + period, under_way: true, last: Some(now) };
    }

    /// A look came to nothing.
    pub(super) fn look_failed(&mut self, again: Instant) {
        self.failures += 1;
        self.looks.under_way = false;
        self.looks.due = self.looks.due.min(again);
    }

    /// Takes what was said on a call: final words only.
    pub(super) fn hear(&mut self, transcription: Transcription) {
        if transcription.ended {
            tracing::debug!("{}: the transcription of a call has ended", self.id);
            self.look_soon();
        }
        for utterance in transcription.utterances.into_iter().filter(|utterance| utterance.is_final) {
            let (at, message) = spoken(utterance, &self.people);
            self.out.push(Out::Live(Told { at, body: Body::Message(message) }));
        }
    }

    /// The next ids whose words are to be fetched, until [`Watch::fetched`] or [`Watch::fetch_failed`].
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
    pub(super) fn fetched(&mut self, said: Vec<Said>) {
        let people = &self.people;
        let mut told: Vec<Told> = self.fetch.resolve(said, |wanted, said| {
            let (by, origin) = (people.get(&wanted.by), wanted.origin);
            let message = match (&wanted.kind, said) {
                (_, Some(said)) => {
                    let at = said.at.or(wanted.time);
                    return Told { at, body: Body::Message(speaker::message(said, by, origin)) };
                }
                (EntryKind::Sign(words), None) => match by {
                    Some(by) => speaker::sign(&wanted.id, words, by, origin),
                    None => speaker::missing(&wanted.id, by, origin),
                },
                (EntryKind::Words, None) => speaker::missing(&wanted.id, by, origin),
            };
            Told { at: wanted.time, body: Body::Message(message) }
        });
        told.sort_by_key(|told| told.at);
        self.tell(told);
        self.settle();
    }

    /// What was asked for has to be asked for again.
    pub(super) fn fetch_failed(&mut self) {
        self.fetch.put_back();
    }

    /// A connection was lost and another one stands.
    pub(super) fn resume(&mut self, loss: Loss) {
        match &mut self.phase {
            Phase::Opening { .. } => {}
            Phase::Recovering { listed, .. } => *listed = false,
            Phase::Live if self.is_call() => self.gap(&loss),
            Phase::Live => self.phase = Phase::Recovering { listed: false, loss },
        }
        self.looks.due = Instant::now();
    }

    /// What was missed cannot be had: the reader is told so, once a loss.
    pub(super) fn despair(&mut self) {
        if let Phase::Recovering { loss, .. } = std::mem::replace(&mut self.phase, Phase::Live) {
            let gathered = std::mem::take(&mut self.gathered);
            self.gap(&loss);
            if !gathered.is_empty() {
                self.out.push(Out::Past { events: gathered, opening: false });
            }
        }
    }

    /// Whether it is a call and nothing else, of which no history exists.
    pub(super) fn is_call(&self) -> bool {
        self.has_calls && !self.has_messages
    }

    /// Whether it is a call, among other things.
    pub(super) fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// Whether it was seen at all.
    pub(super) fn is_seen(&self) -> bool {
        !matches!(self.phase, Phase::Opening { listed: false })
    }

    /// Whether what was missed in a time without a connection is being read.
    pub(super) fn is_recovering(&self) -> bool {
        matches!(self.phase, Phase::Recovering { .. })
    }

    /// Whether the reader has seen its end.
    pub(super) fn is_finished(&self) -> bool {
        self.end.is_told()
    }

    /// Whether all that was there at the start is read.
    pub(super) fn is_caught_up(&self) -> bool {
        self.phase == Phase::Live && self.fetch.is_idle()
    }

    /// Whether it is over, or seems to be.
    pub(super) fn is_ending(&self) -> bool {
        self.end.is_near()
    }

    /// When there is something to do besides looking.
    pub(super) fn fetch_due(&self) -> Option<Instant> {
        if self.people.awaits_names() { None } else { self.fetch.due() }
    }

    /// What there is for the reader.
    pub(super) fn take(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    /// Ids that no list has any more will not come again.
    fn forget_all_but(&mut self, snapshot: &Snapshot) {
        let listed: usize = snapshot.participants.iter().map(|participant| participant.messages.len()).sum();
        if self.known.len() > 2 * listed + 10_000 {
            let entries = snapshot.participants.iter().flat_map(|participant| &participant.messages);
            let listed: HashSet<&str> = entries.map(|entry| entry.id.as_str()).collect();
            self.known.retain(|id| listed.contains(id.as_str()) || self.fetch.has(id));
        }
    }

    fn looked(&mut self) {
        self.failures = 0;
        self.looks.under_way = false;
        match &mut self.phase {
            Phase::Opening { listed } | Phase::Recovering { listed, .. } => *listed = true,
            Phase::Live => {}
        }
    }

    fn tell(&mut self, told: Vec<Told>) {
        if self.phase == Phase::Live {
            self.out.extend(told.into_iter().map(Out::Live));
        } else {
            self.gathered.extend(told);
        }
    }

    /// Goes on to the next phase, or to the end, where nothing is missing any more.
    fn settle(&mut self) {
        let listed = matches!(self.phase, Phase::Opening { listed: true } | Phase::Recovering { listed: true, .. });
        if listed && !self.fetch.has_past() {
            let opening = matches!(self.phase, Phase::Opening { .. });
            let mut events = std::mem::take(&mut self.gathered);
            events.sort_by_key(|told| told.at);
            if opening || !events.is_empty() {
                self.out.push(Out::Past { events, opening });
            }
            self.phase = Phase::Live;
        }
        if self.phase == Phase::Live && self.fetch.is_idle()
            && let Some(at) = self.end.tell()
        {
            self.out.push(Out::Live(Told { at, body: Body::Closed }));
        }
    }

    fn gap(&mut self, loss: &Loss) {
        let to = Utc::now();
        let gap = Gap { from: loss.last_sign, to, reason: loss.reason.clone() };
        self.out.push(Out::Live(Told { at: Some(to), body: Body::Gap(gap) }));
    }
}

fn spoken(utterance: Utterance, people: &People) -> (Option<DateTime<Utc>>, crate::event::Message<'static>) {
    use crate::event::{Message, Party, Role};
    let (role, by): (Role, Option<&Participant>) = match utterance.side {
        Side::Customer => (Role::Customer, people.customer()),
        Side::Agent => people.host().map_or((Role::Agent, None), |(role, by)| (role, Some(by))),
        Side::Unknown => (Role::Unknown, None),
    };
    let from = Party {
        id: by.and_then(|by| by.user.as_ref()).map(|user| user.id.clone().into()),
        name: by.and_then(|by| by.user.as_ref().and_then(|user| user.name.clone()).or_else(|| by.name.clone())).map(Into::into),
    };
    let message = Message {
        id: utterance.id.map(Into::into),
        role,
        from,
        to: Party::default(),
        text: Some(utterance.text.into()),
        attachments: Vec::new(),
        origin: Origin::Live,
    };
    (utterance.at, message)
}
