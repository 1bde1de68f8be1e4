//! Resolves the settings: the command line, the environment, `.env` and a profile of `gc` become a [`Task`].
//!
//! [`Env::read`] gathers the variables, [`resolve`] combines them with the command line. No other module reads a flag, a
//! variable or a settings file. All problems are reported together, in one [`ConfigError`].

mod account;
mod arguments;
mod connection;
mod endpoint_group;
mod endpoints;
mod env;
mod env_file;
mod gc_profile;
mod history;
mod ids;
mod list;
mod network;
mod output;
mod problems;
mod settings_file;
mod targets;

use std::io::Read;
use std::path::Path;

use chrono::{Local, Utc};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter;

use crate::cli::{
    self, AccountArgs, CheckArgs, Cli, Command, ListArgs, LoggingArgs, RecordingArgs, SimulateArgs, StreamArgs,
    TailArgs, TargetArgs,
};
use crate::config::{
    Check, Color, Config, Demo, EventInput, Events, EventsTo, List, LogFormat, Replay, ReplayFrom, Simulate, Task,
};

pub(crate) use env::{Env, SettingsFiles};
#[cfg(any(test, fuzzing))]
pub(crate) use env_file::parse as parse_env_file;
pub(crate) use gc_profile::ProfileFile;
#[cfg(any(test, fuzzing))]
pub(crate) use gc_profile::parse as parse_gc_profiles;
pub(crate) use problems::{ConfigError, SettingsMessages};

use account::Account;
use arguments::Requirement;
use ids::IdRule;
use problems::Problems;
use settings_file::Stdin;
use targets::Followed;

/// The outcome of [`resolve`].
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) task: Task,
    /// The status lines to print.
    pub(crate) filter: filter::Targets,
    pub(crate) messages: SettingsMessages,
    /// The files that settings were read from.
    pub(crate) files: SettingsFiles,
}

/// Turns the command line and the environment into the task to run.
///
/// Reads the files that settings name, and `stdin` for a setting that is `-`. `terminal` is whether stdout is a terminal.
///
/// # Errors
///
/// If settings are missing, unusable or contradictory. The error lists all of them.
pub(crate) fn resolve(cli: Cli, env: &Env, terminal: bool, stdin: &mut dyn Read) -> Result<Resolved, ConfigError> {
    let mut problems = Problems::new(env.findings().clone(), env.files_read());
    let mut stdin = Stdin::new(stdin);
    let filter = log_filter(&cli.logging, env, &mut problems);
    let task = match cli.command {
        Some(Command::Check(args)) => check(*args, env, &mut stdin, &mut problems),
        Some(Command::List(args)) => list(*args, env, terminal, &mut stdin, &mut problems),
        Some(Command::Simulate(args)) => Some(Task::Simulate(simulate(args))),
        Some(Command::Completions { shell }) => Some(Task::Print(cli::completions(shell))),
        Some(Command::Help { subject, words }) => {
            Some(Task::Print(cli::help(subject.as_deref(), &words, layout(env, terminal))))
        }
        Some(Command::Man { topic }) => Some(Task::Print(cli::man(topic.as_deref()))),
        Some(Command::Schema) => Some(Task::PrintSchema),
        None => tail(cli.tail, env, terminal, &mut stdin, &mut problems),
    };
    problems.explain_missing(env.unreadable_file());
    let ((task, filter), messages) = problems.into_result(task.zip(filter))?;
    Ok(Resolved { task, filter, messages, files: env.files() })
}

/// Returns whether lines on stderr are colored.
pub(crate) fn is_stderr_colored(cli: &Cli, env: &Env, is_terminal: bool) -> bool {
    output::is_colored(cli.tail.output.color, env, is_terminal)
}

/// Returns whether the status line may be shown on a terminal: stderr is text and the terminal can move its cursor.
pub(crate) fn allows_status_line(cli: &Cli, env: &Env) -> bool {
    let moves_cursor = env.get("TERM").is_some_and(|setting| setting.value != "dumb");
    moves_cursor && cli.logging.log_format == LogFormat::Text
}

/// Returns the layout of help on standard output.
fn layout(env: &Env, terminal: bool) -> cli::Layout {
    cli::Layout::new(terminal, output::is_colored(Color::Auto, env, terminal))
}

fn tail(args: TailArgs, env: &Env, terminal: bool, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<Task> {
    let TailArgs { target, media, stream, history, account, output, connection, network, recording } = args;
    let output = output::resolve(output, env, terminal, problems);
    let RecordingArgs { record, replay, demo } = recording;
    if let Some(path) = replay {
        let from = if path == Path::new("-") { ReplayFrom::Stdin } else { ReplayFrom::File(path) };
        return Some(Task::Replay(Replay { from, output }));
    }
    let events = event_input(stream, stdin);
    let has_stream = events.is_some();
    let cursor = history::cursor(&history, output.style.format, problems);
    let history = history::resolve(&history, &Local::now());
    if let Some(input) = events.clone().filter(|_| needs_no_account(&target, &account, env)) {
        targets::source(&target, has_stream, problems);
        let media = targets::media(&media, &target, has_stream, problems);
        return Some(Task::Events(Box::new(Events { input, media, history, output, record, cursor })));
    }
    problems.warn(network::typed_password(&network));
    let connection = connection::resolve(&connection, network, env, problems);
    if demo {
        let source = target.source;
        return Some(Task::Demo(Box::new(Demo { source, history, connection: connection?, output, record })));
    }
    let source = targets::source(&target, has_stream, problems);
    let media = targets::media(&media, &target, has_stream, problems);
    let requirement = if has_stream { Requirement::Replaced } else { Requirement::Required };
    let (followed, account) = account_and_targets(&target, requirement, &account, env, stdin, problems);
    let (Followed { conversations, targets }, Account { endpoints, credentials }) = (followed, account?);
    Some(Task::Tail(Box::new(Config {
        conversations,
        targets,
        media,
        endpoints,
        credentials,
        source,
        history,
        connection: connection?,
        output,
        record,
        cursor,
        events,
    })))
}

/// Resolves the event stream. It leaves standard input to no other setting.
fn event_input(args: StreamArgs, stdin: &mut Stdin<'_>) -> Option<EventInput> {
    let path = args.events?;
    if path == Path::new("-") {
        stdin.keep_for("--events -");
        return Some(EventInput::Stdin);
    }
    Some(EventInput::File(path))
}

/// Returns whether a run with an event stream needs no account: it has no other target, and no client is set (STR-3).
fn needs_no_account(target: &TargetArgs, account: &AccountArgs, env: &Env) -> bool {
    !arguments::has_target(target) && !account::has_client(account, env)
}

fn check(args: CheckArgs, env: &Env, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<Task> {
    let CheckArgs { target, account, network } = args;
    problems.warn(network::typed_password(&network));
    let network = network::resolve(network, env, problems);
    let source = targets::source(&target, false, problems);
    let (followed, account) = account_and_targets(&target, Requirement::Optional, &account, env, stdin, problems);
    let (Followed { conversations, targets }, Account { endpoints, credentials }) = (followed, account?);
    let check = Check { conversations, targets, endpoints, credentials, source, network: network? };
    Some(Task::Check(Box::new(check)))
}

fn list(args: ListArgs, env: &Env, terminal: bool, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<Task> {
    let ListArgs { filter, account, network } = args;
    problems.warn(network::typed_password(&network));
    let network = network::resolve(network, env, problems);
    let arguments = arguments::of_queues_and_users(&filter.queues, &filter.users);
    let group = endpoint_group::resolve(&account, env, &arguments, problems);
    let format = list::format(&filter, terminal);
    let filter = list::filter(filter, &arguments, Utc::now(), problems);
    let Account { endpoints, credentials } = account::resolve(&account, group, env, stdin, problems)?;
    Some(Task::List(Box::new(List { filter, format, endpoints, credentials, network: network? })))
}

/// Resolves the targets and the account: the URL of a target may name the region, and an API URL changes the form of ids.
fn account_and_targets(
    target: &TargetArgs,
    requirement: Requirement,
    account: &AccountArgs,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> (Followed, Option<Account>) {
    let arguments = arguments::read(target, requirement, env, stdin, problems);
    let group = endpoint_group::resolve(account, env, &arguments, problems);
    let may_have_api_url = group.has_api_url || problems.is_source_unusable();
    let rule = if may_have_api_url { IdRule::Any } else { IdRule::Uuid };
    let followed = targets::resolve(&arguments, rule, problems);
    (followed, account::resolve(account, group, env, stdin, problems))
}

fn simulate(args: SimulateArgs) -> Simulate {
    let SimulateArgs { listen, scripts, conversations, rate, events, faults, seed, token_lifetime } = args;
    let events = events.map(|path| if path == Path::new("-") { EventsTo::Stdout } else { EventsTo::File(path) });
    Simulate { listen, scripts, conversations, rate, events, faults, seed, token_lifetime }
}

/// Returns the filter of the status lines. `-q` and `-v` take precedence over the variable, as every flag does.
fn log_filter(args: &LoggingArgs, env: &Env, problems: &mut Problems) -> Option<filter::Targets> {
    let has_flag = args.quiet || args.verbose > 0;
    let Some(setting) = env.get("GENESYS_TAIL_LOG").filter(|_| !has_flag) else {
        return Some(verbosity_filter(args.quiet, args.verbose));
    };
    let filter = setting.value.parse().ok();
    if filter.is_none() {
        problems.unusable(setting.name, "not a filter such as debug or genesys_tail::supervisor=trace");
    }
    filter
}

/// Returns the filter of `-q` and `-v`: errors only with `-q`, debug lines with one `-v`, trace lines with two.
fn verbosity_filter(is_quiet: bool, verbosity: u8) -> filter::Targets {
    let level = match (is_quiet, verbosity) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    filter::Targets::new().with_default(level)
}

#[cfg(test)]
mod tests;
