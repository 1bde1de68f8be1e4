//! The REST API, seen from the wire.

use std::time::Duration;

use genesys_tail::simulator::{Options, Simulator, Sources};
use serde_json::{Value, json};

use super::client::{ask, dial, everything, listed, open, request, soon, start, start_with, status, token};

const TALK: &str = "+0 customer Ada: one\n+0 agent Sam: two\n    @ a.png image/png 12";

/// A simulator in which the script was played, a token, and the ids of the messages.
async fn played(faults: &[&str]) -> (Simulator, String, Vec<String>) {
    let simulator = start(TALK, faults).await;
    let (token, mut socket) = (token(&simulator).await, open(&simulator).await);
    let log = soon(simulator.wait_for(|log| log.transcript_sockets[0].messages.len() == 2)).await;
    simulator.first_conversation().close(1000, "").await;
    everything(&mut socket).await;
    let ids = log.transcript_sockets[0].messages.clone();
    (simulator, token, ids)
}

fn path(simulator: &Simulator, rest: &str) -> String {
    format!("/api/v2/conversations/messages/{}{rest}", simulator.first_conversation().id())
}

async fn bulk(simulator: &Simulator, token: &str, ids: &[String]) -> super::client::Answer {
    ask(simulator, token, &format!("POST {}", path(simulator, "/messages/bulk")), &json!(ids).to_string()).await
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["entities"].as_array().unwrap().iter().map(|entity| entity["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_shape_lists_the_messages_of_the_transcript_and_every_way_leads_to_their_text() {
    let (simulator, token, said) = played(&[]).await;
    let id = simulator.first_conversation().id().to_owned();
    let nested = ask(&simulator, &token, &format!("GET /api/v2/conversations/{id}"), "").await;
    let flat = ask(&simulator, &token, &format!("GET {}", path(&simulator, "")), "").await;
    for conversation in [&nested.json, &flat.json] {
        assert_eq!(conversation["id"], id.as_str());
        assert_eq!(listed(conversation), said);
    }
    let purposes = |conversation: &Value| -> Vec<_> {
        let participants = conversation["participants"].as_array().unwrap().iter();
        participants.map(|one| one["purpose"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(purposes(&nested.json), ["customer", "acd", "agent"]);
    assert_eq!(nested.json["participants"][2]["userId"], Simulator::user_id("Sam"));
    assert_eq!(flat.json["participants"][2]["user"]["name"], "Sam");
    assert_eq!(flat.json["participants"][0]["queue"]["id"], Simulator::queue_id("Support"));

    let listing = bulk(&simulator, &token, &[said[1].clone(), "unknown".to_owned(), said[0].clone()]).await;
    assert_eq!(ids(&listing.json), [&said[1], &said[0]]);
    let (two, one) = (&listing.json["entities"][0], &listing.json["entities"][1]);
    assert_eq!((&one["normalizedMessage"]["text"], &one["direction"]), (&json!("one"), &json!("inbound")));
    assert_eq!(one.get("createdBy"), None);
    assert_eq!(two["createdBy"]["id"], Simulator::user_id("Sam"));
    assert_eq!(two["normalizedMessage"]["content"][0]["attachment"]["filename"], "a.png");
    let single = ask(&simulator, &token, &format!("GET {}/{}", path(&simulator, "/messages"), said[1]), "").await;
    let line = format!("GET /api/v2/conversations/messages/{}/details", said[1]);
    let details = ask(&simulator, &token, &line, "").await;
    assert_eq!((&single.json, &details.json), (two, two));
}

#[tokio::test]
async fn every_request_needs_a_token_and_is_counted() {
    let window = Duration::from_secs(1);
    let options = Options { rate_limit: 2, rate_limit_window: window, ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let line = format!("GET {}", path(&simulator, ""));
    let bare = request(&simulator, &format!("{line} HTTP/1.1"), "").await.unwrap();
    assert_eq!(status(&bare), 401);
    assert_eq!(ask(&simulator, "invented", &line, "").await.json["code"], "bad.credentials");
    let token = token(&simulator).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(ask(&simulator, &token, &line, "").await);
    }
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert!(
        answers[1].head.contains("inin-ratelimit-count: 2\r\ninin-ratelimit-allowed: 2\r\ninin-ratelimit-reset: 1")
    );
    assert!(answers[2].head.contains("retry-after: 1"));
    assert_eq!(answers[2].json["code"], "too.many.requests.retry.after");
    tokio::time::sleep(window).await;
    assert_eq!(ask(&simulator, &token, &line, "").await.status, 200);
    let requests = simulator.request_log().requests;
    assert_eq!(requests[0].token, None);
    assert_eq!(requests[4].status, Some(429));
    assert_eq!(simulator.request_log().count_requests("GET /api/v2/conversations/messages/"), 6);
}

#[tokio::test]
async fn what_is_not_there_or_not_permitted_is_refused_by_name() {
    let (simulator, token, said) = played(&["rest:deny=conversation:message:view"]).await;
    let refused = bulk(&simulator, &token, &said).await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("missing.any.permissions")));
    assert!(refused.json["message"].as_str().unwrap().contains("conversation:message:view"));
    assert!(refused.json["contextId"].is_string());

    let options = Options { permissions: Vec::new(), ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let token = super::client::token(&simulator).await;
    let refused = ask(&simulator, &token, "GET /api/v2/conversations/x", "").await;
    assert_eq!(refused.json["code"], "missing.permissions");
    assert!(refused.json["message"].as_str().unwrap().ends_with("conversation:communication:view"));
    for (line, wanted) in [
        ("GET /api/v2/conversations/messages/x", (404, "conversation.error.conversation.not.found")),
        ("GET /api/v2/users/me", (400, "not.a.user")),
        ("GET /api/v2/users/x", (404, "not.found")),
        ("GET /api/v2/elsewhere", (404, "not.found")),
    ] {
        let answer = ask(&simulator, &token, line, "").await;
        assert_eq!((answer.status, answer.json["code"].as_str().unwrap()), wanted, "{line}");
    }
}

#[tokio::test]
async fn a_bulk_request_has_its_limits() {
    let (simulator, token, _) = played(&[]).await;
    let many = |count| vec!["x".to_owned(); count];
    assert_eq!(bulk(&simulator, &token, &many(1000)).await.status, 200);
    assert_eq!(bulk(&simulator, &token, &many(1001)).await.json["code"], "bad.request");
    let line = format!("POST {}", path(&simulator, "/messages/bulk"));
    assert_eq!(ask(&simulator, &token, &line, "{}").await.status, 400);
}

#[tokio::test]
async fn bodies_can_be_late_missing_reversed_and_of_old() {
    let (simulator, token, said) = played(&["rest:newest-first,times=1", "rest:omit,after=1"]).await;
    let listing = bulk(&simulator, &token, &said).await.json;
    assert_eq!(ids(&listing), [&said[1], &said[0]]);
    assert_eq!(ids(&bulk(&simulator, &token, &said).await.json), [&said[1]]);
    assert_eq!(ids(&bulk(&simulator, &token, &said).await.json), [&said[0], &said[1]]);

    let (simulator, token, said) = played(&["rest:textbody"]).await;
    let old = bulk(&simulator, &token, &said).await.json;
    assert_eq!((&old["entities"][0]["textBody"], old["entities"][0].get("normalizedMessage")), (&json!("one"), None));
    assert_eq!(old["entities"][1]["media"][0]["name"], "a.png");

    let (simulator, token, said) = played(&["rest:late-body=1h"]).await;
    assert_eq!(bulk(&simulator, &token, &said).await.json["entities"], json!([]));
    let (simulator, token, said) = played(&["rest:late-body=50ms"]).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(ids(&bulk(&simulator, &token, &said).await.json).len(), 2);
}

#[tokio::test]
async fn requests_fail_in_every_way() {
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
    let token = token(&simulator).await;
    let line = format!("GET {}", path(&simulator, ""));
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(ask(&simulator, &token, &line, "").await);
    }
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [503, 429, 429, 200, 200, 200, 302, 500, 0, 200]);
    assert!(answers[0].head.contains("retry-after: 7"));
    assert!(answers[7].json["message"].as_str().unwrap().contains(&token));
    assert_eq!(simulator.request_log().requests[8].status, None);
    assert_eq!(ask(&simulator, &token, "GET /api/v2/users/x", "").await.status, 500);
    assert_eq!(ask(&simulator, &token, "POST /api/v2/notifications/channels", "").await.status, 502);
}

#[tokio::test]
async fn people_queues_and_conversations_are_found() {
    let (simulator, token, _) = played(&[]).await;
    let user = Simulator::user_id("Sam");
    let queue = Simulator::queue_id("Support");
    let sam = ask(&simulator, &token, &format!("GET /api/v2/users/{user}"), "").await;
    let support = ask(&simulator, &token, &format!("GET /api/v2/routing/queues/{queue}"), "").await;
    assert_eq!((&sam.json["name"], &support.json["name"]), (&json!("Sam"), &json!("Support")));

    let query = |filters: Value| {
        json!({ "interval": "2026-01-01T00:00Z/2046-01-01T00:00Z", "conversationFilters": filters }).to_string()
    };
    let open = query(json!([{ "type": "and", "predicates": [
        { "dimension": "conversationEnd", "operator": "notExists" },
        { "dimension": "queueId", "value": queue },
    ]}]));
    let line = "POST /api/v2/analytics/conversations/details/query";
    let found = ask(&simulator, &token, line, &open).await.json;
    assert_eq!(found["conversations"][0]["conversationId"], simulator.first_conversation().id());
    assert_eq!(found["conversations"][0]["participants"][2]["userId"], user.as_str());
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(ask(&simulator, &token, line, &open).await.json, json!({ "totalHits": 0 }));
    assert_eq!(ask(&simulator, &token, line, "{}").await.status, 400);
}

#[tokio::test]
async fn one_of_the_two_wires_can_be_missing() {
    for (sources, faults, transcript, rest) in [
        (Sources::Both, &[][..], 426, 200),
        (Sources::Both, &["transcript:absent"][..], 404, 200),
        (Sources::NotificationsOnly, &[][..], 404, 200),
        (Sources::TranscriptOnly, &[][..], 426, 404),
    ] {
        let simulator = start_with("", faults, Options { sources, ..Options::default() }).await;
        let token = token(&simulator).await;
        let id = simulator.first_conversation().id().to_owned();
        let line = format!("GET /api/v2/messaging/conversations/{id}/transcript");
        assert_eq!(ask(&simulator, &token, &line, "").await.status, transcript, "{sources:?} {faults:?}");
        assert_eq!(ask(&simulator, &token, &format!("GET {}", path(&simulator, "")), "").await.status, rest);
    }
    let call = start("+0 call", &[]).await;
    assert!(dial(&call, &token(&call).await).await.is_err());
}
