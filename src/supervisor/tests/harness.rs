//! Scripted servers at the other end of in-memory streams, on a paused clock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_util::sync::CancellationToken;

use crate::api::http_error::HttpError;
use crate::api::oauth::Token;
use crate::api::websocket::{KeepAlive, Socket};
use crate::commands::replay::replay;
use crate::config::{ReplayFrom, Retries, SocketLimits, Style, Timestamps};
use crate::delivery::recording::Recorder;
use crate::delivery::sink::{Counts, Delivery};
use crate::output::{Output, Prefixes, Writer};
use crate::source::transcript::TranscriptSession;
use crate::source::{Session, SourceError};
use crate::status::redact::Secrets;
use crate::supervisor::{Failure, Outcome, RetryPolicy, follow};
use crate::system::suspend::SuspendDetector;
use crate::tracker::Tracker;
use crate::wire::transcript::fast_path::TemplateCache;

thread_local! {
    /// How long this machine has slept, as far as the sockets of this test know.
    pub(super) static ASLEEP: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

pub(super) type Server = WebSocketStream<DuplexStream>;
pub(super) type Play = Box<dyn FnOnce(Server) -> LocalBoxFuture<'static, ()>>;

/// What one attempt to connect meets.
pub(super) enum Act {
    /// No connection.
    Refuse(SourceError),
    /// A connection, good for this long, that a server plays.
    Serve(Option<Duration>, Play),
}

/// How the tail went.
pub(super) struct Played {
    pub(super) result: Result<Outcome, Failure>,
    pub(super) lines: Vec<String>,
    /// When each attempt was made, from the start.
    pub(super) attempts: Vec<Duration>,
    pub(super) counts: Counts,
}

impl Played {
    /// The texts of the lines: all but the label and the sender.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.split_once(": ").map_or(line.as_str(), |(_, text)| text)).collect()
    }

    /// The waits between the attempts.
    pub(super) fn waits(&self) -> Vec<Duration> {
        self.attempts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
    }
}

pub(super) fn serve<F: Future<Output = ()> + 'static>(play: impl FnOnce(Server) -> F + 'static) -> Act {
    Act::Serve(None, Box::new(|server| play(server).boxed_local()))
}

pub(super) fn serve_for<F: Future<Output = ()> + 'static>(
    life: Duration,
    play: impl FnOnce(Server) -> F + 'static,
) -> Act {
    Act::Serve(Some(life), Box::new(|server| play(server).boxed_local()))
}

pub(super) fn unreachable_host() -> SourceError {
    HttpError::Unreachable { host: "api.example.invalid".into(), reason: "connection refused".into() }.into()
}

pub(super) fn limits() -> SocketLimits {
    let (ping_interval, idle_timeout) = (Duration::from_secs(20), Duration::from_secs(45));
    SocketLimits { ping_interval, idle_timeout, max_frame_size: 1024, read_buffer: 4096 }
}

pub(super) fn at_most(retries: u32) -> RetryPolicy {
    RetryPolicy { retries: Retries::Limited(retries), follow: false }
}

pub(super) fn on_and_on() -> RetryPolicy {
    RetryPolicy { retries: Retries::Unlimited, follow: true }
}

pub(super) fn message(id: &str) -> Message {
    let json = format!(
        r#"{{"event":"messageAdded","timestamp":1,"payload":{{"id":"{id}","text":"{id}","from":{{"id":"external","name":"Ada"}}}}}}"#
    );
    Message::Text(json.into())
}

pub(super) fn conversation_closed() -> Message {
    Message::Text(r#"{"event":"conversationClosed","timestamp":2}"#.into())
}

pub(super) async fn say(server: &mut Server, ids: &[&str]) {
    for id in ids {
        server.send(message(id)).await.expect("a client that reads");
    }
}

pub(super) async fn close(server: &mut Server, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    server.send(Message::Close(Some(frame))).await.expect("a client that reads");
    while let Some(Ok(_)) = server.next().await {}
}

/// Reads, and so answers pings, for this many seconds.
pub(super) async fn idle(server: &mut Server, seconds: u64) {
    let quiet = async { while let Some(Ok(_)) = server.next().await {} };
    let _ = timeout(Duration::from_secs(seconds), quiet).await;
}

/// The code of the close that the client sends.
pub(super) async fn closed_with(server: &mut Server) -> Option<u16> {
    while let Some(Ok(message)) = server.next().await {
        if let Message::Close(frame) = message {
            let _ = server.flush().await;
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

/// Runs a tail against these acts, one an attempt, until it ends or `stop` fires. Must run on a `LocalSet`.
pub(super) async fn play_until(acts: Vec<Act>, persistence: RetryPolicy, stop: impl Future<Output = ()>) -> Played {
    let file = tempfile::tempfile().expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("a.rec");
    let recorder = Recorder::open(&recording, &["c1".to_owned()], false).expect("a recording");
    let delivery = RefCell::new(Delivery::new(output(&file), Some(recorder), all(), CancellationToken::new()));
    let desk = without_past();
    let (start, mut acts, mut attempts) = (Instant::now(), VecDeque::from(acts), Vec::new());
    let result = {
        let connect = async || {
            attempts.push(start.elapsed());
            match acts.pop_front().unwrap_or_else(|| Act::Refuse(unreachable_host())) {
                Act::Refuse(error) => Err(error),
                Act::Serve(life, play) => Ok(connect(life, play, Rc::clone(&desk)).await),
            }
        };
        let (token, status) = (CancellationToken::new(), watch::Sender::default());
        let mut tail = std::pin::pin!(follow(("", &status), connect, persistence, (&delivery, Rc::default()), &token));
        tokio::select! {
            result = &mut tail => result,
            () = stop => {
                token.cancel();
                tail.await
            }
        }
    };
    let Delivery { output, counts, .. } = delivery.into_inner();
    output.finish().await.expect("a file takes all");
    let lines = lines(file);
    assert_eq!(replayed(recording).await, lines, "the recording says the same");
    Played { result, lines, attempts, counts }
}

async fn replayed(recording: PathBuf) -> Vec<String> {
    let file = tempfile::tempfile().expect("a file");
    let delivery = RefCell::new(Delivery::new(output(&file), None, all(), CancellationToken::new()));
    replay(&ReplayFrom::File(recording), &delivery).await.expect("a whole recording");
    delivery.into_inner().output.finish().await.expect("a file takes all");
    lines(file)
}

fn output(file: &std::fs::File) -> Output {
    let writer = Writer::spawn(file.try_clone().expect("a handle"), 1 << 20).expect("a thread");
    let style = Style { timestamps: Timestamps::None, ..Style::default() };
    Output::new(style, Prefixes::default(), writer)
}

/// A session with a server that plays this.
pub(super) async fn connect(life: Option<Duration>, play: Play, desk: Rc<RefCell<Tracker>>) -> Session<DuplexStream> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
    tokio::task::spawn_local(play(server));
    let socket = Socket::new(near, limits(), KeepAlive::PingFrame, SuspendDetector::start(|| ASLEEP.get())).await;
    let token = Token::new("secret".into(), life.map(|life| Instant::now() + life));
    let (secrets, shapes) = (Secrets::default(), TemplateCache::default());
    let session = TranscriptSession::new(socket, "c1".into(), (token, "test".into()), secrets, (desk, shapes));
    Session::Transcript(session)
}

pub(super) fn without_past() -> Rc<RefCell<Tracker>> {
    Rc::new(RefCell::new(Tracker::without_past("c1")))
}

/// All of the past, and no prefix.
fn all() -> (Option<usize>, Prefixes) {
    (None, Prefixes::default())
}

fn lines(mut file: std::fs::File) -> Vec<String> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("what was written");
    text.lines().map(str::to_owned).collect()
}

/// The same without anybody who stops it, on a paused clock.
pub(super) fn play(acts: Vec<Act>, persistence: RetryPolicy) -> Played {
    paused(play_until(acts, persistence, std::future::pending()))
}

pub(super) fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

pub(super) fn within(wait: Duration, from: u64, to: u64) -> bool {
    (Duration::from_millis(from)..=Duration::from_millis(to)).contains(&wait)
}
