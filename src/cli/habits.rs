//! What fingers type out of habit, answered with what to type here.
//!
//! These arguments are known to the parser only: neither the help nor the completions show them.

use clap::builder::UnknownArgumentValueParser;
use clap::{Arg, ArgAction};

pub(super) fn args() -> [Arg; 4] {
    [
        secret(),
        habit("--follow", "following is what it does; -F goes on after a normal close too").short('f'),
        with_value(habit("--tail", "use '-n' for the number of lines to begin with")),
        habit("--no-color", "use '--color never'"),
    ]
}

/// Its value is a secret, which the message must not hold.
pub(super) fn secret() -> Arg {
    with_value(habit(
        "--client-secret",
        "a secret on the command line ends up in the history and in the process list: \
         set GENESYS_CLIENT_SECRET in the environment or in .env, or use --client-secret-file",
    ))
}

/// With a value or without one, it is the flag that is answered.
fn with_value(habit: Arg) -> Arg {
    habit.action(ArgAction::Append).num_args(0..=1).value_name("VALUE").default_missing_value("")
}

/// The dashes stay in the id, which keeps it apart from those of real arguments.
fn habit(flag: &'static str, advice: &'static str) -> Arg {
    Arg::new(flag)
        .long(flag.trim_start_matches('-'))
        .hide(true)
        .action(ArgAction::SetTrue)
        .value_parser(UnknownArgumentValueParser::suggest(advice))
}
