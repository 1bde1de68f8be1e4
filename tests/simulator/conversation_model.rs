//! The published API's view of a conversation: participants, messages, transcription and the end.

use genesys_tail::simulator::{Options, Simulator};
use serde_json::Value;

use super::client::{
    Socket, access_token, create_channel, listed_message_ids, next_event, next_events, open_notification_socket,
    open_transcript, play, queue_topic, read_to_end, rest_request, start, start_with, user_topic, within_timeout,
};

/// Opens a socket that is subscribed to these topics and to joins and leaves in the first conversation.
async fn subscribed_socket(simulator: &Simulator, topics: &[String]) -> Socket {
    let id = simulator.first_conversation().id().to_owned();
    let kinds = ["acd.start", "user.start", "user.end", "customer.end", "flow.start"];
    let details = kinds.map(|kind| format!("v2.detail.events.conversation.{id}.{kind}"));
    let topics: Vec<_> = topics.iter().cloned().chain(details).collect();
    let channel = create_channel(simulator, &access_token(simulator).await, &topics).await;
    open_notification_socket(simulator, &channel).await
}

async fn get_conversation(simulator: &Simulator) -> Value {
    let line = format!("GET /api/v2/conversations/{}", simulator.first_conversation().id());
    rest_request(simulator, &access_token(simulator).await, &line, "").await.json
}

/// Returns `purpose name state` of every participant.
fn describe_participants(conversation: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let participants = conversation["participants"].as_array().unwrap().iter();
    let fields = |participant: &Value| {
        [&participant["purpose"], &participant["name"], &participant["messages"][0]["state"]].map(word).join(" ")
    };
    participants.map(fields).collect()
}

#[tokio::test]
async fn a_bot_receives_the_customer_then_a_queue_then_agents() {
    let simulator = start("+60 bot Quill: never said", &[]).await;
    assert_eq!(describe_participants(&get_conversation(&simulator).await), ["customer - connected"]);
    let mut socket =
        subscribed_socket(&simulator, &[queue_topic("Billing"), user_topic("Sam"), user_topic("Noor")]).await;
    play(&simulator, "customer Ada: hi").await;
    play(&simulator, "bot Quill: what is it about?").await;
    assert_eq!(next_event(&mut socket).await, "flow.start");
    play(&simulator, "update queue=Billing").await;
    assert_eq!(next_events(&mut socket, 2).await, ["acd.start", "routing 2"]);
    play(&simulator, "alert agent Sam").await;
    assert_eq!(next_events(&mut socket, 2).await, ["routing 2", "users 2"]);
    play(&simulator, "agent Sam: hello").await;
    assert_eq!(next_events(&mut socket, 5).await, ["user.start", "routing 2", "users 2", "routing 3", "users 3"]);
    play(&simulator, "transfer agent Noor").await;
    let left = ["user.end", "acd.start", "routing 3", "users 3"];
    let came = ["routing 3", "users 3", "user.start", "routing 3", "users 3"];
    assert_eq!(next_events(&mut socket, 9).await, [&left[..], &came].concat());
    assert_eq!(
        describe_participants(&get_conversation(&simulator).await),
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
async fn neither_parking_nor_a_customer_who_left_ends_a_conversation() {
    let simulator = start("", &[]).await;
    let mut socket = subscribed_socket(&simulator, &[]).await;
    play(&simulator, "agent Sam: hello").await;
    play(&simulator, "park").await;
    let parked = get_conversation(&simulator).await;
    assert_eq!(describe_participants(&parked)[2], "agent Sam parked");
    assert!(parked["participants"][2]["messages"][0]["parkTime"].is_string());
    play(&simulator, "resume").await;
    play(&simulator, "leave customer").await;
    let left = get_conversation(&simulator).await;
    assert_eq!((describe_participants(&left)[0].as_str(), left.get("endTime")), ("customer - disconnected", None));
    play(&simulator, "close").await;
    let closed = get_conversation(&simulator).await;
    assert!(closed["endTime"].is_string());
    assert!(describe_participants(&closed).iter().all(|participant| participant.ends_with("disconnected")));
    assert_eq!(next_events(&mut socket, 3).await, ["user.start", "customer.end", "user.end"]);

    play(&simulator, "agent Sam: a late message").await;
    let after = get_conversation(&simulator).await;
    assert_eq!((describe_participants(&after), listed_message_ids(&after).len()), (describe_participants(&closed), 2));
}

#[tokio::test]
async fn both_shapes_list_the_same_messages_of_all_senders() {
    let simulator = start("", &[]).await;
    for line in
        ["customer Ada: hi", "acd Billing: one", "api Orders: two", "botflow Menu: three", "external Casey: four"]
    {
        play(&simulator, line).await;
    }
    let nested = get_conversation(&simulator).await;
    let participants = describe_participants(&nested);
    let expected =
        ["customer Ada connected", "acd Support disconnected", "acd Billing connected", "api Orders connected"];
    assert_eq!(participants[..4], expected);
    let line = format!("GET /api/v2/conversations/messages/{}", simulator.first_conversation().id());
    let flat = rest_request(&simulator, &access_token(&simulator).await, &line, "").await.json;
    let lists = |conversation: &Value, list: &str| -> Vec<Value> {
        let participants = conversation["participants"].as_array().unwrap().iter();
        participants.map(|participant| participant.pointer(list).unwrap().clone()).collect()
    };
    assert_eq!(lists(&nested, "/messages/0/messages"), lists(&flat, "/messages"));
    let ids = listed_message_ids(&nested);
    let line = format!("POST /api/v2/conversations/messages/{}/messages/bulk", simulator.first_conversation().id());
    let ids_json = serde_json::to_string(&ids).unwrap();
    let bodies = rest_request(&simulator, &access_token(&simulator).await, &line, &ids_json).await.json;
    for body in bodies["entities"].as_array().unwrap().iter().filter(|body| body["direction"] == "outbound") {
        assert_eq!((body.get("createdBy"), body["normalizedMessage"].get("originatingEntity")), (None, None), "{body}");
    }
}

#[tokio::test]
async fn system_lines_become_presence_typing_and_receipt_events() {
    let simulator = start("", &[]).await;
    let typing = format!("v2.users.{}.conversations.inbound.typing.event", Simulator::user_id("Sam"));
    let mut socket = subscribed_socket(&simulator, std::slice::from_ref(&typing)).await;
    for line in ["customer Ada: hi", "system Sam: joined", "system Ada: is typing", "system Ada: read the message"] {
        play(&simulator, line).await;
    }
    assert_eq!(next_events(&mut socket, 2).await, ["user.start".to_owned(), typing]);
    play(&simulator, "system Ada: left").await;
    assert_eq!(next_event(&mut socket).await, "customer.end");
    let now = get_conversation(&simulator).await;
    let messages = now["participants"][0]["messages"][0]["messages"].as_array().unwrap();
    let kinds: Vec<_> = messages.iter().map(|message| message["messageMetadata"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Text", "Event", "Receipt", "Event"]);
    assert_eq!(messages[3]["messageMetadata"]["events"][0]["subType"], "Disconnect");
}

#[tokio::test]
async fn a_script_starts_when_a_socket_receives_its_events() {
    let simulator = start("+0 customer Ada: one\n+0 agent Sam: two\n+0 close", &[]).await;
    assert_eq!(listed_message_ids(&get_conversation(&simulator).await), Vec::<String>::new());
    let mut socket = subscribed_socket(&simulator, &[queue_topic("Support")]).await;
    while next_event(&mut socket).await != "customer.end" {}
    let mut late = open_transcript(&simulator).await;
    assert_eq!(read_to_end(&mut late).await[0], "closed");
    assert_eq!(listed_message_ids(&get_conversation(&simulator).await).len(), 2);

    let rejecting = start("+0 customer Ada: one", &["channel:reject=v2"]).await;
    let channel = create_channel(&rejecting, &access_token(&rejecting).await, &[queue_topic("Support")]).await;
    let first_message = async { while listed_message_ids(&get_conversation(&rejecting).await).is_empty() {} };
    within_timeout(first_message).await;
    assert_eq!(rejecting.request_log().subscriptions[0].channel, channel);
}

#[tokio::test]
async fn conversations_share_users_but_no_message_ids() {
    let conversations = vec!["a".to_owned(), "b".to_owned()];
    let simulator = start_with("", &[], Options { conversations, ..Options::default() }).await;
    let mut socket = subscribed_socket(&simulator, &[user_topic("Sam")]).await;
    for id in ["a", "b"] {
        simulator.conversation(id).unwrap().play("agent Sam: hello").await.unwrap();
    }
    assert_eq!(next_events(&mut socket, 4).await, ["users 0", "user.start", "users 0", "users 1"]);
    assert_eq!(next_events(&mut socket, 3).await, ["users 0", "users 0", "users 1"]);
    let token = access_token(&simulator).await;
    let mut ids = Vec::new();
    for id in ["a", "b"] {
        let response = rest_request(&simulator, &token, &format!("GET /api/v2/conversations/messages/{id}"), "").await;
        ids.extend(listed_message_ids(&response.json));
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_call_is_published_as_partial_and_final_transcripts() {
    let script = "+0 call\n+0 customer Ada: My number is 427.\n    ~ my number\n+0 agent Sam: Thanks.\n+0 close";
    let simulator = start(script, &[]).await;
    let id = simulator.first_conversation().id().to_owned();
    let flat = rest_request(
        &simulator,
        &access_token(&simulator).await,
        &format!("GET /api/v2/conversations/messages/{id}"),
        "",
    )
    .await;
    assert_eq!(flat.status, 404);
    let now = get_conversation(&simulator).await;
    assert_eq!(
        (&now["participants"][0]["calls"][0]["state"], listed_message_ids(&now).len()),
        (&Value::from("connected"), 0)
    );
    let topic = format!("v2.conversations.{id}.transcription");
    let channel = create_channel(&simulator, &access_token(&simulator).await, &[topic]).await;
    let mut socket = open_notification_socket(&simulator, &channel).await;
    let transcripts = next_events(&mut socket, 5).await;
    assert_eq!(transcripts[0], "\"SESSION_ONGOING\"");
    assert_eq!(transcripts[1..4], ["EXTERNAL my number", "EXTERNAL My number is 427.", "INTERNAL Thanks."]);
    assert_eq!(transcripts[4], "\"SESSION_ENDED\"");
}
