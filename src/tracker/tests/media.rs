//! Media that are not printed, and the surroundings of events (TGT-14, OUT-14, OUT-15, OUT-26).

use super::*;
use crate::event::{EventContext, Party, Role};

const OTHER_MEDIA: [&str; 9] = [
    "callbacks",
    "chats",
    "cobrowsesessions",
    "emails",
    "internalMessages",
    "screenMonitorings",
    "screenshares",
    "socialExpressions",
    "videos",
];

#[test]
fn a_conversation_without_messages_and_calls_is_one_warning_and_is_followed_to_its_end() {
    for mode in [Mode::Full, Mode::HistoryOnly] {
        for list in OTHER_MEDIA {
            let ada = |state: &str| {
                json!({ "id": "p1", "purpose": "customer", "name": "Ada", "messages": [], "calls": [],
                    list: [{ "id": "comm", "state": state, "provider": "x" }] })
            };
            let mut scenario = Scenario::of(mode, &["c1"]);
            scenario.requests();
            scenario.snapshot("c1", &[ada("connected")]);
            let [warning] = scenario.warnings().try_into().expect("one warning");
            let text = warning.to_string();
            assert!(text.starts_with("conversation c1 has no messages and no calls, only "), "{text}");
            assert!(text.ends_with(": nothing of it is printed"), "{text}");
            if mode == Mode::HistoryOnly {
                continue;
            }
            scenario.advance(25_000);
            scenario.requests();
            scenario.snapshot("c1", &[ada("disconnected")]);
            assert_eq!(scenario.warnings(), [], "{list}: once");
            scenario.advance(3000);
            assert_eq!(scenario.requests(), [Request::Snapshot("c1".into())], "{list}: the last snapshot");
            scenario.snapshot("c1", &[ada("disconnected")]);
            assert_eq!(scenario.events(), ["c1: Ada left", "c1: closed"], "{list}");
            assert_eq!(scenario.tracker.status(), Status::Done, "{list}");
        }
    }
}

#[test]
fn a_callback_that_becomes_a_call_is_transcribed() {
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    let mut ada = json!({ "id": "p1", "purpose": "customer", "callbacks": [{ "id": "b", "state": "scheduled" }] });
    scenario.snapshot("c1", &[ada.clone()]);
    let warning = "conversation c1 has no messages and no calls, only a callback: nothing of it is printed";
    assert_eq!(scenario.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), [warning]);
    ada["calls"] = json!([{ "id": "l", "state": "connected" }]);
    scenario.snapshot("c1", &[ada]);
    let topic = "v2.conversations.c1.transcription".to_owned();
    assert!(scenario.tracker.wanted_topics().contains(&topic));
    assert_eq!(scenario.warnings(), []);
}

/// A party with this id and name.
fn party(id: &'static str, name: &'static str) -> Party<'static> {
    Party { id: Some(id.into()), name: Some(name.into()) }
}

fn contexts(scenario: &mut Scenario) -> Vec<EventContext> {
    let events = std::iter::from_fn(|| scenario.tracker.poll_event());
    let timed = events.flat_map(|event| match event {
        Event::Live(_, event) => vec![event],
        Event::Backfill(_, events, _) => events,
        Event::ChannelLost(_) => Vec::new(),
    });
    timed.map(|event| event.context.expect("surroundings").as_ref().clone()).collect()
}

#[test]
fn events_carry_their_medium_their_queue_and_their_agent() {
    let ada = json!({ "id": "p1", "purpose": "customer", "name": "Ada", "queueId": "q1",
        "messages": [{ "id": "comm", "state": "connected", "type": "WhatsApp", "messages": [{ "messageId": "m1" }] }] });
    let queue = json!({ "id": "p2", "purpose": "acd", "name": "Billing", "queueId": "q1",
        "messages": [{ "state": "disconnected", "type": "whatsapp", "messages": [] }] });
    let sam = json!({ "id": "p3", "purpose": "agent", "name": "Sam", "userId": "u1", "queueId": "q1", "connectedTime": at(5),
        "messages": [{ "state": "connected", "type": "whatsapp", "messages": [] }] });
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", &[ada.clone(), queue.clone()]);
    scenario.requests();
    scenario.bodies("c1", &["m1"]);
    let of_queue = EventContext { media: Some("whatsapp".into()), queue: Some(party("q1", "Billing")), agent: None };
    assert_eq!(contexts(&mut scenario), std::slice::from_ref(&of_queue), "a message");
    scenario.snapshot("c1", &[ada, queue, sam]);
    let of_agent = EventContext { agent: Some(party("u1", "Sam")), ..of_queue.clone() };
    assert_eq!(contexts(&mut scenario), [of_agent], "an update");
    scenario.snapshot(
        "c1",
        &[json!({ "id": "p1", "purpose": "customer", "endTime": at(9), "messages": [{ "type": "whatsapp" }] })],
    );
    scenario.advance(3000);
    scenario.requests();
    scenario.snapshot(
        "c1",
        &[json!({ "id": "p1", "purpose": "customer", "endTime": at(9), "messages": [{ "type": "whatsapp" }] })],
    );
    let last = contexts(&mut scenario).pop().expect("the end");
    assert_eq!(last, EventContext { media: of_queue.media, ..EventContext::default() });
}

#[test]
fn an_update_names_its_own_queue_and_the_medium_of_the_conversation() {
    let ada = json!({ "id": "p1", "purpose": "customer", "state": "connected", "type": "sms", "messages": [] });
    let queue =
        json!({ "id": "p2", "purpose": "acd", "name": "Billing", "queue": { "id": "q1" }, "state": "connected" });
    let mut scenario = Scenario::of(Mode::Full, &["c1"]);
    scenario.requests();
    scenario.snapshot("c1", std::slice::from_ref(&ada));
    scenario.snapshot("c1", &[ada, queue]);
    let expected = EventContext { media: Some("sms".into()), queue: Some(party("q1", "Billing")), agent: None };
    assert_eq!(contexts(&mut scenario), [expected]);
}

/// A message of this sender, as a transcript frame has it.
fn frame_message(role: Role, id: Option<&'static str>) -> EventBody<'static> {
    EventBody::Message(Message {
        id: Some("m9".into()),
        role,
        from: Party { id: id.map(Into::into), name: None },
        to: Party::default(),
        text: Some("hi".into()),
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    })
}

#[test]
fn the_events_of_a_transcript_socket_have_the_surroundings_of_the_latest_snapshot() {
    let participants = [
        json!({ "id": "p1", "purpose": "customer", "endTime": at(1), "queueId": "q0", "messages": [{ "type": "sms" }] }),
        json!({ "id": "p2", "purpose": "customer", "queueId": "q1", "messages": [{ "state": "connected", "type": "sms" }] }),
        json!({ "id": "p3", "purpose": "acd", "name": "Billing", "queueId": "q1", "messages": [{ "type": "sms" }] }),
        json!({ "id": "p4", "purpose": "agent", "userId": "u1", "queueId": "q0", "endTime": at(2), "messages": [] }),
        json!({ "id": "p5", "purpose": "agent", "userId": "u1", "queueId": "q2", "messages": [{ "type": "sms" }] }),
    ];
    let mut scenario = Scenario::of(Mode::HistoryOnly, &["c1"]);
    scenario.requests();
    let customer = frame_message(Role::Customer, Some("external"));
    let update = EventBody::Update { description: None };
    for body in [&customer, &update, &EventBody::Closed] {
        assert_eq!(scenario.tracker.surroundings("c1").of(body), None, "nothing is known before the snapshot");
    }
    scenario.snapshot("c1", &participants);
    let mut known = scenario.tracker.surroundings("c1");
    let queue =
        |id: &'static str, name: Option<&'static str>| Some(Party { id: Some(id.into()), name: name.map(Into::into) });
    let gap = EventBody::Gap(crate::event::Gap { from: at(0), to: at(1), reason: String::new() });
    for (body, expected) in [
        (&customer, Some(queue("q1", Some("Billing")))),
        (&frame_message(Role::Agent, Some("u1")), Some(queue("q2", None))),
        (&frame_message(Role::System, Some("u1")), Some(queue("q2", None))),
        (&frame_message(Role::Bot, Some("p3")), Some(queue("q1", Some("Billing")))),
        (&frame_message(Role::Agent, Some("new")), Some(None)),
        (&frame_message(Role::Unknown, None), Some(None)),
        (&EventBody::Closed, Some(None)),
        (&gap, None),
        (&update, Some(None)),
        (&customer, Some(None)),
        (&frame_message(Role::Agent, Some("u1")), Some(None)),
    ] {
        let context = known.of(body).map(|context| context.as_ref().clone());
        let expected = expected.map(|queue| EventContext { media: Some("sms".into()), queue, agent: None });
        assert_eq!(context, expected, "{body:?}");
    }
    assert_eq!(scenario.tracker.surroundings("other").of(&EventBody::Closed), None);
}
