//! Frames as large as `--max-frame-size` lets pass, and larger ones.

use genesys_tail::simulator::Simulator;

use crate::notifications::api;
use crate::support::program::{Running, peak_memory_mib, program, within_timeout};

const MEBIBYTE: usize = 1 << 20;

/// What the program takes in MiB with one frame of the default limit in hand, in a debug build.
const BOUNDED: usize = 96;

/// An event of the conversation in a text frame of this many bytes, nearly all of which say nothing.
fn event(simulator: &Simulator, bytes: usize) -> String {
    let topic = format!("v2.users.{}.conversations.messages", Simulator::user_id("Sam Okafor"));
    let id = simulator.first_conversation().id().to_owned();
    let head =
        format!(r#"{{"topicName":"{topic}","version":"2","eventBody":{{"id":"{id}","participants":[{{"notes":""#);
    let tail = r#""}]}}"#;
    let filling = "x".repeat(bytes - head.len() - tail.len());
    head + &filling + tail
}

/// A tail that has printed its first line.
async fn begun(simulator: &Simulator, args: &[&str]) -> Running {
    let usual = ["--source", "notifications", "--timestamps", "none"];
    let mut running = Running::start(&mut program(simulator, &[&usual, args].concat()));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    say(simulator, "before", &mut running).await;
    running
}

async fn say(simulator: &Simulator, text: &str, running: &mut Running) {
    simulator.first_conversation().play(&format!("customer Ada: {text}")).await.unwrap();
    assert_eq!(running.next_line().await, format!("[Customer] Ada: {text}"));
}

/// Ends the conversation, and returns the codes that the sockets were closed with.
async fn over(simulator: &Simulator, running: Running) -> Vec<Option<u16>> {
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout, "[UPDATE] Ada left\n[CLOSED] Conversation terminated\n", "{}", finished.stderr);
    simulator.request_log().notification_sockets.iter().map(|listener| listener.close_code).collect()
}

#[tokio::test]
async fn a_frame_of_fifteen_mebibytes_is_an_event_like_any_other_in_bounded_memory() {
    let simulator = api("", &[]).await;
    let mut running = begun(&simulator, &[]).await;
    simulator.send_notification(event(&simulator, 15 * MEBIBYTE)).await;
    say(&simulator, "after it", &mut running).await;
    let memory = peak_memory_mib(running.child.id()).unwrap();
    assert!(memory <= BOUNDED, "{memory} MiB");
    assert!(!running.stderr().contains("retry") && !running.stderr().contains("skipped"), "{}", running.stderr());
    assert_eq!(over(&simulator, running).await, [Some(1000)]);
}

#[tokio::test]
async fn a_frame_above_the_limit_is_refused_with_1009_and_the_tail_comes_back_to_its_channel() {
    let simulator = api("", &[]).await;
    let mut running = begun(&simulator, &["--max-frame-size", "1MiB"]).await;
    simulator.send_notification(event(&simulator, MEBIBYTE)).await;
    say(&simulator, "as large as may be", &mut running).await;
    assert_eq!(simulator.request_log().notification_sockets.len(), 1, "{}", running.stderr());
    simulator.send_notification(event(&simulator, MEBIBYTE + 1)).await;
    running.wait_for_stderr("a message above the limit of --max-frame-size (1009); retry 1 of 5").await;
    within_timeout(simulator.wait_for(|log| log.notification_sockets.len() == 2)).await;
    say(&simulator, "after it", &mut running).await;
    let memory = peak_memory_mib(running.child.id()).unwrap();
    assert!(memory <= BOUNDED / 2, "{memory} MiB");
    assert_eq!(over(&simulator, running).await, [Some(1009), Some(1000)]);
    assert_eq!(simulator.request_log().channels.len(), 1);
}
