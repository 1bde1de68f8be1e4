//! Malformed, fragmented and oversized frames on a real socket (SRC-10 to SRC-18).

use crate::support::program::{Finished, Running, program, run, simulator, simulator_without_history, within_timeout};
use genesys_tail::simulator::Simulator;

const ARGS: [&str; 2] = ["--timestamps", "none"];

/// Sends these frames and the end of the conversation over one connection.
async fn run_with_frames(frames: &[&str], args: &[&str]) -> Finished {
    let simulator = simulator("", &[]).await;
    let running = start(&simulator, args).await;
    let conversation = simulator.first_conversation();
    for frame in frames {
        conversation.send_text(*frame).await;
    }
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!((finished.code, simulator.request_log().transcript_sockets.len()), (Some(0), 1), "{}", finished.stderr);
    finished
}

/// Starts the program and waits until its transcript socket is open.
async fn start(simulator: &Simulator, args: &[&str]) -> Running {
    let running = Running::start(&mut program(simulator, &[&ARGS, args].concat()));
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 1)).await;
    running
}

#[tokio::test]
async fn malformed_frames_are_skipped_and_counted() {
    let kinds = "unknown-event malformed odd-types binary-junk";
    let faults: Vec<String> = kinds.split(' ').map(|fault| format!("socket:{fault},after=1")).collect();
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let simulator = simulator_without_history("+0 customer Ada: one\n+0 customer Ada: zwö\n+0 close", &faults).await;
    let finished = run(&simulator, &ARGS).await;
    let expected = "\
        [Customer] Ada: one\n\
        [Unknown] Unknown: id is a number\n\
        [Unknown] Unknown: from is null\n\
        [Agent] 7: from has other types\n\
        [UPDATE] Conversation status changed\n\
        [Customer] Ada: zwö\n\
        [CLOSED] Conversation terminated\n";
    assert_eq!((finished.stdout.as_str(), finished.code), (expected, Some(0)));
    let warnings = finished.stderr.lines().filter(|line| line.contains("warning: skipped ")).count();
    assert_eq!(warnings, 1, "at most once a minute: {}", finished.stderr);
    let summary = "conversation ended: 7 lines, 6 unreadable frames\n";
    assert!(finished.stderr.ends_with(summary), "{}", finished.stderr);
    assert_eq!(simulator.request_log().transcript_sockets.len(), 1);
}

#[tokio::test]
async fn fragmented_and_binary_messages_print_the_same_line() {
    for shape in ["fragmented", "binary"] {
        let fault = format!("socket:{shape}");
        let simulator = simulator_without_history("+0 customer Ada: größer 😀\n+0 close", &[&fault]).await;
        let lines = run(&simulator, &ARGS).await.stdout;
        assert_eq!(lines, "[Customer] Ada: größer 😀\n[CLOSED] Conversation terminated\n", "{shape}");
    }
}

#[tokio::test]
async fn events_are_printed_in_order_of_arrival_and_equal_messages_twice() {
    let message = |timestamp: u32, text: &str| {
        format!(
            r#"{{"event":"messageAdded","payload":{{"timestamp":{timestamp},"text":"{text}","from":{{"id":"external"}}}}}}"#
        )
    };
    let with_id = r#"{"event":"messageAdded","payload":{"id":"m1","text":"once"}}"#;
    let lone_surrogate =
        r#"{"event":"messageAdded","payload":{"text":"half \ud83d","title":"x","from":{"id":"a","name":""}}}"#;
    let frames =
        [&message(20, "later"), &message(10, "earlier"), &message(10, "earlier"), with_id, with_id, lone_surrogate];
    let finished = run_with_frames(&frames.map(AsRef::as_ref), &[]).await;
    let expected = "\
        [Customer] external: later\n\
        [Customer] external: earlier\n\
        [Customer] external: earlier\n\
        [Unknown] Unknown: once\n\
        [Agent] a: half \u{fffd}\n\
        [CLOSED] Conversation terminated\n";
    assert_eq!(finished.stdout, expected);
    assert!(finished.stderr.ends_with("conversation ended: 6 lines\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn an_unacceptable_frame_closes_the_connection_with_its_code_and_reconnects() {
    tokio::join!(
        assert_closes_with(1007, "bad-utf8"),
        assert_closes_with(1009, "oversize=5000"),
        assert_closes_with(1009, "oversize=5000,fragments=4"),
        assert_closes_with(1002, "reserved-bits"),
    );
}

async fn assert_closes_with(code: u16, fault: &str) {
    let simulator = simulator("", &["socket:replay"]).await;
    let running = start(&simulator, &["--max-frame-size", "4KiB"]).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: one").await.unwrap();
    conversation.apply_fault(fault).await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets.len() == 2)).await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    let is_not_gap = |line: &&str| !line.starts_with("[GAP] ");
    let lines: Vec<&str> = finished.stdout.lines().filter(is_not_gap).collect();
    assert_eq!(lines, ["[Customer] Ada: one", "[CLOSED] Conversation terminated"], "{fault}");
    let close_codes: Vec<_> =
        simulator.request_log().transcript_sockets.iter().map(|connection| connection.close_code).collect();
    assert_eq!((close_codes, finished.code), (vec![Some(code), Some(1000)], Some(0)), "{fault}");
}
