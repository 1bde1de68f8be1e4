//! Stored transcripts of calls: as history, and to fill gaps.

use std::sync::Arc;

use super::*;
use crate::dedup::OccurrenceCounter;
use crate::event::{EventContext, Message, Party, Role, TranscriptEvent};
use crate::tracker::call_responses::NOT_AVAILABLE;
use crate::wire::call_transcript::CallTranscript;
use crate::wire::transcription::Transcription;

/// The start of the call of [`call`], in seconds.
const CALL: i64 = -3600;

impl Scenario {
    fn of_calls(history: History, conversations: &[&str]) -> Self {
        let follows_several = conversations.len() > 1;
        let mut scenario = Self::with(TrackerOptions { history, follows_several, ..options() });
        for id in conversations {
            scenario.follow(id);
        }
        scenario
    }

    /// Answers the request for the transcript of a leg with phrases, or a refusal.
    fn transcript(&mut self, id: &str, leg: &str, result: Result<CallTranscript, RestError>) -> Option<RestError> {
        self.respond(Response::CallTranscript { conversation: id.to_owned(), leg: leg.to_owned(), result })
    }

    /// Takes the lines of all events but updates.
    fn events_of_c(&mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.tracker.poll_event()).flat_map(|event| lines(&event));
        lines.filter(|line| !line.ends_with(" left")).collect()
    }

    fn refusals(&mut self) -> Vec<(RefusedPart, RestError)> {
        std::iter::from_fn(|| self.tracker.poll_refusal()).map(|refusal| (refusal.part, refusal.error)).collect()
    }

    fn transcribe(&mut self, utterance: &str, channel: &str, second: i64, text: &str) {
        let body = json!({"conversationId": "c", "communicationId": "l1",
            "sessionStartTimeMs": null, "eventTime": at(second),
            "transcripts": [{"utteranceId": utterance, "isFinal": true, "channel": channel,
                "alternatives": [{"transcript": text}]}]});
        self.notify(Notification::Transcription(Transcription::from_value(&body)));
    }
}

fn history() -> History {
    History { follow: false, ..options().history }
}

fn waiting(seconds: u64) -> History {
    History { call_transcript_wait: Duration::from_secs(seconds), ..options().history }
}

/// Returns the lines of an event: role, name and text of utterances, `(old)` behind those of the history.
fn lines(event: &Event) -> Vec<String> {
    let line = |event: &TimedEvent| match &event.body {
        EventBody::Message(message) => {
            let old = if message.origin == Origin::History { " (old)" } else { "" };
            let text = message.text.as_deref().unwrap_or("?");
            format!("[{}] {}: {text}{old}", message.role.label(), message.sender_label())
        }
        _ => text(event),
    };
    match event {
        Event::Live(_, event) => vec![line(event)],
        Event::Backfill(_, events, reason) => {
            let mut lines: Vec<String> = events.iter().map(line).collect();
            lines.push(format!("<- {reason:?}"));
            lines
        }
        Event::ChannelLost(reason) => vec![reason.clone()],
    }
}

fn leg(id: &str, is_over: bool) -> Value {
    json!([{ "id": id, "state": if is_over { "terminated" } else { "connected" }, "connectedTime": at(CALL) }])
}

/// The participants of a call: Ada, the menu, and Sam from the tenth second on.
fn call(is_over: bool) -> Vec<Value> {
    let state = if is_over { "disconnected" } else { "connected" };
    let end = is_over.then(|| at(CALL + 100));
    let participant = |id: &str, purpose: &str, name: &str, joined: i64| {
        json!({"id": id, "purpose": purpose, "name": name, "connectedTime": at(CALL + joined), "endTime": end,
            "state": state, "calls": leg(&format!("leg {id}"), is_over)})
    };
    let mut sam = participant("sam", "agent", "Sam", 10);
    sam["user"] = json!({"id": "u1", "name": "Sam"});
    vec![participant("l1", "customer", "Ada", 0), participant("menu", "ivr", "Main menu", 0), sam]
}

/// A transcript of phrases: side, second of the call and text.
fn phrases(phrases: &[(&str, i64, &str)]) -> CallTranscript {
    let phrase = |(side, second, text): &(&str, i64, &str)| json!({"participantPurpose": side, "startTimeMs": at(CALL + second), "text": text});
    let party = |purpose: &str, from: i64| json!({"participantPurpose": purpose, "startTimeMs": at(CALL + from)});
    let mut agent = party("agent", 10);
    agent["userId"] = json!("u1");
    let file = json!({"transcripts": [{"phrases": phrases.iter().map(phrase).collect::<Vec<_>>()}],
        "participants": [party("customer", 0), party("ivr", 0), agent]});
    CallTranscript::parse(&file.to_string()).expect("a transcript")
}

fn request(leg: &str) -> Request {
    Request::CallTranscript { conversation: "c".to_owned(), leg: leg.to_owned() }
}

const TALK: [(&str, i64, &str); 4] = [
    ("internal", 1, "Welcome."),
    ("external", 5, "Hello?"),
    ("internal", 12, "Sam speaking."),
    ("external", 15, "Hi."),
];

const TALK_LINES: [&str; 6] = [
    "[Bot] Main menu: Welcome. (old)",
    "[Customer] Ada: Hello? (old)",
    "[Agent] Sam: Sam speaking. (old)",
    "[Customer] Ada: Hi. (old)",
    "<- Startup",
    "closed",
];

#[test]
fn the_history_of_an_ended_call_is_its_transcript_with_names() {
    for history in [history(), options().history] {
        let mut scenario = Scenario::of_calls(history, &["c"]);
        scenario.requests();
        scenario.snapshot("c", &call(true));
        assert_eq!(scenario.events_of_c(), [""; 0], "the transcript precedes the end");
        assert_eq!(scenario.requests(), [request("leg l1")], "the leg of the customer only");
        assert_eq!(scenario.transcript("c", "leg l1", Ok(phrases(&TALK))), None);
        assert_eq!(scenario.events_of_c(), TALK_LINES);
        assert_eq!((scenario.warnings(), scenario.tracker.status()), (vec![], Status::Done));
    }
}

#[test]
fn messages_and_calls_are_in_order_of_time_together() {
    let mut scenario = Scenario::of_calls(history(), &["c"]);
    scenario.requests();
    let mut participants = call(true);
    let message = json!({"messageId": "m1", "messageTime": at(CALL + 13)});
    participants[0]["messages"] = json!([{"id": "x", "type": "sms", "state": "disconnected", "messages": [message]}]);
    scenario.snapshot("c", &participants);
    assert_eq!(scenario.requests().len(), 2);
    assert_eq!(scenario.transcript("c", "leg l1", Ok(phrases(&TALK))), None);
    assert_eq!(scenario.events_of_c(), [""; 0], "the message is missing");
    let bodies =
        parse_bulk(&json!({"entities": [{"id": "m1", "textBody": "by SMS", "direction": "inbound"}]}).to_string());
    let result = Ok(bodies.expect("a body"));
    assert_eq!(scenario.respond(Response::Messages { conversation: "c".into(), result }), None);
    let events = scenario.events_of_c();
    assert_eq!(events[2..4], ["[Agent] Sam: Sam speaking. (old)", "[Customer] Ada: by SMS (old)"]);
    assert_eq!(events.len(), 7);
}

#[test]
fn several_legs_are_joined_and_one_without_a_transcript_is_no_failure() {
    let mut scenario = Scenario::of_calls(history(), &["c"]);
    scenario.requests();
    let mut participants = call(true);
    for (id, purpose) in [("bob", "external"), ("eve", "external")] {
        let end = at(CALL + 100);
        participants.push(
            json!({"id": id, "purpose": purpose, "connectedTime": at(CALL), "endTime": end, "calls": leg(id, true)}),
        );
    }
    scenario.snapshot("c", &participants);
    assert_eq!(scenario.requests(), ["leg l1", "bob", "eve"].map(request));
    scenario.transcript("c", "bob", Ok(phrases(&[TALK[1], ("external", 3, "Bob here.")])));
    scenario.transcript("c", "eve", Err(not_found()));
    scenario.transcript("c", "leg l1", Ok(phrases(&TALK)));
    let events = scenario.events_of_c();
    let texts: Vec<&str> = events.iter().map(|line| line.split(": ").last().unwrap_or_default()).collect();
    let expected = ["Welcome. (old)", "Bob here. (old)", "Hello? (old)", "Sam speaking. (old)", "Hi. (old)"];
    assert_eq!(texts, [&expected[..], &["<- Startup", "closed"]].concat());
    assert_eq!((scenario.refusals(), scenario.warnings()), (vec![], vec![]));
}

#[test]
fn a_transcript_that_is_missing_ends_a_run_of_one_conversation_and_warns_in_a_run_of_several() {
    for error in [not_found(), forbidden(), unexpected()] {
        let mut one = Scenario::of_calls(history(), &["c"]);
        one.requests();
        one.snapshot("c", &call(true));
        one.requests();
        assert_eq!(one.transcript("c", "leg l1", Err(error.clone())), None);
        assert_eq!(one.events_of_c(), [""; 0], "a later run prints the call and its end");
        assert_eq!(one.refusals(), [(RefusedPart::CallTranscript, error.clone())]);
        assert_eq!(one.tracker.status(), Status::Done);

        let mut several = Scenario::of_calls(history(), &["c", "d"]);
        several.requests();
        several.snapshot("c", &call(true));
        several.requests();
        several.transcript("c", "leg l1", Err(error.clone()));
        assert_eq!((several.events_of_c(), several.refusals()), (vec!["closed".to_owned()], vec![]));
        let reason = if error == not_found() { NOT_AVAILABLE.to_owned() } else { error.to_string() };
        assert_eq!(several.warnings(), [Warning::CallTranscriptMissing { conversation: "c".into(), reason }]);
    }
}

#[test]
fn the_messages_of_a_conversation_precede_the_failure_of_its_call() {
    let mut scenario = Scenario::of_calls(history(), &["c"]);
    scenario.requests();
    let mut participants = call(true);
    participants[0]["messages"] =
        json!([{"id": "x", "state": "disconnected", "messages": [{"messageId": "m1", "messageTime": at(CALL)}]}]);
    scenario.snapshot("c", &participants);
    scenario.requests();
    scenario.transcript("c", "leg l1", Err(not_found()));
    assert_eq!(scenario.refusals(), []);
    scenario.bodies("c", &["m1"]);
    assert_eq!(scenario.events_of_c().len(), 2);
    assert_eq!(scenario.refusals().len(), 1);
}

#[test]
fn an_outage_of_the_file_host_is_retried() {
    let mut scenario = Scenario::of_calls(history(), &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    scenario.requests();
    assert_eq!(scenario.transcript("c", "leg l1", Err(unavailable())), Some(unavailable()));
    assert_eq!(scenario.requests(), [request("leg l1")]);
    scenario.transcript("c", "leg l1", Ok(phrases(&TALK)));
    assert_eq!(scenario.events_of_c(), TALK_LINES);
}

#[test]
fn a_lasting_outage_of_the_file_host_ends_no_other_conversation() {
    for follow in [true, false] {
        let mut scenario = Scenario::of_calls(History { follow, ..history() }, &["c", "d"]);
        scenario.requests();
        scenario.snapshot("c", &call(true));
        for _ in 0..5 {
            assert!(scenario.requests().contains(&request("leg l1")));
            assert_eq!(scenario.transcript("c", "leg l1", Err(unavailable())), Some(unavailable()));
        }
        scenario.requests();
        assert_eq!(scenario.transcript("c", "leg l1", Err(unavailable())), None);
        assert_eq!((scenario.events_of_c(), scenario.refusals()), (vec!["closed".to_owned()], vec![]));
        let reason = unavailable().to_string();
        assert_eq!(scenario.warnings(), [Warning::CallTranscriptMissing { conversation: "c".into(), reason }]);
    }
}

#[test]
fn a_call_in_progress_has_no_history() {
    for (history, warnings) in [(history(), 1), (options().history, 0)] {
        let mut scenario = Scenario::of_calls(history, &["c"]);
        scenario.requests();
        scenario.snapshot("c", &call(false));
        assert_eq!(scenario.requests(), [], "{history:?}");
        assert_eq!((scenario.events_of_c(), scenario.refusals()), (vec![], vec![]));
        assert_eq!(scenario.warnings().len(), warnings, "{history:?}");
    }
}

#[test]
fn no_history_is_read_that_is_not_wanted() {
    let none = History { lines: Some(0), ..history() };
    let mut scenario = Scenario::of_calls(none, &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    assert_eq!((scenario.requests(), scenario.events_of_c()), (vec![], vec!["closed".to_owned()]));
    let since = History { since: Some(at(CALL + 12)), ..history() };
    let mut scenario = Scenario::of_calls(since, &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    scenario.requests();
    scenario.transcript("c", "leg l1", Ok(phrases(&TALK)));
    assert_eq!(scenario.events_of_c(), TALK_LINES[2..]);
}

#[test]
fn the_history_waits_for_a_transcript_that_is_not_available_yet() {
    let mut scenario = Scenario::of_calls(History { follow: false, ..waiting(60) }, &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    scenario.requests();
    scenario.transcript("c", "leg l1", Err(not_found()));
    assert_eq!((scenario.refusals(), scenario.tracker.is_caught_up()), (vec![], false));
    scenario.advance(29_999);
    assert!(!scenario.requests().contains(&request("leg l1")));
    scenario.advance(1);
    assert!(scenario.requests().contains(&request("leg l1")));
    scenario.transcript("c", "leg l1", Ok(phrases(&TALK)));
    assert_eq!(scenario.events_of_c(), TALK_LINES);
}

/// Follows a call through a gap from the 20th to the 60th second, to its end.
fn call_with_a_gap(history: History) -> Scenario {
    let mut scenario = Scenario::of_calls(history, &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(false));
    scenario.transcribe("u1", "INTERNAL", CALL + 12, "Sam speaking");
    scenario.transcribe("u2", "EXTERNAL", CALL + 15, "Hi");
    scenario.reconnect(CALL + 20);
    scenario.requests();
    scenario.snapshot("c", &call(false));
    scenario.transcribe("u5", "EXTERNAL", CALL + 60, "Thank you");
    let printed = scenario.events_of_c();
    let gap = format!("gap from {}", CALL + 20);
    let expected = ["[Agent] Sam: Sam speaking", "[Customer] Ada: Hi", &gap, "[Customer] Ada: Thank you"];
    assert_eq!(printed, expected);
    scenario.advance(30_000);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    scenario
}

const WHOLE_TALK: [(&str, i64, &str); 7] = [
    ("internal", 1, "Welcome."),
    ("internal", 12, "Sam speaking."),
    ("external", 15, "Hi."),
    ("external", 30, "My order is late."),
    ("internal", 40, "I am sorry."),
    ("external", 60, "Thank you!"),
    ("internal", 62, "Bye."),
];

#[test]
fn the_gap_of_a_followed_call_is_filled_once_before_its_end() {
    let mut scenario = call_with_a_gap(waiting(900));
    assert_eq!((scenario.events_of_c(), scenario.tracker.status()), (vec![], Status::Ending));
    for _ in 0..3 {
        assert_eq!(scenario.requests(), [request("leg l1")]);
        assert_eq!(scenario.transcript("c", "leg l1", Err(not_found())), None);
        assert_eq!(scenario.time_to_request(), Some(Duration::from_secs(30)));
        scenario.advance(30_000);
    }
    scenario.requests();
    scenario.transcript("c", "leg l1", Ok(phrases(&WHOLE_TALK)));
    let expected = [
        "[Customer] Ada: My order is late. (old)",
        "[Agent] Sam: I am sorry. (old)",
        "[Agent] Sam: Bye. (old)",
        "<- Outage",
        "closed",
    ];
    assert_eq!(scenario.events_of_c(), expected);
    assert_eq!(scenario.tracker.status(), Status::Done);
}

#[test]
fn a_gap_that_cannot_be_filled_is_a_warning_and_ends_with_the_wait() {
    for error in [not_found(), unavailable()] {
        let mut scenario = call_with_a_gap(waiting(45));
        let mut requests = 0;
        while scenario.requests() == [request("leg l1")] {
            requests += 1;
            assert_eq!(scenario.transcript("c", "leg l1", Err(error.clone())), None, "no pause for others");
            scenario
                .advance(scenario.time_to_request().map_or(0, |time| u64::try_from(time.as_millis()).expect("short")));
        }
        assert_eq!((requests, scenario.events_of_c()), (3, vec!["closed".to_owned()]));
        let warnings = scenario.warnings();
        assert!(matches!(&warnings[..], [Warning::CallGapNotFilled { .. }]), "{warnings:?}");
        assert_eq!(scenario.refusals(), []);
    }
}

#[test]
fn without_a_gap_or_without_a_wait_a_followed_call_ends_at_once() {
    let mut scenario = call_with_a_gap(options().history);
    assert_eq!((scenario.events_of_c(), scenario.requests()), (vec!["closed".to_owned()], vec![]));
    let mut scenario = Scenario::of_calls(waiting(900), &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(false));
    scenario.transcribe("u1", "INTERNAL", CALL + 12, "Sam speaking");
    scenario.advance(30_000);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    assert_eq!(scenario.events_of_c(), ["[Agent] Sam: Sam speaking", "closed"]);
}

#[test]
fn phrases_without_a_time_are_all_history() {
    let mut scenario = Scenario::of_calls(history(), &["c"]);
    scenario.requests();
    scenario.snapshot("c", &call(true));
    scenario.requests();
    let phrases = ["a0", "a1", "a0", "a1"].map(|text| json!({"participantPurpose": "external", "text": text}));
    let file = json!({"transcripts": [{"phrases": phrases}]}).to_string();
    scenario.transcript("c", "leg l1", Ok(CallTranscript::parse(&file).expect("a transcript")));
    let lines = ["a0", "a1", "a0", "a1"].map(|text| format!("[Customer] Ada: {text} (old)"));
    assert_eq!(scenario.events_of_c()[..4], lines);
}

#[test]
fn an_utterance_of_an_earlier_run_is_one_phrase_the_nearest() {
    let mut scenario = Scenario::of_calls(history(), &["c"]);
    let message = Message {
        role: Role::Customer,
        id: Some("u1".into()),
        from: Party::default(),
        to: Party::default(),
        text: Some("Hello?".into()),
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    };
    let context = EventContext { media: Some("call".into()), ..EventContext::default() };
    let printed = TranscriptEvent {
        conversation: "c",
        at: Some(at(CALL + 5)),
        received: at(CALL + 5),
        body: EventBody::Message(message),
        context: Some(Arc::new(context)),
    };
    scenario.dedup = Dedup::resumed(FingerprintKey::from_parts(1, 2), []);
    assert!(scenario.dedup.admit(&printed, &mut OccurrenceCounter::default()));
    scenario.requests();
    scenario.snapshot("c", &call(true));
    scenario.requests();
    let phrase = |(offset, text): (i64, &str)| {
        json!({"participantPurpose": "external", "text": text,
        "startTimeMs": at(CALL + 5) + chrono::TimeDelta::milliseconds(offset)})
    };
    let phrases = [(-300, "Ah."), (50, "Hello?"), (350, "Sam?")].map(phrase);
    let file = json!({"transcripts": [{"phrases": phrases}]}).to_string();
    scenario.transcript("c", "leg l1", Ok(CallTranscript::parse(&file).expect("a transcript")));
    assert_eq!(scenario.events_of_c()[..2], ["[Customer] Ada: Sam? (old)", "<- Startup"]);
}
