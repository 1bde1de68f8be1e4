//! Readers of stdout that are fast, slow, stalled or gone (OUT-6, OUT-40 to OUT-44, CONN-30, CONN-46).

use std::time::Duration;

use crate::support::program::{Finished, Running, program, simulator, within_timeout};
use genesys_tail::simulator::{ConversationHandle, Simulator};
use tokio::time::Instant;

// Windows has no pseudo-terminals, no signals, no non-blocking pipes, no datagram sockets without a network and no full device.
#[cfg(unix)]
mod unix;

/// Length of the text of a long message, in bytes.
const LONG_TEXT: usize = 32 << 10;

const NO_TIMESTAMPS: [&str; 2] = ["--timestamps", "none"];

/// Starts the program on a conversation without a script.
async fn start_program(args: &[&str]) -> (Simulator, Running) {
    let simulator = simulator("", &[]).await;
    let mut command = program(&simulator, &[&NO_TIMESTAMPS, args].concat());
    let running = start(&simulator, &mut command).await;
    (simulator, running)
}

/// Starts a command and waits until its socket is open.
async fn start(simulator: &Simulator, command: &mut tokio::process::Command) -> Running {
    let running = Running::start(command);
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 1)).await;
    running
}

/// Sends this many long messages, numbered from 0.
async fn send_long_messages(conversation: &ConversationHandle, count: usize) {
    for number in 0..count {
        let text = format!("{number:05}{:.>width$}", "", width = LONG_TEXT - 5);
        conversation.send_text(format!(r#"{{"event":"messageAdded","payload":{{"text":"{text}"}}}}"#)).await;
    }
}

/// Returns the numbers of the long messages among these lines.
fn message_numbers(lines: &str) -> Vec<usize> {
    lines.lines().filter_map(|line| line.strip_prefix("[Unknown] Unknown: ")?.get(..5)?.parse().ok()).collect()
}

/// Waits for this many more pings of the client.
async fn wait_for_pings(simulator: &Simulator, more: u64) {
    let before = simulator.request_log().transcript_sockets[0].pings;
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pings >= before + more)).await;
}

#[tokio::test]
async fn a_line_is_written_as_soon_as_it_is_known() {
    let (simulator, mut running) = start_program(&[]).await;
    for number in 1..=3 {
        let sent_at = Instant::now();
        simulator.first_conversation().play(&format!("customer Ada: {number}")).await.unwrap();
        assert_eq!(running.next_line().await, format!("[Customer] Ada: {number}"));
        assert!(sent_at.elapsed() < Duration::from_secs(1), "{:?}", sent_at.elapsed());
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_the_program_at_once_and_silently() {
    // Windows shows that a reader has gone only when the next line is written.
    let idle_cases: &[bool] = if cfg!(windows) { &[false] } else { &[true, false] };
    for &idle in idle_cases {
        let (simulator, mut running) = start_program(&[]).await;
        let conversation = simulator.first_conversation();
        let lines = if idle { 3 } else { 100_000 };
        conversation.apply_fault(&format!("burst={lines}")).await.unwrap();
        for number in 1..=3 {
            assert_eq!(running.next_line().await, format!("[Customer] Ada: burst {number}"));
        }
        let closed_at = Instant::now();
        running.stdout = None;
        let Finished { code, stderr, .. } = running.finish().await;
        assert!(closed_at.elapsed() < Duration::from_secs(1), "{:?}", closed_at.elapsed());
        assert_eq!((code, stderr.lines().count()), (Some(0), 1), "the only line is `connected`: {stderr}");
    }
}

#[tokio::test]
async fn pings_of_the_server_are_answered_while_the_reader_stalls_within_the_buffer() {
    let (simulator, running) = start_program(&[]).await;
    let conversation = simulator.first_conversation();
    send_long_messages(&conversation, 100).await;
    // These pings follow the messages, so a pong means that all of them were read.
    conversation.apply_fault("ping=50ms").await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].pongs >= 3)).await;
    conversation.play("close").await.unwrap();
    assert_eq!(message_numbers(&running.finish().await.stdout), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn pings_continue_and_idle_detection_pauses_while_the_socket_is_held_back() {
    let args = ["--ping-interval", "200ms", "--idle-timeout", "500ms", "--stall-buffer", "64KiB"];
    let (simulator, running) = start_program(&args).await;
    let conversation = simulator.first_conversation();
    send_long_messages(&conversation, 20).await;
    wait_for_pings(&simulator, 6).await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!((finished.code, message_numbers(&finished.stdout)), (Some(0), (0..20).collect()), "{}", finished.stderr);
    assert_eq!(simulator.request_log().transcript_sockets.len(), 1, "{}", finished.stderr);
}
