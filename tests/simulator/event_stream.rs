//! The event stream of all conversations (SIM-2, API facts 18).

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use genesys_tail::simulator::{Options, Script, Simulator, StreamEnd};
use serde_json::Value;

use super::client::{access_token, create_channel, open_notification_socket, rest_request, within_timeout};

const CALL: &str = "+0 call\n+0 customer Ada: My number is 427.\n    ~ my number\n+0 agent Sam: Thanks.\n+0 close";
const MESSAGES: &str = "+0 customer Ada: one\n+0 agent Sam: two\n+0 close";

/// A file in memory.
#[derive(Clone, Default)]
struct SharedText(Arc<Mutex<Vec<u8>>>);

impl SharedText {
    fn read(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for SharedText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer whose reader has gone.
struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

fn options(scripts: &[&str], faults: &[&str]) -> Options {
    let mut parsed = scripts.iter().map(|script| script.parse::<Script>().unwrap());
    Options {
        script: parsed.next().unwrap(),
        more_scripts: parsed.collect(),
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        conversations: Options::conversation_ids(scripts.len()),
        ..Options::default()
    }
}

async fn start(options: Options) -> (Simulator, SharedText, StreamEnd) {
    let text = SharedText::default();
    let (simulator, stream) = Simulator::start_with_events(options).await.unwrap();
    (simulator, text.clone(), stream.write(text))
}

/// Plays a conversation for each script and returns the whole stream.
async fn play(scripts: &[&str], faults: &[&str]) -> String {
    let (_simulator, text, mut end) = start(options(scripts, faults)).await;
    within_timeout(end.wait()).await.unwrap();
    text.read()
}

fn parse(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the end of the topic, such as `user.start`, and the channels of its utterances.
fn kind(event: &Value) -> String {
    let topic = event["detail-type"].as_str().unwrap();
    let kind = topic.rsplit("{id}.").next().unwrap().to_owned();
    let body = &event["detail"]["eventBody"];
    let utterances = body["transcripts"].as_array().into_iter().flatten().map(|transcript| &transcript["channel"]);
    utterances.fold(kind, |kind, channel| format!("{kind} {}", channel.as_str().unwrap()))
}

fn kinds_of(events: &[Value], conversation: &str) -> Vec<String> {
    let concerned = events.iter().filter(|event| event["detail"]["eventBody"]["conversationId"] == conversation);
    concerned.map(kind).collect()
}

#[tokio::test]
async fn the_stream_has_transcriptions_and_detail_events_of_calls_and_messages() {
    let events = parse(&play(&[CALL, MESSAGES], &[]).await);
    let ids = Options::conversation_ids(2);
    let beginning = ["customer.start", "attributes", "acd.start"];
    let call = [
        "transcription",
        "transcription EXTERNAL",
        "transcription EXTERNAL",
        "acd.end",
        "user.start",
        "transcription INTERNAL",
        "user.end",
        "wrapup",
        "customer.end",
        "transcription",
    ];
    let messages = ["acd.end", "user.start", "user.end", "wrapup", "customer.end"];
    assert_eq!(kinds_of(&events, &ids[0]), [&beginning[..], &call].concat());
    assert_eq!(kinds_of(&events, &ids[1]), [&beginning[..], &messages].concat(), "no event has the text of a message");
}

#[tokio::test]
async fn each_event_is_in_an_envelope_of_eventbridge() {
    let events = parse(&play(&[CALL], &[]).await);
    let id = &Options::conversation_ids(1)[0];
    let mut envelope_ids = HashSet::new();
    let mut correlation_ids = HashSet::new();
    for event in &events {
        let detail = &event["detail"];
        let (template, topic) = (event["detail-type"].as_str().unwrap(), detail["topicName"].as_str().unwrap());
        assert_eq!(template.replace("{id}", id), topic);
        assert!(template.contains("{id}") && topic.contains(id.as_str()));
        assert!(event["source"].as_str().unwrap().starts_with("aws.partner/genesys.com/cloud/"));
        assert_eq!((&event["version"], &detail["version"]), (&Value::from("0"), &Value::from("2")));
        let (time, timestamp) = (event["time"].as_str().unwrap(), detail["timestamp"].as_str().unwrap());
        assert_eq!((time.len(), timestamp.len()), (20, 24), "{time} {timestamp}");
        assert_eq!(time[..19], timestamp[..19]);
        assert!(envelope_ids.insert(event["id"].clone()));
        correlation_ids.insert(detail["metadata"]["CorrelationId"].clone());
    }
    assert_eq!(correlation_ids.len(), 1, "one for all events of a conversation");
}

#[tokio::test]
async fn a_transcription_has_the_body_of_its_websocket_event() {
    let (simulator, stream) = Simulator::start_with_events(options(&[CALL], &[])).await.unwrap();
    let topic = format!("v2.conversations.{}.transcription", simulator.first_conversation().id());
    let token = access_token(&simulator).await;
    let channel = create_channel(&simulator, &token, std::slice::from_ref(&topic)).await;
    let mut socket = open_notification_socket(&simulator, &channel).await;
    let text = SharedText::default();
    within_timeout(stream.write(text.clone()).wait()).await.unwrap();
    let events = parse(&text.read());
    let details = events.iter().map(|event| &event["detail"]).filter(|detail| detail["topicName"] == topic.as_str());
    for detail in details {
        let frame = within_timeout(socket.next()).await.unwrap().unwrap();
        let frame: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
        assert_eq!(frame["eventBody"], detail["eventBody"]);
    }
}

#[tokio::test]
async fn the_body_of_a_status_has_no_transcripts() {
    let events = parse(&play(&[CALL], &[]).await);
    let bodies = events.iter().map(|event| &event["detail"]["eventBody"]);
    let statuses: Vec<_> = bodies.filter(|body| body["status"].is_object()).collect();
    let status =
        |body: &Value| (body["status"]["status"].as_str().unwrap().to_owned(), body.get("transcripts").is_some());
    let ongoing = |has_text| ("SESSION_ONGOING".to_owned(), has_text);
    let expected = [ongoing(false), ongoing(true), ongoing(true), ongoing(true), ("SESSION_ENDED".to_owned(), false)];
    assert_eq!(statuses.into_iter().map(status).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_conversation_that_begins_later_starts_with_its_beginning() {
    let events = parse(&play(&["+0 begin\n+0 update queue=Billing\n+0 agent Sam: Hi\n+0 close"], &[]).await);
    let kinds = kinds_of(&events, &Options::conversation_ids(1)[0]);
    assert_eq!(kinds[..5], ["customer.start", "attributes", "acd.start", "acd.end", "user.start"]);
    let queue = Simulator::queue_id("Billing");
    assert_eq!(events[2]["detail"]["eventBody"]["queueId"], queue.as_str());
}

#[tokio::test]
async fn an_event_in_twenty_concerns_no_conversation() {
    let events = parse(&play(&[CALL; 4], &[]).await);
    let (concerned, foreign): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| event["detail"]["eventBody"]["conversationId"].is_string());
    assert_eq!((concerned.len(), foreign.len()), (52, 2));
    let topics: Vec<_> = foreign.iter().map(|event| event["detail-type"].as_str().unwrap()).collect();
    assert_eq!(topics, ["v2.audits.entitytype.{id}.entityid.{id}", "v2.users.{id}.presence"]);
}

#[tokio::test]
async fn the_stream_ends_with_the_last_script_and_the_simulator_serves_on() {
    let script = "+0 customer Ada: one\n+0 agent Sam: two";
    let (simulator, text, mut end) = start(options(&[script, MESSAGES], &[])).await;
    let number = within_timeout(end.wait()).await.unwrap();
    assert_eq!((number, text.read().lines().count()), (13, 13), "also without a close");
    let line = format!("GET /api/v2/conversations/{}", simulator.first_conversation().id());
    assert_eq!(rest_request(&simulator, &access_token(&simulator).await, &line, "").await.status, 200);
}

#[tokio::test]
async fn the_stream_of_an_open_conversation_ends_with_the_simulator() {
    let (simulator, text, mut end) =
        start(options(&["+60 customer Ada: never said", CALL], &["events:disorder=100%"])).await;
    let _handle = simulator.first_conversation();
    // The end of the call is in the stream before that of the stream.
    within_timeout(async {
        while !text.read().contains("SESSION_ENDED") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    simulator.shutdown().await;
    assert_eq!(within_timeout(end.wait()).await.unwrap(), 16);
    assert_eq!(parse(&text.read()).len(), 16);
}

#[tokio::test]
async fn a_closed_pipe_ends_the_stream_and_no_script() {
    let (simulator, stream) = Simulator::start_with_events(options(&[MESSAGES], &[])).await.unwrap();
    let error = within_timeout(stream.write(ClosedPipe).wait()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let line = format!("GET /api/v2/conversations/{}", simulator.first_conversation().id());
    let token = access_token(&simulator).await;
    let has_ended = async { while rest_request(&simulator, &token, &line, "").await.json["endTime"].is_null() {} };
    within_timeout(has_ended).await;
}

/// Returns the number of occurrences of each envelope id.
fn occurrences(events: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event["id"].to_string()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn duplicates_and_disorder_are_the_same_with_the_same_seed() {
    let faults = ["events:duplicates=20%", "events:disorder=30%"];
    let order = async |seed| {
        let (_simulator, text, mut end) = start(Options { seed, ..options(&[CALL], &faults) }).await;
        within_timeout(end.wait()).await.unwrap();
        parse(&text.read()).iter().map(kind).collect::<Vec<_>>()
    };
    let first = order(1).await;
    assert_eq!(order(1).await, first);
    assert_ne!(order(2).await, first);
    let regular: Vec<_> = parse(&play(&[CALL], &[]).await).iter().map(kind).collect();
    assert!(first != regular && first.len() > regular.len(), "{first:?}");
}

#[tokio::test]
async fn duplicates_repeat_their_share_of_the_events_and_lose_none() {
    let script = format!("+0 call\n{}+0 close", "+0 agent Sam: again\n".repeat(400));
    let events = parse(&play(&[&script], &["events:duplicates=10%", "events:disorder=10%"]).await);
    let counts = occurrences(&events);
    let repeated = counts.values().filter(|count| **count == 2).count();
    assert_eq!(counts.len(), 430, "400 utterances, 9 other events and 21 about presence");
    assert!((25..60).contains(&repeated) && counts.values().all(|count| *count <= 2), "{repeated}");
    let offsets: Vec<_> = events
        .iter()
        .filter_map(|event| event["detail"]["eventBody"]["transcripts"][0]["utteranceId"].as_str())
        .collect();
    let first: Vec<_> = parse(&play(&[&script], &[]).await);
    let ordered: Vec<_> = first
        .iter()
        .filter_map(|event| event["detail"]["eventBody"]["transcripts"][0]["utteranceId"].as_str())
        .collect();
    let moved = ordered.windows(2).filter(|pair| {
        let place = |id: &str| offsets.iter().position(|other| *other == id);
        place(pair[0]) > place(pair[1])
    });
    assert!((25..60).contains(&moved.count()));
}

#[tokio::test]
async fn a_fault_without_a_share_happens_once() {
    let events = parse(&play(&[CALL], &["events:duplicates,after=3"]).await);
    let repeated: Vec<_> = occurrences(&events).into_iter().filter(|(_, count)| *count == 2).collect();
    assert_eq!(repeated, [(events[3]["id"].to_string(), 2)], "the event after the third");
    assert_eq!(events[5]["id"], events[3]["id"], "after the next one");
    let text = play(&[CALL], &["events:malformed,after=2"]).await;
    let broken: Vec<_> = text.lines().map(|line| serde_json::from_str::<Value>(line).is_err()).collect();
    assert_eq!(broken.iter().position(|broken| *broken), Some(2));
    assert_eq!(broken.iter().filter(|broken| **broken).count(), 1);
    assert_eq!(broken.len(), 14, "no event is lost");
}

#[tokio::test]
async fn an_oversized_event_and_a_pause_precede_an_event() {
    let text = play(&[CALL], &["events:oversize=3000000,after=1"]).await;
    let lengths: Vec<_> = text.lines().map(str::len).collect();
    assert!(lengths[1] > 3_000_000 && lengths.len() == 14, "{lengths:?}");
    assert!(serde_json::from_str::<Value>(text.lines().nth(1).unwrap()).is_ok());
    let start = tokio::time::Instant::now();
    play(&[CALL], &["events:stall=50ms,after=1"]).await;
    assert!(start.elapsed() >= std::time::Duration::from_millis(50));
}

#[tokio::test]
async fn events_have_the_shape_asked_for() {
    let envelopes = parse(&play(&[CALL], &[]).await);
    let topics: Vec<_> = envelopes.iter().map(|event| &event["detail"]["topicName"]).collect();
    let details = parse(&play(&[CALL], &["events:shape=detail"]).await);
    assert_eq!(details.iter().map(|detail| &detail["topicName"]).collect::<Vec<_>>(), topics);
    assert!(details.iter().all(|detail| detail["timestamp"].is_string() && detail.get("detail").is_none()));
    let bare = parse(&play(&[CALL], &["events:shape=notification"]).await);
    assert_eq!(bare.iter().map(|event| &event["topicName"]).collect::<Vec<_>>(), topics);
    assert!(bare.iter().all(|event| event.get("timestamp").is_none() && event["eventBody"].is_object()));
    let messages = parse(&play(&[CALL], &["events:shape=sqs"]).await);
    let bodies: Vec<Value> =
        messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()).collect();
    assert_eq!(bodies.iter().map(|event| &event["detail"]["topicName"]).collect::<Vec<_>>(), topics);
    assert!(messages.iter().all(|message| message["MessageId"].is_string() && message["ReceiptHandle"].is_string()));
}

#[tokio::test]
async fn concatenated_events_have_no_line_breaks() {
    let text = play(&[CALL], &["events:concatenated"]).await;
    assert!(!text.contains('\n'));
    let events: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
    assert_eq!(events.unwrap().len(), 13);
}

#[tokio::test]
async fn a_fault_concerns_only_its_conversation() {
    let ids = Options::conversation_ids(2);
    let fault = format!("events:duplicates=100%,conversation={}", ids[1]);
    let events = parse(&play(&[MESSAGES, MESSAGES], &[&fault]).await);
    assert_eq!([0, 1].map(|index| kinds_of(&events, &ids[index]).len()), [8, 16]);
}
