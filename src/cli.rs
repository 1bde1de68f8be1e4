//! The command line: what the user typed. The only module that knows the parser.
//!
//! What only a flag can say is checked here and ends in exit code 2; whatever a variable or a file can say as well is
//! checked by [`crate::config`], wherever it came from.

mod args;
mod habits;
mod values;

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
  genesys-tail -c 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77         follow one conversation
  genesys-tail -c @ids.txt >> transcript.log                   follow many, into a file
  genesys-tail -c 97b9… | grep --line-buffered Customer        what the customer says
  genesys-tail -c 97b9… --json | jq -r .text                   for programs
  genesys-tail simulate > .env &                               a local Genesys Cloud to play with, and then
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
    /// Sign in, try every step, and say what is missing and how to mend it
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
        let mut command = Self::command().args(habits::args());
        let matches = command.try_get_matches_from_mut(args)?;
        if let Some(name) = matches.subcommand_name()
            && let Some(flag) = stray(&matches)
        {
            let message = format!("'{flag}' is for tailing and cannot be used with '{name}'");
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

/// The first argument for tailing that stands before a subcommand, which would silently do nothing.
fn stray(matches: &ArgMatches) -> Option<String> {
    let command = Cli::command();
    let mut arguments = command.get_arguments().filter(|arg| !arg.is_global_set());
    let typed =
        |id: &str| matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine);
    arguments.find(|arg| typed(arg.get_id().as_str())).map(|arg| match arg.get_long() {
        Some(long) => format!("--{long}"),
        None => arg.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Color;
    use crate::output::{Format, Multiline, Timestamps};

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from))
    }

    fn refusal(args: &[&str]) -> String {
        let error = parse(args).expect_err("refused");
        assert_eq!(error.exit_code(), 2, "{args:?}");
        error.to_string()
    }

    #[test]
    fn the_parser_is_sound() {
        Cli::command().args(habits::args()).debug_assert();
    }

    #[test]
    fn conversations_and_subcommands_live_side_by_side() {
        let cli = parse(&["97b9dcb3", "-c", "one", "--conversation=two"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.tail.target.positional, ["97b9dcb3"]);
        assert_eq!(cli.tail.target.conversations, ["one", "two"]);
        assert!(matches!(parse(&["simulate", "-v"]).unwrap().command, Some(Command::Simulate(_))));
        assert!(matches!(parse(&["-v", "simulate"]).unwrap().command, Some(Command::Simulate(_))));
        assert!(matches!(parse(&["man"]).unwrap().command, Some(Command::Man)));
        // Only the first word can be a subcommand; a conversation may be called like one.
        assert_eq!(parse(&["x", "man"]).unwrap().tail.target.positional, ["x", "man"]);
        assert_eq!(parse(&["-c", "simulate"]).unwrap().tail.target.conversations, ["simulate"]);
    }

    #[test]
    fn flags_for_tailing_do_not_go_with_a_subcommand() {
        assert!(refusal(&["-c", "x", "simulate"]).contains("'--conversation' is for tailing"));
        assert!(refusal(&["--utc", "man"]).contains("'--utc' is for tailing"));
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_never_repeated() {
        let cases: [&[&str]; 5] = [
            &["--client-secret", "hunter2"],
            &["--client-secret=hunter2"],
            &["--client-secret"],
            &["-c", "x", "--client-secret", "hunter2", "--client-secret=hunter2"],
            &["--client-secret=hunter2", "--bogus"],
        ];
        for args in cases {
            let message = refusal(args);
            assert!(!message.contains("hunter2"), "{message}");
            assert!(message.contains("GENESYS_CLIENT_SECRET") || args.contains(&"--bogus"), "{message}");
        }
        for args in [["--secret=hunter2"], ["--client-secre=hunter2"], ["--password=hunter2"]] {
            assert!(!refusal(&args).contains("hunter2"), "{args:?}");
        }
    }

    #[test]
    fn habits_are_answered() {
        for (habit, advice) in [("--follow", "-F"), ("-f", "-F"), ("--tail", "named"), ("--no-color", "--color never")]
        {
            let message = refusal(&[habit]);
            assert!(message.contains("unexpected argument") && message.contains(advice), "{message}");
        }
        assert!(refusal(&["--conversation-id", "x"]).contains("--conversation"));
        assert!(refusal(&["--time-stamps", "iso"]).contains("--timestamps"));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let cases: [&[&str]; 10] = [
            &["-q", "-v"],
            &["--json", "-o", "text"],
            &["--demo", "x"],
            &["--demo", "-c", "x"],
            &["--demo", "--replay", "x"],
            &["--demo", "--region", "us-east-1"],
            &["--replay", "x", "--record", "y"],
            &["--replay", "x", "-F"],
            &["--replay", "x", "--client-id", "y"],
            &["--source", "notifications"],
        ];
        for args in cases {
            refusal(args);
        }
        assert!(parse(&["--demo", "-F", "--record", "x", "-vv", "--json"]).is_ok());
        assert!(parse(&["--replay", "-", "--json", "--utc"]).is_ok());
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let TailArgs { target, lines, connection, .. } = parse(&[]).unwrap().tail;
        assert_eq!(target.source, crate::config::SourceChoice::Auto);
        assert_eq!((lines.output, lines.timestamps), (Format::Text, Timestamps::Time));
        assert_eq!((lines.color, lines.multiline, lines.stall_buffer), (Color::Auto, Multiline::Escape, 64 << 20));
        let seconds = [connection.connect_timeout, connection.idle_timeout, connection.ping_interval];
        assert_eq!(seconds.map(|duration| duration.as_secs()), [10, 45, 20]);
        assert_eq!((connection.max_frame_size, connection.max_retries, connection.follow), (16 << 20, None, false));
    }

    #[test]
    fn values_that_only_a_flag_can_hold_are_checked() {
        let cases = [
            ["--max-retries", "many"],
            ["--idle-timeout", "0s"],
            ["--max-frame-size", "0"],
            ["--include", "("],
            ["--only", "unknown"],
            ["--color", "maybe"],
        ];
        for args in cases {
            refusal(&args);
        }
        assert!(refusal(&["simulate", "--listen", "0.0.0.0:80"]).contains("loopback"));
    }

    #[test]
    fn help_is_short_with_h_and_starts_with_examples_otherwise() {
        let short = parse(&["-h"]).unwrap_err();
        let long = parse(&["--help"]).unwrap_err();
        assert_eq!((short.exit_code(), long.exit_code()), (0, 0));
        let (short, long) = (short.to_string(), long.to_string());
        assert!(long.starts_with("Examples:") && !short.contains("Examples:"));
        for hidden in ["--client-secret ", "--follow", "--tail", "--no-color"] {
            assert!(!long.contains(hidden), "{hidden}");
        }
        assert!(short.lines().all(|line| line.chars().count() <= 110));
    }

    #[test]
    fn completions_and_the_manual_page_are_there() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let script = String::from_utf8(completions(shell)).unwrap();
            assert!(script.contains("stall-buffer") && !script.contains("--no-color"), "{shell}");
        }
        assert!(String::from_utf8(man()).unwrap().contains("genesys"));
    }
}
