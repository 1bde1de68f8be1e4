//! Calls: live transcription without history (CALL-1 to CALL-7, TGT-11).

use genesys_tail::simulator::{Options, Script, Simulator};

use super::{notifications_only, run_to_end, scripted_simulator, start};
use crate::support::program::{run, simulator_with, within_timeout};

#[tokio::test]
async fn only_final_utterances_are_printed_with_their_speakers() {
    // At the script's own pace, because the time of an utterance decides its speaker.
    let script = Script::built_in("call").unwrap();
    let simulator = Simulator::start(Options { script, ..notifications_only() }).await.unwrap();
    let (finished, log) = run_to_end(&simulator, &[]).await;
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
    let is_transcription = |topic: &String| topic.ends_with(".transcription");
    assert!(log.subscriptions.iter().any(|subscription| subscription.topics.iter().any(is_transcription)));
}

#[tokio::test]
async fn a_reconnect_during_a_call_prints_one_gap_before_the_next_utterance() {
    let simulator = simulator_with("call", &[], notifications_only()).await;
    let mut running = start(&simulator, &[]).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: before").await.unwrap();
    assert_eq!(running.next_line().await, "[Customer] Ada: before");
    simulator.apply_fault("notify:reset").await.unwrap();
    running.wait_for_stderr("retry 1").await;
    conversation.play("customer Ada: unheard").await.unwrap();
    within_timeout(simulator.wait_for(|log| log.notification_sockets.len() == 2)).await;
    conversation.play("customer Ada: after").await.unwrap();
    assert!(running.next_line().await.starts_with("[GAP] "));
    assert_eq!(running.next_line().await, "[Customer] Ada: after");
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains("[GAP]"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_missing_transcription_permission_is_a_warning() {
    let simulator = scripted_simulator("call", 4.0, &["rest:deny=conversation:transcription:view"]).await;
    let finished = run(&simulator, &["--source", "notifications"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let warning = "cannot subscribe to transcriptions of calls (missing permission \
                   conversation:transcription:view";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
}
