//! `tail -f` for Genesys Cloud conversations.
//!
//! | module | contents |
//! | --- | --- |
//! | [`cli`] | the command line |
//! | `settings` | the command line, environment and files become `config` |
//! | `config` | the resolved settings, plain data |
//! | `commands` | one file per subcommand, where everything is put together |
//! | `supervisor` | keeps one source connected: retries, renewal, graceful close |
//! | `delivery` | records, deduplicates, prints and counts events |
//! | `source` | sockets and requests |
//! | `tracker` | the state of each followed conversation |
//! | `api` | everything that opens a connection to Genesys Cloud |
//! | `wire` | the data of Genesys Cloud: bytes in, plain data out |
//! | `dedup`, `cursor` | which events were delivered, in memory and on disk |
//! | [`output`] | events as text, JSON or raw frames, and the thread that owns stdout |
//! | `status` | stderr: status lines, redaction of secrets, the status line of a terminal |
//! | `system` | the operating system: signals, core dumps, suspends, private files |
//! | [`event`] | the domain model |
//! | `byte_scan` | searches for special bytes, eight at a time |
//! | [`simulator`] | a local Genesys Cloud; shares no code with the client |

mod api;
mod backoff;
mod byte_scan;
pub mod cli;
mod commands;
mod config;
mod cursor;
mod dedup;
mod delivery;
pub mod event;
mod exit_code;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod output;
mod plural;
mod rate_limited_warning;
mod settings;
pub mod simulator;
mod source;
mod status;
mod supervisor;
mod system;
mod tracker;
mod wire;

/// The parts on the way of a frame that `cargo bench` measures.
#[doc(hidden)]
pub mod bench {
    pub use crate::wire::transcript::fast_path::TemplateCache;
    pub use crate::wire::transcript::{Decoded, decode};
}

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::cli::Cli;
use crate::commands::error::Error;
pub use crate::commands::error::Exit;
use crate::config::{ProxyLogin, Task};
use crate::settings::{Env, Resolved, resolve};
use crate::status::logging::Log;
use crate::status::redact::Secrets;
use crate::status::stderr::Stderr;
pub use crate::system::signals::Signal;
use crate::system::signals::Signals;

/// What a process was started with.
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
    pub stdout: File,
    /// Whether that is a terminal.
    pub terminal: bool,
    /// Whether standard error is one.
    pub watched: bool,
}

/// Runs the program from its settings to its end. Errors are reported on standard error.
///
/// Starts a runtime of its own, takes over `SIGINT`, `SIGTERM`, `SIGHUP` and panics for the process, and forbids core
/// files, so it is to be called once, outside of any runtime.
#[must_use]
pub fn run(invocation: Invocation<'_>) -> Exit {
    system::core_dump::disable();
    let format = invocation.cli.logging.log_format;
    let log = Log { format, secrets: Secrets::default(), stderr: Stderr::default() };
    commands::error::report_bugs(log.clone());
    let result = prepare(invocation, &log).and_then(|(task, stdout)| execute(task, stdout, &log));
    result.unwrap_or_else(|error| {
        if !error.is_reported() {
            log.report(&error.to_string(), error.hint());
        }
        Exit::Code(error.code())
    })
}

/// From what was typed and set to what is to be done, with logging started.
fn prepare(invocation: Invocation<'_>, log: &Log) -> Result<(Task, File), Error> {
    let Invocation { cli, variables, folder, stdin, stdout, terminal, watched } = invocation;
    let env = Env::read(variables, &cli, folder)?;
    let status_line = settings::status_line(&cli, &env).filter(|_| {
        watched && status::stderr::is_last_in_pipeline(&stdout) && !system::signals::is_interrupt_ignored()
    });
    let Resolved { task, filter, warnings } = resolve(cli, &env, terminal, stdin)?;
    keep_secret(&task, &log.secrets);
    if let Some(style) = status_line.filter(|_| filter.would_enable(env!("CARGO_CRATE_NAME"), &Level::INFO)) {
        log.stderr.enable_status_line(style);
    }
    log.clone().init(filter);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok((task, stdout))
}

/// Registers what no line may ever show.
fn keep_secret(task: &Task, secrets: &Secrets) {
    let (credentials, network) = match task {
        Task::Tail(config) => (&config.credentials, &config.connection.network),
        Task::Check(check) => (&check.credentials, &check.network),
        Task::Demo(_) | Task::Replay(_) | Task::Simulate(_) | Task::Print(_) | Task::PrintSchema => return,
    };
    secrets.add_login(&credentials.client_id, &credentials.client_secret);
    if let Some(ProxyLogin { user, password }) = network.proxy.as_ref().and_then(|proxy| proxy.login.as_ref()) {
        secrets.add_login(user, password);
    }
}

fn execute(task: Task, stdout: File, log: &Log) -> Result<Exit, Error> {
    // Before the first TLS configuration is made; a second call of this function finds it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    find_out_about_files().map_err(Error::Start)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
    let result = runtime.block_on(until_signalled(task, stdout, log));
    // A thread that still waits for a recording on standard input would keep the process from ending.
    runtime.shutdown_background();
    log.stderr.clear_status_line();
    result
}

/// The runtime opens some files and a pair of sockets, and takes it for a bug where it cannot. To a user it is none.
fn find_out_about_files() -> io::Result<()> {
    const PAIRS: usize = 4;
    (0..PAIRS).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>().map(drop)
}

/// Runs the task. The first signal asks it to leave in good order, the second does not wait for that.
async fn until_signalled(task: Task, stdout: File, log: &Log) -> Result<Exit, Error> {
    let mut signals = Signals::listen().map_err(Error::Start)?;
    let stop = CancellationToken::new();
    let mut running = std::pin::pin!(commands::run(task, stdout, log, &stop));
    let mut received: Option<Signal> = None;
    loop {
        tokio::select! {
            biased;
            result = &mut running => {
                let ended = received.map_or(Exit::Code(0), Exit::Signal);
                return result.map(|()| ended);
            }
            signal = signals.next() => {
                if let Some(first) = received {
                    return Ok(Exit::Signal(first));
                }
                received = Some(signal);
                stop.cancel();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_signs_in_has_secrets_to_keep() {
        let variables = [
            ("GENESYS_CLIENT_ID", "client"),
            ("GENESYS_CLIENT_SECRET", "hunter2"),
            ("HTTPS_PROXY", "http://user:opensesame@proxy.example"),
        ];
        for args in [["-c", "x"].as_slice(), &["--queue", "x"], &["check"]] {
            let cli = Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from)).unwrap();
            let process = variables.map(|(name, value)| (name.into(), value.into()));
            let folder = tempfile::tempdir().unwrap();
            let env = Env::read(process, &cli, folder.path()).unwrap();
            let secrets = Secrets::default();
            keep_secret(&resolve(cli, &env, false, &mut std::io::empty()).unwrap().task, &secrets);
            let kept = secrets.redact("hunter2 opensesame");
            assert_eq!(kept, "[redacted] [redacted]", "{args:?}");
        }
    }
}
