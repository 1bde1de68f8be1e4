//! What the program needs: settings resolved and validated, with nothing of the parser in them.
//!
//! [`Env::read`] gathers the variables, [`resolve`] turns them and the command line into a [`Task`]. No module below
//! reads a variable, a flag or a settings file again.

mod account;
mod check;
mod conversations;
mod credentials;
mod endpoints;
mod env;
mod error;
mod file;
mod groups;
mod id;
mod lines;
mod link;
mod network;
mod past;
mod profile;
pub(crate) mod region;
mod stdin;

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use tracing_subscriber::filter;

use crate::cli::{Cli, Command, LoggingArgs, RecordingArgs, SimulateArgs, TailArgs};
use crate::status::logging;
use crate::status::logging::LogFormat;
use crate::status::stderr::Look;
use crate::{cli, output};

pub use check::Check;
pub use credentials::Credentials;
pub use endpoints::Endpoints;
pub use env::Env;
#[cfg(any(test, fuzzing))]
pub(crate) use env::parse as parse_env_file;
pub use error::{ConfigError, Problem};
pub use groups::Targets;
pub use lines::{Color, OutputOptions};
pub use link::{ConnectionOptions, Retries, SocketLimits};
pub use network::{CaBundle, Network, Proxy};
pub use past::{History, LineLimit, Since};
#[cfg(any(test, fuzzing))]
pub(crate) use profile::parse as parse_profiles;

use conversations::Need;
use error::Problems;
use stdin::Stdin;

/// What to do, and what to say before doing it.
#[derive(Debug)]
pub struct Resolved {
    /// What to do.
    pub task: Task,
    /// Which status lines are wanted.
    pub filter: filter::Targets,
    /// What is odd about the settings but stops nothing, a sentence each. They hold no secret.
    pub warnings: Vec<String>,
}

/// What the program was started for.
#[derive(Debug)]
pub enum Task {
    /// Tail conversations of a real (or simulated) Genesys Cloud.
    Tail(Box<Config>),
    /// Tail a conversation simulated in this process.
    Demo(Box<Demo>),
    /// Find out whether tailing would work.
    Check(Box<Check>),
    /// Print a recording.
    Replay(Replay),
    /// Be a local Genesys Cloud.
    Simulate(Simulate),
    /// Write this to standard output: a completion script, the manual page or the schema.
    Print(Vec<u8>),
}

/// What tailing needs.
#[derive(Debug)]
pub struct Config {
    /// The ids of the conversations, each once, in the order they were named; at least one where there is no group.
    pub conversations: Vec<String>,
    /// Whose conversations are followed besides.
    pub groups: Targets,
    /// Where the API and the token endpoint are.
    pub endpoints: Endpoints,
    /// Who signs in.
    pub credentials: Credentials,
    /// Which wire to ask; with queues or users, [`SourceChoice::Notifications`].
    pub source: SourceChoice,
    /// How much of what was said already is wanted, and whether that is all.
    pub past: History,
    /// How connections are made and kept alive.
    pub link: ConnectionOptions,
    /// What is printed, and how.
    pub lines: OutputOptions,
    /// Where to record frames.
    pub record: Option<PathBuf>,
    /// Where to keep what was delivered, for the next run to go on after it.
    pub cursor: Option<PathBuf>,
}

/// What the demo needs; the rest of a [`Config`] comes from the simulator.
#[derive(Debug)]
pub struct Demo {
    /// Which wire to ask.
    pub source: SourceChoice,
    /// How much of what was said already is wanted, and whether that is all.
    pub past: History,
    /// How connections are made and kept alive. It names no proxy and no certificates.
    pub link: ConnectionOptions,
    /// What is printed, and how.
    pub lines: OutputOptions,
    /// Where to record frames.
    pub record: Option<PathBuf>,
}

/// What printing a recording needs.
#[derive(Debug)]
pub struct Replay {
    /// The recording.
    pub from: ReplayFrom,
    /// What is printed, and how.
    pub lines: OutputOptions,
}

/// Where a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayFrom {
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

/// What the local Genesys Cloud needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulate {
    /// A loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The conversation to play: the name of a built-in one or a file.
    pub script: Option<String>,
    /// Messages per second, above zero and finite; `None` leaves the pace to the script.
    pub rate: Option<f64>,
    /// What to break, as typed; `help` asks for the list.
    pub faults: Vec<String>,
    /// What to repeat a run with.
    pub seed: Option<u64>,
    /// How long a token lives; `None` leaves it to the simulator.
    pub token_lifetime: Option<Duration>,
}

/// The wire a transcript is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceChoice {
    /// The one that works.
    Auto,
    /// The transcript socket.
    Transcript,
    /// Notifications, with the text read by REST.
    Notifications,
}

/// Turns what was typed and what is set into what to do.
///
/// Reads the files that settings name, and `stdin` where one is `-`. `terminal` says whether standard output is one.
///
/// # Errors
///
/// Every setting that is missing, unusable or contradictory, all in one.
pub fn resolve(cli: Cli, env: &Env, terminal: bool, stdin: &mut dyn Read) -> Result<Resolved, ConfigError> {
    let mut problems = Problems::new(env.has_unused_profiles());
    let mut warnings = Vec::new();
    let filter = log_filter(&cli.logging, env, &mut problems);
    let task = match cli.command {
        Some(Command::Check(args)) => {
            let check = check::resolve(*args, env, &mut Stdin::new(stdin), &mut problems, &mut warnings);
            check.map(|check| Task::Check(Box::new(check)))
        }
        Some(Command::Simulate(args)) => Some(Task::Simulate(args.into())),
        Some(Command::Completions { shell }) => Some(Task::Print(cli::completions(shell))),
        Some(Command::Man) => Some(Task::Print(cli::man())),
        Some(Command::Schema) => Some(Task::Print(output::SCHEMA.into())),
        None => tail(cli.tail, env, terminal, &mut Stdin::new(stdin), &mut problems, &mut warnings),
    };
    problems.none_or(task.zip(filter)).map(|(task, filter)| Resolved { task, filter, warnings })
}

fn tail(
    args: TailArgs,
    env: &Env,
    terminal: bool,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Task> {
    let TailArgs { target, past, account, lines, connection, network, recording } = args;
    let lines = lines::resolve(lines, env, terminal, problems);
    let RecordingArgs { record, replay, demo } = recording;
    if let Some(path) = replay {
        let from = if path == Path::new("-") { ReplayFrom::Stdin } else { ReplayFrom::File(path) };
        return Some(Task::Replay(Replay { from, lines }));
    }
    let cursor = past::cursor(&past, lines.style.format, problems);
    let past = past::resolve(&past, Utc::now());
    warnings.extend(network::typed_password(&network));
    let link = link::resolve(&connection, network, env, problems);
    if demo {
        return Some(Task::Demo(Box::new(Demo { source: target.source, past, link: link?, lines, record })));
    }
    let source = groups::source(&target, problems);
    let conversations = conversations::resolve(&target, Need::Required, env, stdin, problems);
    let groups = groups::resolve(&target, problems);
    let (endpoints, credentials) = account::resolve(&account, env, stdin, problems, warnings);
    Some(Task::Tail(Box::new(Config {
        conversations,
        groups,
        endpoints: endpoints?,
        credentials: credentials?,
        source,
        past,
        link: link?,
        lines,
        record,
        cursor,
    })))
}

/// How a line at the foot of a terminal looks; `None` where nobody wants one, or the terminal can move no cursor.
#[must_use]
pub fn foot(cli: &Cli, env: &Env) -> Option<Look> {
    let term = env.get("TERM").is_some_and(|setting| setting.value != "dumb");
    let plain = cli.tail.lines.color == Color::Never || env.get("NO_COLOR").is_some();
    (term && cli.logging.log_format == LogFormat::Text).then_some(if plain { Look::Plain } else { Look::Dim })
}

/// `-q` and `-v` win over the variable, as every flag does.
fn log_filter(args: &LoggingArgs, env: &Env, problems: &mut Problems) -> Option<filter::Targets> {
    let typed = args.quiet || args.verbose > 0;
    let Some(setting) = env.get("GENESYS_TAIL_LOG").filter(|_| !typed) else {
        return Some(logging::filter(args.quiet, args.verbose));
    };
    let filter = setting.value.parse().ok();
    if filter.is_none() {
        problems.unusable(setting.name, "not a filter; debug and genesys_tail::follow=trace are");
    }
    filter
}

impl From<SimulateArgs> for Simulate {
    fn from(args: SimulateArgs) -> Self {
        let SimulateArgs { listen, script, rate, faults, seed, token_lifetime } = args;
        Self { listen, script, rate, faults, seed, token_lifetime }
    }
}

#[cfg(test)]
mod tests;
