//! Ends of a run: by the server, the conversation, or the user (CONN-22, CONN-46, SRC-19).

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, sleep};

use super::harness::{
    Server, close, conversation_closed, is_between, paused, received_close_code, retry_at_most, retry_forever, run,
    run_until, send, serve,
};
use crate::supervisor::Outcome;

#[test]
fn a_normal_close_of_the_server_ends_the_run() {
    for code in [1000, 1001] {
        let finished = run(
            vec![serve(move |mut server| async move {
                send(&mut server, &["m1", "m2"]).await;
                close(&mut server, code).await;
            })],
            retry_at_most(5),
        );
        assert_eq!(finished.result, Ok(Outcome::ClosedByServer), "{code}");
        assert_eq!(finished.texts(), ["m1", "m2"]);
    }
}

#[test]
fn frames_in_flight_after_the_end_are_read_and_the_client_closes_with_1000() {
    let code = Rc::new(Cell::new(None));
    let seen = Rc::clone(&code);
    let finished = run(
        vec![serve(|mut server| async move {
            server.send(conversation_closed()).await.expect("sent");
            sleep(Duration::from_secs(1)).await;
            send(&mut server, &["late"]).await;
            seen.set(received_close_code(&mut server).await);
        })],
        retry_at_most(0),
    );
    assert_eq!(finished.result, Ok(Outcome::Closed));
    assert_eq!(finished.lines[0], "[CLOSED] Conversation terminated");
    assert_eq!(finished.texts()[1], "late");
    assert_eq!(code.get(), Some(1000));
}

#[test]
fn a_server_that_never_answers_the_close_is_abandoned_after_four_seconds() {
    let ended = paused(async {
        let start = Instant::now();
        run_until(
            vec![serve(|mut server| async move {
                server.send(conversation_closed()).await.expect("sent");
                std::future::pending::<()>().await;
            })],
            retry_at_most(0),
            std::future::pending(),
        )
        .await;
        start.elapsed()
    });
    assert!(is_between(ended, 4_000, 4_100), "{ended:?}");
}

#[test]
fn with_follow_a_normal_close_reconnects_until_the_conversation_ends() {
    let closing = |code| serve(move |mut server: Server| async move { close(&mut server, code).await });
    let over = serve(|mut server| async move {
        server.send(conversation_closed()).await.expect("sent");
        close(&mut server, 1000).await;
    });
    let finished = run(vec![closing(1000), closing(1001), over], retry_forever());
    assert_eq!((finished.result, finished.attempts.len()), (Ok(Outcome::Closed), 3));
}

#[test]
fn stopping_closes_with_1000_and_delivers_what_was_read() {
    let code = Rc::new(Cell::new(None));
    let seen = Rc::clone(&code);
    let server = serve(|mut server| async move {
        send(&mut server, &["m1"]).await;
        seen.set(received_close_code(&mut server).await);
    });
    let finished = paused(run_until(vec![server], retry_at_most(5), async { sleep(Duration::from_secs(3)).await }));
    assert_eq!((finished.result.clone(), code.get()), (Ok(Outcome::Stopped), Some(1000)));
    assert_eq!(finished.texts(), ["m1"]);
}

#[test]
fn stopping_ends_the_delay_before_a_retry() {
    let stopped = paused(async {
        let start = Instant::now();
        let finished = run_until(vec![], retry_forever(), sleep(Duration::from_secs(10))).await;
        assert_eq!(finished.result, Ok(Outcome::Stopped));
        start.elapsed()
    });
    assert!(is_between(stopped, 10_000, 10_100), "{stopped:?}");
}

#[test]
fn stopping_right_after_the_end_closes_with_1000() {
    let code = Rc::new(Cell::new(None));
    let seen = Rc::clone(&code);
    let server = serve(|mut server| async move {
        server.send(conversation_closed()).await.expect("sent");
        seen.set(received_close_code(&mut server).await);
    });
    let left = paused(async {
        let start = Instant::now();
        let finished = run_until(vec![server], retry_at_most(0), async { sleep(Duration::from_secs(1)).await }).await;
        assert_eq!(finished.result, Ok(Outcome::Closed));
        tokio::task::yield_now().await;
        start.elapsed()
    });
    assert!(is_between(left, 1_000, 1_100), "{left:?}");
    assert_eq!(code.get(), Some(1000));
}
