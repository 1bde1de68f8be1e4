//! Exactly-once delivery: decides whether an event is new.
//!
//! A keyed 64-bit fingerprint of its identity stands for an event. Memory is bounded: the latest 28,672 or more events of a
//! conversation take 512 KiB. An outsider, who does not know the key, cannot craft two messages with one fingerprint.
//! With a cursor file the key is that of the file, and the events that earlier runs delivered are known from the start.

mod bounded_map;
pub(crate) mod checkpoint;
mod event_ids;
mod fingerprint;
mod identity;
mod resume;
mod seen_set;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use self::bounded_map::BoundedMap;
pub(crate) use self::bounded_map::BoundedSet;
use self::checkpoint::{CLOSED_KEY, EarlierDeliveries, ResumePoint};
pub(crate) use self::event_ids::EventIds;
use self::fingerprint::BuildIdentityHasher;
pub(crate) use self::fingerprint::FingerprintKey;
use self::identity::{EventIdentity, identify, live_utterance, utterance_fingerprint};
pub(crate) use self::identity::{IdKind, UTTERANCE_STEPS};
use self::resume::ResumeState;
use self::seen_set::SeenSet;
use crate::event::{Checkpoint, TranscriptEvent};

/// The minimum number of events that are remembered per conversation. Two generations of them fill seven eighths of
/// 2^16 slots, half a mebibyte.
pub(crate) const CAPACITY: usize = 28_672;

/// The maximum number of fingerprints that a connection counts. Equal events have equal times, so the next
/// occurrence follows the last one closely.
const MAX_COUNTED: usize = 4096;

/// The events that were delivered, across connections and conversations.
#[derive(Debug, Default)]
pub(crate) struct Dedup {
    key: FingerprintKey,
    /// The delivered events by conversation. Most runs have few, so that comparing ids is faster than
    /// hashing them.
    delivered: BTreeMap<String, SeenSet>,
    /// Present with a cursor.
    resume: Option<Box<ResumeState>>,
}

/// Counts the occurrences of events without an id on one connection.
#[derive(Debug, Default)]
pub(crate) struct OccurrenceCounter {
    connection: u32,
    counts: BoundedMap<u64, u32, MAX_COUNTED, BuildIdentityHasher>,
}

impl Dedup {
    /// Restores the state of earlier runs from the key and the content of a cursor file.
    pub(crate) fn resumed(key: FingerprintKey, earlier: impl IntoIterator<Item = EarlierDeliveries>) -> Self {
        let (mut resume_points, mut delivered) = (HashMap::new(), BTreeMap::new());
        for EarlierDeliveries { conversation, resume_point, keys } in earlier {
            let seen: &mut SeenSet = delivered.entry(conversation.clone()).or_default();
            for fingerprint in keys.into_iter().filter(|key| *key != CLOSED_KEY) {
                seen.insert(fingerprint, None);
            }
            resume_points.insert(conversation, resume_point);
        }
        Self { key, delivered, resume: Some(Box::new(ResumeState::new(resume_points))) }
    }

    /// Returns whether an event is new, and remembers it as delivered.
    ///
    /// An event without an id repeats an event of another connection only: the k-th occurrence on a connection is the
    /// k-th on every other. An event with neither id nor time is always new.
    pub(crate) fn admit(&mut self, event: &TranscriptEvent<'_>, occurrences: &mut OccurrenceCounter) -> bool {
        let fingerprint = self.fingerprint(event, occurrences);
        if self.resume.as_ref().is_some_and(|resume| resume.is_delivered(event)) {
            return false;
        }
        let is_new = fingerprint.is_none_or(|fingerprint| self.insert(event, fingerprint));
        if is_new && let Some(resume) = &mut self.resume {
            resume.on_admitted(event, fingerprint);
            self.record_utterance(event);
        }
        is_new
    }

    /// Returns the fingerprint of an utterance of this side and some steps from this time, if it was delivered, by this run
    /// or an earlier one. Known only with a cursor.
    pub(crate) fn delivered_utterance(
        &self,
        conversation: &str,
        by_customer: bool,
        at: DateTime<Utc>,
        steps: i64,
    ) -> Option<u64> {
        let seen = self.delivered.get(conversation).filter(|_| self.has_cursor())?;
        let fingerprint = utterance_fingerprint(self.key, by_customer, at, steps);
        seen.contains(fingerprint, None).then_some(fingerprint)
    }

    /// Remembers the side and time of an utterance: its stored phrase has no id.
    fn record_utterance(&mut self, event: &TranscriptEvent<'_>) {
        let (Some(by_customer), Some(at)) = (live_utterance(event), event.at) else { return };
        let fingerprint = utterance_fingerprint(self.key, by_customer, at, 0);
        if self.insert(event, fingerprint)
            && let Some(resume) = &mut self.resume
        {
            resume.on_utterance(event, fingerprint);
        }
    }

    /// Takes the checkpoint of the event that was admitted last. `None` without a cursor, and if a later run could not
    /// recognise the event.
    pub(crate) fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        self.resume.as_mut()?.take_checkpoint()
    }

    /// Takes the checkpoint of the side and time of an utterance that was admitted last.
    pub(crate) fn take_utterance_checkpoint(&mut self) -> Option<Checkpoint> {
        self.resume.as_mut()?.take_utterance_checkpoint()
    }

    /// Returns whether the message with this id and time was delivered. A message older than all remembered ones counts
    /// as delivered.
    pub(crate) fn is_delivered(&self, conversation: &str, kind: IdKind, id: &str, at: Option<DateTime<Utc>>) -> bool {
        let mut fingerprinter = self.key.fingerprinter();
        kind.add(id, &mut fingerprinter);
        self.delivered.get(conversation).is_some_and(|seen| seen.contains(fingerprinter.finish(), at))
    }

    /// Returns the progress of earlier runs in a conversation. `None` if they did not follow it.
    pub(crate) fn resume_point(&self, conversation: &str) -> Option<ResumePoint> {
        self.resume.as_ref()?.resume_point(conversation)
    }

    /// Returns whether later runs know the events of this one.
    pub(crate) fn has_cursor(&self) -> bool {
        self.resume.is_some()
    }

    /// Forgets the events of a conversation that is no longer followed.
    pub(crate) fn forget(&mut self, conversation: &str) {
        self.delivered.remove(conversation);
    }

    fn fingerprint(&self, event: &TranscriptEvent<'_>, occurrences: &mut OccurrenceCounter) -> Option<u64> {
        let mut fingerprinter = self.key.fingerprinter();
        match identify(event, &mut fingerprinter) {
            EventIdentity::Unique => Some(fingerprinter.finish()),
            EventIdentity::Occurrence => {
                fingerprinter.add_text(Some(event.conversation));
                let occurrence = occurrences.count(fingerprinter.finish());
                fingerprinter.add_number(occurrence.into());
                Some(fingerprinter.finish())
            }
            EventIdentity::Unidentified => None,
        }
    }

    /// Inserts a fingerprint. Returns `true` if it is new.
    fn insert(&mut self, event: &TranscriptEvent<'_>, fingerprint: u64) -> bool {
        match self.delivered.get_mut(event.conversation) {
            Some(seen) => seen.insert(fingerprint, event.at),
            None => self.delivered.entry(event.conversation.to_owned()).or_default().insert(fingerprint, event.at),
        }
    }
}

impl OccurrenceCounter {
    /// Returns the empty counter of the connection with this number.
    pub(crate) fn for_connection(connection: u32) -> Self {
        Self { connection, ..Self::default() }
    }

    pub(crate) fn connection(&self) -> u32 {
        self.connection
    }

    /// Counts an occurrence, and returns the number of occurrences so far.
    fn count(&mut self, fingerprint: u64) -> u32 {
        let count = self.counts.get_or_insert(fingerprint);
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventBody, Gap, Message, Origin, Party, Role};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    fn event(at: Option<DateTime<Utc>>, body: EventBody<'_>) -> TranscriptEvent<'_> {
        TranscriptEvent { conversation: "97b9dcb3", at, received: self::at(9_999), body, context: None }
    }

    fn message<'a>(id: Option<&'a str>, from: &'a str, text: &'a str) -> EventBody<'a> {
        EventBody::Message(Message {
            id: id.map(Into::into),
            role: Role::Customer,
            from: Party { id: Some(from.into()), name: None },
            to: Party::default(),
            text: Some(text.into()),
            attachments: Vec::new(),
            origin: Origin::Live,
            status: None,
            details: None,
        })
    }

    /// Admits an event from a connection of its own.
    fn admit(dedup: &mut Dedup, event: &TranscriptEvent<'_>) -> bool {
        dedup.admit(event, &mut OccurrenceCounter::default())
    }

    #[test]
    fn a_message_id_is_new_once_per_conversation() {
        let mut dedup = Dedup::default();
        let first = event(Some(at(1)), message(Some("m1"), "external", "hello"));
        assert!(admit(&mut dedup, &first));
        assert!(!admit(&mut dedup, &first));
        let edited = event(Some(at(2)), message(Some("m1"), "external", "hello, edited"));
        assert!(!admit(&mut dedup, &edited), "the id alone decides");
        let elsewhere = TranscriptEvent { conversation: "other", ..first };
        assert!(admit(&mut dedup, &elsewhere));
    }

    #[test]
    fn a_receipt_does_not_hide_the_message_with_its_id() {
        let mut dedup = Dedup::default();
        let text = event(Some(at(1)), message(Some("m1"), "external", "hello"));
        let mut receipt = text.clone();
        let EventBody::Message(body) = &mut receipt.body else { panic!("{receipt:?}") };
        body.role = Role::System;
        assert!(admit(&mut dedup, &receipt) && admit(&mut dedup, &text));
        assert!(!admit(&mut dedup, &receipt) && !admit(&mut dedup, &text));
        for kind in [IdKind::System, IdKind::Text] {
            assert!(dedup.is_delivered("97b9dcb3", kind, "m1", None));
        }
    }

    #[test]
    fn a_forgotten_conversation_has_no_delivered_messages() {
        let mut dedup = Dedup::default();
        let first = event(Some(at(1)), message(Some("m1"), "external", "hello"));
        admit(&mut dedup, &first);
        admit(&mut dedup, &TranscriptEvent { conversation: "other", ..first });
        assert!(
            dedup.is_delivered("97b9dcb3", IdKind::Text, "m1", None)
                && !dedup.is_delivered("97b9dcb3", IdKind::Text, "m2", None)
        );
        dedup.forget("97b9dcb3");
        assert!(
            !dedup.is_delivered("97b9dcb3", IdKind::Text, "m1", None)
                && dedup.is_delivered("other", IdKind::Text, "m1", None)
        );
    }

    #[test]
    fn without_an_id_the_kth_occurrence_of_a_connection_is_the_kth_of_the_next() {
        let mut dedup = Dedup::default();
        let yes = event(Some(at(1)), message(None, "external", "yes"));
        let mut first = OccurrenceCounter::default();
        assert!(dedup.admit(&yes, &mut first));
        assert!(dedup.admit(&yes, &mut first), "sent twice within one second on one connection");
        let mut second = OccurrenceCounter::default();
        assert!(!dedup.admit(&yes, &mut second));
        assert!(!dedup.admit(&yes, &mut second));
        assert!(dedup.admit(&yes, &mut second), "the third occurrence is new");
        assert!(!dedup.admit(&yes, &mut first), "and a repeat on a connection that lags behind");
    }

    #[test]
    fn time_sender_and_text_identify_a_message_without_an_id() {
        let mut dedup = Dedup::default();
        assert!(admit(&mut dedup, &event(Some(at(1)), message(None, "external", "yes"))));
        for other in [
            event(Some(at(2)), message(None, "external", "yes")),
            event(Some(at(1)), message(None, "agent-7", "yes")),
            event(Some(at(1)), message(None, "external", "no")),
        ] {
            assert!(admit(&mut dedup, &other), "{other:?}");
        }
    }

    #[test]
    fn an_event_without_id_and_time_is_always_new() {
        let mut dedup = Dedup::default();
        for body in [message(None, "external", "yes"), EventBody::Update { description: None }, EventBody::Closed] {
            let event = event(None, body);
            assert!(admit(&mut dedup, &event) && admit(&mut dedup, &event), "{event:?}");
        }
    }

    #[test]
    fn the_time_identifies_updates_and_closings_across_connections() {
        let mut dedup = Dedup::default();
        for body in [EventBody::Update { description: None }, EventBody::Closed] {
            let event = event(Some(at(5)), body);
            assert!(admit(&mut dedup, &event) && !admit(&mut dedup, &event), "{event:?}");
        }
    }

    #[test]
    fn on_one_connection_updates_recur_and_a_conversation_closes_once() {
        for (body, is_new_again) in [(EventBody::Update { description: None }, true), (EventBody::Closed, false)] {
            let (mut dedup, mut occurrences) = (Dedup::default(), OccurrenceCounter::default());
            let event = event(Some(at(5)), body);
            assert!(dedup.admit(&event, &mut occurrences));
            assert_eq!(dedup.admit(&event, &mut occurrences), is_new_again, "{event:?}");
        }
    }

    #[test]
    fn the_side_and_time_of_a_live_utterance_are_known_to_the_next_run_with_a_cursor() {
        let utterance = |role, origin, media: &'static str, at| {
            let EventBody::Message(message) = message(Some("u1"), "u", "yes") else { unreachable!() };
            let context = crate::event::EventContext { media: Some(media.into()), ..Default::default() };
            let body = EventBody::Message(Message { role, origin, ..message });
            TranscriptEvent { context: Some(std::sync::Arc::new(context)), ..event(at, body) }
        };
        let key = FingerprintKey::from_parts(1, 2);
        let is_delivered_utterance = |dedup: &Dedup, conversation, at| {
            UTTERANCE_STEPS.into_iter().any(|steps| dedup.delivered_utterance(conversation, true, at, steps).is_some())
        };
        let millis = |millis: i64| DateTime::from_timestamp_millis(100_000 + millis).expect("in range");
        for (event, is_known) in [
            (utterance(Role::Customer, Origin::Live, "call", Some(at(100))), true),
            (utterance(Role::Agent, Origin::Live, "call", Some(at(100))), false),
            (utterance(Role::Customer, Origin::Live, "sms", Some(at(100))), false),
            (utterance(Role::Customer, Origin::History, "call", Some(at(100))), false),
            (utterance(Role::Customer, Origin::Live, "call", None), false),
        ] {
            let mut first = Dedup::resumed(key, []);
            assert!(admit(&mut first, &event));
            let checkpoints = [first.take_checkpoint(), first.take_utterance_checkpoint()];
            assert!(first.take_utterance_checkpoint().is_none(), "once");
            let keys = checkpoints.into_iter().flatten().map(|checkpoint| checkpoint.key).collect();
            let resume_point = ResumePoint::default();
            let earlier = EarlierDeliveries { conversation: "97b9dcb3".to_owned(), resume_point, keys };
            let next = Dedup::resumed(key, [earlier]);
            for (offset, is_near) in [(0, true), (400, true), (-400, true), (499, true), (500, false), (-401, false)] {
                let is_delivered_utterance = is_delivered_utterance(&next, "97b9dcb3", millis(offset));
                assert_eq!(is_delivered_utterance, is_known && is_near, "{event:?} {offset}");
            }
            assert!(!is_delivered_utterance(&next, "other", at(100)));
        }
        let mut without = Dedup::default();
        assert!(admit(&mut without, &utterance(Role::Customer, Origin::Live, "call", Some(at(100)))));
        assert!(!is_delivered_utterance(&without, "97b9dcb3", at(100)), "no other run knows it");
    }

    #[test]
    fn a_gap_is_always_new() {
        let mut dedup = Dedup::default();
        let gap = event(Some(at(5)), EventBody::Gap(Gap { from: at(1), to: at(5), reason: String::new() }));
        assert!(admit(&mut dedup, &gap) && admit(&mut dedup, &gap));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_messages_are_forgotten_first() {
        let mut dedup = Dedup::default();
        let ids: Vec<String> = (0..=2 * CAPACITY).map(|n| format!("m{n}")).collect();
        let mut is_new = |id| admit(&mut dedup, &event(Some(at(1)), message(Some(id), "external", "x")));
        assert!(ids.iter().all(|id| is_new(id)));
        assert!(!ids[CAPACITY..].iter().any(|id| is_new(id)));
        assert!(is_new(&ids[0]));
        assert_eq!(dedup.delivered["97b9dcb3"].bytes(), 512 * 1024);
    }

    #[test]
    fn a_connection_counts_a_bounded_number_of_fingerprints() {
        let (mut dedup, mut occurrences) = (Dedup::default(), OccurrenceCounter::default());
        for second in 0..=4096 {
            dedup.admit(&event(Some(at(second)), EventBody::Update { description: None }), &mut occurrences);
        }
        assert_eq!(occurrences.counts.len(), MAX_COUNTED);
    }
}
