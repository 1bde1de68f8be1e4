//! The lines about a connection (ERR-1, ERR-2, ERR-3). The wall clock stands still, so that an outage takes 0 s.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use regex::Regex;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use super::harness::{
    Attempt, Finished, close, conversation_closed, no_local_server, retry_at_most, retry_forever, run, send, serve,
    unreachable_host,
};
use crate::status::captured_lines::captured_lines;
use crate::supervisor::RetryPolicy;

/// Runs a source against these attempts, and asserts the lines about its connections, which are patterns.
fn assert_lines(attempts: Vec<Attempt>, policy: RetryPolicy, expected: &[&str]) -> Finished {
    let (finished, lines) = captured_lines(|| run(attempts, policy));
    // The harness refuses the history.
    let lines: Vec<_> = lines.iter().filter(|line| !line.contains("403")).collect();
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, pattern) in lines.iter().zip(expected) {
        assert!(Regex::new(&format!("^{pattern}$")).unwrap().is_match(line), "{lines:?}");
    }
    finished
}

fn closes_at_once(code: u16) -> Attempt {
    serve(move |mut server| async move { close(&mut server, code).await })
}

fn sends(id: &'static str) -> Attempt {
    serve(move |mut server| async move { send(&mut server, &[id]).await })
}

fn sends_and_closes(id: &'static str) -> Attempt {
    serve(move |mut server| async move {
        send(&mut server, &[id]).await;
        close(&mut server, 1000).await;
    })
}

fn ends_the_conversation() -> Attempt {
    serve(|mut server| async move {
        server.send(conversation_closed()).await.expect("sent");
        close(&mut server, 1000).await;
    })
}

#[test]
fn a_reconnect_is_logged_with_the_loss_its_retry_and_the_duration() {
    let finished = assert_lines(
        vec![sends("m1"), Attempt::Refuse(unreachable_host()), sends_and_closes("m2")],
        retry_at_most(5),
        &[
            r"connected to test \(transcript\)",
            r"warning: connection lost: closed without a close frame \(1006\); retry 1 of 5 in [12]\.\d s",
            r"warning: cannot reach api\.example\.invalid: .*; retry 2 of 5 in [23]\.\d s",
            r"reconnected to test \(transcript\) after 0 s",
        ],
    );
    assert_eq!(finished.counts.reconnects, 1);
}

#[test]
fn the_first_retry_of_a_missing_local_server_has_a_hint() {
    let refuse = || Attempt::Refuse(no_local_server());
    assert_lines(
        vec![refuse(), refuse(), sends_and_closes("m1")],
        retry_at_most(5),
        &[
            r"warning: cannot reach 127\.0\.0\.1:1: connection refused; retry 1 of 5 in [12]\.\d s; start the simulator \(.*",
            r"warning: cannot reach 127\.0\.0\.1:1: connection refused; retry 2 of 5 in [23]\.\d s",
            r"connected to test \(transcript\)",
        ],
    );
}

#[test]
fn an_unlimited_retry_has_no_maximum() {
    assert_lines(
        vec![sends_and_closes("m1"), ends_the_conversation()],
        retry_forever(),
        &[
            r"connected to test \(transcript\)",
            r"warning: connection lost: closed by the server with 1000; retry 1 in [12]\.\d s",
            r"reconnected to test \(transcript\) after 0 s",
        ],
    );
}

#[test]
fn a_connection_that_is_closed_at_once_is_not_announced() {
    for code in [1008, 1011] {
        let closed = format!("warning: connection lost: closed by the server with {code}; retry");
        let finished = assert_lines(
            vec![closes_at_once(code), closes_at_once(code), sends_and_closes("m1")],
            retry_at_most(5),
            &[
                &format!(r"{closed} 1 of 5 in [12]\.\d s"),
                &format!(r"{closed} 2 of 5 in [23]\.\d s"),
                r"connected to test \(transcript\)",
            ],
        );
        assert_eq!(finished.counts.reconnects, 0, "{code}");
    }
}

#[test]
fn an_outage_lasts_until_a_connection_is_accepted() {
    let finished = assert_lines(
        vec![sends("m1"), closes_at_once(1011), sends_and_closes("m2")],
        retry_at_most(5),
        &[
            r"connected to test \(transcript\)",
            r"warning: connection lost: closed without a close frame \(1006\); retry 1 of 5 in [12]\.\d s",
            r"warning: connection lost: closed by the server with 1011; retry 2 of 5 in [23]\.\d s",
            r"reconnected to test \(transcript\) after 0 s",
        ],
    );
    assert_eq!(finished.counts.reconnects, 1);
}

#[test]
fn the_answer_to_the_first_ping_is_an_acceptance() {
    let answering = serve(|mut server| async move {
        let ping = server.next().await;
        assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
        server.flush().await.expect("the pong is sent");
        sleep(Duration::from_millis(500)).await;
        close(&mut server, 1011).await;
    });
    assert_lines(vec![answering], retry_at_most(0), &[r"connected to test \(transcript\)"]);
}

#[test]
fn an_open_connection_without_any_answer_is_accepted_after_a_second() {
    for (open_for, expected) in [(900, &[][..]), (1100, &[r"connected to test \(transcript\)"])] {
        let silent = serve(move |mut server| async move {
            sleep(Duration::from_millis(open_for)).await;
            close(&mut server, 1011).await;
        });
        assert_lines(vec![silent], retry_at_most(0), expected);
    }
}
