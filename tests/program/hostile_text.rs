//! Frames on a real socket, contract section 2: whatever a server sends, the tail goes on.

use crate::support::program::{Finished, Running, program, run, simulator, simulator_without_history, within_timeout};
use genesys_tail::simulator::Simulator;

const PLAIN: [&str; 2] = ["--timestamps", "none"];

/// Plays these frames in one connection, then the end of the conversation.
async fn printed(frames: &[&str], args: &[&str]) -> Finished {
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

async fn start(simulator: &Simulator, args: &[&str]) -> Running {
    let running = Running::start(&mut program(simulator, &[&PLAIN, args].concat()));
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 1)).await;
    running
}

#[tokio::test]
async fn nothing_a_frame_can_be_ends_the_tail_or_hides_its_neighbours() {
    let odd = "unknown-event malformed odd-types binary-junk";
    let faults: Vec<String> = odd.split(' ').map(|fault| format!("socket:{fault},after=1")).collect();
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let simulator = simulator_without_history("+0 customer Ada: one\n+0 customer Ada: zwö\n+0 close", &faults).await;
    let finished = run(&simulator, &PLAIN).await;
    let expected = "\
        [Customer] Ada: one\n\
        [Unknown] Unknown: id is a number\n\
        [Unknown] Unknown: from is null\n\
        [Agent] 7: from has other types\n\
        [UPDATE] Conversation status changed\n\
        [Customer] Ada: zwö\n\
        [CLOSED] Conversation terminated\n";
    assert_eq!((finished.stdout.as_str(), finished.code), (expected, Some(0)));
    let complaints = finished.stderr.lines().filter(|line| line.contains("warning: skipped ")).count();
    assert_eq!(complaints, 1, "at most once a minute: {}", finished.stderr);
    let end = "conversation ended: 7 lines, 6 frames that could not be read\n";
    assert!(finished.stderr.ends_with(end), "{}", finished.stderr);
    assert_eq!(simulator.request_log().transcript_sockets.len(), 1);
}

#[tokio::test]
async fn a_frame_in_pieces_or_in_a_binary_one_is_the_same_line() {
    for shape in ["fragmented", "binary"] {
        let fault = format!("socket:{shape}");
        let simulator = simulator_without_history("+0 customer Ada: größer 😀\n+0 close", &[&fault]).await;
        let lines = run(&simulator, &PLAIN).await.stdout;
        assert_eq!(lines, "[Customer] Ada: größer 😀\n[CLOSED] Conversation terminated\n", "{shape}");
    }
}

#[tokio::test]
async fn order_is_that_of_arrival_and_the_same_words_twice_are_two_lines() {
    let said = |clock: u32, text: &str| {
        format!(
            r#"{{"event":"messageAdded","payload":{{"timestamp":{clock},"text":"{text}","from":{{"id":"external"}}}}}}"#
        )
    };
    let with_id = r#"{"event":"messageAdded","payload":{"id":"m1","text":"once"}}"#;
    let lone = r#"{"event":"messageAdded","payload":{"text":"half \ud83d","title":"x","from":{"id":"a","name":""}}}"#;
    let frames = [&said(20, "later"), &said(10, "earlier"), &said(10, "earlier"), with_id, with_id, lone];
    let finished = printed(&frames.map(AsRef::as_ref), &[]).await;
    let expected = "\
        [Customer] external: later\n\
        [Customer] external: earlier\n\
        [Customer] external: earlier\n\
        [Unknown] Unknown: once\n\
        [Agent] a: half \u{fffd}\n\
        [CLOSED] Conversation terminated\n";
    assert_eq!(finished.stdout, expected);
    assert!(finished.stderr.ends_with("conversation ended: 6 lines, 1 repeat hidden\n"), "{}", finished.stderr);
}

#[tokio::test]
async fn what_cannot_be_accepted_closes_the_connection_with_its_code_and_reconnects() {
    tokio::join!(
        closes_with(1007, "bad-utf8"),
        closes_with(1009, "oversize=5000"),
        closes_with(1009, "oversize=5000,fragments=4"),
        closes_with(1002, "reserved-bits"),
    );
}

async fn closes_with(code: u16, fault: &str) {
    let simulator = simulator("", &["socket:replay"]).await;
    let running = start(&simulator, &["--max-frame-size", "4KiB"]).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: one").await.unwrap();
    conversation.apply_fault(fault).await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets.len() == 2)).await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    let no_gap = |line: &&str| !line.starts_with("[GAP] ");
    let lines: Vec<&str> = finished.stdout.lines().filter(no_gap).collect();
    assert_eq!(lines, ["[Customer] Ada: one", "[CLOSED] Conversation terminated"], "{fault}");
    let closed: Vec<_> =
        simulator.request_log().transcript_sockets.iter().map(|connection| connection.close_code).collect();
    assert_eq!((closed, finished.code), (vec![Some(code), Some(1000)], Some(0)), "{fault}");
}
