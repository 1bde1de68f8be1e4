//! Follows conversations: chooses the source of each, runs them side by side, and collects the outcomes.

mod outcomes;
mod setup;
mod stream;

use std::cell::RefCell;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use self::outcomes::{Outcomes, log_summary};
use self::setup::{look_up_targets, open_cursor, prefixes, start_delivery};
pub(crate) use self::stream::print_events;
use crate::api::http::Http;
use crate::api::oauth::Auth;
use crate::api::rest::Rest;
use crate::api::websocket::Upgraded;
use crate::commands::error::Error;
use crate::config::{Config, Format, NamedTarget, SocketLimits, SourceChoice, Targets};
use crate::delivery::Totals;
use crate::delivery::sink::Sink;
use crate::source::{
    Dial, DialRequest, DialResult, EventStream, EventStreamError, Follow, NotificationOptions, Source, SourceContext,
    SourceError, StreamLink, TranscriptEndpoint, TranscriptOptions, transcript_endpoint,
};
use crate::status::logging::Log;
use crate::status::status_line::StatusLine;
use crate::supervisor::{Failure, Outcome, RetryPolicy, StreamDelivery, Supervision, deliver_stream, supervise};
use crate::system::stdout::Stdout;
use crate::wire::transcript::fast_path::TemplateCache;

/// The total of the read buffers of all transcript sockets. The default of tungstenite, 128 KiB for each socket, takes
/// 211 MiB for 1,000 conversations (measured).
const READ_BUFFERS: usize = 4 * 1024 * 1024;

/// The minimum of the read buffer of a transcript socket.
const MIN_READ_BUFFER: usize = 4 * 1024;

/// The maximum number of first handshakes at a time. Each takes several times the memory of an open socket, and a service may
/// take thousands at a time for an attack.
const MAX_HANDSHAKES: usize = 64;

/// Follows conversations until all have ended or are refused, or `stop` is cancelled.
///
/// # Errors
///
/// The failure, which was not reported, unless it concerns one of several conversations.
pub(crate) async fn tail(config: Config, stdout: Stdout, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    let secrets = log.secrets.clone();
    let http = Http::new(&config.connection.network, &config.endpoints, secrets.clone()).map_err(Error::Network)?;
    let (token_endpoint, credentials) = (config.endpoints.token.clone(), config.credentials.clone());
    let auth = Arc::new(Auth::new(http.clone(), token_endpoint, credentials, secrets));
    let rest = Rest::new(http.clone(), Arc::clone(&auth), config.endpoints.api.clone());
    let prefixes = prefixes(&config);
    log.set_prefixes(prefixes.of_status_lines(config.output.style.prefix));
    let status_line = setup::status_line(&config, log);
    let Some(targets) = Box::pin(look_up_targets(&config, &rest, &status_line, &stdout, stop)).await? else {
        if stop.is_cancelled() {
            log_summary(Outcome::Stopped, config.history.follow, Totals::default());
        }
        return Ok(());
    };
    let progress = open_cursor(&config, &Targets::of(&targets))?;
    let (dedup, cursor) = progress.map_or_else(Default::default, |progress| (progress.dedup, Some(progress.cursor)));
    let delivery = start_delivery(&config, prefixes, cursor, stdout, log)?;
    let dedup = RefCell::new(dedup);
    let templates = TemplateCache::default();
    let link = StreamLink::default();
    let stream = stream::start(&config, &link)?;
    let command = TailCommand {
        config: &config,
        targets,
        http,
        auth,
        rest,
        context: SourceContext {
            dedup: &dedup,
            templates: &templates,
            reports_refusals: !prefixes.is_empty(),
            adds_surroundings: config.output.style.format == Format::Json || config.record.is_some(),
            stream: config.events.as_ref().map(|_| &link),
        },
        handshakes: Semaphore::new(MAX_HANDSHAKES),
        sink: &delivery.sink,
        status_line: &status_line,
        stop,
    };
    let writer = delivery.sink.borrow().output.handle();
    let work = status_line.show(command.run(stream), || writer.is_idle(), stop);
    let outcomes = delivery.run_until_failed(work).await;
    // If the recording has failed, the user still gets what was read.
    let outcome = outcomes.as_ref().ok().and_then(Option::as_ref).and_then(Outcomes::outcome);
    let totals = delivery.finish(stop).await?;
    if let (Some(outcome), Some(totals)) = (outcome, totals) {
        log_summary(outcome, config.history.follow, totals);
    }
    outcomes?.map_or(Ok(()), |outcomes| outcomes.into_result(&config.conversations))
}

/// The shared resources of the sources of one run.
struct TailCommand<'a> {
    config: &'a Config,
    targets: Vec<NamedTarget>,
    http: Http,
    auth: Arc<Auth>,
    rest: Rest,
    context: SourceContext<'a>,
    handshakes: Semaphore,
    sink: &'a RefCell<Sink>,
    status_line: &'a StatusLine,
    stop: &'a CancellationToken,
}

/// The end of a source.
enum SourceEnd<'a> {
    /// The transcript socket of the conversation with this index.
    Transcript { index: usize, result: Result<Outcome, Failure> },
    /// The event stream.
    Stream(Result<Outcome, EventStreamError>),
    /// The notifications, with all their conversations.
    Notifications { source: Box<Source<'a, Upgraded>>, result: Result<Outcome, Failure> },
}

/// The notifications source of a run, which runs only if a conversation needs it.
enum Notifications<'a> {
    Idle(Box<Source<'a, Upgraded>>),
    Running,
}

/// Sources that run side by side. Each gives way to the others, and to signals.
type RunningSources<'r, 'a> = FuturesUnordered<LocalBoxFuture<'r, SourceEnd<'a>>>;

impl<'a> TailCommand<'a> {
    async fn run(&'a self, stream: Option<EventStream<'a>>) -> Outcomes {
        let ids = &self.config.conversations;
        let mut outcomes = Outcomes::new(ids.len());
        // The refusal of a transcript socket, which holds for the other conversations too.
        let refusal = RefCell::new(None);
        let (follow, follows) = mpsc::unbounded_channel();
        let mut notifications = Notifications::Idle(Box::new(self.notifications(follows)));
        let mut running = FuturesUnordered::new();
        if self.uses_transcript_sockets() {
            for (index, id) in ids.iter().enumerate() {
                running.push(self.follow_transcript(index, id, &refusal));
            }
        } else {
            for id in ids {
                let _ = follow.send(Follow { conversation: id.clone(), transcript_refusal: None });
            }
            self.start(&mut notifications, &mut running);
        }
        let has_stream = stream.is_some();
        running.extend(stream.map(|stream| self.deliver_stream(stream)));
        while let Some(end) = running.next().await {
            match end {
                SourceEnd::Transcript { index, result: Err(Failure::Refused(refused)) }
                    if self.falls_back(&refused) =>
                {
                    note_fallback(&mut refusal.borrow_mut(), &refused);
                    let conversation = ids[index].clone();
                    let _ = follow.send(Follow { conversation, transcript_refusal: Some(*refused) });
                    self.start(&mut notifications, &mut running);
                }
                SourceEnd::Transcript { index, result } => {
                    let output = &mut self.sink.borrow_mut().output;
                    output.end_conversation(&ids[index]);
                    output.flush();
                    outcomes.add(result, Some(&ids[index]));
                }
                SourceEnd::Stream(result) => {
                    let has_failed = result.is_err();
                    outcomes.add_stream(result);
                    if has_failed {
                        break;
                    }
                }
                SourceEnd::Notifications { mut source, result } => {
                    let result = result.map_err(|failure| failure.with_transcript_refusal(refusal.borrow().as_ref()));
                    let has_failed = result.is_err();
                    let has_queued = source.queued_follows() > 0;
                    outcomes.add_notifications(result, &mut source);
                    notifications = Notifications::Idle(source);
                    // A stream whose messages cannot be followed is no use (STR-2).
                    if has_stream && has_failed {
                        break;
                    }
                    // A conversation may have fallen back while the source was ending.
                    if has_queued && !has_failed {
                        self.start(&mut notifications, &mut running);
                    }
                }
            }
        }
        outcomes
    }

    /// Starts the notifications source unless it is running.
    fn start<'r>(&'r self, notifications: &mut Notifications<'a>, running: &mut RunningSources<'r, 'a>)
    where
        'a: 'r,
    {
        if let Notifications::Idle(source) = std::mem::replace(notifications, Notifications::Running) {
            running.push(self.follow_notifications(source));
        }
    }

    /// Returns whether transcript sockets are tried. History alone needs no socket.
    fn uses_transcript_sockets(&self) -> bool {
        self.config.source != SourceChoice::Notifications && self.config.history.follow
    }

    /// Returns whether a refused transcript socket leads to notifications (SRC-5).
    fn falls_back(&self, refusal: &SourceError) -> bool {
        self.config.source == SourceChoice::Auto && refusal.is_without_transcript_socket()
    }

    fn notifications(&self, follows: mpsc::UnboundedReceiver<Follow>) -> Source<'a, Upgraded> {
        let Config { history, connection, .. } = self.config;
        let options = NotificationOptions {
            targets: self.targets.clone(),
            media: self.config.media,
            history: *history,
            limits: connection.socket,
            retries: connection.retries,
            follows,
            progress: self.status_line.add_work(),
        };
        Source::notifications(options, self.rest.clone(), self.context)
    }

    fn deliver_stream<'r>(&'r self, mut stream: EventStream<'a>) -> LocalBoxFuture<'r, SourceEnd<'a>>
    where
        'a: 'r,
    {
        let delivery = StreamDelivery { sink: self.sink, dedup: self.context.dedup, stop: self.stop };
        async move { SourceEnd::Stream(deliver_stream(&mut stream, delivery).await) }.boxed_local()
    }

    fn follow_notifications<'r>(&'r self, mut source: Box<Source<'a, Upgraded>>) -> LocalBoxFuture<'r, SourceEnd<'a>> {
        async move {
            let result = self.supervise(&mut source, None).await;
            SourceEnd::Notifications { source, result }
        }
        .boxed_local()
    }

    fn follow_transcript<'r>(
        &'r self,
        index: usize,
        id: &'r str,
        refusal: &'r RefCell<Option<SourceError>>,
    ) -> LocalBoxFuture<'r, SourceEnd<'a>> {
        let dial: Dial<'r, Upgraded> = Box::new(move |request| {
            let endpoint = self.transcript_endpoint(id);
            let DialRequest { has_connected, is_renewal, .. } = request;
            async move {
                if is_renewal {
                    self.auth.renewed_token().await?;
                }
                self.dial_transcript(endpoint, has_connected, refusal).await
            }
            .boxed_local()
        });
        let options = TranscriptOptions {
            conversation: id.to_owned(),
            history: self.config.history,
            retries: self.config.connection.retries,
            progress: self.status_line.add_work(),
        };
        async move {
            let mut source = Source::transcript(options, self.rest.clone(), self.context, dial);
            let result = self.supervise(&mut source, Some(id)).await;
            SourceEnd::Transcript { index, result }
        }
        .boxed_local()
    }

    /// Opens a transcript socket, unless that of another conversation was refused before the first of this one.
    async fn dial_transcript(
        &self,
        endpoint: TranscriptEndpoint,
        has_connected: bool,
        refusal: &RefCell<Option<SourceError>>,
    ) -> DialResult<Upgraded> {
        // Conversations that wait for a handshake share a failed sign-in. A reconnect does not wait.
        self.auth.token().await?;
        let _permit = if has_connected { None } else { self.handshakes.acquire().await.ok() };
        let known = refusal.borrow().clone();
        match known.filter(|_| !has_connected) {
            Some(refusal) => Err(refusal),
            None => endpoint.open().await.map(Box::new),
        }
    }

    fn transcript_endpoint(&self, id: &str) -> TranscriptEndpoint {
        TranscriptEndpoint {
            http: self.http.clone(),
            auth: Arc::clone(&self.auth),
            url: transcript_endpoint(&self.config.endpoints.api, id),
            conversation: id.to_owned(),
            limits: self.transcript_limits(),
        }
    }

    fn transcript_limits(&self) -> SocketLimits {
        let limits = self.config.connection.socket;
        let share = (READ_BUFFERS / self.config.conversations.len().max(1)).max(MIN_READ_BUFFER);
        SocketLimits { read_buffer: limits.read_buffer.min(share), ..limits }
    }

    async fn supervise(
        &self,
        source: &mut Source<'_, Upgraded>,
        conversation: Option<&str>,
    ) -> Result<Outcome, Failure> {
        let connection = &self.config.connection;
        let policy = RetryPolicy { retries: connection.retries, reconnect_after_close: connection.follow };
        let status = self.status_line.add_connection();
        let supervision = Supervision {
            conversation,
            policy,
            sink: self.sink,
            dedup: self.context.dedup,
            status: &status,
            stop: self.stop,
        };
        supervise(source, supervision).await
    }
}

/// Logs the first fallback to notifications, and keeps its reason. In an ordinary organization the fallback is no news
/// (SRC-6, SRC-7).
fn note_fallback(known: &mut Option<SourceError>, refusal: &SourceError) {
    if known.is_none() {
        let status = refusal.handshake_status().map_or_else(String::new, |status| format!(" ({status})"));
        let message = format!("there is no transcript socket here{status}; using notifications");
        if refusal.is_usual_refusal() {
            tracing::debug!("{message}");
        } else {
            tracing::info!("{message}");
        }
        *known = Some(refusal.clone());
    }
}
