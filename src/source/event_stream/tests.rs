//! Streams from memory, on a paused clock.

use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::time::Duration;

use super::*;
use crate::event::EventBody;
use crate::source::ItemKind;
use crate::tracker::Mention;

/// A stream and its producer.
struct Scenario<'a> {
    stream: EventStream<'a>,
    producer: Option<Sender<Result<Piece, EventStreamError>>>,
}

impl<'a> Scenario<'a> {
    fn new(link: Option<&'a StreamLink>) -> Self {
        Self::with(settings(), link)
    }

    fn with(settings: EventStreamSettings, link: Option<&'a StreamLink>) -> Self {
        let (producer, pieces) = tokio::sync::mpsc::channel(8);
        Self { stream: EventStream::new(settings, pieces, link), producer: Some(producer) }
    }

    async fn send(&mut self, lines: &[Value]) {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let piece = Ok(Piece::Lines(lines.join("\n").into_bytes()));
        self.producer.as_ref().expect("the input is open").send(piece).await.expect("a stream");
    }

    /// Waits once, and returns what there is then; `None` if nothing has come within an hour.
    async fn next(&mut self) -> Option<Vec<String>> {
        let waited = tokio::time::timeout(Duration::from_secs(3600), self.stream.wait()).await.ok()?;
        if waited.expect("a readable stream") == StreamProgress::Ended {
            return Some(vec!["ended".to_owned()]);
        }
        let mut items = Vec::new();
        while let Some(item) = self.stream.try_next(&Dedup::default()) {
            items.push(described(&item));
        }
        Some(items)
    }
}

fn settings() -> EventStreamSettings {
    EventStreamSettings { input: EventInput::Stdin, media: FollowedMedia::default(), since: None, keeps_frames: false }
}

/// Describes an item: its conversation, and the text, the kind or the frame.
fn described(item: &Item<'_>) -> String {
    let content = match (&item.kind, item.raw) {
        (ItemKind::Event(event), _) => match &event.body {
            EventBody::Message(message) => message.text.clone().unwrap_or_default().into_owned(),
            body => format!("{body:?}"),
        },
        (ItemKind::Ignored(topic), None) => format!("ignored {topic}"),
        (ItemKind::MalformedLine(reason), None) => format!("malformed: {reason}"),
        (_, Some(RawFrame::Text(text))) => text.to_owned(),
        (kind, _) => format!("{kind:?}"),
    };
    format!("{} {content}", item.conversation).trim_start().to_owned()
}

fn spoken(call: &str, text: &str) -> Value {
    let transcript = json!({"utteranceId": text, "channel": "EXTERNAL", "alternatives": [{"transcript": text}]});
    json!({"topicName": format!("v2.conversations.{call}.transcription"), "eventBody": {"conversationId": call,
        "eventTime": "2026-10-08T15:10:07Z", "transcripts": [transcript]}})
}

fn event(id: &str, detail: &Value) -> Value {
    json!({"id": id, "detail-type": "x", "detail": detail})
}

fn started(conversation: &str) -> Value {
    json!({"topicName": format!("v2.detail.events.conversation.{conversation}.user.start"),
        "eventBody": {"mediaType": "MESSAGE"}})
}

#[tokio::test(start_paused = true)]
async fn repeats_of_an_envelope_are_no_items_and_the_rest_keeps_its_order() {
    let mut scenario = Scenario::new(None);
    let (a, b) = (event("1", &spoken("c1", "a")), event("2", &spoken("c2", "b")));
    scenario.send(&[a.clone(), b, a, spoken("c1", "c"), json!({"topicName": "v2.x"}), json!(7)]).await;
    scenario.producer = None;
    let items = ["c1 a", "c2 b", "c1 c", "ignored v2.x", "malformed: not a JSON object"];
    assert_eq!(scenario.next().await, Some(items.map(str::to_owned).to_vec()));
    assert_eq!(scenario.next().await, Some(vec![]), "the end of the input");
    assert_eq!(scenario.next().await, Some(vec!["ended".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_stalls_keeps_the_stream_waiting() {
    let mut scenario = Scenario::new(None);
    assert_eq!(scenario.next().await, None);
    scenario.send(&[spoken("c1", "a")]).await;
    assert_eq!(scenario.next().await, Some(vec!["c1 a".to_owned()]));
    assert_eq!(scenario.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn items_that_were_not_taken_are_there_after_the_next_wait() {
    let mut scenario = Scenario::new(None);
    let both = json!({"Messages": [{"Body": spoken("c1", "a").to_string()}, {"Body": spoken("c1", "b").to_string()}]});
    scenario.send(&[both]).await;
    scenario.stream.wait().await.expect("a readable stream");
    let first = scenario.stream.try_next(&Dedup::default()).map(|item| described(&item));
    assert_eq!(first.as_deref(), Some("c1 a"));
    assert_eq!(scenario.next().await, Some(vec!["c1 b".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_input_that_fails_is_an_error_after_what_was_read() {
    let mut scenario = Scenario::new(None);
    scenario.send(&[spoken("c1", "a")]).await;
    let failure = EventStreamError::new(&EventInput::Stdin, io::ErrorKind::BrokenPipe.into());
    scenario.producer.take().expect("open").send(Err(failure)).await.expect("a stream");
    assert_eq!(scenario.next().await, Some(vec!["c1 a".to_owned()]));
    assert!(matches!(scenario.stream.wait().await, Err(EventStreamError::Io { .. })));
}

#[tokio::test(start_paused = true)]
async fn notifications_are_kept_if_they_are_wanted_and_precede_what_they_tell() {
    let mut scenario = Scenario::with(EventStreamSettings { keeps_frames: true, ..settings() }, None);
    let detail = spoken("c1", "a");
    scenario.send(&[event("1", &detail), event("1", &detail)]).await;
    let frame = format!("c1 {detail}");
    assert_eq!(scenario.next().await, Some(vec![frame.clone(), "c1 a".to_owned(), frame]));
}

#[tokio::test(start_paused = true)]
async fn the_source_hears_of_conversations_and_names_the_speakers() {
    let link = StreamLink::default();
    let mut scenario = Scenario::new(Some(&link));
    scenario.send(&[started("c1"), spoken("c2", "a"), spoken("../c3", "b")]).await;
    assert_eq!(scenario.next().await, Some(vec!["malformed: not a conversation id".to_owned()]));
    let mentioned =
        |conversation: &str, is_changed| Mention { conversation: conversation.into(), is_new: false, is_changed };
    let expected = vec![mentioned("c1", true), mentioned("c2", true)];
    assert_eq!(link.next_mentions().await, Some(expected));
    link.publish("c2".to_owned(), Participants::default());
    assert_eq!(scenario.next().await, Some(vec!["c2 a".to_owned()]), "as soon as the names are known");
    scenario.producer = None;
    assert_eq!(scenario.next().await, Some(vec![]));
    assert_eq!(link.next_mentions().await, None, "the end");
}

#[tokio::test(start_paused = true)]
async fn utterances_that_wait_for_a_name_are_items_before_the_end() {
    let link = StreamLink::default();
    let mut scenario = Scenario::new(Some(&link));
    scenario.send(&[spoken("c2", "a")]).await;
    scenario.producer = None;
    let start = Instant::now();
    assert_eq!(scenario.next().await, Some(vec![]));
    assert_eq!(scenario.next().await, Some(vec![]), "the end of the input");
    assert_eq!(scenario.next().await, Some(vec!["c2 a".to_owned()]));
    assert_eq!((scenario.next().await, start.elapsed()), (Some(vec!["ended".to_owned()]), Duration::from_secs(1)));
}
