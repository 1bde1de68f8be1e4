//! The REST API.

use std::time::Duration;

use genesys_tail::simulator::{Options, Simulator, Sources};
use serde_json::{Value, json};

use super::client::{
    access_token, connect_transcript, http_request, listed_message_ids, open_transcript, read_to_end, rest_request,
    start, start_with, status_of, within_timeout,
};

const TALK: &str = "+0 customer Ada: one\n+0 agent Sam: two\n    @ a.png image/png 12";

/// Starts a simulator and plays the script. Also returns a token and the ids of the messages.
async fn play_conversation(faults: &[&str]) -> (Simulator, String, Vec<String>) {
    let simulator = start(TALK, faults).await;
    let (token, mut socket) = (access_token(&simulator).await, open_transcript(&simulator).await);
    let log = within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].messages.len() == 2)).await;
    simulator.first_conversation().close(1000, "").await;
    read_to_end(&mut socket).await;
    let ids = log.transcript_sockets[0].messages.clone();
    (simulator, token, ids)
}

fn message_conversation_path(simulator: &Simulator, rest: &str) -> String {
    format!("/api/v2/conversations/messages/{}{rest}", simulator.first_conversation().id())
}

async fn fetch_bodies(simulator: &Simulator, token: &str, ids: &[String]) -> super::client::RestResponse {
    rest_request(
        simulator,
        token,
        &format!("POST {}", message_conversation_path(simulator, "/messages/bulk")),
        &json!(ids).to_string(),
    )
    .await
}

fn entity_ids(response: &Value) -> Vec<&str> {
    response["entities"].as_array().unwrap().iter().map(|entity| entity["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn both_shapes_list_the_messages_of_the_transcript_and_all_requests_return_their_bodies() {
    let (simulator, token, message_ids) = play_conversation(&[]).await;
    let id = simulator.first_conversation().id().to_owned();
    let nested = rest_request(&simulator, &token, &format!("GET /api/v2/conversations/{id}"), "").await;
    let flat =
        rest_request(&simulator, &token, &format!("GET {}", message_conversation_path(&simulator, "")), "").await;
    for conversation in [&nested.json, &flat.json] {
        assert_eq!(conversation["id"], id.as_str());
        assert_eq!(listed_message_ids(conversation), message_ids);
    }
    let purposes = |conversation: &Value| -> Vec<_> {
        let participants = conversation["participants"].as_array().unwrap().iter();
        participants.map(|participant| participant["purpose"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(purposes(&nested.json), ["customer", "acd", "agent"]);
    assert_eq!(nested.json["participants"][2]["userId"], Simulator::user_id("Sam"));
    assert_eq!(flat.json["participants"][2]["user"]["name"], "Sam");
    assert_eq!(flat.json["participants"][0]["queue"]["id"], Simulator::queue_id("Support"));

    let listing =
        fetch_bodies(&simulator, &token, &[message_ids[1].clone(), "unknown".to_owned(), message_ids[0].clone()]).await;
    assert_eq!(entity_ids(&listing.json), [&message_ids[1], &message_ids[0]]);
    let (two, one) = (&listing.json["entities"][0], &listing.json["entities"][1]);
    assert_eq!((&one["normalizedMessage"]["text"], &one["direction"]), (&json!("one"), &json!("inbound")));
    assert_eq!(one.get("createdBy"), None);
    assert_eq!(two["createdBy"]["id"], Simulator::user_id("Sam"));
    assert_eq!(two["normalizedMessage"]["content"][0]["attachment"]["filename"], "a.png");
    let single = rest_request(
        &simulator,
        &token,
        &format!("GET {}/{}", message_conversation_path(&simulator, "/messages"), message_ids[1]),
        "",
    )
    .await;
    let line = format!("GET /api/v2/conversations/messages/{}/details", message_ids[1]);
    let details = rest_request(&simulator, &token, &line, "").await;
    assert_eq!((&single.json, &details.json), (two, two));
}

#[tokio::test]
async fn every_request_needs_a_token_and_counts_against_its_limit() {
    let window = Duration::from_secs(1);
    let options = Options { rate_limit: 2, rate_limit_window: window, ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let line = format!("GET {}", message_conversation_path(&simulator, ""));
    let bare = http_request(&simulator, &format!("{line} HTTP/1.1"), "").await.unwrap();
    assert_eq!(status_of(&bare), 401);
    assert_eq!(rest_request(&simulator, "invented", &line, "").await.json["code"], "bad.credentials");
    let token = access_token(&simulator).await;
    let mut responses = Vec::new();
    for _ in 0..3 {
        responses.push(rest_request(&simulator, &token, &line, "").await);
    }
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert!(
        responses[1].head.contains("inin-ratelimit-count: 2\r\ninin-ratelimit-allowed: 2\r\ninin-ratelimit-reset: 1")
    );
    assert!(responses[2].head.contains("retry-after: 1"));
    assert_eq!(responses[2].json["code"], "too.many.requests.retry.after");
    tokio::time::sleep(window).await;
    assert_eq!(rest_request(&simulator, &token, &line, "").await.status, 200);
    let requests = simulator.request_log().requests;
    assert_eq!(requests[0].token, None);
    assert_eq!(requests[4].status, Some(429));
    assert_eq!(simulator.request_log().count_requests("GET /api/v2/conversations/messages/"), 6);
}

#[tokio::test]
async fn unknown_ids_and_missing_permissions_have_their_own_errors() {
    let (simulator, token, message_ids) = play_conversation(&["rest:deny=conversation:message:view"]).await;
    let refused = fetch_bodies(&simulator, &token, &message_ids).await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("missing.any.permissions")));
    assert!(refused.json["message"].as_str().unwrap().contains("conversation:message:view"));
    assert!(refused.json["contextId"].is_string());

    let options = Options { permissions: Vec::new(), ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let token = access_token(&simulator).await;
    let refused = rest_request(&simulator, &token, "GET /api/v2/conversations/x", "").await;
    assert_eq!(refused.json["code"], "missing.permissions");
    assert!(refused.json["message"].as_str().unwrap().ends_with("conversation:communication:view"));
    for (line, expected) in [
        ("GET /api/v2/conversations/messages/x", (404, "conversation.error.conversation.not.found")),
        ("GET /api/v2/users/me", (400, "not.a.user")),
        ("GET /api/v2/users/x", (404, "not.found")),
        ("GET /api/v2/elsewhere", (404, "not.found")),
    ] {
        let response = rest_request(&simulator, &token, line, "").await;
        assert_eq!((response.status, response.json["code"].as_str().unwrap()), expected, "{line}");
    }
}

#[tokio::test]
async fn a_bulk_request_takes_at_most_a_thousand_ids() {
    let (simulator, token, _) = play_conversation(&[]).await;
    let many = |count| vec!["x".to_owned(); count];
    assert_eq!(fetch_bodies(&simulator, &token, &many(1000)).await.status, 200);
    assert_eq!(fetch_bodies(&simulator, &token, &many(1001)).await.json["code"], "bad.request");
    let line = format!("POST {}", message_conversation_path(&simulator, "/messages/bulk"));
    assert_eq!(rest_request(&simulator, &token, &line, "{}").await.status, 400);
}

#[tokio::test]
async fn faults_delay_omit_reorder_and_reshape_message_bodies() {
    let (simulator, token, message_ids) = play_conversation(&["rest:newest-first,times=1", "rest:omit,after=1"]).await;
    let listing = fetch_bodies(&simulator, &token, &message_ids).await.json;
    assert_eq!(entity_ids(&listing), [&message_ids[1], &message_ids[0]]);
    assert_eq!(entity_ids(&fetch_bodies(&simulator, &token, &message_ids).await.json), [&message_ids[1]]);
    assert_eq!(
        entity_ids(&fetch_bodies(&simulator, &token, &message_ids).await.json),
        [&message_ids[0], &message_ids[1]]
    );

    let (simulator, token, message_ids) = play_conversation(&["rest:textbody"]).await;
    let legacy = fetch_bodies(&simulator, &token, &message_ids).await.json;
    assert_eq!(
        (&legacy["entities"][0]["textBody"], legacy["entities"][0].get("normalizedMessage")),
        (&json!("one"), None)
    );
    assert_eq!(legacy["entities"][1]["media"][0]["name"], "a.png");

    let (simulator, token, message_ids) = play_conversation(&["rest:late-body=1h"]).await;
    assert_eq!(fetch_bodies(&simulator, &token, &message_ids).await.json["entities"], json!([]));
    let (simulator, token, message_ids) = play_conversation(&["rest:late-body=50ms"]).await;
    let both_bodies =
        async { while entity_ids(&fetch_bodies(&simulator, &token, &message_ids).await.json).len() < 2 {} };
    within_timeout(both_bodies).await;
}

#[tokio::test]
async fn every_request_fault_changes_a_rest_response() {
    let faults = [
        "rest:status=503,retry-after=7",
        "rest:status=429,retry-after=1,times=2",
        "rest:not-json",
        "rest:empty",
        "rest:huge=100000",
        "rest:redirect",
        "rest:echo=500",
        "rest:reset",
        "rest:status=500,path=/users/",
        "channel:status=502",
    ];
    let simulator = start("", &faults).await;
    let token = access_token(&simulator).await;
    let line = format!("GET {}", message_conversation_path(&simulator, ""));
    let mut responses = Vec::new();
    for _ in 0..10 {
        responses.push(rest_request(&simulator, &token, &line, "").await);
    }
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [503, 429, 429, 200, 200, 200, 302, 500, 0, 200]);
    assert!(responses[0].head.contains("retry-after: 7"));
    assert!(responses[7].json["message"].as_str().unwrap().contains(&token));
    assert_eq!(simulator.request_log().requests[8].status, None);
    assert_eq!(rest_request(&simulator, &token, "GET /api/v2/users/x", "").await.status, 500);
    assert_eq!(rest_request(&simulator, &token, "POST /api/v2/notifications/channels", "").await.status, 502);
}

#[tokio::test]
async fn users_queues_and_open_conversations_are_found() {
    let (simulator, token, _) = play_conversation(&[]).await;
    let user = Simulator::user_id("Sam");
    let queue = Simulator::queue_id("Support");
    let sam = rest_request(&simulator, &token, &format!("GET /api/v2/users/{user}"), "").await;
    let support = rest_request(&simulator, &token, &format!("GET /api/v2/routing/queues/{queue}"), "").await;
    assert_eq!((&sam.json["name"], &support.json["name"]), (&json!("Sam"), &json!("Support")));

    let today = chrono::Utc::now().format("%Y-%m-%dT00:00:00Z/%Y-%m-%dT23:59:59Z").to_string();
    let query = |filters: Value| json!({ "interval": today, "conversationFilters": filters }).to_string();
    let open = query(json!([{ "type": "and", "predicates": [
        { "dimension": "conversationEnd", "operator": "notExists" },
        { "dimension": "queueId", "value": queue },
    ]}]));
    let line = "POST /api/v2/analytics/conversations/details/query";
    let found = rest_request(&simulator, &token, line, &open).await.json;
    assert_eq!(found["conversations"][0]["conversationId"], simulator.first_conversation().id());
    assert_eq!(found["conversations"][0]["participants"][2]["userId"], user.as_str());
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(rest_request(&simulator, &token, line, &open).await.json, json!({ "totalHits": 0 }));
    assert_eq!(rest_request(&simulator, &token, line, "{}").await.status, 400);
}

#[tokio::test]
async fn either_source_can_be_absent() {
    for (sources, faults, transcript, rest) in [
        (Sources::Both, &[][..], 426, 200),
        (Sources::Both, &["transcript:absent"][..], 404, 200),
        (Sources::NotificationsOnly, &[][..], 404, 200),
        (Sources::TranscriptOnly, &[][..], 426, 404),
    ] {
        let simulator = start_with("", faults, Options { sources, ..Options::default() }).await;
        let token = access_token(&simulator).await;
        let id = simulator.first_conversation().id().to_owned();
        let line = format!("GET /api/v2/messaging/conversations/{id}/transcript");
        assert_eq!(rest_request(&simulator, &token, &line, "").await.status, transcript, "{sources:?} {faults:?}");
        assert_eq!(
            rest_request(&simulator, &token, &format!("GET {}", message_conversation_path(&simulator, "")), "")
                .await
                .status,
            rest
        );
    }
    let call = start("+0 call", &[]).await;
    assert!(connect_transcript(&call, &access_token(&call).await).await.is_err());
}
