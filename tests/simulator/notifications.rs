//! Notification sockets, seen from the wire.

use std::time::Duration;

use futures_util::StreamExt;
use genesys_tail::simulator::{Options, Simulator};
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{
    Socket, ask, channel, dial_channel, everything, listed, listen, next, say, some, soon, start, start_with,
    subscribe, token,
};

pub(crate) fn queue_topic(name: &str) -> String {
    format!("v2.routing.queues.{}.conversations.messages", Simulator::queue_id(name))
}

pub(crate) fn user_topic(name: &str) -> String {
    format!("v2.users.{}.conversations.messages", Simulator::user_id(name))
}

/// A socket that hears of everything in the queue a customer is in at first.
async fn ear(simulator: &Simulator) -> Socket {
    let id = channel(simulator, &token(simulator).await, &[queue_topic("Support")]).await;
    listen(simulator, &id).await
}

async fn play(simulator: &Simulator, line: &str) {
    simulator.first_conversation().play(line).await.unwrap();
}

#[tokio::test]
async fn a_socket_beats_answers_pings_and_ignores_what_it_does_not_know() {
    let options = Options { heartbeat_interval: Duration::from_millis(30), ..Options::default() };
    let simulator = start_with("", &["notify:no-heartbeat,after=1"], options).await;
    let mut socket = ear(&simulator).await;
    assert_eq!(some(&mut socket, 2).await, ["WebSocket Heartbeat"; 2]);
    play(&simulator, "customer Ada: hi").await;
    while next(&mut socket).await != "routing 1" {}
    for text in ["2026-01-02 03:04:05", "[7]", r#"{"message":"dance"}"#, r#"{"message":"ping"}"#] {
        say(&mut socket, Message::Text(text.into())).await;
    }
    assert_eq!(next(&mut socket).await, "pong");
    let log = simulator.request_log();
    assert_eq!((log.notification_sockets[0].messages_received, log.notification_sockets[0].pings), (4, 1));
    assert_eq!(
        (log.notification_handshakes[0].authorization.as_deref(), log.notification_handshakes[0].status),
        (None, Some(101))
    );
    assert!(timeout(Duration::from_millis(80), socket.next()).await.is_err());
}

#[tokio::test]
async fn events_come_while_there_is_a_socket_and_a_subscription_and_are_lost_otherwise() {
    let simulator = start("", &[]).await;
    let token = token(&simulator).await;
    let id = channel(&simulator, &token, &[]).await;
    let mut socket = listen(&simulator, &id).await;
    play(&simulator, "customer Ada: not subscribed").await;
    let topic = queue_topic("Support").to_uppercase().replacen('V', "v", 1);
    assert_eq!(subscribe(&simulator, &token, &id, &[topic]).await.status, 200);
    play(&simulator, "customer Ada: heard").await;
    assert_eq!(next(&mut socket).await, "routing 2");
    drop(socket);
    soon(simulator.wait_for(|log| log.open_notification_sockets() == 0)).await;
    play(&simulator, "customer Ada: lost").await;
    let mut socket = listen(&simulator, &id).await;
    play(&simulator, "customer Ada: heard again").await;
    let Message::Text(text) = soon(socket.next()).await.unwrap().unwrap() else { panic!("it is text") };
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((event["version"].as_str(), listed(&event["eventBody"]).len()), (Some("2"), 4));
    assert!(event["metadata"]["CorrelationId"].is_string());
    assert!(!text.contains("heard"), "there is no text in an event");
}

#[tokio::test]
async fn a_second_socket_takes_the_channel_from_the_first() {
    let simulator = start("", &[]).await;
    let id = channel(&simulator, &token(&simulator).await, &[queue_topic("Support")]).await;
    let mut first = listen(&simulator, &id).await;
    let mut second = listen(&simulator, &id).await;
    assert_eq!(everything(&mut first).await, ["close 1001 "]);
    play(&simulator, "customer Ada: hi").await;
    assert_eq!(next(&mut second).await, "routing 1");
    assert!(dial_channel(&simulator, "streaming-0-nobody").await.is_err());
    assert_eq!(simulator.request_log().notification_handshakes[2].status, Some(404));
}

#[tokio::test]
async fn topics_can_be_subscribed_on_the_socket() {
    let simulator = start("", &[]).await;
    let id = channel(&simulator, &token(&simulator).await, &[]).await;
    let mut socket = listen(&simulator, &id).await;
    let topic = queue_topic("Support");
    for (message, topic, wanted) in [
        ("subscribe", topic.as_str(), "200 subscribed"),
        ("subscribe", "v2.tea", "400 failure"),
        ("unsubscribe", topic.as_str(), "200 unsubscribed"),
        ("subscribe", topic.as_str(), "200 subscribed"),
    ] {
        let frame = serde_json::json!({ "message": message, "topics": [topic], "correlationId": "0123456789abcdef" });
        say(&mut socket, Message::Text(frame.to_string().into())).await;
        assert_eq!(next(&mut socket).await, wanted);
    }
    play(&simulator, "customer Ada: hi").await;
    assert_eq!(next(&mut socket).await, "routing 1");
}

#[tokio::test]
async fn faults_happen_once_where_they_are_asked_for() {
    let cases: &[(&str, &[&str])] = &[
        ("notify:close=1006,after=2", &["routing 1", "routing 2", "end"]),
        ("notify:close=1001,reason=idle timeout,after=1", &["routing 1", "close 1001 idle timeout"]),
        ("notify:reset,after=1", &["routing 1", "ConnectionReset"]),
        ("notify:eof", &["end"]),
        ("notify:malformed,after=1", &["routing 1", "no JSON", "routing 2", "routing 3"]),
        ("notify:bad-utf8,after=1", &["routing 1", "invalid UTF-8"]),
        ("notify:duplicate,after=2", &["routing 1", "routing 2", "routing 3", "routing 3"]),
        ("notify:reorder,after=1", &["routing 1", "routing 3", "routing 2"]),
        ("notify:lose=2,after=1", &["routing 1"]),
        ("notify:truncate=1", &["routing 1", "routing 1", "routing 1"]),
        ("notify:unknown", &["v2.tea.ready", "routing 0", "no event", "no event", "no event", "routing 1"]),
        ("notify:socket_closing=0s,after=3", &["routing 1", "routing 2", "routing 3", "socket_closing", "close 1001 "]),
        ("notify:revoke,after=3", &["routing 1", "routing 2", "routing 3", "token_revoked", "404 ", "close 1001 "]),
        ("channel:expire,after=1", &["routing 1", "404 ", "close 1001 "]),
        ("channel:evict,after=1", &["routing 1", "end"]),
    ];
    for (fault, wanted) in cases {
        let simulator = start("", &[fault]).await;
        let mut socket = ear(&simulator).await;
        for text in ["one", "two", "three"] {
            play(&simulator, &format!("customer Ada: {text}")).await;
        }
        assert_eq!(some(&mut socket, wanted.len()).await, *wanted, "{fault}");
    }
}

#[tokio::test]
async fn a_silent_socket_hears_and_says_nothing() {
    let options = Options { heartbeat_interval: Duration::from_millis(20), ..Options::default() };
    let simulator = start_with("", &["notify:silence"], options).await;
    let mut socket = ear(&simulator).await;
    say(&mut socket, Message::Text(r#"{"message":"ping"}"#.into())).await;
    soon(
        simulator.wait_for(|log| log.notification_sockets[0].pings == 1 && log.notification_sockets[0].heartbeats > 2),
    )
    .await;
    play(&simulator, "customer Ada: hi").await;
    assert!(timeout(Duration::from_millis(50), socket.next()).await.is_err());
    assert_eq!(simulator.request_log().notification_sockets[0].events, 0);
}

#[tokio::test]
async fn a_lost_channel_and_a_revoked_token_are_really_gone() {
    let simulator = start("", &[]).await;
    let token = token(&simulator).await;
    let id = channel(&simulator, &token, &[]).await;
    let mut socket = listen(&simulator, &id).await;
    simulator.send_notification(r#"{"topicName":"v2.by.hand"}"#).await;
    simulator.apply_fault("notify:revoke").await.unwrap();
    assert_eq!(everything(&mut socket).await, ["v2.by.hand", "token_revoked", "404 ", "close 1001 "]);
    assert!(dial_channel(&simulator, &id).await.is_err());
    assert_eq!(ask(&simulator, &token, "GET /api/v2/notifications/channels", "").await.status, 401);
    assert!(simulator.apply_fault("nonsense").await.is_err());
}

#[tokio::test]
async fn a_message_can_change_its_status_after_it_was_sent() {
    let simulator = start("", &["notify:status-updates"]).await;
    play(&simulator, "join agent Sam").await;
    let mut socket = ear(&simulator).await;
    play(&simulator, "customer Ada: hi").await;
    play(&simulator, "agent Sam: hello").await;
    assert_eq!(some(&mut socket, 4).await, ["routing 1", "routing 2", "routing 2", "routing 2"]);
    let simulator = start("", &[]).await;
    for line in ["customer Ada: hi", "agent Sam: hello", "system Ada: read the message"] {
        play(&simulator, line).await;
    }
    let token = token(&simulator).await;
    let line = format!("GET /api/v2/conversations/messages/{}", simulator.first_conversation().id());
    let flat = ask(&simulator, &token, &line, "").await.json;
    let agent = flat["participants"].as_array().unwrap().iter().find(|one| one["purpose"] == "agent").unwrap();
    assert_eq!(agent["messages"][0]["messageStatus"], "read");
}
