//! A conversation as the desk sees it, from look to look, on a paused clock.

mod backfill;
mod bodies;
mod changes;
mod ends;
mod message_events;
mod outages;

use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::event::Role;
use crate::wire::message::parse_bulk;

/// Long ago, in seconds since 1970.
const THEN: i64 = 1_000_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(THEN + second, 0).expect("in range")
}

/// Somebody with messages, whose ids begin with the second they were sent in.
fn person(id: &str, purpose: &str, state: &str, messages: &[&str]) -> Value {
    let entry = |id: &&str| json!({ "messageId": id, "messageTime": at(second(id)) });
    let messages: Vec<Value> = messages.iter().map(entry).collect();
    json!({ "id": id, "purpose": purpose, "name": id, "state": state, "connectedTime": at(0), "messages": messages })
}

fn second(id: &str) -> i64 {
    id.trim_end_matches(char::is_alphabetic).parse().expect("an id that begins with a number")
}

fn ada(messages: &[&str]) -> Value {
    person("Ada", "customer", "connected", messages)
}

fn list(people: &[Value]) -> Snapshot {
    Snapshot::from_value(&json!({ "id": "c1", "participants": people }))
}

fn words(ids: &[&str]) -> Vec<MessageBody> {
    let said = |id: &&str| json!({ "id": id, "timestamp": at(second(id)), "normalizedMessage": { "text": id } });
    let entities: Vec<Value> = ids.iter().map(said).collect();
    parse_bulk(&json!({ "entities": entities }).to_string()).expect("a listing")
}

fn watch_of(scope: Mode) -> Conversation {
    Conversation::new("c1".into(), scope, None, BackfillReason::Startup)
}

fn watch() -> Conversation {
    watch_of(Mode::Full)
}

fn unknown(_: &str, _: Option<DateTime<Utc>>) -> bool {
    false
}

fn looks(watch: &mut Conversation, people: &[Value]) {
    watch.begin_look(Duration::from_secs(25));
    watch.see(list(people), true, unknown);
}

fn hears(watch: &mut Conversation, people: &[Value]) {
    watch.see(list(people), false, unknown);
}

/// Answers every request that is due with everything that is asked for.
fn fetch(watch: &mut Conversation) -> Vec<Vec<String>> {
    let mut asked = Vec::new();
    while let Some(ids) = watch.request() {
        watch.fetched(words(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
        asked.push(ids);
    }
    asked
}

/// What the reader gets, in few words: `<` and `>` around what is past.
fn told(watch: &mut Conversation) -> Vec<String> {
    let mut lines = Vec::new();
    for out in watch.take() {
        match out {
            Event::Live(told) => lines.push(word(&told)),
            Event::Backfill(events, why) => {
                lines.push(format!("<{why:?}"));
                lines.extend(events.iter().map(word));
                lines.push(">".into());
            }
        }
    }
    lines
}

fn word(told: &TimedEvent) -> String {
    match &told.body {
        EventBody::Message(message) => {
            let text = message.text.as_deref().unwrap_or("nothing");
            let old = if message.origin == Origin::History { " (old)" } else { "" };
            format!("{}: {text}{old}", message.from.name.as_deref().unwrap_or("-"))
        }
        EventBody::Update { description } => format!("[{}]", description.as_deref().unwrap_or_default()),
        EventBody::Closed => "closed".into(),
        EventBody::Gap(gap) => format!("gap from {}", gap.from.timestamp() - THEN),
    }
}

fn loss(second: i64) -> Outage {
    Outage { last_activity: at(second), reason: "reset".into() }
}

/// One that has told its past, a single message.
fn live() -> Conversation {
    let mut watch = watch();
    looks(&mut watch, &[ada(&["1a"])]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Startup", "Ada: 1a (old)", ">"]);
    watch
}

async fn wait(milliseconds: u64) {
    advance(Duration::from_millis(milliseconds)).await;
}
