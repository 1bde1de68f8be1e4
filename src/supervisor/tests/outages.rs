//! What becomes of a connection that is lost, and of what it brought.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::harness::{
    Act, at_most, close, closed_with, connect, paused, play, say, serve, unreachable_host, without_past,
};
use crate::supervisor::Outcome;

#[test]
fn every_loss_reconnects_says_so_once_and_repeats_nothing() {
    for code in [1002, 1005, 1007, 1008, 1009, 1011, 1012, 1013, 4000] {
        let played = play(
            vec![
                serve(move |mut server| async move {
                    say(&mut server, &["m1", "m2"]).await;
                    if code == 1005 {
                        server.send(Message::Close(None)).await.expect("sent");
                    } else {
                        close(&mut server, code).await;
                    }
                }),
                serve(|mut server| async move {
                    say(&mut server, &["m1", "m2", "m3"]).await;
                    close(&mut server, 1000).await;
                }),
            ],
            at_most(5),
        );
        assert_eq!(played.result, Ok(Outcome::Ended), "{code}");
        assert!(played.lines[2].starts_with("[GAP] "), "{code}: {:?}", played.lines);
        assert_eq!([played.texts()[0], played.texts()[1], played.texts()[3]], ["m1", "m2", "m3"]);
        assert_eq!((played.lines.len(), played.counts.repeats, played.counts.gaps), (4, 2, 1));
    }
}

#[test]
fn a_connection_that_breaks_without_a_close_reconnects() {
    let played = play(
        vec![
            serve(|mut server| async move { say(&mut server, &["m1"]).await }),
            serve(|mut server| async move { close(&mut server, 1000).await }),
        ],
        at_most(1),
    );
    assert_eq!(played.result, Ok(Outcome::Ended));
    assert_eq!((played.lines.len(), played.attempts.len()), (2, 2));
}

#[test]
fn a_message_above_the_limit_is_answered_with_1009() {
    for (frames, expected) in [
        (vec![Message::Text("x".repeat(1025).into())], 1009),
        (vec![Message::Binary(Bytes::from(vec![0; 2048]))], 1009),
    ] {
        let code = Rc::new(Cell::new(None));
        let seen = Rc::clone(&code);
        let played = play(
            vec![
                serve(|mut server| async move {
                    for frame in frames {
                        server.send(frame).await.expect("sent");
                    }
                    seen.set(closed_with(&mut server).await);
                }),
                serve(|mut server| async move { close(&mut server, 1000).await }),
            ],
            at_most(1),
        );
        assert_eq!((played.result, code.get()), (Ok(Outcome::Ended), Some(expected)));
    }
}

#[test]
fn frames_that_cannot_be_read_are_counted_and_end_nothing() {
    let odd = serve(|mut server| async move {
        for text in ["pong", r#"{"event":"messageAdded","payload":{}}"#, r#"{"event":"participantTyping"}"#] {
            server.send(Message::Text(text.into())).await.expect("sent");
        }
        server.send(Message::Binary(Bytes::from_static(b"\xff"))).await.expect("sent");
        say(&mut server, &["m1"]).await;
        close(&mut server, 1000).await;
    });
    let played = play(vec![odd], at_most(0));
    assert_eq!(played.texts(), ["m1"]);
    assert_eq!((played.counts.malformed, played.counts.unknown), (3, 1));
}

#[test]
fn one_gap_is_said_however_many_attempts_it_took() {
    let played = play(
        vec![
            serve(|mut server| async move { say(&mut server, &["m1"]).await }),
            Act::Refuse(unreachable_host()),
            Act::Refuse(unreachable_host()),
            serve(|mut server| async move {
                say(&mut server, &["m2"]).await;
                close(&mut server, 1000).await;
            }),
        ],
        at_most(5),
    );
    assert!(played.lines[1].starts_with("[GAP] "), "before the first line of the new connection: {:?}", played.lines);
    assert_eq!((played.lines.len(), played.counts.gaps, played.counts.reconnects), (3, 1, 1));
}

#[test]
fn a_break_is_no_sign_of_life() {
    paused(async {
        let Act::Serve(life, play) = serve(|mut server| async move { say(&mut server, &["m1"]).await }) else { return };
        let mut session = connect(life, play, without_past()).await;
        assert!(session.next().await.is_ok());
        let last_activity = session.last_activity();
        assert!(session.next().await.is_err());
        assert_eq!(session.last_activity(), last_activity, "a gap runs from the last thing that really came");
    });
}
