//! The command line: what the user typed. The only module that knows the parser.
//!
//! What only a flag can say is checked here and ends in exit code 2; whatever a variable or a file can say as well is
//! checked by [`crate::config`], wherever it came from.

mod args;
mod habits;
mod values;
mod words;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use args::{
    AccountArgs, CheckArgs, ConnectionArgs, LinesArgs, LoggingArgs, NetworkArgs, PastArgs, RecordingArgs, SimulateArgs,
    TailArgs, TargetArgs,
};

const EXAMPLES: &str = "\
Examples:
  genesys-tail --demo                                          see it work, without an account
  genesys-tail check                                           does the account permit it?
  genesys-tail -c 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77         follow one conversation
  genesys-tail -c 97b9… -n 20                                  begin with the last 20 lines
  genesys-tail -c 97b9… --no-follow > talk.txt                 what was said until now, no more
  genesys-tail -c @ids.txt >> transcript.log                   follow many, into a file
  genesys-tail --queue b7c1d7a4-2f6e-4f0c-8a35-91d2e4c6f013    follow all of a queue
  genesys-tail -c 97b9… | grep --line-buffered Customer        what the customer says
  genesys-tail -c 97b9… --json | jq -r .text                   for programs
  genesys-tail simulate > .env &                               a Genesys Cloud to play with, and
  genesys-tail                                                 in the same folder: follow it
";

const AFTER_HELP: &str = "\
Settings come from flags, then the environment, then .env here or in a parent folder.
Exit codes: 0 closed normally, 2 usage, 66 no such conversation, 69 gave up, 74 output failed,
76 protocol, 77 credentials refused, 78 settings.";

/// Follow Genesys Cloud conversations like tail -f
#[derive(Debug, Parser)]
#[command(name = "genesys-tail", version, max_term_width = 110, before_long_help = EXAMPLES, after_long_help = AFTER_HELP)]
pub struct Cli {
    /// What to do instead of tailing.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Everything about tailing.
    #[command(flatten)]
    pub tail: TailArgs,
    /// What is said on standard error.
    #[command(flatten)]
    pub logging: LoggingArgs,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a local Genesys Cloud: token endpoint and transcript socket
    Simulate(SimulateArgs),
    /// Sign in, try every step of following, and say what is missing and how to mend it
    Check(Box<CheckArgs>),
    /// Print a completion script for a shell
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
        let mut command = parser();
        let matches = command.try_get_matches_from_mut(args)?;
        if let Some(message) = matches.subcommand_name().and_then(|name| stray(&command, name, &matches)) {
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// The completion script for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    script
}

/// The manual page, as roff.
pub(crate) fn man() -> Vec<u8> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page).expect("writing to memory does not fail");
    page
}

/// What there is to parse: what the help shows, and habits.
fn parser() -> clap::Command {
    Cli::command().args(habits::args()).mut_subcommand("check", |check| check.arg(habits::secret()))
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
