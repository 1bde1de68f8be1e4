//! What was delivered already: the one place that decides whether an event is new.
//!
//! An event is known by a keyed 64-bit hash of its identity, so that a million messages cost no more than the latest of
//! them, about 1 MiB a conversation, and nobody outside can craft two messages that pass for one.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use crate::event::{Body, Message, TranscriptEvent};

/// How many events are remembered at least: seven eighths of 2^16, the most a hash table holds before it doubles.
const REMEMBERED: usize = 57_344;

/// The memory of what was delivered, across connections and conversations.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    keys: RandomState,
    /// By conversation. One is found sooner by comparing ids than by hashing them, few as they are.
    delivered: BTreeMap<String, Recent>,
}

/// What one connection has brought of the events that have no id. Every connection starts a new one.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    connection: u32,
    counts: HashMap<u64, u32, Keyed>,
    order: VecDeque<u64>,
}

impl Ledger {
    /// Whether the event is delivered for the first time; from now on it is not.
    ///
    /// An event without an id is told from its like only across connections: the k-th of a connection is the k-th of
    /// any other. One without a time as well is always new.
    pub(crate) fn admit(&mut self, event: &TranscriptEvent<'_>, tally: &mut Tally) -> bool {
        let mut hasher = self.keys.build_hasher();
        let key = match identify(event, &mut hasher) {
            Identity::Own => hasher.finish(),
            Identity::Counted => {
                event.conversation.hash(&mut hasher);
                let occurrence = tally.count(hasher.finish());
                self.keys.hash_one((hasher.finish(), occurrence))
            }
            Identity::None => return true,
        };
        match self.delivered.get_mut(event.conversation) {
            Some(delivered) => delivered.insert(key),
            None => self.delivered.entry(event.conversation.to_owned()).or_default().insert(key),
        }
    }

    /// Whether the message with this id was delivered.
    pub(crate) fn knows(&self, conversation: &str, id: &str) -> bool {
        let mut hasher = self.keys.build_hasher();
        of_id(id, &mut hasher);
        self.delivered.get(conversation).is_some_and(|delivered| delivered.knows(hasher.finish()))
    }

    /// Forgets a conversation that is over.
    pub(crate) fn forget(&mut self, conversation: &str) {
        self.delivered.remove(conversation);
    }
}

impl Tally {
    /// The empty tally of the connection with this number.
    pub(crate) fn of(connection: u32) -> Self {
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
        if self.order.len() == REMEMBERED
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

fn identify(event: &TranscriptEvent<'_>, hasher: &mut impl Hasher) -> Identity {
    match &event.body {
        Body::Message(Message { id: Some(id), .. }) => {
            of_id(id, hasher);
            Identity::Own
        }
        Body::Gap(_) => Identity::None,
        Body::Message(message) => {
            ("message", &message.from.id, message.words()).hash(hasher);
            counted(event, hasher)
        }
        Body::Update { what } => {
            ("update", what).hash(hasher);
            counted(event, hasher)
        }
        // A conversation ends once, however often one connection says so.
        Body::Closed => match event.at {
            Some(at) => {
                ("closed", at).hash(hasher);
                Identity::Own
            }
            None => Identity::None,
        },
    }
}

/// In as few pieces as possible: the hasher takes long over each. No other identity begins with this byte.
fn of_id(id: &str, hasher: &mut impl Hasher) {
    hasher.write_u8(b'i');
    hasher.write(id.as_bytes());
}

fn counted(event: &TranscriptEvent<'_>, hasher: &mut impl Hasher) -> Identity {
    match event.at {
        Some(at) => {
            at.hash(hasher);
            Identity::Counted
        }
        None => Identity::None,
    }
}

/// The latest [`REMEMBERED`] keys, and at most as many older ones.
///
/// Whole generations are forgotten: keys that came and went one by one would wear the table out until it doubled, and
/// their order would have to be kept.
#[derive(Debug, Default)]
struct Recent {
    young: HashSet<u64, Keyed>,
    old: HashSet<u64, Keyed>,
}

impl Recent {
    fn knows(&self, key: u64) -> bool {
        self.young.contains(&key) || self.old.contains(&key)
    }

    /// Whether the key was unknown.
    fn insert(&mut self, key: u64) -> bool {
        if self.young.len() == REMEMBERED {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        !self.old.contains(&key) && self.young.insert(key)
    }
}

/// The keys are hashes already; hashing them again would buy nothing.
type Keyed = BuildHasherDefault<AsIs>;

#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Gap, Origin, Party, Role};
    use chrono::{DateTime, Utc};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn event(at: Option<DateTime<Utc>>, body: Body<'_>) -> TranscriptEvent<'_> {
        TranscriptEvent { conversation: "97b9dcb3", at, received: self::at(9_999), body }
    }

    fn said<'a>(id: Option<&'a str>, from: &'a str, text: &'a str) -> Body<'a> {
        Body::Message(Message {
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
        let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
        let first = event(Some(at(1)), said(Some("m1"), "external", "hello"));
        assert!(ledger.admit(&first, &mut tally));
        assert!(!ledger.admit(&first, &mut tally));
        let edited = event(Some(at(2)), said(Some("m1"), "external", "hello, edited"));
        assert!(!ledger.admit(&edited, &mut Tally::default()), "the id alone decides");
        let elsewhere = TranscriptEvent { conversation: "other", ..first };
        assert!(ledger.admit(&elsewhere, &mut tally));
        assert!(ledger.knows("97b9dcb3", "m1") && !ledger.knows("97b9dcb3", "m2") && !ledger.knows("third", "m1"));
        ledger.forget("97b9dcb3");
        assert!(!ledger.knows("97b9dcb3", "m1") && ledger.knows("other", "m1"));
    }

    #[test]
    fn without_an_id_the_kth_of_a_connection_is_the_kth_of_the_next() {
        let mut ledger = Ledger::default();
        let yes = event(Some(at(1)), said(None, "external", "yes"));
        let mut first = Tally::default();
        assert!(ledger.admit(&yes, &mut first));
        assert!(ledger.admit(&yes, &mut first), "said twice in one second on one connection");
        let mut second = Tally::default();
        assert!(!ledger.admit(&yes, &mut second));
        assert!(!ledger.admit(&yes, &mut second));
        assert!(ledger.admit(&yes, &mut second), "a third one is news");
        assert!(!ledger.admit(&yes, &mut first), "also to a connection that lags behind");
    }

    #[test]
    fn time_sender_and_text_all_belong_to_the_identity() {
        let mut ledger = Ledger::default();
        assert!(ledger.admit(&event(Some(at(1)), said(None, "external", "yes")), &mut Tally::default()));
        for other in [
            event(Some(at(2)), said(None, "external", "yes")),
            event(Some(at(1)), said(None, "agent-7", "yes")),
            event(Some(at(1)), said(None, "external", "no")),
        ] {
            assert!(ledger.admit(&other, &mut Tally::default()), "{other:?}");
        }
    }

    #[test]
    fn without_a_time_nothing_is_a_repeat() {
        let mut ledger = Ledger::default();
        for body in [said(None, "external", "yes"), Body::Update { what: None }, Body::Closed] {
            let event = event(None, body);
            assert!(ledger.admit(&event, &mut Tally::default()));
            assert!(ledger.admit(&event, &mut Tally::default()), "{event:?}");
        }
    }

    #[test]
    fn updates_and_closings_are_known_by_their_time_and_gaps_never() {
        let mut ledger = Ledger::default();
        for body in [Body::Update { what: None }, Body::Closed] {
            let event = event(Some(at(5)), body);
            assert!(ledger.admit(&event, &mut Tally::default()), "{event:?}");
            assert!(!ledger.admit(&event, &mut Tally::default()), "{event:?}");
        }
        let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
        let twice = |ledger: &mut Ledger, tally: &mut Tally, body: Body<'static>| {
            let event = event(Some(at(5)), body);
            [ledger.admit(&event, tally), ledger.admit(&event, tally)]
        };
        assert_eq!(twice(&mut ledger, &mut tally, Body::Closed), [true, false], "it ends once");
        assert_eq!(twice(&mut ledger, &mut tally, Body::Update { what: None }), [true, true]);
        let gap = event(Some(at(5)), Body::Gap(Gap { from: at(1), to: at(5), reason: String::new() }));
        assert!(ledger.admit(&gap, &mut Tally::default()) && ledger.admit(&gap, &mut Tally::default()));
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest_first() {
        let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
        let ids: Vec<String> = (0..=2 * REMEMBERED).map(|n| format!("m{n}")).collect();
        let mut is_new = |id| ledger.admit(&event(Some(at(1)), said(Some(id), "external", "x")), &mut tally);
        assert!(ids.iter().all(|id| is_new(id)));
        let remembered = &ids[REMEMBERED..];
        assert!(!remembered.iter().any(|id| is_new(id)));
        assert!(is_new(&ids[0]));
        let recent = &ledger.delivered["97b9dcb3"];
        assert!([&recent.young, &recent.old].iter().all(|keys| keys.capacity() == REMEMBERED));
        for second in 0..=57_344 {
            ledger.admit(&event(Some(at(second)), Body::Update { what: None }), &mut tally);
        }
        assert_eq!(tally.counts.len(), REMEMBERED);
    }
}
