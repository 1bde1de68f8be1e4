//! How a tail ends: by the server, by the conversation, by the user.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, sleep};

use super::harness::{
    Server, at_most, close, closed_with, conversation_closed, on_and_on, paused, play, play_until, say, serve, within,
};
use crate::supervisor::Outcome;

#[test]
fn an_orderly_close_of_the_server_ends_the_tail() {
    for code in [1000, 1001] {
        let played = play(
            vec![serve(move |mut server| async move {
                say(&mut server, &["m1", "m2"]).await;
                close(&mut server, code).await;
            })],
            at_most(5),
        );
        assert_eq!(played.result, Ok(Outcome::Ended), "{code}");
        assert_eq!(played.texts(), ["m1", "m2"]);
    }
}

#[test]
fn after_the_end_what_is_in_flight_is_read_and_the_client_closes() {
    let code = Rc::new(Cell::new(None));
    let seen = Rc::clone(&code);
    let played = play(
        vec![serve(|mut server| async move {
            server.send(conversation_closed()).await.expect("sent");
            sleep(Duration::from_secs(1)).await;
            say(&mut server, &["late"]).await;
            seen.set(closed_with(&mut server).await);
        })],
        at_most(0),
    );
    assert_eq!(played.result, Ok(Outcome::Closed));
    assert_eq!(played.lines[0], "[CLOSED] Conversation terminated");
    assert_eq!(played.texts()[1], "late");
    assert_eq!(code.get(), Some(1000));
}

#[test]
fn a_server_that_never_answers_our_close_is_left_after_four_seconds() {
    let ended = paused(async {
        let start = Instant::now();
        play_until(
            vec![serve(|mut server| async move {
                server.send(conversation_closed()).await.expect("sent");
                std::future::pending::<()>().await;
            })],
            at_most(0),
            std::future::pending(),
        )
        .await;
        start.elapsed()
    });
    assert!(within(ended, 4_000, 4_100), "{ended:?}");
}

#[test]
fn follow_goes_on_after_an_orderly_close_until_the_conversation_is_over() {
    let closing = |code| serve(move |mut server: Server| async move { close(&mut server, code).await });
    let over = serve(|mut server| async move {
        server.send(conversation_closed()).await.expect("sent");
        close(&mut server, 1000).await;
    });
    let played = play(vec![closing(1000), closing(1001), over], on_and_on());
    assert_eq!((played.result, played.attempts.len()), (Ok(Outcome::Closed), 3));
}

#[test]
fn stopping_closes_with_1000_and_keeps_what_was_read() {
    let code = Rc::new(Cell::new(None));
    let seen = Rc::clone(&code);
    let server = serve(|mut server| async move {
        say(&mut server, &["m1"]).await;
        seen.set(closed_with(&mut server).await);
    });
    let played = paused(play_until(vec![server], at_most(5), async { sleep(Duration::from_secs(3)).await }));
    assert_eq!((played.result.clone(), code.get()), (Ok(Outcome::Stopped), Some(1000)));
    assert_eq!(played.texts(), ["m1"]);
}

#[test]
fn stopping_does_not_wait_for_a_retry() {
    let stopped = paused(async {
        let start = Instant::now();
        let played = play_until(vec![], on_and_on(), sleep(Duration::from_secs(10))).await;
        assert_eq!(played.result, Ok(Outcome::Stopped));
        start.elapsed()
    });
    assert!(within(stopped, 10_000, 10_100), "{stopped:?}");
}

#[test]
fn leaving_right_after_the_end_closes_with_1000_as_well() {
    let code = Rc::new(Cell::new(None));
    let seen = Rc::clone(&code);
    let server = serve(|mut server| async move {
        server.send(conversation_closed()).await.expect("sent");
        seen.set(closed_with(&mut server).await);
    });
    let left = paused(async {
        let start = Instant::now();
        let played = play_until(vec![server], at_most(0), async { sleep(Duration::from_secs(1)).await }).await;
        assert_eq!(played.result, Ok(Outcome::Closed));
        tokio::task::yield_now().await;
        start.elapsed()
    });
    assert!(within(left, 1_000, 1_100), "{left:?}");
    assert_eq!(code.get(), Some(1000));
}
