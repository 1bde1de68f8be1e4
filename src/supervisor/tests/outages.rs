//! Lost connections and their frames (CONN-22, CONN-23, CONN-40, CONN-41).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::{FutureExt, SinkExt};
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::harness::{
    Attempt, close, paused, received_close_code, retry_at_most, run, send, serve, source, unreachable_host,
};
use crate::source::Dial;
use crate::supervisor::Outcome;
use crate::wire::transcript::fast_path::TemplateCache;

#[test]
fn every_close_code_but_1000_and_1001_reconnects_with_one_gap_and_no_repeat() {
    for code in [1002, 1005, 1007, 1008, 1009, 1011, 1012, 1013, 4000] {
        let finished = run(
            vec![
                serve(move |mut server| async move {
                    send(&mut server, &["m1", "m2"]).await;
                    if code == 1005 {
                        server.send(Message::Close(None)).await.expect("sent");
                    } else {
                        close(&mut server, code).await;
                    }
                }),
                serve(|mut server| async move {
                    send(&mut server, &["m1", "m2", "m3"]).await;
                    close(&mut server, 1000).await;
                }),
            ],
            retry_at_most(5),
        );
        assert_eq!(finished.result, Ok(Outcome::ClosedByServer), "{code}");
        assert!(finished.lines[2].starts_with("[GAP] "), "{code}: {:?}", finished.lines);
        assert_eq!([finished.texts()[0], finished.texts()[1], finished.texts()[3]], ["m1", "m2", "m3"]);
        assert_eq!((finished.lines.len(), finished.counts.repeats, finished.counts.gaps), (4, 2, 1));
    }
}

#[test]
fn a_connection_without_a_close_frame_reconnects() {
    let finished = run(
        vec![
            serve(|mut server| async move { send(&mut server, &["m1"]).await }),
            serve(|mut server| async move { close(&mut server, 1000).await }),
        ],
        retry_at_most(1),
    );
    assert_eq!(finished.result, Ok(Outcome::ClosedByServer));
    assert_eq!((finished.lines.len(), finished.attempts.len()), (2, 2));
}

#[test]
fn a_message_above_the_limit_is_answered_with_1009() {
    for (frames, expected) in [
        (vec![Message::Text("x".repeat(1025).into())], 1009),
        (vec![Message::Binary(Bytes::from(vec![0; 2048]))], 1009),
    ] {
        let code = Rc::new(Cell::new(None));
        let seen = Rc::clone(&code);
        let finished = run(
            vec![
                serve(|mut server| async move {
                    for frame in frames {
                        server.send(frame).await.expect("sent");
                    }
                    seen.set(received_close_code(&mut server).await);
                }),
                serve(|mut server| async move { close(&mut server, 1000).await }),
            ],
            retry_at_most(1),
        );
        assert_eq!((finished.result, code.get()), (Ok(Outcome::ClosedByServer), Some(expected)));
    }
}

#[test]
fn unreadable_frames_are_counted_and_skipped() {
    let odd = serve(|mut server| async move {
        for text in ["pong", r#"{"event":"messageAdded","payload":{}}"#, r#"{"event":"participantTyping"}"#] {
            server.send(Message::Text(text.into())).await.expect("sent");
        }
        server.send(Message::Binary(Bytes::from_static(b"\xff"))).await.expect("sent");
        send(&mut server, &["m1"]).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![odd], retry_at_most(0));
    assert_eq!(finished.texts(), ["m1"]);
    assert_eq!((finished.counts.malformed, finished.counts.unknown), (3, 1));
}

#[test]
fn an_outage_of_several_attempts_is_one_gap() {
    let finished = run(
        vec![
            serve(|mut server| async move { send(&mut server, &["m1"]).await }),
            Attempt::Refuse(unreachable_host()),
            Attempt::Refuse(unreachable_host()),
            serve(|mut server| async move {
                send(&mut server, &["m2"]).await;
                close(&mut server, 1000).await;
            }),
        ],
        retry_at_most(5),
    );
    assert!(
        finished.lines[1].starts_with("[GAP] "),
        "before the first line of the new connection: {:?}",
        finished.lines
    );
    assert_eq!((finished.lines.len(), finished.counts.gaps, finished.counts.reconnects), (3, 1, 1));
}

#[test]
fn the_end_of_the_stream_is_no_activity() {
    paused(async {
        let script = serve(|mut server| async move { send(&mut server, &["m1"]).await });
        let (dedup, templates) = (RefCell::default(), TemplateCache::default());
        let script = Cell::new(Some(script));
        let dial: Dial<'_, DuplexStream> = Box::new(|_| script.take().expect("one attempt").dial().boxed_local());
        let mut source = source(&dedup, &templates, dial);
        source.connect(None).await.expect("a connection");
        assert!(source.next().await.is_ok());
        let last_activity = source.last_activity();
        while source.next().await.is_ok() {}
        assert_eq!(source.last_activity(), last_activity, "a gap begins with the last byte received");
    });
}
