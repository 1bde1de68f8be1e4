//! Notification sockets.

use std::time::Duration;

use futures_util::StreamExt;
use genesys_tail::simulator::{Options, Simulator};
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{
    Socket, access_token, connect_notification_socket, create_channel, listed_message_ids, next_event, next_events,
    open_notification_socket, play, queue_topic, read_to_end, rest_request, send, start, start_with, subscribe,
    within_timeout,
};

/// Opens a socket that is subscribed to the customer's first queue.
async fn subscribed_socket(simulator: &Simulator) -> Socket {
    let id = create_channel(simulator, &access_token(simulator).await, &[queue_topic("Support")]).await;
    open_notification_socket(simulator, &id).await
}

#[tokio::test]
async fn a_socket_sends_heartbeats_answers_pings_and_ignores_unknown_messages() {
    let options = Options { heartbeat_interval: Duration::from_millis(30), ..Options::default() };
    let simulator = start_with("", &["notify:no-heartbeat,after=1"], options).await;
    let mut socket = subscribed_socket(&simulator).await;
    assert_eq!(next_events(&mut socket, 2).await, ["WebSocket Heartbeat"; 2]);
    play(&simulator, "customer Ada: hi").await;
    while next_event(&mut socket).await != "routing 1" {}
    for text in ["2026-01-02 03:04:05", "[7]", r#"{"message":"dance"}"#, r#"{"message":"ping"}"#] {
        send(&mut socket, Message::Text(text.into())).await;
    }
    assert_eq!(next_event(&mut socket).await, "pong");
    let log = simulator.request_log();
    assert_eq!((log.notification_sockets[0].messages_received, log.notification_sockets[0].pings), (4, 1));
    assert_eq!(
        (log.notification_handshakes[0].authorization.as_deref(), log.notification_handshakes[0].status),
        (None, Some(101))
    );
    assert!(timeout(Duration::from_millis(80), socket.next()).await.is_err());
}

#[tokio::test]
async fn events_without_a_socket_or_a_subscription_are_lost() {
    let simulator = start("", &[]).await;
    let token = access_token(&simulator).await;
    let id = create_channel(&simulator, &token, &[]).await;
    let mut socket = open_notification_socket(&simulator, &id).await;
    play(&simulator, "customer Ada: not subscribed").await;
    let topic = queue_topic("Support").to_uppercase().replacen('V', "v", 1);
    assert_eq!(subscribe(&simulator, &token, &id, &[topic]).await.status, 200);
    play(&simulator, "customer Ada: hello").await;
    assert_eq!(next_event(&mut socket).await, "routing 2");
    drop(socket);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 0)).await;
    play(&simulator, "customer Ada: lost").await;
    let mut socket = open_notification_socket(&simulator, &id).await;
    play(&simulator, "customer Ada: hello again").await;
    let Message::Text(text) = within_timeout(socket.next()).await.unwrap().unwrap() else {
        panic!("the event is text")
    };
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((event["version"].as_str(), listed_message_ids(&event["eventBody"]).len()), (Some("2"), 4));
    assert!(event["metadata"]["CorrelationId"].is_string());
    assert!(!text.contains("hello"), "an event holds no text");
}

#[tokio::test]
async fn a_second_socket_replaces_the_first_on_its_channel() {
    let simulator = start("", &[]).await;
    let id = create_channel(&simulator, &access_token(&simulator).await, &[queue_topic("Support")]).await;
    let mut first = open_notification_socket(&simulator, &id).await;
    let mut second = open_notification_socket(&simulator, &id).await;
    assert_eq!(read_to_end(&mut first).await, ["close 1001 "]);
    play(&simulator, "customer Ada: hi").await;
    assert_eq!(next_event(&mut second).await, "routing 1");
    assert!(connect_notification_socket(&simulator, "streaming-0-unknown").await.is_err());
    assert_eq!(simulator.request_log().notification_handshakes[2].status, Some(404));
}

#[tokio::test]
async fn topics_can_be_subscribed_on_the_socket() {
    let simulator = start("", &[]).await;
    let id = create_channel(&simulator, &access_token(&simulator).await, &[]).await;
    let mut socket = open_notification_socket(&simulator, &id).await;
    let topic = queue_topic("Support");
    for (message, topic, expected) in [
        ("subscribe", topic.as_str(), "200 subscribed"),
        ("subscribe", "v2.tea", "400 failure"),
        ("unsubscribe", topic.as_str(), "200 unsubscribed"),
        ("subscribe", topic.as_str(), "200 subscribed"),
    ] {
        let frame = serde_json::json!({ "message": message, "topics": [topic], "correlationId": "0123456789abcdef" });
        send(&mut socket, Message::Text(frame.to_string().into())).await;
        assert_eq!(next_event(&mut socket).await, expected);
    }
    play(&simulator, "customer Ada: hi").await;
    assert_eq!(next_event(&mut socket).await, "routing 1");
}

// Fails in Wine 8, which shuts a connection down before it resets it.
#[tokio::test]
async fn a_notification_fault_happens_once_at_its_place() {
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
    for (fault, expected) in cases {
        let simulator = start("", &[fault]).await;
        let mut socket = subscribed_socket(&simulator).await;
        for text in ["one", "two", "three"] {
            play(&simulator, &format!("customer Ada: {text}")).await;
        }
        assert_eq!(next_events(&mut socket, expected.len()).await, *expected, "{fault}");
    }
}

#[tokio::test]
async fn a_fault_changes_a_handshake_once() {
    let faults = ["status=503", "ok", "bad-accept", "reset"].map(|fault| format!("notify-handshake:{fault}"));
    let simulator = start("", &faults.each_ref().map(String::as_str)).await;
    let channel = create_channel(&simulator, &access_token(&simulator).await, &[]).await;
    for _ in &faults {
        assert!(connect_notification_socket(&simulator, &channel).await.is_err());
    }
    assert!(connect_notification_socket(&simulator, &channel).await.is_ok());
    let handshakes = simulator.request_log().notification_handshakes;
    let statuses: Vec<_> = handshakes.iter().map(|handshake| handshake.status).collect();
    assert_eq!(statuses, [Some(503), Some(200), Some(101), None, Some(101)]);
}

#[tokio::test]
async fn a_silent_socket_reads_but_sends_nothing() {
    let options = Options { heartbeat_interval: Duration::from_millis(20), ..Options::default() };
    let simulator = start_with("", &["notify:silence"], options).await;
    let mut socket = subscribed_socket(&simulator).await;
    send(&mut socket, Message::Text(r#"{"message":"ping"}"#.into())).await;
    within_timeout(
        simulator.wait_for(|log| log.notification_sockets[0].pings == 1 && log.notification_sockets[0].heartbeats > 2),
    )
    .await;
    play(&simulator, "customer Ada: hi").await;
    assert!(timeout(Duration::from_millis(50), socket.next()).await.is_err());
    assert_eq!(simulator.request_log().notification_sockets[0].events, 0);
}

#[tokio::test]
async fn a_revoked_token_and_its_channel_cannot_be_used_again() {
    let simulator = start("", &[]).await;
    let token = access_token(&simulator).await;
    let id = create_channel(&simulator, &token, &[]).await;
    let mut socket = open_notification_socket(&simulator, &id).await;
    simulator.send_notification(r#"{"topicName":"v2.by.hand"}"#).await;
    simulator.apply_fault("notify:revoke").await.unwrap();
    assert_eq!(read_to_end(&mut socket).await, ["v2.by.hand", "token_revoked", "404 ", "close 1001 "]);
    assert!(connect_notification_socket(&simulator, &id).await.is_err());
    assert_eq!(rest_request(&simulator, &token, "GET /api/v2/notifications/channels", "").await.status, 401);
    assert!(simulator.apply_fault("nonsense").await.is_err());
}

#[tokio::test]
async fn the_status_of_a_message_changes_after_it_was_sent() {
    let simulator = start("", &["notify:status-updates"]).await;
    play(&simulator, "join agent Sam").await;
    let mut socket = subscribed_socket(&simulator).await;
    play(&simulator, "customer Ada: hi").await;
    play(&simulator, "agent Sam: hello").await;
    assert_eq!(next_events(&mut socket, 4).await, ["routing 1", "routing 2", "routing 2", "routing 2"]);
    let simulator = start("", &[]).await;
    for line in ["customer Ada: hi", "agent Sam: hello", "system Ada: read the message"] {
        play(&simulator, line).await;
    }
    let token = access_token(&simulator).await;
    let line = format!("GET /api/v2/conversations/messages/{}", simulator.first_conversation().id());
    let flat = rest_request(&simulator, &token, &line, "").await.json;
    let agent =
        flat["participants"].as_array().unwrap().iter().find(|participant| participant["purpose"] == "agent").unwrap();
    assert_eq!(agent["messages"][0]["messageStatus"], "read");
}
