//! The values that completions offer.

use std::sync::LazyLock;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};

use crate::config::region;
use crate::simulator::{Script, fault_names};

/// The values of one argument.
pub(super) struct ArgValues {
    /// The words that precede a value: the flags of the argument, or the subcommand of a positional argument.
    pub(super) preceding_words: Vec<String>,
    /// The values; empty if any text is accepted.
    pub(super) values: Vec<String>,
    /// Accepts the name of a file.
    pub(super) accepts_files: bool,
}

/// `help`, and the faults without their values.
static FAULTS: LazyLock<Vec<String>> =
    LazyLock::new(|| std::iter::once("help".to_owned()).chain(fault_names()).collect());

/// Returns the names of the built-in scripts. A file is accepted too.
pub(super) fn script_names() -> Vec<&'static str> {
    Script::built_in_names()
}

pub(super) fn faults() -> Vec<&'static str> {
    FAULTS.iter().map(String::as_str).collect()
}

/// Adds values to an argument that accepts others as well, for which the parser therefore has no list.
pub(super) fn with_suggestions(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "region" => arg.value_parser(PossibleValuesParser::new(region::names())),
        "script" => arg.value_parser(PossibleValuesParser::new(script_names())),
        "faults" => arg.value_parser(PossibleValuesParser::new(faults())),
        _ => arg,
    }
}

/// Returns the values of all arguments of the program and its subcommands. Arguments of the same name have the same values.
pub(super) fn of_command(command: &Command) -> Vec<ArgValues> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let mut found: Vec<ArgValues> = Vec::new();
    for command in commands {
        let args = command.get_arguments().filter(|arg| arg.get_action().takes_values());
        for values in args.filter_map(|arg| of_arg(arg, command.get_name())) {
            if found.iter().all(|other| other.preceding_words != values.preceding_words) {
                found.push(values);
            }
        }
    }
    found
}

/// Returns the values of an argument; `None` for a positional argument that accepts any text.
fn of_arg(arg: &Arg, command: &str) -> Option<ArgValues> {
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    let preceding_words = match arg.is_positional() {
        true if values.is_empty() => return None,
        true => vec![command.to_owned()],
        false => long.into_iter().chain(short).collect(),
    };
    Some(ArgValues {
        preceding_words,
        values,
        accepts_files: matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath),
    })
}
