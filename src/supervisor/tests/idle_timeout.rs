//! Silent servers and suspended machines (CONN-30, CONN-31).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::sleep;

use super::harness::{SUSPENDED_FOR, close, idle, is_between, paused, retry_at_most, run, send, serve, source};
use crate::source::Dial;
use crate::supervisor::Outcome;
use crate::wire::transcript::fast_path::TemplateCache;

#[test]
fn a_silent_server_is_pinged_and_reconnected_after_the_idle_timeout() {
    let pings = Rc::new(Cell::new(0));
    let seen = Rc::clone(&pings);
    let silent = serve(|mut server| async move {
        // Reading frames would answer the pings. An empty masked ping has six bytes.
        let mut sent = Vec::new();
        server.get_mut().read_to_end(&mut sent).await.expect("what the client sent");
        seen.set(sent.len() / 6);
    });
    let finished =
        run(vec![silent, serve(|mut server| async move { close(&mut server, 1000).await })], retry_at_most(1));
    assert!(is_between(finished.delays()[0], 46_000, 47_000), "45 s and the first delay: {:?}", finished.delays());
    let expected = 3; // after 0 s, 20 s and 40 s
    assert_eq!((finished.result, pings.get()), (Ok(Outcome::ClosedByServer), expected));
    assert_eq!(finished.lines.len(), 1, "one gap: {:?}", finished.lines);
}

#[test]
fn pongs_are_activity() {
    let answering = serve(|mut server| async move {
        idle(&mut server, 600).await;
        close(&mut server, 1000).await;
    });
    let finished = run(vec![answering], retry_at_most(0));
    assert_eq!((finished.result, finished.attempts.len()), (Ok(Outcome::ClosedByServer), 1));
}

#[test]
fn a_suspended_machine_reconnects_at_once() {
    let suspended_for = |seconds| {
        serve(move |mut server| async move {
            send(&mut server, &["m1"]).await;
            sleep(Duration::from_secs(7)).await;
            SUSPENDED_FOR.set(SUSPENDED_FOR.get() + Duration::from_secs(seconds));
            idle(&mut server, 20).await;
            close(&mut server, 1000).await;
        })
    };
    let finished = run(vec![suspended_for(9)], retry_at_most(0));
    assert_eq!(
        (finished.result, finished.attempts.len()),
        (Ok(Outcome::ClosedByServer), 1),
        "a suspend below 10 s changes nothing"
    );

    let finished = run(
        vec![suspended_for(3600), serve(|mut server| async move { close(&mut server, 1000).await })],
        retry_at_most(0),
    );
    assert_eq!((finished.result, finished.counts.gaps), (Ok(Outcome::ClosedByServer), 1), "a suspend is no retry");
    assert!(is_between(finished.attempts[1], 7_000, 12_000), "{:?}", finished.attempts);
}

#[test]
fn a_pause_of_reading_is_no_activity_of_the_server() {
    paused(async {
        let script = Cell::new(Some(serve(|mut server| async move { send(&mut server, &["m1"]).await })));
        let (dedup, templates) = (RefCell::default(), TemplateCache::default());
        let dial: Dial<'_, DuplexStream> = Box::new(|_| script.take().expect("one attempt").dial().boxed_local());
        let mut source = source(&dedup, &templates, dial);
        source.connect(None).await.expect("a connection");
        assert!(source.next().await.is_ok());
        let last_activity = source.last_activity();
        source.pause_reading(sleep(Duration::from_secs(600))).await;
        assert!(matches!(source.try_next(), None | Some(Err(_))));
        assert_eq!(source.last_activity(), last_activity, "a gap begins with the last byte received");
    });
}
