//! Channels and what they subscribe, seen from the wire.

use std::time::Duration;

use genesys_tail::simulator::{Options, Simulator};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::client::{
    ask, channel, dial_channel, everything, listen, soon, start, start_with, subscribe, token, wanted,
};

const CHANNELS: &str = "/api/v2/notifications/channels";

async fn exists(simulator: &Simulator, token: &str, id: &str) -> bool {
    ask(simulator, token, &format!("HEAD {CHANNELS}/{id}"), "").await.status == 200
}

fn topic(number: usize) -> String {
    format!("v2.users.u{number}.conversations.messages")
}

fn states(listing: &Value) -> Vec<(&str, &str)> {
    let entities = listing["entities"].as_array().unwrap().iter();
    entities.map(|entity| (entity["id"].as_str().unwrap(), entity["state"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn the_twenty_first_channel_takes_the_place_of_the_oldest_that_nobody_uses() {
    let simulator = start("", &[]).await;
    let token = token(&simulator).await;
    let first = channel(&simulator, &token, &[]).await;
    let mut socket = listen(&simulator, &first).await;
    let second = channel(&simulator, &token, &[]).await;
    for _ in 2..20 {
        channel(&simulator, &token, &[]).await;
    }
    assert!(exists(&simulator, &token, &second).await);
    channel(&simulator, &token, &[]).await;
    assert!(exists(&simulator, &token, &first).await && !exists(&simulator, &token, &second).await);
    assert!(matches!(dial_channel(&simulator, &second).await, Err(Error::Http(answer)) if answer.status() == 404));
    assert_eq!(simulator.request_log().channels[20].evicted, Some(second));

    let list = ask(&simulator, &token, &format!("GET {CHANNELS}"), "").await.json;
    assert_eq!(list["entities"].as_array().unwrap().len(), 20);
    let other = super::client::token(&simulator).await;
    assert_eq!(ask(&simulator, &other, &format!("GET {CHANNELS}"), "").await.json["entities"], json!([]));
    let all = ask(&simulator, &other, &format!("GET {CHANNELS}?includechannels=oauthclient"), "").await.json;
    assert_eq!((all["entities"].as_array().unwrap().len(), all["entities"][0].get("id")), (20, None));

    simulator.drop_channels();
    assert_eq!(everything(&mut socket).await, ["404 ", "close 1001 "]);
    assert!(!exists(&simulator, &token, &first).await);
}

#[tokio::test]
async fn topics_are_added_replaced_and_taken_away() {
    let simulator = start("", &["rest:deny=routing:queue:view", "channel:reject=u9."]).await;
    let token = token(&simulator).await;
    let id = channel(&simulator, &token, &[topic(1)]).await;
    let line = |method: &str, query: &str| format!("{method} {CHANNELS}/{id}/subscriptions{query}");
    let queue = "v2.routing.queues.q.conversations.messages".to_owned();
    let mixed = [topic(2), topic(1), queue.clone(), topic(9), "v2.conversations.c.messages".to_owned()];
    let listing = subscribe(&simulator, &token, &id, &mixed).await.json;
    let (permitted, rejected) = ("Permitted", "Rejected");
    assert_eq!(
        states(&listing),
        [
            (&*topic(1), permitted),
            (&*topic(2), permitted),
            (&*queue, rejected),
            (&*topic(9), rejected),
            (&*mixed[4], rejected)
        ]
    );
    assert_eq!(listing["entities"][2]["missingPermissions"], json!(["routing:queue:view"]));
    for (topic, wanted_answer) in [
        (queue, (403, "notification.unauthorized.topic")),
        (topic(9), (403, "notification.unauthorized.topic")),
        ("v2.tea".to_owned(), (400, "notification.invalid.topic")),
    ] {
        let answer = ask(&simulator, &token, &line("POST", ""), &wanted(&[topic])).await;
        assert_eq!((answer.status, answer.json["code"].as_str().unwrap()), wanted_answer);
    }
    let put = ask(&simulator, &token, &line("PUT", ""), &wanted(&[topic(3)])).await.json;
    assert_eq!(states(&put), [(&*topic(3), permitted)]);
    let many: Vec<_> = (10..1010).map(topic).collect();
    assert_eq!(subscribe(&simulator, &token, &id, &many).await.status, 400);
    assert_eq!(ask(&simulator, &token, &line("PUT", ""), &wanted(&many)).await.status, 200);
    assert_eq!(ask(&simulator, &token, &line("DELETE", ""), "").await.status, 204);
    assert_eq!(ask(&simulator, &token, &line("GET", ""), "").await.json["entities"], json!([]));
    let nowhere = format!("PUT {CHANNELS}/nowhere/subscriptions");
    assert_eq!(ask(&simulator, &token, &nowhere, "[]").await.json["code"], "entity.not.found");
    let subscriptions = simulator.request_log().subscriptions;
    assert_eq!((subscriptions[1].topics.len(), subscriptions[1].rejected.len()), (2, 3));
}

#[tokio::test]
async fn a_channel_ends_unless_it_is_subscribed_again() {
    let life = Duration::from_millis(700);
    let options = Options { channel_lifetime: life, ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let token = token(&simulator).await;
    let made = ask(&simulator, &token, &format!("POST {CHANNELS}"), "").await.json;
    let id = made["id"].as_str().unwrap();
    let mut socket = listen(&simulator, id).await;
    // Without the subscription it would end this much earlier.
    tokio::time::sleep(Duration::from_millis(200)).await;
    subscribe(&simulator, &token, id, &[topic(1)]).await;
    let list = ask(&simulator, &token, &format!("GET {CHANNELS}"), "").await.json;
    let expires = |channel: &Value| channel["expires"].as_str().unwrap().to_owned();
    assert!(expires(&list["entities"][0]) > expires(&made));
    assert_eq!(everything(&mut socket).await, ["404 ", "close 1001 "]);
    assert!(!exists(&simulator, &token, id).await);
    let log = soon(simulator.wait_for(|log| log.open_notification_sockets() == 0)).await;
    assert!(log.notification_sockets[0].closed_at.unwrap() >= log.subscriptions[0].at + life);
}

#[tokio::test]
async fn a_channel_ends_with_the_token_that_subscribed_last() {
    let options = Options { token_lifetime: Duration::from_millis(500), ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let id = channel(&simulator, &token(&simulator).await, &[]).await;
    let mut socket = listen(&simulator, &id).await;
    assert_eq!(everything(&mut socket).await, ["404 ", "close 1001 "]);
    soon(simulator.wait_for(|log| log.open_notification_sockets() == 0)).await;
}

#[tokio::test]
async fn the_topics_there_are_can_be_asked_for() {
    let simulator = start("", &[]).await;
    let token = token(&simulator).await;
    let line = "GET /api/v2/notifications/availabletopics";
    let bare = ask(&simulator, &token, line, "").await.json;
    assert_eq!(bare["entities"][0].as_object().unwrap().len(), 1);
    let expanded =
        ask(&simulator, &token, &format!("{line}?expand=requiresPermissions&expand=enforced"), "").await.json;
    let voice = expanded["entities"]
        .as_array()
        .unwrap()
        .iter()
        .find(|topic| topic["id"] == "v2.conversations.{id}.transcription");
    assert_eq!(voice.unwrap()["requiresPermissions"], json!(["conversation:transcription:view"]));
}
