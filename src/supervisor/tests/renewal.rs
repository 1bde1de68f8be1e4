//! The next connection is opened before the old one is closed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::harness::{Act, at_most, close, closed_with, idle, play, say, serve, serve_for, unreachable_host, within};
use crate::supervisor::Outcome;

#[test]
fn renewal_opens_the_next_connection_before_it_closes_the_old_one() {
    let events = Rc::new(RefCell::new(Vec::new()));
    let (first, second) = (Rc::clone(&events), Rc::clone(&events));
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        say(&mut server, &["m1"]).await;
        let code = closed_with(&mut server).await;
        first.borrow_mut().push(format!("old closed with {code:?}"));
    });
    let new = serve(|mut server| async move {
        second.borrow_mut().push("new opened".to_owned());
        say(&mut server, &["m1", "m2"]).await;
        close(&mut server, 1000).await;
    });
    let played = play(vec![old, new], at_most(0));
    assert_eq!(played.result, Ok(Outcome::Ended));
    assert_eq!(played.texts(), ["m1", "m2"], "no gap, nothing twice");
    assert_eq!(played.attempts[1], Duration::from_secs(60));
    assert_eq!(*events.borrow(), ["new opened", "old closed with Some(1000)"]);
}

#[test]
fn what_the_old_connection_still_brings_is_not_lost() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        idle(&mut server, 59).await;
        sleep(Duration::from_millis(1500)).await;
        // By now the client has asked for the end, and this is still under way.
        say(&mut server, &["m1", "m2"]).await;
        closed_with(&mut server).await;
    });
    let new = serve(|mut server| async move {
        sleep(Duration::from_secs(1)).await;
        say(&mut server, &["m2", "m3"]).await;
        close(&mut server, 1000).await;
    });
    assert_eq!(play(vec![old, new], at_most(0)).texts(), ["m1", "m2", "m3"]);
}

#[test]
fn a_renewal_that_fails_leaves_the_old_connection_alone() {
    let old = serve_for(Duration::from_secs(60), |mut server| async move {
        idle(&mut server, 61).await;
        say(&mut server, &["m1"]).await;
        closed_with(&mut server).await;
    });
    let new = serve(|mut server| async move {
        say(&mut server, &["m2"]).await;
        close(&mut server, 1000).await;
    });
    let played = play(vec![old, Act::Refuse(unreachable_host()), new], at_most(0));
    assert_eq!(played.result, Ok(Outcome::Ended));
    assert_eq!(played.texts(), ["m1", "m2"]);
    assert_eq!(played.attempts.len(), 3);
}

#[test]
fn a_calm_connection_counts_for_the_one_that_takes_its_place() {
    let mut acts: Vec<Act> = (0..3).map(|_| Act::Refuse(unreachable_host())).collect();
    acts.push(serve_for(Duration::from_secs(60), |mut server| async move {
        closed_with(&mut server).await;
    }));
    acts.push(serve(|server| async move { drop(server) }));
    acts.push(serve(|mut server| async move { close(&mut server, 1000).await }));
    let waits = play(acts, at_most(3)).waits();
    assert!(within(waits[4], 1_000, 2_000), "the first in a row again: {waits:?}");
}
