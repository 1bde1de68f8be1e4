//! Calls of queues and users, and the status lines about what is followed (CLI-12, TGT-10, TGT-11, TGT-13).

use genesys_tail::simulator::{Options, Simulator};

use super::notifications_only;
use crate::support::program::{Running, program, simulator_with, within_timeout};

const CHAT: &str = "85c0155f-0000-4000-8000-000000000001";
const CALL: &str = "97b9dcb3-0000-4000-8000-000000000002";

/// Starts a simulator with a conversation of messages and a call, in which nothing has happened.
async fn chat_and_call(faults: &[&str]) -> Simulator {
    let options = Options {
        conversations: vec![CHAT.into(), CALL.into()],
        more_scripts: vec!["+0 call".parse().unwrap()],
        ..notifications_only()
    };
    simulator_with("", faults, options).await
}

/// Follows the queue Support with these further flags.
async fn follow(simulator: &Simulator, flags: &[&str]) -> Running {
    let queue = Simulator::queue_id("Support");
    let mut command = program(simulator, &["--queue", &queue, "--timestamps", "none"]);
    let running = Running::start(command.args(flags).env_remove("GENESYS_CONVERSATION_ID"));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    running
}

/// Waits until a call is transcribed: it has no history.
async fn wait_for_transcription(simulator: &Simulator) {
    let is_transcription = |topic: &String| topic.ends_with(".transcription");
    let is_subscribed = simulator
        .wait_for(|log| log.subscriptions.iter().any(|subscription| subscription.topics.iter().any(is_transcription)));
    within_timeout(is_subscribed).await;
}

/// Stops the program. Returns the rest of standard output, and all of standard error.
async fn stop(running: Running) -> (String, String) {
    let finished = running.stop().await;
    (finished.stdout, finished.stderr)
}

#[tokio::test]
async fn messages_and_calls_of_a_queue_are_printed_with_the_names_of_both_sides() {
    let simulator = chat_and_call(&[]).await;
    let (chat, call) = (simulator.conversation(CHAT).unwrap(), simulator.conversation(CALL).unwrap());
    chat.play("customer Noor: before").await.unwrap();
    call.play("customer Ada: unheard").await.unwrap();
    let mut running = follow(&simulator, &[]).await;
    assert_eq!(running.next_line().await, "85c0155f [Customer] Noor: before");
    wait_for_transcription(&simulator).await;
    let queue = Simulator::queue_id("Support");
    running.wait_for_stderr(&format!("following queue Support ({queue}): 2 open conversations")).await;
    call.play("join agent Sam").await.unwrap();
    call.play("customer Ada: hello").await.unwrap();
    let mut line = running.next_line().await;
    while line.contains("[UPDATE]") {
        line = running.next_line().await;
    }
    assert_eq!(line, "97b9dcb3 [Customer] Ada: hello");
    call.play("agent Sam: hi Ada").await.unwrap();
    assert_eq!(running.next_line().await, "97b9dcb3 [Agent] Sam: hi Ada");
    chat.play("customer Noor: a message").await.unwrap();
    assert!(running.next_line().await.starts_with("85c0155f [Customer] "));
    call.play("close").await.unwrap();
    running.wait_for_stderr(&format!("ended {CALL}: Ada, call, queue Support")).await;
    let (_, stderr) = stop(running).await;
    assert!(!stderr.contains("warning"), "{stderr}");
}

#[tokio::test]
async fn only_the_wanted_medium_is_followed() {
    for (medium, printed, topic) in [("message", CHAT, "messages"), ("call", CALL, "calls")] {
        let simulator = chat_and_call(&[]).await;
        for id in [CHAT, CALL] {
            simulator.conversation(id).unwrap().play("customer Ada: before").await.unwrap();
        }
        let mut running = follow(&simulator, &["--media", medium]).await;
        running.wait_for_stderr(": 1 open conversation").await;
        if medium == "call" {
            wait_for_transcription(&simulator).await;
        } else {
            assert_eq!(running.next_line().await, "85c0155f [Customer] Ada: before");
        }
        for id in [CHAT, CALL] {
            let conversation = simulator.conversation(id).unwrap();
            conversation.play("customer Ada: hello").await.unwrap();
        }
        let line = running.next_line().await;
        assert!(line.starts_with(&printed[..8]) && line.ends_with(": hello"), "{line}");
        let (rest, stderr) = stop(running).await;
        assert!(rest.lines().all(|line| line.starts_with(&printed[..8])), "{rest}{stderr}");
        let log = simulator.request_log();
        let of_queues: Vec<&String> = log
            .subscriptions
            .iter()
            .flat_map(|subscription| &subscription.topics)
            .filter(|topic| topic.starts_with("v2.routing.queues."))
            .collect();
        assert!(of_queues.iter().any(|wanted| wanted.ends_with(topic)), "{of_queues:?}");
    }
}

#[tokio::test]
async fn without_the_permission_for_calls_there_is_one_warning_and_messages_are_followed() {
    let simulator = chat_and_call(&["rest:deny=conversation:transcription:view"]).await;
    simulator.conversation(CALL).unwrap().play("customer Ada: unheard").await.unwrap();
    let mut running = follow(&simulator, &[]).await;
    running.wait_for_stderr("cannot subscribe to transcriptions of calls").await;
    simulator.conversation(CALL).unwrap().play("customer Ada: hello").await.unwrap();
    simulator.conversation(CHAT).unwrap().play("customer Ada: a message").await.unwrap();
    assert!(running.next_line().await.ends_with("a message"));
    let (rest, stderr) = stop(running).await;
    assert_eq!((rest.as_str(), stderr.matches("warning").count()), ("", 1), "{stderr}");
}
