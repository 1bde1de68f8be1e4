//! Phone calls, whose words are heard and never read again.

use genesys_tail::simulator::{Options, Script, Simulator};

use crate::notifications::{named, published, tail};
use crate::support::program::{Running, program, run, simulator_with, within_timeout};

#[tokio::test]
async fn a_call_is_told_by_the_right_speakers_and_in_final_words() {
    // At its own pace: who speaks is found out by the time of what was said.
    let script = Script::built_in("call").unwrap();
    let simulator = Simulator::start(Options { script, ..published() }).await.unwrap();
    let (finished, log) = tail(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let messages: Vec<_> = finished.stdout.lines().filter(|line| !line.contains("[UPDATE]")).collect();
    assert_eq!(
        messages,
        [
            "[Bot] Welcome Line: Thank you for calling Northwind. This call may be transcribed.",
            "[Agent] Sam Okafor: Northwind, this is Sam. How can I help?",
            "[Customer] Ada Marlow: My order number is 427.",
            "[Agent] Sam Okafor: Thank you. One moment, please.",
            "[Agent] Sam Okafor: It left our warehouse this morning.",
            "[Customer] Ada Marlow: Wonderful. Goodbye!",
            "[CLOSED] Conversation terminated",
        ]
    );
    let transcription = |one: &str| one.ends_with(".transcription");
    assert!(log.subscriptions.iter().any(|one| one.topics.iter().any(|topic| transcription(topic))));
}

#[tokio::test]
async fn a_reconnect_during_a_call_is_one_gap_before_whatever_comes_then() {
    let simulator = simulator_with("call", &[], published()).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: before").await.unwrap();
    assert_eq!(tail.next_line().await, "[Customer] Ada: before");
    simulator.apply_fault("notify:reset").await.unwrap();
    tail.wait_for_stderr("retry 1").await;
    conversation.play("customer Ada: unheard").await.unwrap();
    within_timeout(simulator.wait_for(|log| log.notification_sockets.len() == 2)).await;
    conversation.play("customer Ada: after").await.unwrap();
    assert!(tail.next_line().await.starts_with("[GAP] "));
    assert_eq!(tail.next_line().await, "[Customer] Ada: after");
    conversation.play("close").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains("[GAP]"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_call_that_may_not_be_transcribed_is_a_warning() {
    let simulator = named("call", 4.0, &["rest:deny=conversation:transcription:view"]).await;
    let finished = run(&simulator, &["--source", "notifications"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let warning = "events of the transcription of calls cannot be subscribed: the OAuth client lacks the permission \
                   conversation:transcription:view";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
}
