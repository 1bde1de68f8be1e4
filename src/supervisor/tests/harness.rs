//! Scripted servers at the other end of in-memory streams, on a paused clock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_util::sync::CancellationToken;

use crate::api::http_error::HttpError;
use crate::api::rest::Rest;
use crate::api::token::Token;
use crate::api::websocket::{KeepAlive, Socket};
use crate::commands::replay::replay;
use crate::config::{History, ReplayFrom, Retries, SocketLimits, Style, Timestamps};
use crate::dedup::Dedup;
use crate::delivery::recording::Recorder;
use crate::delivery::sink::{Counts, Sink};
use crate::output::{Output, Prefixes, Writer};
use crate::source::{Dial, DialResult, Opened, Peer, Source, SourceContext, SourceError, TranscriptOptions};
use crate::status::connection_status::ConnectionReporter;
use crate::status::work::WorkReporter;
use crate::supervisor::{Failure, Outcome, RetryPolicy, Supervision, supervise};
use crate::system::suspend::SuspendDetector;
use crate::wire::transcript::fast_path::TemplateCache;

thread_local! {
    /// The time that the machine was suspended, as the sockets of this test see it.
    pub(super) static SUSPENDED_FOR: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

pub(super) type Server = WebSocketStream<DuplexStream>;
pub(super) type ServerScript = Box<dyn FnOnce(Server) -> LocalBoxFuture<'static, ()>>;

/// The script of one attempt to connect.
pub(super) enum Attempt {
    /// The connection fails.
    Refuse(SourceError),
    /// A connection whose token lasts this long, and the script of its server.
    Serve(Option<Duration>, ServerScript),
    /// A connection that opens after this delay, and the script of its server.
    ServeLate(Duration, ServerScript),
}

/// The result of a run.
pub(super) struct Finished {
    pub(super) result: Result<Outcome, Failure>,
    pub(super) lines: Vec<String>,
    /// The times of the attempts since the start.
    pub(super) attempts: Vec<Duration>,
    pub(super) counts: Counts,
}

impl Finished {
    /// Returns the lines without label and sender.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.split_once(": ").map_or(line.as_str(), |(_, text)| text)).collect()
    }

    /// Returns the delays between the attempts.
    pub(super) fn delays(&self) -> Vec<Duration> {
        self.attempts.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
    }
}

pub(super) fn serve<F: Future<Output = ()> + 'static>(script: impl FnOnce(Server) -> F + 'static) -> Attempt {
    Attempt::Serve(None, Box::new(|server| script(server).boxed_local()))
}

pub(super) fn serve_for<F: Future<Output = ()> + 'static>(
    lifetime: Duration,
    script: impl FnOnce(Server) -> F + 'static,
) -> Attempt {
    Attempt::Serve(Some(lifetime), Box::new(|server| script(server).boxed_local()))
}

pub(super) fn serve_late<F: Future<Output = ()> + 'static>(
    delay: Duration,
    script: impl FnOnce(Server) -> F + 'static,
) -> Attempt {
    Attempt::ServeLate(delay, Box::new(|server| script(server).boxed_local()))
}

pub(super) fn unreachable_host() -> SourceError {
    HttpError::Unreachable { host: "api.example.invalid".into(), reason: "connection refused".into() }.into()
}

pub(super) fn no_local_server() -> SourceError {
    HttpError::NoLocalServer { host: "127.0.0.1:1".into() }.into()
}

pub(super) fn limits() -> SocketLimits {
    let (ping_interval, idle_timeout) = (Duration::from_secs(20), Duration::from_secs(45));
    SocketLimits { ping_interval, idle_timeout, max_frame_size: 1024, read_buffer: 4096 }
}

pub(super) fn retry_at_most(retries: u32) -> RetryPolicy {
    RetryPolicy { retries: Retries::Limited(retries), reconnect_after_close: false }
}

pub(super) fn retry_forever() -> RetryPolicy {
    RetryPolicy { retries: Retries::Unlimited, reconnect_after_close: true }
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

pub(super) async fn send(server: &mut Server, ids: &[&str]) {
    for id in ids {
        server.send(message(id)).await.expect("a client that reads");
    }
}

pub(super) async fn close(server: &mut Server, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    server.send(Message::Close(Some(frame))).await.expect("a client that reads");
    while let Some(Ok(_)) = server.next().await {}
}

/// Reads for this many seconds, which answers pings.
pub(super) async fn idle(server: &mut Server, seconds: u64) {
    let quiet = async { while let Some(Ok(_)) = server.next().await {} };
    let _ = timeout(Duration::from_secs(seconds), quiet).await;
}

/// Returns the code of the close frame that the client sends.
pub(super) async fn received_close_code(server: &mut Server) -> Option<u16> {
    while let Some(Ok(message)) = server.next().await {
        if let Message::Close(frame) = message {
            let _ = server.flush().await;
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

/// Runs a source against these attempts until it ends or `stop` fires. Must run on a `LocalSet`.
pub(super) async fn run_until(attempts: Vec<Attempt>, policy: RetryPolicy, stop: impl Future<Output = ()>) -> Finished {
    let file = tempfile::tempfile().expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("a.rec");
    let recorder = Recorder::open(&recording, &["c1".to_owned()], false).expect("a recording");
    let sink = RefCell::new(sink(&file, Some(recorder)));
    let (dedup, templates) = (RefCell::default(), TemplateCache::default());
    let attempted_at = RefCell::new(Vec::new());
    let result = {
        let (start, attempts) = (Instant::now(), RefCell::new(VecDeque::from(attempts)));
        let dial: Dial<'_, DuplexStream> = Box::new(|_| {
            attempted_at.borrow_mut().push(start.elapsed());
            let attempt = attempts.borrow_mut().pop_front();
            attempt.unwrap_or_else(|| Attempt::Refuse(unreachable_host())).dial().boxed_local()
        });
        let mut source = source(&dedup, &templates, dial);
        let (token, status) = (CancellationToken::new(), ConnectionReporter::default());
        let supervision =
            Supervision { conversation: Some("c1"), policy, sink: &sink, dedup: &dedup, status: &status, stop: &token };
        let mut supervised = Box::pin(supervise(&mut source, supervision));
        tokio::select! {
            result = &mut supervised => result,
            () = stop => {
                token.cancel();
                supervised.await
            }
        }
    };
    let Sink { output, counts, .. } = sink.into_inner();
    output.finish().await.expect("a file takes all");
    let lines = lines(file);
    assert_eq!(replayed_lines(recording).await, lines, "the recording gives the same lines");
    Finished { result, lines, attempts: attempted_at.into_inner(), counts }
}

/// Returns the source of a conversation whose history is not available.
pub(super) fn source<'a>(
    dedup: &'a RefCell<Dedup>,
    templates: &'a TemplateCache,
    dial: Dial<'a, DuplexStream>,
) -> Source<'a, DuplexStream> {
    let context = SourceContext { dedup, templates, reports_refusals: false, adds_surroundings: false, stream: None };
    let history = History { lines: None, since: None, follow: true, call_transcript_wait: Duration::ZERO };
    let (retries, progress) = (Retries::Limited(5), WorkReporter::default());
    let options = TranscriptOptions { conversation: "c1".into(), history, retries, progress };
    let mut source = Source::transcript(options, Rest::to_nowhere(), context, dial);
    source.refuse_history();
    source
}

async fn replayed_lines(recording: PathBuf) -> Vec<String> {
    let file = tempfile::tempfile().expect("a file");
    let sink = RefCell::new(sink(&file, None));
    replay(&ReplayFrom::File(recording), &sink, &WorkReporter::default()).await.expect("a whole recording");
    sink.into_inner().output.finish().await.expect("a file takes all");
    lines(file)
}

/// Returns a sink that prints all history, without prefixes and times.
fn sink(file: &std::fs::File, recorder: Option<Recorder>) -> Sink {
    let writer = Writer::spawn(file.try_clone().expect("a handle"), 1 << 20).expect("a thread");
    let style = Style { timestamps: Timestamps::None, ..Style::default() };
    let output = Output::new(style, Prefixes::default(), writer);
    Sink::new(output, recorder, None, CancellationToken::new())
}

impl Attempt {
    /// Opens the scripted connection.
    pub(super) async fn dial(self) -> DialResult<DuplexStream> {
        let (lifetime, script) = match self {
            Self::Refuse(error) => return Err(error),
            Self::Serve(lifetime, script) => (lifetime, script),
            Self::ServeLate(delay, script) => {
                sleep(delay).await;
                (None, script)
            }
        };
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
        tokio::task::spawn_local(script(server));
        let suspend = SuspendDetector::start(|| SUSPENDED_FOR.get());
        let socket = Socket::new(near, limits(), KeepAlive::PingFrame, suspend).await;
        let token = Token::new("secret".into(), lifetime.map(|lifetime| Instant::now() + lifetime));
        Ok(Box::new(Opened { socket, peer: Peer { host: "test".into(), source: "transcript" }, token: Some(token) }))
    }
}

fn lines(mut file: std::fs::File) -> Vec<String> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("what was written");
    text.lines().map(str::to_owned).collect()
}

/// Runs a source against these attempts until it ends, on a paused clock.
pub(super) fn run(attempts: Vec<Attempt>, policy: RetryPolicy) -> Finished {
    paused(run_until(attempts, policy, std::future::pending()))
}

pub(super) fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

pub(super) fn is_between(wait: Duration, from: u64, to: u64) -> bool {
    (Duration::from_millis(from)..=Duration::from_millis(to)).contains(&wait)
}
