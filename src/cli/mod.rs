//! The command line: what the user typed. The only module that knows the parser.
//!
//! What only a flag can say is checked here and ends in exit code 2; whatever a variable or a file can say as well is
//! checked by [`crate::settings`], wherever it came from.

mod args;
mod completions;
mod conflict;
mod help;
mod man;
mod suggestions;
mod typo;
mod value_parsers;
mod words;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use args::{
    AccountArgs, CheckArgs, ConnectionArgs, HistoryArgs, LoggingArgs, NetworkArgs, OutputArgs, RecordingArgs,
    SimulateArgs, TailArgs, TargetArgs,
};

/// Follow Genesys Cloud conversations like tail -f
#[derive(Debug, Parser)]
#[command(name = "genesys-tail", version, max_term_width = 110)]
#[command(before_long_help = help::EXAMPLES, after_help = help::MORE, after_long_help = help::AFTER)]
pub struct Cli {
    /// What to do instead of tailing.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Everything about tailing.
    #[command(flatten)]
    pub(crate) tail: TailArgs,
    /// What is said on standard error.
    #[command(flatten)]
    pub(crate) logging: LoggingArgs,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try every step of following, and say what is missing
    ///
    /// It takes the conversations and the account of a tail, and how the network is reached.
    #[command(before_long_help = help::CHECK_EXAMPLES)]
    Check(Box<CheckArgs>),
    /// Run a local Genesys Cloud to play with
    #[command(before_long_help = help::SIMULATE_EXAMPLES)]
    Simulate(SimulateArgs),
    /// Print the JSON Schema of the lines of -o json
    Schema,
    /// Print a completion script for a shell
    #[command(before_long_help = help::COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

impl Cli {
    /// Parses a command line whose first element is the name of the program.
    ///
    /// # Errors
    ///
    /// Wrong usage, and also `--help` and `--version`: [`clap::Error::print`] and [`clap::Error::exit_code`] do the
    /// right thing for all three. The message never holds the value of a flag that was tried for a secret.
    pub fn parse_from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let mut command = parser(if args.iter().any(|arg| arg == "-h") { Help::Short } else { Help::Long });
        let matches = command.try_get_matches_from_mut(&args);
        let matches = matches.map_err(|error| suggestions::advised(error, &command, &args));
        let matches = matches.map_err(|error| conflict::narrowed(error, &command, &args))?;
        if let Some(message) = matches.subcommand_name().and_then(|name| stray(&command, name, &matches)) {
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        match typo::of_command(&command, &cli) {
            Some(message) => Err(command.error(ErrorKind::InvalidSubcommand, message)),
            None => Ok(cli),
        }
    }
}

/// How much the help says of a flag.
#[derive(Clone, Copy, PartialEq)]
enum Help {
    /// One line.
    Short,
    /// Everything.
    Long,
}

/// The completion script for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    completions::script(shell, Cli::command())
}

/// The manual page, as roff.
pub(crate) fn man() -> Vec<u8> {
    man::page(described(Cli::command(), Help::Long))
}

/// What there is to parse: what the help shows, and habits.
fn parser(help: Help) -> clap::Command {
    described(Cli::command(), help).args(suggestions::of(None)).mut_subcommands(|subcommand| {
        let habits = suggestions::of(Some(subcommand.get_name()));
        subcommand.args(habits)
    })
}

/// The command and its subcommands with as much of each flag as is wanted. The texts name the values themselves.
fn described(command: clap::Command, help: Help) -> clap::Command {
    let one = |command: clap::Command| {
        command.mut_args(|arg| {
            let valued = arg.get_action().takes_values();
            arg.hide_possible_values(valued).hide_default_value(valued && help == Help::Short)
        })
    };
    one(command).mut_subcommands(one)
}

/// What is wrong with the first argument for tailing that stands before the subcommand `name`: it would silently do
/// nothing there.
fn stray(command: &clap::Command, name: &str, matches: &ArgMatches) -> Option<String> {
    let mut arguments = command.get_arguments().filter(|arg| !arg.is_global_set());
    let typed =
        |id: &str| matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine);
    let arg = arguments.find(|arg| typed(arg.get_id().as_str()))?;
    let flag = arg.get_long().map_or_else(|| arg.to_string(), |long| format!("--{long}"));
    let known = |command: &clap::Command| command.get_arguments().any(|other| other.get_id() == arg.get_id());
    Some(match command.find_subcommand(name) {
        Some(subcommand) if known(subcommand) => format!("'{flag}' has to stand behind '{name}'"),
        _ => format!("'{flag}' is for tailing and cannot be used with '{name}'"),
    })
}

#[cfg(test)]
mod tests;
