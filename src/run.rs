//! What each task does, from the settings to the end.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::check::check;
use crate::config::{Config, Demo, Endpoints, Groups, Lines, Replay, Simulate, Task};
use crate::delivery::{Counts, Delivery};
use crate::exit::Error;
use crate::follow::{Failure, Outcome, Persistence, follow};
use crate::genesys::auth::Auth;
use crate::genesys::http::Http;
use crate::output::{Fate, Output, Prefixes, Writer};
use crate::recording::Recorder;
use crate::redact::Secrets;
use crate::simulator::{self, Script, Simulator};
use crate::source::replay::replay;
use crate::source::transcript::Transcript;

/// How long what was read may take to reach the reader when the user wants to leave.
const LAST_FLUSH: Duration = Duration::from_millis(500);

/// Does what the program was started for, until it is done or `stop` is cancelled.
///
/// # Errors
///
/// Why it could not be done. It was not reported yet.
pub(crate) async fn run(
    task: Task,
    mut stdout: File,
    secrets: &Secrets,
    stop: &CancellationToken,
) -> Result<(), Error> {
    match task {
        Task::Tail(config) => tail(*config, stdout, secrets, stop).await,
        Task::Demo(demo) => self::demo(*demo, stdout, secrets, stop).await,
        Task::Check(settings) => check(*settings, stdout, secrets, stop).await,
        Task::Replay(settings) => replay_to(settings, stdout, stop).await,
        Task::Simulate(settings) => simulate(settings, stdout, stop).await,
        Task::Print(text) => print(&mut stdout, &text),
    }
}

async fn tail(config: Config, stdout: File, secrets: &Secrets, stop: &CancellationToken) -> Result<(), Error> {
    let Config { conversations, endpoints, credentials, link, lines, record, .. } = config;
    let http = Http::new(&link.network, &endpoints, secrets.clone()).map_err(Error::Network)?;
    let auth = Arc::new(Auth::new(http.clone(), endpoints.token.clone(), credentials, secrets.clone()));
    let recorder = record.map(|path| Recorder::open(&path, &conversations)).transpose()?;
    let prefixes = Prefixes::new(conversations.iter().map(String::as_str));
    let names: Vec<String> = conversations
        .iter()
        .map(|id| prefixes.of(id).map_or_else(String::new, |prefix| format!("{prefix}: ")))
        .collect();
    let stage = Stage::new(lines, prefixes, recorder, stdout)?;
    let persistence = Persistence { retries: link.retries, follow: link.follow };
    let tails = FuturesUnordered::new();
    for (index, (id, name)) in conversations.iter().zip(&names).enumerate() {
        let transcript = Transcript::new(http.clone(), Arc::clone(&auth), &endpoints.api, id.clone(), link.socket);
        let delivery = &stage.delivery;
        tails.push(async move {
            (index, follow(id, name, async || transcript.connect().await, persistence, delivery, stop).await)
        });
    }
    let ended = stage.until_broken(all(tails, &names)).await;
    // Where it is the recording that failed, the reader is still to be given what was read.
    let outcome = ended.as_ref().ok().and_then(Option::as_ref).and_then(|ended| ended.outcome);
    stage.finish(outcome, stop).await?;
    ended?.map_or(Ok(()), Ended::into_result)
}

/// What became of the conversations.
struct Ended {
    outcome: Option<Outcome>,
    failures: Vec<Failure>,
    all: usize,
}

impl Ended {
    fn into_result(mut self) -> Result<(), Error> {
        let failed = self.failures.len();
        match (failed, self.all) {
            (0, _) => Ok(()),
            (_, 1) => Err(Error::Tail(self.failures.remove(0))),
            (_, all) => Err(Error::Tails { failed, all, first: Box::new(self.failures.remove(0)) }),
        }
    }
}

/// Waits for all tails. Where there are several, the failure of one is reported at once and the others go on.
async fn all(
    mut tails: FuturesUnordered<impl Future<Output = (usize, Result<Outcome, Failure>)>>,
    names: &[String],
) -> Ended {
    let mut ended = Ended { outcome: None, failures: Vec::new(), all: names.len() };
    while let Some((index, result)) = tails.next().await {
        match result {
            Ok(outcome) => ended.outcome = Some(outcome),
            Err(failure) => {
                if names.len() > 1 {
                    let hint = failure.cause().hint().map_or_else(String::new, |hint| format!("; {hint}"));
                    tracing::error!("{}{failure}{hint}", names[index]);
                }
                ended.failures.push(failure);
            }
        }
    }
    ended
}

/// Where lines go, for as long as that is possible.
struct Stage {
    delivery: RefCell<Delivery>,
    broken: CancellationToken,
}

impl Stage {
    fn new(lines: Lines, prefixes: Prefixes, recorder: Option<Recorder>, stdout: File) -> Result<Self, Error> {
        let writer = Writer::spawn(stdout, lines.stall_buffer).map_err(Error::Start)?;
        let output = Output::new(lines.style, prefixes, writer);
        let broken = CancellationToken::new();
        Ok(Self { delivery: RefCell::new(Delivery::new(output, recorder, broken.clone())), broken })
    }

    /// Runs `work` for as long as there is somebody to read it. `None` when the reader has gone away.
    async fn until_broken<T>(&self, work: impl Future<Output = T>) -> Result<Option<T>, Error> {
        let writer = self.delivery.borrow().output.handle();
        tokio::select! {
            biased;
            fate = writer.fate() => match fate {
                Fate::ReaderGone => Ok(None),
                Fate::Failed(error) => Err(Error::Output(error)),
            },
            () = self.broken.cancelled() => match self.delivery.borrow_mut().broken() {
                Some(error) => Err(Error::Record(error)),
                None => Ok(None),
            },
            done = work => Ok(Some(done)),
        }
    }

    /// Waits until the reader has everything, or for a moment only when the user wants to leave, and says what happened.
    async fn finish(self, outcome: Option<Outcome>, stop: &CancellationToken) -> Result<(), Error> {
        let Delivery { output, counts, .. } = self.delivery.into_inner();
        let writer = output.handle();
        let mut finishing = std::pin::pin!(output.finish(None));
        let summary = tokio::select! {
            summary = &mut finishing => Some(summary),
            () = stop.cancelled() => tokio::time::timeout(LAST_FLUSH, finishing).await.ok(),
        };
        match summary.and_then(|summary| summary.fate) {
            Some(Fate::Failed(error)) => return Err(Error::Output(error)),
            Some(Fate::ReaderGone) => return Ok(()),
            None => {}
        }
        if let Some(outcome) = outcome {
            tell(outcome, writer.written().records, &counts);
        }
        Ok(())
    }
}

fn tell(outcome: Outcome, lines: u64, counts: &Counts) {
    let ended = match outcome {
        Outcome::Closed => "conversation ended",
        Outcome::Ended => "the server has ended the connection",
        Outcome::Stopped => "stopped",
    };
    let Counts { repeats, malformed, unknown, gaps, reconnects, .. } = *counts;
    let mut more = String::new();
    for (count, one, many) in [
        (repeats, "repeat hidden", "repeats hidden"),
        (reconnects, "reconnect", "reconnects"),
        (gaps, "gap", "gaps"),
        (malformed, "frame that could not be read", "frames that could not be read"),
    ] {
        if count > 0 {
            let _ = write!(more, ", {count} {}", if count == 1 { one } else { many });
        }
    }
    let noun = if lines == 1 { "line" } else { "lines" };
    tracing::info!(lines, repeats, malformed, unknown, gaps, reconnects, "{ended}: {lines} {noun}{more}");
}

async fn demo(demo: Demo, stdout: File, secrets: &Secrets, stop: &CancellationToken) -> Result<(), Error> {
    let options = simulator::Options {
        script: Script::named("demo").expect("a built-in script"),
        faults: vec!["socket:replay,times=always".parse()?, "socket:close=1011,after=9".parse()?],
        ..simulator::Options::default()
    };
    let simulator = Simulator::start(options).await.map_err(Error::Simulator)?;
    let base: url::Url = simulator.base_url().parse().expect("a URL");
    let token = base.join("/oauth/token").expect("a URL");
    let config = Config {
        conversations: vec![simulator.first_conversation().id().to_owned()],
        endpoints: Endpoints { api: base, token },
        credentials: crate::config::Credentials {
            client_id: simulator.client_id().to_owned(),
            client_secret: simulator.client_secret().into(),
        },
        groups: Groups::default(),
        source: demo.source,
        past: demo.past,
        link: demo.link,
        lines: demo.lines,
        record: demo.record,
    };
    tail(config, stdout, secrets, stop).await
}

async fn replay_to(settings: Replay, stdout: File, stop: &CancellationToken) -> Result<(), Error> {
    let stage = Stage::new(settings.lines, Prefixes::default(), None, stdout)?;
    let replayed = stop.run_until_cancelled(replay(&settings.from, &stage.delivery));
    let Some(replayed) = stage.until_broken(replayed).await? else { return Ok(()) };
    stage.finish(None, stop).await?;
    replayed.unwrap_or(Ok(())).map_err(Error::Replay)
}

async fn simulate(settings: Simulate, mut stdout: File, stop: &CancellationToken) -> Result<(), Error> {
    if settings.faults.iter().any(|fault| fault == "help") {
        return print(&mut stdout, simulator::fault_help().as_bytes());
    }
    let defaults = simulator::Options::default();
    let Some(script) = stop.run_until_cancelled(script(settings.script)).await else { return Ok(()) };
    let options = simulator::Options {
        listen: settings.listen,
        script: script?.unwrap_or(defaults.script),
        rate: settings.rate,
        faults: settings.faults.iter().map(|fault| fault.parse()).collect::<Result<_, _>>()?,
        seed: settings.seed.unwrap_or(defaults.seed),
        token_lifetime: settings.token_lifetime.unwrap_or(defaults.token_lifetime),
        ..simulator::Options::default()
    };
    let simulator = Simulator::start(options).await.map_err(Error::Simulator)?;
    print(&mut stdout, simulator.dotenv().as_bytes())?;
    tracing::info!("simulating on {}; stop with Ctrl-C", simulator.base_url());
    stop.cancelled().await;
    simulator.shutdown().await;
    Ok(())
}

/// The script of this name or in this file, which may be a named pipe that nobody writes to yet.
async fn script(name: Option<String>) -> Result<Option<Script>, Error> {
    let Some(name) = name else { return Ok(None) };
    let loaded = tokio::task::spawn_blocking(move || Script::load(&name)).await;
    Ok(Some(loaded.map_err(|error| Error::Start(io::Error::other(error)))??))
}

/// A reader that has gone away has seen enough.
fn print(stdout: &mut File, text: &[u8]) -> Result<(), Error> {
    match stdout.write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::Output(Arc::new(error))),
    }
}
