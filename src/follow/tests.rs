//! Scripted servers at the other end of in-memory streams, on a paused clock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{ReplayFrom, SocketLimits};
use crate::genesys::auth::Token;
use crate::genesys::http::HttpError;
use crate::genesys::socket::{Ending, NapClock, Socket};
use crate::output::{Output, Prefixes, Style, Timestamps, Writer};
use crate::recording::Recorder;
use crate::source::replay::replay;

type Server = WebSocketStream<DuplexStream>;
type Play = Box<dyn FnOnce(Server) -> LocalBoxFuture<'static, ()>>;

/// What one attempt to connect meets.
enum Act {
    /// No connection.
    Refuse(SourceError),
    /// A connection, good for this long, that a server plays.
    Serve(Option<Duration>, Play),
}

/// How the tail went.
struct Played {
    result: Result<Outcome, Failure>,
    lines: Vec<String>,
    /// When each attempt was made, from the start.
    attempts: Vec<Duration>,
    counts: crate::delivery::Counts,
}

impl Played {
    /// The texts of the lines: all but the label and the sender.
    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.split_once(": ").map_or(line.as_str(), |(_, text)| text)).collect()
    }

    /// The waits between the attempts.
    fn waits(&self) -> Vec<Duration> {
        self.attempts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
    }
}

fn serve<F: Future<Output = ()> + 'static>(play: impl FnOnce(Server) -> F + 'static) -> Act {
    Act::Serve(None, Box::new(|server| play(server).boxed_local()))
}

fn serve_for<F: Future<Output = ()> + 'static>(life: Duration, play: impl FnOnce(Server) -> F + 'static) -> Act {
    Act::Serve(Some(life), Box::new(|server| play(server).boxed_local()))
}

fn unreachable_host() -> SourceError {
    HttpError::Unreachable { host: "api.example.invalid".into(), reason: "connection refused".into() }.into()
}

fn limits() -> SocketLimits {
    SocketLimits { ping_interval: Duration::from_secs(20), idle_timeout: Duration::from_secs(45), max_frame_size: 1024 }
}

fn at_most(retries: u32) -> Persistence {
    Persistence { retries: Retries::Limited(retries), follow: false }
}

fn on_and_on() -> Persistence {
    Persistence { retries: Retries::Unlimited, follow: true }
}

fn message(id: &str) -> Message {
    let json = format!(
        r#"{{"event":"messageAdded","timestamp":1,"payload":{{"id":"{id}","text":"{id}","from":{{"id":"external","name":"Ada"}}}}}}"#
    );
    Message::Text(json.into())
}

fn conversation_closed() -> Message {
    Message::Text(r#"{"event":"conversationClosed","timestamp":2}"#.into())
}

async fn say(server: &mut Server, ids: &[&str]) {
    for id in ids {
        server.send(message(id)).await.expect("a client that reads");
    }
}

async fn close(server: &mut Server, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    server.send(Message::Close(Some(frame))).await.expect("a client that reads");
    while let Some(Ok(_)) = server.next().await {}
}

/// Reads, and so answers pings, for this many seconds.
async fn idle(server: &mut Server, seconds: u64) {
    let quiet = async { while let Some(Ok(_)) = server.next().await {} };
    let _ = timeout(Duration::from_secs(seconds), quiet).await;
}

/// The code of the close that the client sends.
async fn closed_with(server: &mut Server) -> Option<u16> {
    while let Some(Ok(message)) = server.next().await {
        if let Message::Close(frame) = message {
            let _ = server.flush().await;
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

/// Runs a tail against these acts, one an attempt, until it ends or `stop` fires. Must run on a `LocalSet`.
async fn play_until(acts: Vec<Act>, persistence: Persistence, stop: impl Future<Output = ()>) -> Played {
    let file = tempfile::tempfile().expect("a file");
    let output = output(&file);
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("a.rec");
    let recorder = Recorder::open(&recording, &["c1".to_owned()]).expect("a recording");
    let delivery = RefCell::new(Delivery::new(output, Some(recorder), CancellationToken::new()));
    let (start, mut acts, mut attempts) = (Instant::now(), VecDeque::from(acts), Vec::new());
    let result = {
        let connect = async || {
            attempts.push(start.elapsed());
            match acts.pop_front().unwrap_or_else(|| Act::Refuse(unreachable_host())) {
                Act::Refuse(error) => Err(error),
                Act::Serve(life, play) => Ok(connect(life, play).await),
            }
        };
        let token = CancellationToken::new();
        let mut tail = std::pin::pin!(follow("c1", "", connect, persistence, &delivery, &token));
        tokio::select! {
            result = &mut tail => result,
            () = stop => {
                token.cancel();
                tail.await
            }
        }
    };
    let Delivery { output, counts, .. } = delivery.into_inner();
    output.finish(None).await;
    let lines = lines(file);
    assert_eq!(replayed(recording).await, lines, "the recording says the same");
    Played { result, lines, attempts, counts }
}

async fn replayed(recording: PathBuf) -> Vec<String> {
    let file = tempfile::tempfile().expect("a file");
    let output = output(&file);
    let delivery = RefCell::new(Delivery::new(output, None, CancellationToken::new()));
    replay(&ReplayFrom::File(recording), &delivery).await.expect("a whole recording");
    delivery.into_inner().output.finish(None).await;
    lines(file)
}

fn output(file: &std::fs::File) -> Output {
    let writer = Writer::spawn(file.try_clone().expect("a handle"), 1 << 20).expect("a thread");
    let style = Style { timestamps: Timestamps::None, ..Style::default() };
    Output::new(style, Prefixes::default(), writer)
}

async fn connect(life: Option<Duration>, play: Play) -> Session<DuplexStream> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    tokio::task::spawn_local(play(server));
    let socket = Socket::new(near, limits(), NapClock::start(|| Duration::ZERO)).await;
    let token = Token::new("secret".into(), life.map(|life| Instant::now() + life));
    Session::new(socket, "c1".into(), token, "test".into())
}

fn lines(mut file: std::fs::File) -> Vec<String> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("what was written");
    text.lines().map(str::to_owned).collect()
}

/// The same without anybody who stops it, on a paused clock.
fn play(acts: Vec<Act>, persistence: Persistence) -> Played {
    paused(play_until(acts, persistence, std::future::pending()))
}

fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

fn within(wait: Duration, from: u64, to: u64) -> bool {
    (Duration::from_millis(from)..=Duration::from_millis(to)).contains(&wait)
}

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
fn the_first_connection_is_tried_again_and_no_gap_is_said_before_it() {
    let played = play(
        vec![
            Act::Refuse(unreachable_host()),
            Act::Refuse(unreachable_host()),
            serve(|mut server| async move { close(&mut server, 1000).await }),
        ],
        at_most(5),
    );
    assert_eq!((played.result.clone(), played.lines.len()), (Ok(Outcome::Ended), 0));
    let waits = played.waits();
    assert!(within(waits[0], 1_000, 2_000) && within(waits[1], 2_000, 3_000), "{waits:?}");
}

#[test]
fn retries_are_counted_in_a_row_and_end_with_the_last_cause() {
    for (retries, attempts) in [(0, 1), (1, 2), (5, 6)] {
        let played = play(vec![], at_most(retries));
        assert_eq!(played.result, Err(Failure::GaveUp { attempts, last: unreachable_host() }));
        assert_eq!(played.attempts.len(), attempts as usize);
    }
}

#[test]
fn a_refusal_that_is_final_is_not_tried_again() {
    let certificate = || SourceError::from(HttpError::Certificate { host: "h".into(), reason: "expired".into() });
    let proxy = || SourceError::from(HttpError::ProxyCredentials { host: "h".into() });
    for error in [certificate(), proxy()] {
        let played = play(vec![Act::Refuse(error.clone())], on_and_on());
        assert_eq!((played.result, played.attempts.len()), (Err(Failure::Refused(error)), 1));
    }
    let later = vec![
        serve(|mut server| async move { say(&mut server, &["m1"]).await }),
        Act::Refuse(certificate()),
        serve(|mut server| async move { close(&mut server, 1000).await }),
    ];
    assert_eq!(play(later, at_most(5)).result, Ok(Outcome::Ended), "a certificate that was good once is waited for");
}

#[test]
fn news_and_ten_calm_seconds_start_the_count_over_and_nothing_else_does() {
    let brief = || serve(|server| async move { drop(server) });
    let repeating = || serve(|mut server| async move { say(&mut server, &["m1"]).await });
    let calm = serve(|server| async move {
        sleep(Duration::from_secs(10)).await;
        drop(server);
    });
    let news = serve(|mut server| async move { say(&mut server, &["m2"]).await });
    let waits = play(vec![repeating(), brief(), repeating(), calm, brief(), news], at_most(3)).waits();
    // m1 is news at first; then a connection without any, one that repeats it, and ten calm seconds.
    for (wait, (from, to)) in waits.iter().zip([(1, 2), (2, 3), (4, 5), (11, 12), (2, 3), (1, 2), (2, 3), (4, 5)]) {
        assert!(within(*wait, from * 1000, to * 1000), "{waits:?}");
    }
}

#[test]
fn the_servers_wish_is_a_floor_under_the_delay() {
    let answer = crate::genesys::answer::Answer::new(
        reqwest::StatusCode::SERVICE_UNAVAILABLE,
        Some(Duration::from_secs(60)),
        b"",
    );
    let busy = SourceError::Busy { host: "h".into(), answer };
    let played = play(vec![Act::Refuse(busy)], at_most(1));
    assert_eq!(played.waits(), [Duration::from_secs(60)]);
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
fn the_last_cause_of_giving_up_is_kept() {
    let policy = || serve(|mut server| async move { close(&mut server, 1008).await });
    let Err(Failure::GaveUp { last, .. }) = play(vec![policy()], at_most(0)).result else { panic!("it must give up") };
    assert!(last.is_policy_close());
    assert_eq!(last, SourceError::Ended(Ending::Closed { code: 1008, reason: String::new() }));
}
