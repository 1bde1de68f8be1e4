//! Frames up to and above `--max-frame-size` (SRC-17, CLI-44).

use genesys_tail::simulator::Simulator;

use super::{api_simulator, start};
use crate::support::memory::peak_memory_mib;
use crate::support::program::{Running, within_timeout};

const MEBIBYTE: usize = 1 << 20;

/// Maximum memory in MiB while the program holds one frame of the default limit, in a debug build.
const MAX_MEMORY_MIB: usize = 96;

/// Returns an event of the conversation, padded to this number of bytes.
fn event(simulator: &Simulator, bytes: usize) -> String {
    let topic = format!("v2.users.{}.conversations.messages", Simulator::user_id("Sam Okafor"));
    let id = simulator.first_conversation().id().to_owned();
    let head =
        format!(r#"{{"topicName":"{topic}","version":"2","eventBody":{{"id":"{id}","participants":[{{"notes":""#);
    let tail = r#""}]}}"#;
    let padding = "x".repeat(bytes - head.len() - tail.len());
    head + &padding + tail
}

/// Starts the program and waits until it has printed a message.
async fn start_and_print(simulator: &Simulator, args: &[&str]) -> Running {
    let mut running = start(simulator, args).await;
    assert_prints(simulator, "before", &mut running).await;
    running
}

/// Sends a customer message and asserts that the program prints it next.
async fn assert_prints(simulator: &Simulator, text: &str, running: &mut Running) {
    simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    assert_eq!(running.next_line().await, format!("[Customer] Ada: {text}"));
}

/// Ends the conversation and returns the close code of each socket.
async fn end_conversation(simulator: &Simulator, running: Running) -> Vec<Option<u16>> {
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout, "[UPDATE] Ada left\n[CLOSED] Conversation terminated\n", "{}", finished.stderr);
    simulator.request_log().notification_sockets.iter().map(|listener| listener.close_code).collect()
}

#[tokio::test]
async fn a_frame_of_fifteen_mebibytes_is_read_in_bounded_memory() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start_and_print(&simulator, &[]).await;
    simulator.send_notification(event(&simulator, 15 * MEBIBYTE)).await;
    assert_prints(&simulator, "after the frame", &mut running).await;
    let memory = peak_memory_mib(running.child.id()).unwrap();
    assert!(memory <= MAX_MEMORY_MIB, "{memory} MiB");
    assert!(!running.stderr().contains("retry") && !running.stderr().contains("skipped"), "{}", running.stderr());
    assert_eq!(end_conversation(&simulator, running).await, [Some(1000)]);
}

#[tokio::test]
async fn a_frame_above_the_limit_closes_with_1009_and_reconnects_on_the_same_channel() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start_and_print(&simulator, &["--max-frame-size", "1MiB"]).await;
    simulator.send_notification(event(&simulator, MEBIBYTE)).await;
    assert_prints(&simulator, "at the limit", &mut running).await;
    assert_eq!(simulator.request_log().notification_sockets.len(), 1, "{}", running.stderr());
    simulator.send_notification(event(&simulator, MEBIBYTE + 1)).await;
    running.wait_for_stderr("connection lost: message above --max-frame-size (1009); retry 1 of 5").await;
    within_timeout(simulator.wait_for(|log| log.notification_sockets.len() == 2)).await;
    assert_prints(&simulator, "after the frame", &mut running).await;
    let memory = peak_memory_mib(running.child.id()).unwrap();
    assert!(memory <= MAX_MEMORY_MIB / 2, "{memory} MiB");
    assert_eq!(end_conversation(&simulator, running).await, [Some(1009), Some(1000)]);
    assert_eq!(simulator.request_log().channels.len(), 1);
}
