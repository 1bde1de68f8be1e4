//! What was delivered already: the one place that decides whether an event is new.
//!
//! An event is known by a keyed 64-bit hash of its identity, so that a million messages cost no more than the latest of
//! them, half a mebibyte a conversation, and nobody outside can craft two messages that pass for one. With a cursor the
//! keys are those of its file, and what earlier runs delivered is known from the start.

pub(crate) mod checkpoint;
mod fingerprint;
mod resume;
mod seen_set;

use std::collections::{BTreeMap, HashMap, VecDeque};

pub(crate) use self::fingerprint::FingerprintKey;
use self::fingerprint::{Digest, Keyed};
use self::resume::Journal;
use self::seen_set::Recent;
use chrono::{DateTime, Utc};

use self::checkpoint::{CLOSED_KEY, EarlierDeliveries, ResumePoint};
use crate::event::{Checkpoint, EventBody, Message, TranscriptEvent};

/// How many events are remembered at least: two generations of them are seven eighths of 2^16 places, half a mebibyte.
pub(crate) const REMEMBERED: usize = 28_672;

/// How many kinds of events without an id a connection counts. Those that are alike have the same time, so the next of a
/// kind is not far behind the last.
const COUNTED: usize = 4096;

/// The memory of what was delivered, across connections and conversations.
#[derive(Debug, Default)]
pub(crate) struct Dedup {
    keys: FingerprintKey,
    /// By conversation. One is found sooner by comparing ids than by hashing them, few as they are.
    delivered: BTreeMap<String, Recent>,
    /// There is one where a cursor is kept.
    journal: Option<Box<Journal>>,
}

/// What one connection has brought of the events that have no id. Every connection starts a new one.
#[derive(Debug, Default)]
pub(crate) struct OccurrenceCounter {
    connection: u32,
    counts: HashMap<u64, u32, Keyed>,
    order: VecDeque<u64>,
}

impl Dedup {
    /// The ledger that goes on where earlier runs have stopped: with their keys, and with what they have delivered of each
    /// conversation.
    pub(crate) fn resumed(keys: FingerprintKey, earlier: impl IntoIterator<Item = EarlierDeliveries>) -> Self {
        let (mut begun, mut delivered) = (HashMap::new(), BTreeMap::new());
        for EarlierDeliveries { conversation, resume_point, keys } in earlier {
            let recent: &mut Recent = delivered.entry(conversation.clone()).or_default();
            for key in keys.into_iter().filter(|key| *key != CLOSED_KEY) {
                recent.insert(key, None);
            }
            begun.insert(conversation, resume_point);
        }
        Self { keys, delivered, journal: Some(Box::new(Journal::new(begun))) }
    }

    /// Whether the event is delivered for the first time; from now on it is not.
    ///
    /// An event without an id is told from its like only across connections: the k-th of a connection is the k-th of
    /// any other. One without a time as well is always new.
    pub(crate) fn admit(&mut self, event: &TranscriptEvent<'_>, tally: &mut OccurrenceCounter) -> bool {
        let key = self.key(event, tally);
        if self.journal.as_ref().is_some_and(|journal| journal.has(event)) {
            return false;
        }
        let new = key.is_none_or(|key| self.insert(event, key));
        if new && let Some(journal) = &mut self.journal {
            journal.note(event, key);
        }
        new
    }

    /// What the cursor is to keep of the event that was admitted last; `None` without a cursor, and where the event
    /// could not be recognised later.
    pub(crate) fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        self.journal.as_mut()?.take()
    }

    /// Whether the message with this id, which a list says was said then, was delivered. What is older than all that is
    /// remembered was.
    pub(crate) fn is_delivered(&self, conversation: &str, id: &str, at: Option<DateTime<Utc>>) -> bool {
        let mut digest = self.keys.digest();
        of_id(id, &mut digest);
        self.delivered.get(conversation).is_some_and(|delivered| delivered.contains(digest.finish(), at))
    }

    /// How far earlier runs came in this conversation; `None` where they did not begin with it.
    pub(crate) fn resume_point(&self, conversation: &str) -> Option<ResumePoint> {
        self.journal.as_ref()?.resume_point(conversation)
    }

    /// Whether later runs will know what is delivered in this one.
    pub(crate) fn has_cursor(&self) -> bool {
        self.journal.is_some()
    }

    /// What the event is known by; `None` where there is nothing.
    fn key(&self, event: &TranscriptEvent<'_>, tally: &mut OccurrenceCounter) -> Option<u64> {
        let mut digest = self.keys.digest();
        match identify(event, &mut digest) {
            Identity::Own => Some(digest.finish()),
            Identity::Counted => {
                digest.text(Some(event.conversation));
                let occurrence = tally.count(digest.finish());
                digest.number(occurrence.into());
                Some(digest.finish())
            }
            Identity::None => None,
        }
    }

    /// Whether the key was unknown.
    fn insert(&mut self, event: &TranscriptEvent<'_>, key: u64) -> bool {
        match self.delivered.get_mut(event.conversation) {
            Some(delivered) => delivered.insert(key, event.at),
            None => self.delivered.entry(event.conversation.to_owned()).or_default().insert(key, event.at),
        }
    }

    /// Forgets a conversation that is over.
    pub(crate) fn forget(&mut self, conversation: &str) {
        self.delivered.remove(conversation);
    }
}

impl OccurrenceCounter {
    /// The empty tally of the connection with this number.
    pub(crate) fn for_connection(connection: u32) -> Self {
        Self { connection, ..Self::default() }
    }

    /// The number of its connection.
    pub(crate) fn connection(&self) -> u32 {
        self.connection
    }

    /// Counts one more of its kind and says how many there are now.
    fn count(&mut self, key: u64) -> u32 {
        if let Some(count) = self.counts.get_mut(&key) {
            *count += 1;
            return *count;
        }
        if self.order.len() == COUNTED
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.order.push_back(key);
        self.counts.insert(key, 1);
        1
    }
}

/// How an event can be recognised.
enum Identity {
    /// By what was hashed alone.
    Own,
    /// By what was hashed and its place among the like of its connection.
    Counted,
    /// Not at all.
    None,
}

fn identify(event: &TranscriptEvent<'_>, digest: &mut Digest) -> Identity {
    match &event.body {
        EventBody::Message(Message { id: Some(id), .. }) => {
            of_id(id, digest);
            Identity::Own
        }
        EventBody::Gap(_) => Identity::None,
        EventBody::Message(message) => {
            let words = message.display_text();
            for text in [Some("message"), message.from.id.as_deref(), Some(&words)] {
                digest.text(text);
            }
            counted(event, digest)
        }
        EventBody::Update { description } => {
            digest.text(Some("update"));
            digest.text(description.as_deref());
            counted(event, digest)
        }
        // A conversation ends once, however often one connection says so.
        EventBody::Closed if event.at.is_some() => {
            digest.text(Some("closed"));
            counted(event, digest);
            Identity::Own
        }
        EventBody::Closed => Identity::None,
    }
}

fn of_id(id: &str, digest: &mut Digest) {
    digest.id(id);
}

fn counted(event: &TranscriptEvent<'_>, digest: &mut Digest) -> Identity {
    let Some(at) = event.at else { return Identity::None };
    digest.number(at.timestamp().cast_unsigned());
    digest.number(at.timestamp_subsec_nanos().into());
    Identity::Counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Gap, Origin, Party, Role};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn event(at: Option<DateTime<Utc>>, body: EventBody<'_>) -> TranscriptEvent<'_> {
        TranscriptEvent { conversation: "97b9dcb3", at, received: self::at(9_999), body }
    }

    fn said<'a>(id: Option<&'a str>, from: &'a str, text: &'a str) -> EventBody<'a> {
        EventBody::Message(Message {
            id: id.map(Into::into),
            role: Role::Customer,
            from: Party { id: Some(from.into()), name: None },
            to: Party::default(),
            text: Some(text.into()),
            attachments: Vec::new(),
            origin: Origin::Live,
        })
    }

    #[test]
    fn an_id_is_new_once_per_conversation() {
        let (mut ledger, mut tally) = (Dedup::default(), OccurrenceCounter::default());
        let first = event(Some(at(1)), said(Some("m1"), "external", "hello"));
        assert!(ledger.admit(&first, &mut tally));
        assert!(!ledger.admit(&first, &mut tally));
        let edited = event(Some(at(2)), said(Some("m1"), "external", "hello, edited"));
        assert!(!ledger.admit(&edited, &mut OccurrenceCounter::default()), "the id alone decides");
        let elsewhere = TranscriptEvent { conversation: "other", ..first };
        assert!(ledger.admit(&elsewhere, &mut tally));
        assert!(ledger.is_delivered("97b9dcb3", "m1", None) && !ledger.is_delivered("97b9dcb3", "m2", None));
        ledger.forget("97b9dcb3");
        assert!(!ledger.is_delivered("97b9dcb3", "m1", None) && ledger.is_delivered("other", "m1", None));
    }

    #[test]
    fn without_an_id_the_kth_of_a_connection_is_the_kth_of_the_next() {
        let mut ledger = Dedup::default();
        let yes = event(Some(at(1)), said(None, "external", "yes"));
        let mut first = OccurrenceCounter::default();
        assert!(ledger.admit(&yes, &mut first));
        assert!(ledger.admit(&yes, &mut first), "said twice in one second on one connection");
        let mut second = OccurrenceCounter::default();
        assert!(!ledger.admit(&yes, &mut second));
        assert!(!ledger.admit(&yes, &mut second));
        assert!(ledger.admit(&yes, &mut second), "a third one is news");
        assert!(!ledger.admit(&yes, &mut first), "also to a connection that lags behind");
    }

    #[test]
    fn time_sender_and_text_all_belong_to_the_identity() {
        let mut ledger = Dedup::default();
        assert!(ledger.admit(&event(Some(at(1)), said(None, "external", "yes")), &mut OccurrenceCounter::default()));
        for other in [
            event(Some(at(2)), said(None, "external", "yes")),
            event(Some(at(1)), said(None, "agent-7", "yes")),
            event(Some(at(1)), said(None, "external", "no")),
        ] {
            assert!(ledger.admit(&other, &mut OccurrenceCounter::default()), "{other:?}");
        }
    }

    #[test]
    fn without_a_time_nothing_is_a_repeat() {
        let mut ledger = Dedup::default();
        for body in [said(None, "external", "yes"), EventBody::Update { description: None }, EventBody::Closed] {
            let event = event(None, body);
            assert!(ledger.admit(&event, &mut OccurrenceCounter::default()));
            assert!(ledger.admit(&event, &mut OccurrenceCounter::default()), "{event:?}");
        }
    }

    #[test]
    fn updates_and_closings_are_known_by_their_time_and_gaps_never() {
        let mut ledger = Dedup::default();
        for body in [EventBody::Update { description: None }, EventBody::Closed] {
            let event = event(Some(at(5)), body);
            assert!(ledger.admit(&event, &mut OccurrenceCounter::default()), "{event:?}");
            assert!(!ledger.admit(&event, &mut OccurrenceCounter::default()), "{event:?}");
        }
        let (mut ledger, mut tally) = (Dedup::default(), OccurrenceCounter::default());
        let twice = |ledger: &mut Dedup, tally: &mut OccurrenceCounter, body: EventBody<'static>| {
            let event = event(Some(at(5)), body);
            [ledger.admit(&event, tally), ledger.admit(&event, tally)]
        };
        assert_eq!(twice(&mut ledger, &mut tally, EventBody::Closed), [true, false], "it ends once");
        assert_eq!(twice(&mut ledger, &mut tally, EventBody::Update { description: None }), [true, true]);
        let gap = event(Some(at(5)), EventBody::Gap(Gap { from: at(1), to: at(5), reason: String::new() }));
        assert!(
            ledger.admit(&gap, &mut OccurrenceCounter::default())
                && ledger.admit(&gap, &mut OccurrenceCounter::default())
        );
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest_first() {
        let (mut ledger, mut tally) = (Dedup::default(), OccurrenceCounter::default());
        let ids: Vec<String> = (0..=2 * REMEMBERED).map(|n| format!("m{n}")).collect();
        let mut is_new = |id| ledger.admit(&event(Some(at(1)), said(Some(id), "external", "x")), &mut tally);
        assert!(ids.iter().all(|id| is_new(id)));
        assert!(!ids[REMEMBERED..].iter().any(|id| is_new(id)));
        assert!(is_new(&ids[0]));
        assert_eq!(ledger.delivered["97b9dcb3"].bytes(), 512 * 1024);
        for second in 0..=4096 {
            ledger.admit(&event(Some(at(second)), EventBody::Update { description: None }), &mut tally);
        }
        assert_eq!(tally.counts.len(), COUNTED);
    }
}
