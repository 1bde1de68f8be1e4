//! Calls, names, and signs that need no request.

use super::*;

fn heard(id: &str, side: &str, last: bool) -> Transcription {
    let heard = json!({ "utteranceId": id, "isFinal": last, "channel": side,
        "alternatives": [{ "decoratedTranscript": id, "words": [{ "startTimeMs": at(second(id)).timestamp_millis() }] }] });
    Transcription::from_value(&json!({ "transcripts": [heard] }))
}

fn on_call() -> Conversation {
    let mut watch = watch();
    let mut ada = ada(&[]);
    ada["calls"] = json!([{ "id": "x", "state": "connected" }]);
    looks(&mut watch, &[ada, person("Sam", "agent", "connected", &[])]);
    assert!(watch.has_calls() && told(&mut watch).is_empty());
    watch
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_on_a_call_is_told_when_it_is_final_and_by_who_is_there() {
    let mut watch = on_call();
    wait(1000).await;
    watch.hear(heard("1a", "EXTERNAL", false));
    assert!(told(&mut watch).is_empty(), "a hypothesis");
    watch.hear(heard("1a", "EXTERNAL", true));
    watch.hear(heard("2a", "INTERNAL", true));
    watch.hear(heard("3a", "BOTH", true));
    assert!(told(&mut watch).len() < 3, "who it is may be about to be found out");
    looks(&mut watch, &[ada(&[])]);
    wait(1000).await;
    watch.hear(heard("4a", "INTERNAL", true));
    assert_eq!(told(&mut watch).last().map(String::as_str), Some("Sam: 4a"));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_on_a_call_during_a_loss_is_a_gap_and_after_its_end_is_none() {
    let mut watch = on_call();
    for second in [5, 10] {
        watch.resume(&loss(second));
        assert_eq!(told(&mut watch), [format!("gap from {second}")]);
    }
    watch.despair();
    assert!(told(&mut watch).is_empty(), "once");
    watch.hear(Transcription { session_ended: true, ..Transcription::default() });
    watch.resume(&loss(15));
    assert!(told(&mut watch).is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_while_a_name_is_awaited() {
    let mut watch = watch();
    let mut nameless = person("p", "agent", "connected", &["1a"]);
    (nameless["name"], nameless["userId"]) = (json!(null), json!("u1"));
    looks(&mut watch, &[nameless]);
    assert_eq!(watch.people.nameless(), ["u1"]);
    watch.people.ask("u1");
    assert_eq!((watch.request(), watch.fetch_due()), (None, None));
    watch.people.name("u1", Some(&"Sam".to_owned()));
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Startup", "Sam: 1a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn ids_that_no_list_has_any_more_are_forgotten_some_time() {
    let mut watch = live();
    let ids: Vec<String> = (2..STALE + 100).map(|number| format!("{number}a")).collect();
    watch.see(list(&[ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())]), false, |_, _| true);
    assert!(watch.known.len() > STALE);
    looks(&mut watch, &[ada(&["1a"])]);
    assert_eq!(watch.known.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn signs_are_told_without_a_request() {
    let mut watch = live();
    wait(250).await;
    let mut ada = ada(&["2a"]);
    ada["messages"][0]["messageMetadata"] = json!({ "type": "Event", "events": [{ "eventType": "Typing" }] });
    hears(&mut watch, &[ada]);
    assert_eq!(watch.request(), None);
    let Some(Event::Live(TimedEvent { body: EventBody::Message(message), .. })) = watch.take().pop() else {
        panic!("a message")
    };
    assert_eq!(message.role, Role::System);
}
