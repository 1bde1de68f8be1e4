//! `tail -f` for Genesys Cloud conversations.
//!
//! Data moves one way, and every module is one station on it:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`cli`], [`config`] | what the user typed; what the program needs |
//! | `run`, `tail` | what each task does, from the settings to the end |
//! | `check` | whether a tail would work, step by step |
//! | `genesys` | what the remote side speaks: hosts, token, HTTP, WebSocket, frames |
//! | `source` | where events come from: the transcript socket, notifications, REST, a recording |
//! | [`event`] | what happened, the one currency of the house |
//! | `follow` | keeps a conversation alive: retries, renewal, and the way out |
//! | `ledger` | what was delivered already |
//! | `cursor` | the same on disk, for the next run |
//! | `delivery`, `stage` | recorded as it came, let through once, printed, counted |
//! | [`output`] | how it is shown: text, json, raw, escaping, and the thread that owns stdout |
//! | `recording` | what `--record` writes and `--replay` reads |
//! | [`logging`], [`redact`] | status lines, and what may never be in them |
//! | [`stderr`], `pulse` | where they go; the line that shows what a quiet tail waits for |
//! | `exit`, [`signals`] | how a run ends |
//! | `core_dump` | what a crash may leave on disk, which is nothing |
//! | `plain` | what the operating system says, in plain words |
//! | [`simulator`] | the same wire, spoken from the other side |

mod backoff;
mod check;
pub mod cli;
pub mod config;
mod core_dump;
mod cursor;
mod delivery;
pub mod event;
mod exit;
mod follow;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod genesys;
mod ledger;
pub mod logging;
pub mod output;
mod plain;
mod pulse;
mod recording;
pub mod redact;
mod run;
pub mod signals;
pub mod simulator;
mod source;
mod stage;
pub mod stderr;
mod tail;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::cli::Cli;
use crate::config::{Env, Resolved, Task, resolve};
use crate::exit::Error;
pub use crate::exit::Exit;
use crate::logging::Log;
use crate::redact::Secrets;
use crate::signals::{Signal, Signals};
use crate::stderr::Stderr;

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
    core_dump::forbid();
    let format = invocation.cli.logging.log_format;
    let log = Log { format, secrets: Secrets::default(), escape: output::escape, stderr: Stderr::default() };
    exit::report_bugs(log.clone());
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
    let foot = config::foot(&cli, &env).filter(|_| watched && stderr::ends_here(&stdout) && !signals::is_aside());
    let Resolved { task, filter, warnings } = resolve(cli, &env, terminal, stdin)?;
    keep_secret(&task, &log.secrets);
    if let Some(look) = foot.filter(|_| filter.would_enable(env!("CARGO_CRATE_NAME"), &Level::INFO)) {
        log.stderr.allow_foot(look);
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
        Task::Tail(config) => (&config.credentials, &config.link.network),
        Task::Check(check) => (&check.credentials, &check.network),
        Task::Demo(_) | Task::Replay(_) | Task::Simulate(_) | Task::Print(_) => return,
    };
    secrets.add_login(&credentials.client_id, &credentials.client_secret);
    if let Some((user, password)) = network.proxy.as_ref().and_then(|proxy| proxy.login.as_ref()) {
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
    log.stderr.wipe();
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
    let mut running = std::pin::pin!(run::run(task, stdout, log, &stop));
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
