//! `tail -f` for Genesys Cloud conversations.
//!
//! # Modules
//!
//! A module imports only modules of its own row or a lower one; `tests/program/structure/imports.rs` holds the exact table.
//!
//! | module | contents |
//! | --- | --- |
//! | `commands` | the subcommands, where everything is put together |
//! | `supervisor` | keeps one source connected: connect, read, wait, retry |
//! | `delivery` | records, deduplicates, prints and counts events |
//! | `source` | the I/O half: sockets and REST requests |
//! | `settings` | command line, environment and files become `config` |
//! | `tracker` | the sans-IO half: what is known of each conversation, what must be requested, what can be told |
//! | `api` | everything that opens a connection to Genesys Cloud; one function per REST call |
//! | [`cli`] | the command line and the help topics |
//! | `cursor`, `dedup` | which events were delivered, on disk and in memory |
//! | [`output`], `status` | stdout and stderr: formats, escaping, redaction, status line |
//! | `wire` | the data of Genesys Cloud: bytes in, plain data out |
//! | `config`, [`event`], `exit_code`, `system` | settings, domain model, exit codes, operating system |
//! | `backoff`, `byte_scan`, `caseless`, `plural`, `rate_limited_warning` | small leaves |
//! | [`simulator`] | a local Genesys Cloud for `simulate`, `--demo` and the tests; shares no code with the client |
//!
//! # One frame of the transcript socket
//!
//! 1. `source::reading` asks `source::connection` for a frame, which `api::websocket` reads.
//! 2. `source::frames` buffers it while a backfill is read. Else `wire::transcript` decodes it: by a template of earlier
//!    frames (`fast_path`), or by serde.
//! 3. `supervisor::pump` counts the item against its turn and gives it to `delivery::sink`, which records the frame, prints
//!    it if the output is raw, asks `dedup` whether the event is new, and prints that with `output::{text, json}`.
//! 4. The line joins a batch of `output::writer`. Its thread writes the batch, with `--output-dir` to a file per conversation. With a cursor it writes line by line, and
//!    stores the checkpoint after each.
//! 5. If the reader of stdout is too slow, `supervisor::pump` stops reading the socket until the writer has room again.
//!
//! # One notification
//!
//! 1. `api::websocket` reads it, `source::frames` decodes it with `wire::notification`, and yields it for raw output.
//! 2. `tracker::Tracker::handle` takes it as an input: `tracker::notifications` finds the conversation, `tracker::conversation`
//!    compares the listed ids with those seen, and adds the new ones to `tracker::pending_messages`.
//! 3. `source::requests` asks `Tracker::poll_request` while parallelism, rate limit and backoff allow, and sends the request
//!    with `api::calls`.
//! 4. The response is the next input: `tracker::responses` gives it to the conversation, which completes its messages.
//!    `tracker::attribution` finds the sender.
//! 5. `Tracker::poll_event` gives the event, `source` yields it as an item, and `delivery::sink` delivers it as it does that
//!    of a frame, and records it.
//!
//! # One line of the event stream
//!
//! 1. `source::event_stream` reads it in a thread, and decodes its objects with `wire::event_stream`. A repeat ends there.
//! 2. `tracker::stream_calls` finds the speakers of utterances, which `supervisor::event_stream` delivers like any event.
//! 3. With credentials, a conversation that it mentions goes to the notifications source by `source::StreamLink`:
//!    `tracker::event_stream` follows it, and the participants of its calls come back the same way.
//!
//! # One setting (`--idle-timeout`)
//!
//! 1. `cli::args` declares the flag, `cli::value_parsers` parses its value.
//! 2. `settings::connection` checks it against `--ping-interval`, and reports a problem of `settings::problems` if it must.
//! 3. The value becomes a field of `config::SocketLimits`.
//! 4. `commands::tail` hands the limits to the source, `api::websocket` reads the field.
//! 5. `cargo test` fails until the flag is explained in the help.
//!
//! # One error (403 on a request for message bodies)
//!
//! 1. `api::rest` makes a `RestError::Forbidden` of the response.
//! 2. `source::requests` returns it as the response to its request: no backoff, since the tracker decides.
//! 3. `tracker::responses` refuses the conversation (notifications), or marks its history unavailable (transcript).
//! 4. `source` makes a `SourceError` of a refusal, and logs it if the run has several conversations. `commands::tail`
//!    collects it.
//! 5. `SourceError::class()` and `hint()` decide: `commands::error` maps the class of the first failure to the exit code of
//!    `exit_code`, and `run` prints message and hint.

mod api;
mod backoff;
mod byte_scan;
mod caseless;
pub mod cli;
mod commands;
mod config;
mod cursor;
mod decision;
mod dedup;
mod delivery;
pub mod event;
mod exit_code;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod output;
mod plural;
mod rate_limited_warning;
mod redaction;
mod settings;
pub mod simulator;
mod source;
mod status;
mod supervisor;
mod system;
mod tracker;
mod wire;

/// The parts of the path of a frame and of a body that `cargo bench` measures.
#[doc(hidden)]
pub mod bench {
    use crate::event::{Message, Origin};
    use crate::tracker::message_from_body;
    use crate::wire::message::parse_bulk;
    pub use crate::wire::transcript::fast_path::TemplateCache;
    pub use crate::wire::transcript::{Decoded, decode};

    /// Makes messages of a bulk response.
    #[must_use]
    pub fn read_bodies(json: &str) -> Vec<Message<'static>> {
        let bodies = parse_bulk(json).unwrap_or_default();
        bodies.into_iter().map(|body| message_from_body(body, None, Origin::History)).collect()
    }
}

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::api::http_error::host;
use crate::cli::Cli;
use crate::commands::error::Error;
pub use crate::commands::error::Exit;
use crate::config::{ProxyLogin, SourceChoice, Task, region};
use crate::settings::{Env, ProfileFile, Resolved, SettingsFiles, SettingsMessages, resolve};
use crate::status::log_line::LineStyle;
use crate::status::logging::Log;
use crate::status::redact::Secrets;
use crate::system::job_control::{StopSignals, stop_process};
pub use crate::system::limits::ignore_file_size_signal;
use crate::system::service_manager::ServiceManager;
pub use crate::system::signals::Signal;
use crate::system::signals::Signals;
pub use crate::system::stdout::{Stdout, open_stdout};
pub use crate::system::stream::{AsStream, BorrowedStream};

/// The inputs of one run of the program.
pub struct Invocation<'a> {
    /// The parsed command line.
    pub cli: Cli,
    /// The environment variables.
    pub variables: Vec<(OsString, OsString)>,
    /// The working folder.
    pub folder: &'a Path,
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Standard output.
    pub stdout: Stdout,
    /// Standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Standard error is a terminal.
    pub stderr_is_terminal: bool,
}

/// Runs the program. Errors are reported on standard error.
///
/// Call it once, outside of a tokio runtime: it starts its own, handles signals and panics for the process, and
/// disables core dumps.
#[must_use]
pub fn run(mut invocation: Invocation<'_>) -> Exit {
    system::core_dump::disable();
    // A terminal without escape sequences is used like a file.
    invocation.stdout_is_terminal &= system::stdout::enable_escape_sequences();
    invocation.stderr_is_terminal &= system::stderr::enable_escape_sequences();
    let mut log = open_log(&invocation);
    commands::error::report_bugs(log.clone());
    let result = prepare(invocation, &mut log).and_then(|(task, stdout)| execute(task, stdout, &log));
    result.unwrap_or_else(|error| {
        if !error.is_reported() {
            log.report(&error.to_string(), error.details());
        }
        Exit::Code(error.code())
    })
}

/// Returns the log of a run. Its style depends on the command line and the variables of the process, until files are read.
fn open_log(invocation: &Invocation<'_>) -> Log {
    let Invocation { cli, variables, stderr_is_terminal, .. } = invocation;
    let journal = variables.iter().find(|(name, _)| name == "JOURNAL_STREAM").and_then(|(_, stream)| stream.to_str());
    let is_journal = journal.is_some_and(|stream| system::journal::is_journal(io::stderr(), stream));
    let env = Env::of_process(variables.iter().cloned(), cli);
    let style = LineStyle {
        is_timed: !stderr_is_terminal && !is_journal,
        is_colored: settings::is_stderr_colored(cli, &env, *stderr_is_terminal),
    };
    let mut log = Log::new(cli.logging.log_format, style);
    log.service = ServiceManager::from_variables(variables);
    log
}

/// Resolves the settings and starts logging.
fn prepare(invocation: Invocation<'_>, log: &mut Log) -> Result<(Task, Stdout), Error> {
    let Invocation { cli, variables, folder, stdin, stdout, stdout_is_terminal, stderr_is_terminal } = invocation;
    let env = Env::read(variables, &cli, folder);
    log.style.is_colored = settings::is_stderr_colored(&cli, &env, stderr_is_terminal);
    let allows_status_line = settings::allows_status_line(&cli, &env)
        && stderr_is_terminal
        && !system::stdout::is_read_by_process(&stdout)
        && !system::signals::is_interrupt_ignored();
    let Resolved { task, filter, messages, files } = resolve(cli, &env, stdout_is_terminal, stdin)?;
    register_secrets(&task, &log.secrets);
    log.secrets.set_redaction(redaction_of(&task));
    if allows_status_line && filter.would_enable(env!("CARGO_CRATE_NAME"), &Level::INFO) {
        log.stderr.enable_status_line(log.style);
    }
    log.clone().init(filter);
    log_files(&files);
    log_service(&task);
    log_messages(&messages);
    Ok((task, stdout))
}

/// Logs the files that settings were read from (ERR-5).
fn log_files(files: &SettingsFiles) {
    if let Some(path) = &files.env_file {
        tracing::debug!("settings read from {}", path.display());
    }
    if let Some(ProfileFile { name, path }) = &files.profile {
        tracing::debug!("profile {name} read from {}", path.display());
    }
}

/// Logs the region, the hosts and the source (ERR-5).
fn log_service(task: &Task) {
    let (endpoints, source) = match task {
        Task::Tail(config) => (&config.endpoints, config.source.name()),
        Task::Check(check) => (&check.endpoints, check.source.name()),
        Task::List(list) => (&list.endpoints, SourceChoice::Notifications.name()),
        Task::Events(_) | Task::Demo(_) | Task::Replay(_) | Task::Simulate(_) | Task::Print(_) | Task::PrintSchema => {
            return;
        }
    };
    let (api, login) = (host(&endpoints.api), host(&endpoints.token));
    let region = region::of_api_host(&api);
    let name = region.map_or_else(String::new, |region| format!("region {region}, "));
    tracing::debug!(region, api, login, source, "{name}API at {api}, sign-in at {login}, source {source}");
}

/// Logs the messages about settings. None of them holds a secret.
fn log_messages(SettingsMessages { warnings, notes }: &SettingsMessages) {
    for note in notes {
        tracing::debug!("{note}");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Registers the secrets, which no line may show.
fn register_secrets(task: &Task, secrets: &Secrets) {
    let (credentials, network) = match task {
        Task::Tail(config) => (&config.credentials, &config.connection.network),
        Task::Check(check) => (&check.credentials, &check.network),
        Task::List(list) => (&list.credentials, &list.network),
        Task::Events(_) | Task::Demo(_) | Task::Replay(_) | Task::Simulate(_) | Task::Print(_) | Task::PrintSchema => {
            return;
        }
    };
    secrets.add_login(&credentials.client_id, &credentials.client_secret);
    if let Some(ProxyLogin { user, password }) = network.proxy.as_ref().and_then(|proxy| proxy.login.as_ref()) {
        secrets.add_login(user, password);
    }
}

/// Returns the personal data that no line may show.
fn redaction_of(task: &Task) -> redaction::Redaction {
    let output = match task {
        Task::Tail(config) => &config.output,
        Task::Events(events) => &events.output,
        Task::Demo(demo) => &demo.output,
        Task::Replay(replay) => &replay.output,
        Task::Check(_) | Task::List(_) | Task::Simulate(_) | Task::Print(_) | Task::PrintSchema => {
            return redaction::Redaction::default();
        }
    };
    output.redaction.clone()
}

fn execute(task: Task, stdout: Stdout, log: &Log) -> Result<Exit, Error> {
    // Install it before the first TLS configuration. A second call returns an error that means "installed".
    let _ = rustls::crypto::ring::default_provider().install_default();
    system::limits::check_open_files().map_err(Error::Start)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
    let stop = CancellationToken::new();
    let work = commands::run(task, stdout, log, &stop);
    let result = runtime.block_on(run_until_signal(work, &stop, log));
    if matches!(result, Ok(Exit::Code(0))) {
        // A run that was done before it had to be ready has not failed.
        log.service.report_ready();
    }
    log.service.report_stopping();
    // A thread may wait for a recording on standard input forever.
    runtime.shutdown_background();
    log.stderr.clear_status_line();
    result
}

/// Runs the work until it ends. The first signal cancels `stop`, the second ends the work at once (CONN-46). Ctrl-Z stops
/// the process without the status line (ERR-12). The watchdog is told that the loop makes progress (SVC-2).
async fn run_until_signal(
    work: impl Future<Output = Result<(), Error>>,
    stop: &CancellationToken,
    log: &Log,
) -> Result<Exit, Error> {
    let stderr = &log.stderr;
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let stop_signals =
        if stderr.is_status_line_enabled() { StopSignals::listen() } else { Ok(StopSignals::disabled()) };
    let mut stop_signals = stop_signals.map_err(Error::Start)?;
    let mut work = std::pin::pin!(work);
    let mut watchdog = log.service.start_watchdog();
    let mut received: Option<Signal> = None;
    loop {
        tokio::select! {
            // Signals come first: work that never waits uses up tokio's budget, and nothing polled after it is ready.
            biased;
            signal = signals.next() => {
                if let Some(first) = received {
                    return Ok(Exit::Signal(first));
                }
                received = Some(signal);
                log.service.report_stopping();
                stop.cancel();
            }
            () = watchdog.tick() => {}
            () = stop_signals.next() => stderr.suspend(stop_process),
            result = &mut work => {
                let ended = received.map_or(Exit::Code(0), Exit::Signal);
                return result.map(|()| ended);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_secret_and_proxy_password_are_registered_as_secrets() {
        let variables = [
            ("GENESYS_CLIENT_ID", "client"),
            ("GENESYS_CLIENT_SECRET", "hunter2"),
            ("HTTPS_PROXY", "http://user:opensesame@proxy.example"),
        ];
        let conversation = ["-c", "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77"];
        for args in [conversation.as_slice(), &["--queue", "x"], &["check"], &["list"]] {
            let cli = Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from)).unwrap();
            let process = variables.map(|(name, value)| (name.into(), value.into()));
            let folder = tempfile::tempdir().unwrap();
            let env = Env::read(process, &cli, folder.path());
            let secrets = Secrets::default();
            register_secrets(&resolve(cli, &env, false, &mut std::io::empty()).unwrap().task, &secrets);
            let kept = secrets.redact("hunter2 opensesame");
            assert_eq!(kept, "[redacted] [redacted]", "{args:?}");
        }
    }

    // Windows cannot raise an event for one process only, and has no systemd.
    #[cfg(unix)]
    mod unix {
        use super::*;
        use crate::config::LogFormat;

        /// Serializes the tests that run the loop: a signal reaches every loop of the process.
        static SIGNAL_LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

        #[tokio::test]
        async fn a_signal_stops_work_that_never_waits() {
            let _lock = SIGNAL_LOCK.lock().await;
            let (stop, log) = (CancellationToken::new(), Log::new(LogFormat::Text, LineStyle::default()));
            let work = async {
                signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
                for _ in 0..1_000_000 {
                    if stop.is_cancelled() {
                        break;
                    }
                    tokio::task::coop::consume_budget().await;
                }
                Ok(())
            };
            let exit = run_until_signal(work, &stop, &log).await.unwrap();
            assert!(stop.is_cancelled() && matches!(exit, Exit::Signal(Signal::Terminate)));
        }

        #[tokio::test]
        async fn a_blocked_loop_stops_the_watchdog() {
            let _lock = SIGNAL_LOCK.lock().await;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notify");
            let manager = tokio::net::UnixDatagram::bind(&path).unwrap();
            let mut log = Log::new(LogFormat::Text, LineStyle::default());
            let variables = [("NOTIFY_SOCKET".into(), path.into()), ("WATCHDOG_USEC".into(), "20000".into())];
            log.service = ServiceManager::from_variables(&variables);
            let mut message = [0; 64];
            let work = async {
                for _ in 0..3 {
                    let length = manager.recv(&mut message).await.unwrap();
                    assert_eq!(&message[..length], b"WATCHDOG=1");
                }
                std::thread::sleep(std::time::Duration::from_millis(200));
                assert!(manager.try_recv(&mut message).is_err(), "nothing was sent meanwhile");
                manager.recv(&mut message).await.unwrap();
                Ok(())
            };
            run_until_signal(work, &CancellationToken::new(), &log).await.unwrap();
        }
    }
}
