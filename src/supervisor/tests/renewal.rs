//! Renewal: the next connection opens before the old one closes (CONN-27, CONN-28).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::harness::{
    Attempt, close, idle, is_between, paused, received_close_code, retry_at_most, run, run_until, send, serve,
    serve_for, serve_late, unreachable_host,
};
use crate::supervisor::Outcome;

#[test]
fn a_renewal_opens_the_next_connection_before_it_closes_the_old_one() {
    let events = Rc::new(RefCell::new(Vec::new()));
    let (first, second) = (Rc::clone(&events), Rc::clone(&events));
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        send(&mut server, &["m1"]).await;
        let code = received_close_code(&mut server).await;
        first.borrow_mut().push(format!("old closed with {code:?}"));
    });
    let new = serve(|mut server| async move {
        second.borrow_mut().push("new opened".to_owned());
        send(&mut server, &["m1", "m2"]).await;
        idle(&mut server, 5).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![old, new], retry_at_most(0));
    assert_eq!(finished.result, Ok(Outcome::ClosedByServer));
    assert_eq!(finished.texts(), ["m1", "m2"], "no gap and no repeat");
    assert_eq!(finished.attempts[1], Duration::from_secs(60));
    assert_eq!(*events.borrow(), ["new opened", "old closed with Some(1000)"]);
}

#[test]
fn frames_in_flight_on_the_old_connection_are_delivered() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        idle(&mut server, 59).await;
        sleep(Duration::from_millis(1500)).await;
        // The client has sent its close frame by now.
        send(&mut server, &["m1", "m2"]).await;
        received_close_code(&mut server).await;
    });
    let new = serve(|mut server| async move {
        sleep(Duration::from_secs(1)).await;
        send(&mut server, &["m2", "m3"]).await;
        close(&mut server, 1000).await;
    });
    assert_eq!(run(vec![old, new], retry_at_most(0)).texts(), ["m1", "m2", "m3"]);
}

#[test]
fn a_connection_that_falls_silent_before_its_renewal_is_an_outage() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        send(&mut server, &["m1"]).await;
        idle(&mut server, 59).await;
        // The server stops reading. It sends m2, which is lost.
        sleep(Duration::from_secs(600)).await;
    });
    let successor = serve(|mut server| async move {
        send(&mut server, &["m3"]).await;
        idle(&mut server, 600).await;
    });
    let next = serve(|mut server| async move {
        send(&mut server, &["m3"]).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![old, successor, next], retry_at_most(3));
    assert_eq!(finished.result, Ok(Outcome::ClosedByServer));
    assert!(matches!(finished.texts()[..], ["m1", gap, "m3"] if gap.contains("GAP")), "{:?}", finished.lines);
}

#[test]
fn a_successor_that_ends_at_once_leaves_the_old_connection_open() {
    for (messages, closes) in [(&["m1"][..], true), (&["m1"], false), (&[], true), (&[], false)] {
        let old = serve_for(Duration::from_secs(60), |mut server| async move {
            idle(&mut server, 61).await;
            send(&mut server, &["m1", "m2"]).await;
            received_close_code(&mut server).await;
        });
        // A successor that has sent nothing is not accepted yet.
        let broken = serve(move |mut server| async move {
            send(&mut server, messages).await;
            if messages.is_empty() {
                sleep(Duration::from_millis(500)).await;
            }
            if closes {
                close(&mut server, 1001).await;
            }
        });
        let new = serve(|mut server| async move {
            send(&mut server, &["m2", "m3"]).await;
            idle(&mut server, 5).await;
            close(&mut server, 1000).await;
        });
        let finished = run(vec![old, broken, new], retry_at_most(0));
        assert_eq!(finished.result, Ok(Outcome::ClosedByServer), "{messages:?} {closes}");
        assert_eq!(finished.texts(), ["m1", "m2", "m3"], "{messages:?} {closes}");
    }
}

#[test]
fn a_server_that_allows_one_connection_closes_the_old_one_for_the_new_one() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        send(&mut server, &["m1"]).await;
        idle(&mut server, 59).await;
        sleep(Duration::from_millis(1500)).await;
        close(&mut server, 1000).await;
    });
    let new = serve(|mut server| async move {
        send(&mut server, &["m2"]).await;
        idle(&mut server, 5).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![old, new], retry_at_most(0));
    assert_eq!(finished.result, Ok(Outcome::ClosedByServer));
    assert_eq!(finished.attempts.len(), 2);
    // Nothing proves that no message was lost in between.
    assert!(matches!(finished.texts()[..], ["m1", gap, "m2"] if gap.contains("GAP")), "{:?}", finished.lines);
}

#[test]
fn a_server_that_answers_no_ping_hands_over_with_the_next_message() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        for second in 0..=62 {
            // Sending does not read, so that no ping is answered.
            send(&mut server, &[&format!("m{second}")]).await;
            sleep(Duration::from_secs(1)).await;
        }
        received_close_code(&mut server).await;
    });
    let new = serve(|mut server| async move {
        sleep(Duration::from_secs(3)).await;
        send(&mut server, &["m62", "m63"]).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![old, new], retry_at_most(0));
    assert_eq!((finished.result.clone(), finished.attempts.len()), (Ok(Outcome::ClosedByServer), 2));
    let expected: Vec<_> = (0..=63).map(|second| format!("m{second}")).collect();
    assert_eq!(finished.texts(), expected);
}

#[test]
fn a_failed_renewal_leaves_the_old_connection_open() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        idle(&mut server, 61).await;
        send(&mut server, &["m1"]).await;
        received_close_code(&mut server).await;
    });
    let new = serve(|mut server| async move {
        send(&mut server, &["m2"]).await;
        idle(&mut server, 5).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![old, Attempt::Refuse(unreachable_host()), new], retry_at_most(0));
    assert_eq!(finished.result, Ok(Outcome::ClosedByServer));
    assert_eq!(finished.texts(), ["m1", "m2"]);
    assert_eq!(finished.attempts.len(), 3);
}

#[test]
fn a_stable_connection_resets_the_retries_of_its_successor() {
    let mut attempts: Vec<Attempt> = (0..3).map(|_| Attempt::Refuse(unreachable_host())).collect();
    attempts.push(serve_for(Duration::from_secs(60), |mut server| async move {
        received_close_code(&mut server).await;
    }));
    // The successor takes over and breaks after two seconds.
    attempts.push(serve(|mut server| async move { idle(&mut server, 2).await }));
    attempts.push(serve(|mut server| async move { close(&mut server, 1000).await }));
    let delays = run(attempts, retry_at_most(3)).delays();
    assert!(is_between(delays[4], 3_000, 4_000), "the first in a row again: {delays:?}");
}

#[test]
fn stopping_during_a_renewal_opens_no_further_connection() {
    let opened = Rc::new(Cell::new(false));
    let seen = Rc::clone(&opened);
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        idle(&mut server, 60).await;
        // The close frame is not answered: the client waits for 500 ms, and the renewal takes less.
        sleep(Duration::from_secs(5)).await;
    });
    let new = serve_late(Duration::from_millis(300), |_server| async move { seen.set(true) });
    let finished = paused(async {
        let stop = sleep(Duration::from_millis(60_100));
        Box::pin(run_until(vec![old, new], retry_at_most(0), stop)).await
    });
    assert_eq!((finished.result, finished.attempts.len()), (Ok(Outcome::Stopped), 2));
    assert!(!opened.get());
}
