//! A peer that says nothing, and a machine that slept.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::sleep;

use super::harness::{ASLEEP, Act, at_most, close, connect, idle, paused, play, say, serve, within, without_past};
use crate::supervisor::Outcome;

#[test]
fn a_silent_server_is_pinged_and_left_after_the_idle_timeout() {
    let pings = Rc::new(Cell::new(0));
    let seen = Rc::clone(&pings);
    let silent = serve(|mut server| async move {
        // Reading by the protocol would answer the pings. An empty masked ping has six bytes.
        let mut sent = Vec::new();
        server.get_mut().read_to_end(&mut sent).await.expect("what the client sent");
        seen.set(sent.len() / 6);
    });
    let played = play(vec![silent, serve(|mut server| async move { close(&mut server, 1000).await })], at_most(1));
    assert!(within(played.waits()[0], 46_000, 47_000), "45 s and the first delay: {:?}", played.waits());
    assert_eq!((played.result, pings.get()), (Ok(Outcome::Ended), 2));
    assert_eq!(played.lines.len(), 1, "one gap: {:?}", played.lines);
}

#[test]
fn pongs_are_a_sign_of_life() {
    let answering = serve(|mut server| async move {
        idle(&mut server, 600).await;
        close(&mut server, 1000).await;
    });
    let played = play(vec![answering], at_most(0));
    assert_eq!((played.result, played.attempts.len()), (Ok(Outcome::Ended), 1));
}

#[test]
fn a_machine_that_slept_reconnects_at_once() {
    let slept = |seconds| {
        serve(move |mut server| async move {
            say(&mut server, &["m1"]).await;
            sleep(Duration::from_secs(7)).await;
            ASLEEP.set(ASLEEP.get() + Duration::from_secs(seconds));
            idle(&mut server, 20).await;
            close(&mut server, 1000).await;
        })
    };
    let played = play(vec![slept(9)], at_most(0));
    assert_eq!((played.result, played.attempts.len()), (Ok(Outcome::Ended), 1), "a nap changes nothing");

    let played = play(vec![slept(3600), serve(|mut server| async move { close(&mut server, 1000).await })], at_most(0));
    assert_eq!((played.result, played.counts.gaps), (Ok(Outcome::Ended), 1), "and it is no failure");
    assert!(within(played.attempts[1], 7_000, 12_000), "{:?}", played.attempts);
}

#[test]
fn a_reader_that_was_waited_for_is_no_sign_of_life_of_the_server() {
    paused(async {
        let Act::Serve(life, play) = serve(|mut server| async move { say(&mut server, &["m1"]).await }) else { return };
        let mut session = connect(life, play, without_past()).await;
        assert!(session.next().await.is_ok());
        let last_activity = session.last_activity();
        session.hold(sleep(Duration::from_secs(600))).await;
        assert!(matches!(session.ready(), None | Some(Err(_))));
        assert_eq!(session.last_activity(), last_activity, "a gap runs from the last thing that really came");
    });
}
