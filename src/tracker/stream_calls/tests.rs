//! Speakers, waits and mentions of the calls of a stream.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::*;
use crate::event::{EventBody, Role};
use crate::wire::conversation::Snapshot;

/// The time of the start, in seconds since 1970.
const START: i64 = 1_000_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + second, 0).expect("in range")
}

/// A stream and the time.
struct Scenario {
    calls: StreamCalls,
    now: Instant,
}

impl Scenario {
    fn new(has_snapshots: bool) -> Self {
        Self::of_media(has_snapshots, FollowedMedia::default())
    }

    fn of_media(has_snapshots: bool, media: FollowedMedia) -> Self {
        let started = Now { mono: Instant::now(), wall: at(0) };
        Self { calls: StreamCalls::new(StreamOptions { media, has_snapshots }, started), now: started.mono }
    }

    /// Both sides speak in this second.
    fn speak(&mut self, id: &str, second: i64) -> Option<Mention> {
        let transcript = |channel: &str| {
            json!({"channel": channel, "utteranceId": format!("{channel} {second}"),
            "alternatives": [{"transcript": "x"}]})
        };
        let body = json!({"conversationId": id, "eventTime": at(second).to_rfc3339(),
            "transcripts": [transcript("EXTERNAL"), transcript("INTERNAL")]});
        self.calls.on_transcription(Transcription::from_value(&body), self.now)
    }

    fn detail(&mut self, name: &str, participant: &str, second: i64) -> Option<Mention> {
        self.detail_of(StreamMedium::Call, name, participant, second)
    }

    fn detail_of(&mut self, medium: StreamMedium, name: &str, participant: &str, second: i64) -> Option<Mention> {
        let is_user = name.starts_with("user.");
        let event = DetailEvent {
            conversation: "c1".into(),
            name: name.into(),
            at: Some(at(second)),
            medium,
            participant: Some(participant.into()),
            session: None,
            user: is_user.then(|| format!("u {participant}")),
            queue: (!name.starts_with("customer.")).then(|| "q1".into()),
        };
        self.calls.on_detail(&event, self.now)
    }

    fn snapshot(&mut self, participants: &Value) {
        let mut known = Participants::default();
        for participant in Snapshot::from_value(&json!({ "participants": participants })).participants {
            known.record(participant, true);
        }
        self.calls.on_participants("c1", known);
    }

    fn advance(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// Returns the speakers of the utterances that were emitted: role, name or id, and queue.
    fn speakers(&mut self) -> Vec<String> {
        let next = || self.calls.poll_utterance();
        let speaker = |(_, event): (String, TimedEvent)| {
            let EventBody::Message(message) = event.body else { panic!("no utterance") };
            let from = message.from.name.or(message.from.id).unwrap_or_default();
            let queue = event.context.and_then(|context| context.queue.clone()).and_then(|queue| queue.id);
            format!("{} {from} {}", role(message.role), queue.unwrap_or_default()).trim().to_owned()
        };
        std::iter::from_fn(next).map(speaker).collect()
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Agent => "agent",
        Role::Bot => "bot",
        Role::System | Role::Unknown => "other",
    }
}

fn mention(is_new: bool, is_changed: bool) -> Mention {
    Mention { conversation: "c1".into(), is_new, is_changed }
}

#[test]
fn without_snapshots_the_events_alone_tell_who_speaks_and_nothing_waits() {
    let mut scenario = Scenario::new(false);
    assert_eq!(scenario.speak("c1", 1), None);
    assert_eq!(scenario.speakers(), ["customer", "agent"]);
    for (name, participant, second) in [("customer.start", "p1", 0), ("flow.start", "p2", 0), ("flow.end", "p2", 5)] {
        assert_eq!(scenario.detail(name, participant, second), None);
    }
    scenario.speak("c1", 3);
    assert_eq!(scenario.speakers(), ["customer", "bot  q1"]);
    scenario.detail("user.start", "p3", 6);
    scenario.speak("c1", 8);
    assert_eq!(scenario.speakers(), ["customer", "agent u p3 q1"]);
    scenario.detail("user.end", "p3", 10);
    scenario.detail("user.start", "p4", 11);
    for (second, agent) in [(7, "agent u p3 q1"), (12, "agent u p4 q1")] {
        scenario.speak("c1", second);
        assert_eq!(scenario.speakers()[1], agent, "{second}");
    }
    assert_eq!(scenario.calls.poll_timeout(), None);
}

#[test]
fn events_in_any_order_tell_the_same() {
    let events = [("user.start", "p3", 1), ("user.end", "p3", 10), ("user.start", "p3", 20), ("user.start", "p4", 12)];
    for order in [[0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0], [2, 1, 0, 3], [3, 1, 0, 2]] {
        let mut scenario = Scenario::new(false);
        scenario.detail("customer.start", "p1", 0);
        for index in order {
            let (name, participant, second) = events[index];
            scenario.detail(name, participant, second);
        }
        let agents = [15, 25].map(|second| {
            scenario.speak("c1", second);
            scenario.speakers().remove(1)
        });
        assert_eq!(agents, ["agent u p4 q1", "agent u p3 q1"], "{order:?}");
    }
}

#[test]
fn an_utterance_waits_for_the_first_snapshot_of_its_call_but_not_longer_than_a_second() {
    let mut scenario = Scenario::new(true);
    assert_eq!(scenario.speak("c1", 1), Some(mention(false, true)));
    assert_eq!((scenario.speakers(), scenario.calls.poll_timeout()), (vec![], Some(scenario.now + NAME_TIMEOUT)));
    let ada = json!({"id": "p1", "purpose": "customer", "name": "Ada", "state": "connected"});
    let sam = json!({"id": "p3", "purpose": "agent", "state": "connected", "connectedTime": at(0),
        "user": {"id": "u p3", "name": "Sam"}, "queueId": "q1"});
    scenario.snapshot(&json!([ada, sam]));
    assert_eq!(scenario.speakers(), ["customer Ada", "agent Sam q1"]);
    assert_eq!(scenario.calls.poll_timeout(), None);
    assert_eq!(scenario.speak("c1", 2), None);
    assert_eq!(scenario.speakers(), ["customer Ada", "agent Sam q1"], "at once");

    assert_eq!(scenario.detail("user.start", "p4", 20), Some(mention(false, true)));
    scenario.detail("user.end", "p3", 20);
    scenario.speak("c1", 10);
    scenario.advance(999);
    scenario.calls.on_timeout(scenario.now);
    assert_eq!(scenario.speakers(), Vec::<String>::new(), "a snapshot is about to name the new agent");
    scenario.advance(1);
    scenario.calls.on_timeout(scenario.now);
    assert_eq!(scenario.speakers(), ["customer Ada", "agent Sam q1"], "the name stays");
    scenario.speak("c1", 21);
    assert_eq!(scenario.speakers(), ["customer Ada", "agent u p4 q1"]);
}

#[test]
fn utterances_that_wait_are_emitted_at_the_end_in_order() {
    let mut scenario = Scenario::new(true);
    for second in [2, 1] {
        scenario.speak("c1", second);
    }
    scenario.calls.flush();
    let ids = std::iter::from_fn(|| scenario.calls.poll_utterance()).map(|(_, event)| event.at);
    assert_eq!(ids.collect::<Vec<_>>(), [2, 2, 1, 1].map(|second| Some(at(second))));
}

#[test]
fn the_tracker_hears_of_a_conversation_and_of_what_only_a_snapshot_tells() {
    use StreamMedium::{Call, Message, Other, Unknown};
    for (events, expected) in [
        (&[(Message, "customer.start", 5)][..], &[Some(mention(true, true))][..]),
        (&[(Message, "customer.start", -5), (Message, "wrapup", 5)], &[Some(mention(false, true)), None]),
        (
            &[(Message, "user.start", 5), (Message, "user.end", 5)],
            &[Some(mention(false, true)), Some(mention(false, true))],
        ),
        (&[(Unknown, "attributes", 5), (Unknown, "attributes", 5)], &[Some(mention(false, false)), None]),
        (&[(Other, "customer.start", 5)], &[None]),
        (
            &[(Call, "customer.start", 5), (Call, "acd.start", 5), (Call, "user.start", 6), (Call, "customer.end", 7)],
            &[Some(mention(true, true)), None, Some(mention(false, true)), Some(mention(false, true))],
        ),
    ] {
        let mut scenario = Scenario::new(true);
        let detail = |&(medium, name, second): &(_, &str, _)| scenario.detail_of(medium, name, "p1", second);
        assert_eq!(events.iter().map(detail).collect::<Vec<_>>(), expected, "{events:?}");
    }
}

#[test]
fn the_end_of_a_transcription_is_a_change() {
    let mut scenario = Scenario::new(true);
    scenario.speak("c1", 1);
    let body = json!({"conversationId": "c1", "status": {"status": "SESSION_ENDED"}});
    let ended = scenario.calls.on_transcription(Transcription::from_value(&body), scenario.now);
    assert_eq!(ended, Some(mention(false, true)));
}

#[test]
fn only_the_wanted_media_are_followed() {
    for (messages, calls) in [(true, false), (false, true)] {
        let mut scenario = Scenario::of_media(true, FollowedMedia { messages, calls });
        assert_eq!(scenario.detail_of(StreamMedium::Message, "acw", "p1", 1).is_some(), messages);
        let mut scenario = Scenario::of_media(true, FollowedMedia { messages, calls });
        assert_eq!(scenario.detail("acw", "p1", 1).is_some(), calls);
        scenario.speak("c1", 2);
        scenario.calls.flush();
        assert_eq!(scenario.speakers().len(), if calls { 2 } else { 0 });
    }
}

#[test]
fn a_hypothesis_is_not_emitted() {
    let mut scenario = Scenario::new(false);
    let transcript = |is_final: bool| json!({"isFinal": is_final, "alternatives": [{"transcript": "x"}]});
    let body = json!({"conversationId": "c1", "transcripts": [transcript(false), transcript(true)]});
    scenario.calls.on_transcription(Transcription::from_value(&body), scenario.now);
    assert_eq!(scenario.speakers().len(), 1);
}

#[test]
fn the_conversations_without_events_for_longest_are_forgotten() {
    let mut scenario = Scenario::new(false);
    scenario.speak("first", 0);
    scenario.speak("second", 0);
    let empty = |id: String| Transcription { conversation: Some(id), ..Transcription::default() };
    for number in 0..2 * GENERATION {
        scenario.calls.on_transcription(empty(number.to_string()), scenario.now);
        if number % 1000 == 0 {
            scenario.speak("second", 0);
        }
    }
    let forgotten = scenario.calls.take_forgotten();
    assert!(forgotten.contains(&"first".to_owned()) && !forgotten.contains(&"second".to_owned()));
    let kept = scenario.calls.recent.len() + scenario.calls.older.len();
    assert!(kept <= 2 * GENERATION && kept + forgotten.len() == 2 * GENERATION + 2, "{kept}");
}

#[test]
fn a_conversation_whose_event_begins_a_generation_is_kept() {
    let mut scenario = Scenario::new(false);
    scenario.speak("kept", 0);
    for number in 0..2 * GENERATION - 1 {
        let empty = Transcription { conversation: Some(number.to_string()), ..Transcription::default() };
        scenario.calls.on_transcription(empty, scenario.now);
    }
    assert!(scenario.calls.older.contains_key("kept") && scenario.calls.recent.len() == GENERATION);
    scenario.speak("kept", 0);
    assert!(!scenario.calls.take_forgotten().contains(&"kept".to_owned()));
}
