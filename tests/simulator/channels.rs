//! Notification channels and their subscriptions.

use std::time::Duration;

use genesys_tail::simulator::{Options, Simulator};
use serde_json::{Value, json};

use super::client::{
    access_token, connect_notification_socket, create_channel, open_notification_socket, read_to_end, refused_status,
    rest_request, start, start_with, subscribe, subscription_body, within_timeout,
};

const CHANNELS: &str = "/api/v2/notifications/channels";

async fn channel_exists(simulator: &Simulator, token: &str, id: &str) -> bool {
    rest_request(simulator, token, &format!("HEAD {CHANNELS}/{id}"), "").await.status == 200
}

fn numbered_topic(number: usize) -> String {
    format!("v2.users.u{number}.conversations.messages")
}

fn subscription_states(listing: &Value) -> Vec<(&str, &str)> {
    let entities = listing["entities"].as_array().unwrap().iter();
    entities.map(|entity| (entity["id"].as_str().unwrap(), entity["state"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn the_twenty_first_channel_evicts_the_oldest_one_without_a_socket() {
    let simulator = start("", &[]).await;
    let token = access_token(&simulator).await;
    let first = create_channel(&simulator, &token, &[]).await;
    let mut socket = open_notification_socket(&simulator, &first).await;
    let second = create_channel(&simulator, &token, &[]).await;
    for _ in 2..20 {
        create_channel(&simulator, &token, &[]).await;
    }
    assert!(channel_exists(&simulator, &token, &second).await);
    create_channel(&simulator, &token, &[]).await;
    assert!(channel_exists(&simulator, &token, &first).await && !channel_exists(&simulator, &token, &second).await);
    assert_eq!(refused_status(connect_notification_socket(&simulator, &second).await), Some(404));
    assert_eq!(simulator.request_log().channels[20].evicted, Some(second));

    let list = rest_request(&simulator, &token, &format!("GET {CHANNELS}"), "").await.json;
    assert_eq!(list["entities"].as_array().unwrap().len(), 20);
    let other = access_token(&simulator).await;
    assert_eq!(rest_request(&simulator, &other, &format!("GET {CHANNELS}"), "").await.json["entities"], json!([]));
    let all = rest_request(&simulator, &other, &format!("GET {CHANNELS}?includechannels=oauthclient"), "").await.json;
    assert_eq!((all["entities"].as_array().unwrap().len(), all["entities"][0].get("id")), (20, None));

    simulator.drop_channels();
    assert_eq!(read_to_end(&mut socket).await, ["404 ", "close 1001 "]);
    assert!(!channel_exists(&simulator, &token, &first).await);
}

#[tokio::test]
async fn topics_are_added_replaced_and_removed() {
    let simulator = start("", &["rest:deny=routing:queue:view", "channel:reject=u9."]).await;
    let token = access_token(&simulator).await;
    let id = create_channel(&simulator, &token, &[numbered_topic(1)]).await;
    let line = |method: &str, query: &str| format!("{method} {CHANNELS}/{id}/subscriptions{query}");
    let queue = "v2.routing.queues.q.conversations.messages".to_owned();
    let mixed = [
        numbered_topic(2),
        numbered_topic(1),
        queue.clone(),
        numbered_topic(9),
        "v2.conversations.c.messages".to_owned(),
    ];
    let listing = subscribe(&simulator, &token, &id, &mixed).await.json;
    let (permitted, rejected) = ("Permitted", "Rejected");
    assert_eq!(
        subscription_states(&listing),
        [
            (&*numbered_topic(1), permitted),
            (&*numbered_topic(2), permitted),
            (&*queue, rejected),
            (&*numbered_topic(9), rejected),
            (&*mixed[4], rejected)
        ]
    );
    assert_eq!(listing["entities"][2]["missingPermissions"], json!(["routing:queue:view"]));
    for (topic, expected_response) in [
        (queue, (403, "notification.unauthorized.topic")),
        (numbered_topic(9), (403, "notification.unauthorized.topic")),
        ("v2.tea".to_owned(), (400, "notification.invalid.topic")),
    ] {
        let response = rest_request(&simulator, &token, &line("POST", ""), &subscription_body(&[topic])).await;
        assert_eq!((response.status, response.json["code"].as_str().unwrap()), expected_response);
    }
    let put = rest_request(&simulator, &token, &line("PUT", ""), &subscription_body(&[numbered_topic(3)])).await.json;
    assert_eq!(subscription_states(&put), [(&*numbered_topic(3), permitted)]);
    let many: Vec<_> = (10..1010).map(numbered_topic).collect();
    assert_eq!(subscribe(&simulator, &token, &id, &many).await.status, 400);
    assert_eq!(rest_request(&simulator, &token, &line("PUT", ""), &subscription_body(&many)).await.status, 200);
    assert_eq!(rest_request(&simulator, &token, &line("DELETE", ""), "").await.status, 204);
    assert_eq!(rest_request(&simulator, &token, &line("GET", ""), "").await.json["entities"], json!([]));
    let nowhere = format!("PUT {CHANNELS}/nowhere/subscriptions");
    assert_eq!(rest_request(&simulator, &token, &nowhere, "[]").await.json["code"], "entity.not.found");
    let subscriptions = simulator.request_log().subscriptions;
    assert_eq!((subscriptions[1].topics.len(), subscriptions[1].rejected.len()), (2, 3));
}

#[tokio::test]
async fn a_subscription_renews_a_channel() {
    let lifetime = Duration::from_millis(700);
    let options = Options { channel_lifetime: lifetime, ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let token = access_token(&simulator).await;
    let created = rest_request(&simulator, &token, &format!("POST {CHANNELS}"), "").await.json;
    let id = created["id"].as_str().unwrap();
    let mut socket = open_notification_socket(&simulator, id).await;
    // Without the renewal the channel would end this much earlier.
    tokio::time::sleep(Duration::from_millis(200)).await;
    subscribe(&simulator, &token, id, &[numbered_topic(1)]).await;
    let list = rest_request(&simulator, &token, &format!("GET {CHANNELS}"), "").await.json;
    let expires = |channel: &Value| channel["expires"].as_str().unwrap().to_owned();
    assert!(expires(&list["entities"][0]) > expires(&created));
    assert_eq!(read_to_end(&mut socket).await, ["404 ", "close 1001 "]);
    assert!(!channel_exists(&simulator, &token, id).await);
    let log = within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 0)).await;
    assert!(log.notification_sockets[0].closed_at.unwrap() >= log.subscriptions[0].at + lifetime);
}

#[tokio::test]
async fn a_channel_ends_with_the_token_that_subscribed_last() {
    let options = Options { token_lifetime: Duration::from_millis(500), ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let id = create_channel(&simulator, &access_token(&simulator).await, &[]).await;
    let mut socket = open_notification_socket(&simulator, &id).await;
    assert_eq!(read_to_end(&mut socket).await, ["404 ", "close 1001 "]);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 0)).await;
}

#[tokio::test]
async fn available_topics_list_their_permissions_on_request() {
    let simulator = start("", &[]).await;
    let token = access_token(&simulator).await;
    let line = "GET /api/v2/notifications/availabletopics";
    let bare = rest_request(&simulator, &token, line, "").await.json;
    assert_eq!(bare["entities"][0].as_object().unwrap().len(), 1);
    let expanded =
        rest_request(&simulator, &token, &format!("{line}?expand=requiresPermissions&expand=enforced"), "").await.json;
    let voice = expanded["entities"]
        .as_array()
        .unwrap()
        .iter()
        .find(|topic| topic["id"] == "v2.conversations.{id}.transcription");
    assert_eq!(voice.unwrap()["requiresPermissions"], json!(["conversation:transcription:view"]));
}
