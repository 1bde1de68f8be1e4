//! The same conversation on both sources: who comes, who goes, and when it is over.

use genesys_tail::simulator::{Options, Simulator};
use serde_json::Value;

use super::client::{Socket, ask, channel, everything, listen, next, open, some, soon, start, start_with, token};
use super::notifications::{queue_topic, user_topic};

/// A socket that hears of these, and of whoever comes and goes in the first conversation.
async fn ear(simulator: &Simulator, topics: &[String]) -> Socket {
    let id = simulator.first_conversation().id().to_owned();
    let kinds = ["acd.start", "user.start", "user.end", "customer.end", "flow.start"];
    let details = kinds.map(|kind| format!("v2.detail.events.conversation.{id}.{kind}"));
    let topics: Vec<_> = topics.iter().cloned().chain(details).collect();
    let channel = channel(simulator, &token(simulator).await, &topics).await;
    listen(simulator, &channel).await
}

async fn play(simulator: &Simulator, line: &str) {
    simulator.first_conversation().play(line).await.unwrap();
}

async fn conversation(simulator: &Simulator) -> Value {
    let line = format!("GET /api/v2/conversations/{}", simulator.first_conversation().id());
    ask(simulator, &token(simulator).await, &line, "").await.json
}

/// `purpose name state` of everybody.
fn people(conversation: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let participants = conversation["participants"].as_array().unwrap().iter();
    let one = |one: &Value| [&one["purpose"], &one["name"], &one["messages"][0]["state"]].map(word).join(" ");
    participants.map(one).collect()
}

#[tokio::test]
async fn a_bot_receives_the_customer_then_a_queue_then_agents() {
    let simulator = start("+60 bot Quill: never said", &[]).await;
    assert_eq!(people(&conversation(&simulator).await), ["customer - connected"]);
    let mut socket = ear(&simulator, &[queue_topic("Billing"), user_topic("Sam"), user_topic("Noor")]).await;
    play(&simulator, "customer Ada: hi").await;
    play(&simulator, "bot Quill: what is it about?").await;
    assert_eq!(next(&mut socket).await, "flow.start");
    play(&simulator, "update queue=Billing").await;
    assert_eq!(some(&mut socket, 2).await, ["acd.start", "routing 2"]);
    play(&simulator, "alert agent Sam").await;
    assert_eq!(some(&mut socket, 2).await, ["routing 2", "users 2"]);
    play(&simulator, "agent Sam: hello").await;
    assert_eq!(some(&mut socket, 5).await, ["user.start", "routing 2", "users 2", "routing 3", "users 3"]);
    play(&simulator, "transfer agent Noor").await;
    let left = ["user.end", "acd.start", "routing 3", "users 3"];
    let came = ["routing 3", "users 3", "user.start", "routing 3", "users 3"];
    assert_eq!(some(&mut socket, 9).await, [&left[..], &came].concat());
    assert_eq!(
        people(&conversation(&simulator).await),
        [
            "customer Ada connected",
            "workflow Quill disconnected",
            "acd Billing disconnected",
            "agent Sam disconnected",
            "acd Billing disconnected",
            "agent Noor connected"
        ]
    );
}

#[tokio::test]
async fn parked_is_not_over_and_neither_is_a_customer_who_left() {
    let simulator = start("", &[]).await;
    let mut socket = ear(&simulator, &[]).await;
    play(&simulator, "agent Sam: hello").await;
    play(&simulator, "park").await;
    let parked = conversation(&simulator).await;
    assert_eq!(people(&parked)[2], "agent Sam parked");
    assert!(parked["participants"][2]["messages"][0]["parkTime"].is_string());
    play(&simulator, "resume").await;
    play(&simulator, "leave customer").await;
    let left = conversation(&simulator).await;
    assert_eq!((people(&left)[0].as_str(), left.get("endTime")), ("customer - disconnected", None));
    play(&simulator, "close").await;
    let over = conversation(&simulator).await;
    assert!(over["endTime"].is_string());
    assert!(people(&over).iter().all(|one| one.ends_with("disconnected")));
    assert_eq!(some(&mut socket, 3).await, ["user.start", "customer.end", "user.end"]);

    play(&simulator, "agent Sam: a word after the end").await;
    let after = conversation(&simulator).await;
    assert_eq!((people(&after), super::client::listed(&after).len()), (people(&over), 2));
}

#[tokio::test]
async fn what_the_system_says_is_presence_typing_and_receipts() {
    let simulator = start("", &[]).await;
    let typing = format!("v2.users.{}.conversations.inbound.typing.event", Simulator::user_id("Sam"));
    let mut socket = ear(&simulator, std::slice::from_ref(&typing)).await;
    for line in ["customer Ada: hi", "system Sam: joined", "system Ada: is typing", "system Ada: read the message"] {
        play(&simulator, line).await;
    }
    assert_eq!(some(&mut socket, 2).await, ["user.start".to_owned(), typing]);
    play(&simulator, "system Ada: left").await;
    assert_eq!(next(&mut socket).await, "customer.end");
    let now = conversation(&simulator).await;
    let messages = now["participants"][0]["messages"][0]["messages"].as_array().unwrap();
    let kinds: Vec<_> = messages.iter().map(|message| message["messageMetadata"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Text", "Event", "Receipt", "Event"]);
    assert_eq!(messages[3]["messageMetadata"]["events"][0]["subType"], "Disconnect");
}

#[tokio::test]
async fn a_conversation_begins_when_a_socket_can_hear_it() {
    let simulator = start("+0 customer Ada: one\n+0 agent Sam: two\n+0 close", &[]).await;
    assert_eq!(super::client::listed(&conversation(&simulator).await), Vec::<String>::new());
    let mut socket = ear(&simulator, &[queue_topic("Support")]).await;
    while next(&mut socket).await != "customer.end" {}
    let mut late = open(&simulator).await;
    assert_eq!(everything(&mut late).await[0], "closed");
    assert_eq!(super::client::listed(&conversation(&simulator).await).len(), 2);

    let refused = start("+0 customer Ada: one", &["channel:reject=v2"]).await;
    let channel = channel(&refused, &token(&refused).await, &[queue_topic("Support")]).await;
    let told = async { while super::client::listed(&conversation(&refused).await).is_empty() {} };
    soon(told).await;
    assert_eq!(refused.request_log().subscriptions[0].channel, channel);
}

#[tokio::test]
async fn several_conversations_share_people_and_no_message() {
    let conversations = vec!["a".to_owned(), "b".to_owned()];
    let simulator = start_with("", &[], Options { conversations, ..Options::default() }).await;
    let mut socket = ear(&simulator, &[user_topic("Sam")]).await;
    for id in ["a", "b"] {
        simulator.conversation(id).unwrap().play("agent Sam: hello").await.unwrap();
    }
    assert_eq!(some(&mut socket, 4).await, ["users 0", "user.start", "users 0", "users 1"]);
    assert_eq!(some(&mut socket, 3).await, ["users 0", "users 0", "users 1"]);
    let token = token(&simulator).await;
    let mut ids = Vec::new();
    for id in ["a", "b"] {
        let answer = ask(&simulator, &token, &format!("GET /api/v2/conversations/messages/{id}"), "").await;
        ids.extend(super::client::listed(&answer.json));
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_call_is_heard_word_by_word() {
    let script = "+0 call\n+0 customer Ada: My number is 427.\n    ~ my number\n+0 agent Sam: Thanks.\n+0 close";
    let simulator = start(script, &[]).await;
    let id = simulator.first_conversation().id().to_owned();
    let flat = ask(&simulator, &token(&simulator).await, &format!("GET /api/v2/conversations/messages/{id}"), "").await;
    assert_eq!(flat.status, 404);
    let now = conversation(&simulator).await;
    assert_eq!((&now["participants"][0]["calls"][0]["state"], listed(&now)), (&Value::from("connected"), 0));
    let topic = format!("v2.conversations.{id}.transcription");
    let channel = channel(&simulator, &token(&simulator).await, &[topic]).await;
    let mut socket = listen(&simulator, &channel).await;
    let heard = some(&mut socket, 5).await;
    assert_eq!(heard[0], "\"SESSION_ONGOING\"");
    assert_eq!(heard[1..4], ["EXTERNAL my number", "EXTERNAL My number is 427.", "INTERNAL Thanks."]);
    assert_eq!(heard[4], "\"SESSION_ENDED\"");
}

fn listed(conversation: &Value) -> usize {
    super::client::listed(conversation).len()
}
