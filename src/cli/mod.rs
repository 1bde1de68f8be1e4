//! The command line. The only module that uses clap.
//!
//! Settings that only a flag can hold are checked here; an invalid one is an error of usage (exit code 2). Settings that a
//! variable or a file can hold too are checked by `settings`.

mod args;
mod completions;
mod help;
mod man;
mod suggestions;
mod topics;
mod value_parsers;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

pub(crate) use args::{
    AccountArgs, CheckArgs, ConnectionArgs, HistoryArgs, ListArgs, ListFilterArgs, LoggingArgs, MediaArgs, NetworkArgs,
    OutputArgs, RecordingArgs, SimulateArgs, StreamArgs, TailArgs, TargetArgs,
};
pub(crate) use topics::Layout;

/// Follow Genesys Cloud conversations like tail -f
#[derive(Debug, Parser)]
#[command(name = "genesys-tail", version, max_term_width = 100, override_usage = help::USAGE)]
#[command(disable_help_subcommand = true)]
#[command(after_help = help::AFTER_SHORT, after_long_help = help::after_long_help())]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) tail: TailArgs,
    #[command(flatten)]
    pub(crate) logging: LoggingArgs,
}

/// The subcommands. Without one, the program tails.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check credentials, permissions and network
    ///
    /// Prints one line per step: ok, warn or fail. The exit code is that of the first failed step.
    #[command(after_long_help = help::CHECK_EXAMPLES)]
    Check(Box<CheckArgs>),
    /// List conversations
    ///
    /// Prints the open conversations of the last 7 days, newest first: a table on a terminal, else columns separated by
    /// tabs. A conversation that has just started may be missing.
    #[command(after_long_help = help::LIST_EXAMPLES)]
    List(Box<ListArgs>),
    /// Run a local Genesys Cloud
    ///
    /// Prints the variables of its account and conversation, and runs until Ctrl-C.
    #[command(after_long_help = help::SIMULATE_EXAMPLES)]
    Simulate(SimulateArgs),
    /// Print the JSON Schema of -o json
    Schema,
    /// Print a shell completion script
    #[command(after_long_help = help::COMPLETIONS_EXAMPLES)]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print a help topic, or the help of a command
    #[command(after_long_help = topics::HELP_EXAMPLES)]
    Help {
        /// Topic or command [default: the list of topics]
        #[arg(value_name = "TOPIC", value_parser = topics::topics_and_commands())]
        subject: Option<String>,
        /// Print only the parts of the topic that contain this text
        #[arg(value_name = "WORD", allow_hyphen_values = true, value_hint = ValueHint::Other)]
        words: Vec<String>,
    },
    /// Print the manual page, or a help topic as one
    #[command(after_long_help = topics::MAN_EXAMPLES)]
    Man {
        /// Topic [default: the page of genesys-tail]
        #[arg(value_name = "TOPIC", value_parser = topics::names())]
        topic: Option<String>,
    },
}

impl Cli {
    /// Parses a command line. Its first element is the name of the program.
    ///
    /// # Errors
    ///
    /// On wrong usage, and on `--help` and `--version`: [`clap::Error::print`] and [`clap::Error::exit_code`] handle all
    /// three. The message never holds the value of an unknown flag, which may be a secret.
    pub fn parse_from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let mut command = parser(if args.iter().any(|arg| arg == "-h") { Help::Short } else { Help::Long });
        let matches = command.try_get_matches_from_mut(&args);
        let matches = matches.map_err(|error| suggestions::improve(error, &command, &args))?;
        if let Some(message) = matches.subcommand_name().and_then(|name| misplaced_flag(&command, name, &matches)) {
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        if let Some(error) = cli.command.as_ref().and_then(search_error) {
            return Err(error);
        }
        if let Some(name) = cli.command.as_ref().and_then(|cli| command_to_explain(cli, &command)) {
            return Self::parse_from_args([env!("CARGO_PKG_NAME"), name, "--help"].map(OsString::from));
        }
        Ok(cli)
    }
}

/// The length of the help.
#[derive(Clone, Copy, PartialEq)]
enum Help {
    /// One line per flag: `-h`.
    Short,
    /// The full text of each flag: `--help`.
    Long,
}

/// Returns the command whose name resembles `argument`, which the parser takes for the id of a conversation.
pub(crate) fn similar_command(argument: &str) -> Option<String> {
    suggestions::similar_command(&Cli::command(), argument)
}

/// Returns the completion script for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    completions::script(shell, Cli::command())
}

/// Returns the text of a help topic or of its entries that contain `words`, or the list of topics.
pub(crate) fn help(topic: Option<&str>, words: &[String], layout: Layout) -> Vec<u8> {
    let found = topic.filter(|_| !words.is_empty()).and_then(|name| topics::search(name, &words.join(" "), layout));
    found.unwrap_or_else(|| topics::text(topic, layout)).into_bytes()
}

/// Returns the manual page of the program or of a help topic as roff.
pub(crate) fn man(topic: Option<&str>) -> Vec<u8> {
    match topic.and_then(topics::Topic::find) {
        Some(topic) => man::topic_page(topic),
        None => man::page(with_help(Cli::command(), Help::Long)),
    }
}

/// Returns the parser, with the flags of the help and the hidden flags of other tools.
fn parser(help: Help) -> clap::Command {
    with_help(Cli::command(), help).args(suggestions::foreign_args(None)).mut_subcommands(|subcommand| {
        let args = suggestions::foreign_args(Some(subcommand.get_name()));
        subcommand.args(args)
    })
}

/// Shortens the help of each flag to one line if the help is short: its texts name the possible values.
fn with_help(command: clap::Command, help: Help) -> clap::Command {
    match help {
        Help::Long => command,
        Help::Short => {
            let shortened = |command| {
                help::shortened(command).mut_args(|arg| {
                    let is_option = arg.get_action().takes_values() && !arg.is_positional();
                    arg.hide_possible_values(is_option)
                })
            };
            shortened(command).mut_subcommands(shortened)
        }
    }
}

/// Returns the name of the command whose help is wanted.
fn command_to_explain<'a>(command: &'a Command, parser: &clap::Command) -> Option<&'a str> {
    match command {
        Command::Help { subject: Some(name), .. } if parser.find_subcommand(name).is_some() => Some(name),
        _ => None,
    }
}

/// Returns the error for a search that finds nothing, or that is not in a topic.
fn search_error(command: &Command) -> Option<clap::Error> {
    let Command::Help { subject: Some(name), words } = command else { return None };
    let wanted = words.join(" ");
    let message = if words.is_empty() || topics::contains(name, &wanted) {
        return None;
    } else if topics::Topic::find(name).is_none() {
        format!("'{wanted}' cannot be searched in the help of a command\n\n  tip: use 'genesys-tail {name} --help'\n")
    } else {
        format!(
            "no part of the topic '{name}' contains '{wanted}'\n\n  tip: use 'genesys-tail help {name}' for all of it\n"
        )
    };
    Some(clap::Error::raw(ErrorKind::ValueValidation, message))
}

/// Returns the error for a flag of the tail before the subcommand `name`, where it would silently have no effect.
fn misplaced_flag(command: &clap::Command, name: &str, matches: &ArgMatches) -> Option<String> {
    let is_typed =
        |id: &str| matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine);
    let mut tail_args = command.get_arguments().filter(|arg| !arg.is_global_set());
    let arg = tail_args.find(|arg| is_typed(arg.get_id().as_str()))?;
    let flag = arg.get_long().map_or_else(|| arg.to_string(), |long| format!("--{long}"));
    let has_arg = |command: &clap::Command| command.get_arguments().any(|other| other.get_id() == arg.get_id());
    Some(match command.find_subcommand(name) {
        Some(subcommand) if has_arg(subcommand) => format!("the argument '{flag}' must come after '{name}'"),
        _ => format!("the argument '{flag}' cannot be used with '{name}'"),
    })
}

#[cfg(test)]
mod tests;
