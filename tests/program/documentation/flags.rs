//! The flags in the documentation.

use std::collections::BTreeSet;

use clap::{Arg, Command, CommandFactory as _};
use genesys_tail::cli::Cli;

use super::{PAGES, captures};
use crate::support::program::{Running, bare_program};

/// Flags of other programs that the text names.
const OTHER_FLAGS: [&str; 3] = ["--init", "--line-buffered", "--unbuffered"];

#[test]
fn every_flag_in_the_text_exists() {
    let flags = flags();
    for page in PAGES.iter() {
        let long = captures(r"(?:^|[\s`'(\[|])(--[a-z][a-z-]+)\b", &page.prose());
        let short = page.code_spans().into_iter().flat_map(|span| captures(r"^(-[A-Za-z])(?: |$)", &span));
        let is_unknown = |flag: &String| !flags.contains(flag) && !OTHER_FLAGS.contains(&flag.as_str());
        let unknown: Vec<String> = long.into_iter().chain(short).filter(is_unknown).collect();
        assert_eq!(unknown, [""; 0], "{}", page.path);
    }
}

#[test]
fn every_flag_is_explained_in_the_help() {
    for command in commands() {
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() >= 5, "{} {}: {help:?}", command.get_name(), arg.get_id());
        }
    }
}

#[tokio::test]
async fn the_manual_page_has_every_flag() {
    let page = Running::start(&mut bare_program(&["man"])).finish().await.stdout.replace("\\-", "-");
    let missing: Vec<_> = flags().into_iter().filter(|flag| !page.contains(&format!("\\fB{flag}\\fR"))).collect();
    assert_eq!(missing, [""; 0]);
}

fn commands() -> Vec<Command> {
    let mut command = Cli::command();
    command.build();
    let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
    std::iter::once(command).chain(subcommands).collect()
}

/// Returns the flags of the program and its commands, without those that only get a suggestion.
fn flags() -> BTreeSet<String> {
    let flags_of = |arg: &Arg| {
        let long = arg.get_long().map(|long| format!("--{long}"));
        long.into_iter().chain(arg.get_short().map(|short| format!("-{short}"))).collect::<Vec<_>>()
    };
    let commands = commands();
    let args = commands.iter().flat_map(Command::get_arguments);
    args.filter(|arg| !arg.is_hide_set() && !arg.is_positional()).flat_map(flags_of).collect()
}
