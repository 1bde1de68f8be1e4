//! Agreement of the README with the program: flags, variables, exit codes and commands (DOC-2, DOC-3).

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::ErrorKind;
use genesys_tail::Signal;
use genesys_tail::cli::Cli;
use regex::Regex;

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_lists_exactly_the_flags_of_the_program() {
    let mut command = Cli::command();
    command.build();
    let flags: BTreeSet<String> = std::iter::once(&command)
        .chain(command.get_subcommands())
        .flat_map(clap::Command::get_arguments)
        .filter(|arg| !arg.is_hide_set() && !arg.is_positional())
        .flat_map(|arg| {
            let long = arg.get_long().map(|long| format!("--{long}"));
            long.into_iter().chain(arg.get_short().map(|short| format!("-{short}")))
        })
        .collect();
    let first_cells: String = section("Flags").lines().filter_map(|line| line.split('|').nth(1)).collect();
    assert_eq!(captures(r"(?:^|[ `])(--?[A-Za-z][a-z-]*)", &first_cells), flags);
}

#[test]
fn the_readme_lists_exactly_the_variables_of_the_example_file() {
    let variable = r"\b([A-Z]+_[A-Z_]+)\b";
    assert_eq!(captures(variable, section("Settings")), captures(variable, include_str!("../../.env.example")));
}

#[test]
fn the_readme_lists_exactly_the_exit_codes_of_the_program() {
    let signals = [Signal::Interrupt, Signal::Terminate, Signal::Hangup].map(|signal| signal.exit_code().to_string());
    let mut codes = captures(r"(?m)^const [A-Z_]+: u8 = (\d+);", include_str!("../../src/exit_code.rs"));
    codes.extend(["0".to_owned(), "2".to_owned()].into_iter().chain(signals));
    let first_cells: String = section("Exit codes").lines().filter_map(|line| line.split('|').nth(1)).collect();
    assert_eq!(captures(r"(\d+)", &first_cells), codes);
}

#[test]
fn every_command_in_the_readme_parses() {
    let commands: Vec<Vec<OsString>> = code_lines().filter_map(command_arguments).collect();
    assert!(commands.len() > 20, "{commands:?}");
    for arguments in commands {
        if let Err(error) = Cli::parse_from_args(arguments.clone()) {
            let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            assert!(is_help, "{arguments:?}: {error}");
        }
        for pair in arguments.windows(2).filter(|pair| pair[0] == "--fault" && pair[1] != "help") {
            assert!(pair[1].to_str().unwrap().parse::<genesys_tail::simulator::Fault>().is_ok(), "{pair:?}");
        }
    }
}

/// Returns the text below a heading of the README.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// Returns every match of the group of a pattern.
fn captures(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|captures| captures[1].to_owned()).collect()
}

/// Returns the lines of all code blocks of the README.
fn code_lines() -> impl Iterator<Item = &'static str> {
    README.split("\n```").skip(1).step_by(2).flat_map(|block| block.lines().skip(1))
}

/// Splits the first command of this program in a line into arguments, up to a pipe, a redirection or a comment.
fn command_arguments(line: &str) -> Option<Vec<OsString>> {
    let start = line.find("genesys-tail").filter(|start| !line[..*start].contains('#'))?;
    if !matches!(line.as_bytes().get(start + "genesys-tail".len()), None | Some(b' ')) {
        return None;
    }
    let mut arguments = vec![String::new()];
    let mut quoted = false;
    for character in line[start..].chars() {
        match character {
            '\'' => quoted = !quoted,
            '|' | '>' | '<' | '&' | '#' if !quoted => break,
            ' ' if !quoted => arguments.push(String::new()),
            other => arguments.last_mut().unwrap().push(other),
        }
    }
    Some(arguments.into_iter().filter(|argument| !argument.is_empty()).map(OsString::from).collect())
}
