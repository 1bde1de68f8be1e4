//! The README is held to the program: flags, variables, exit codes, commands, and what is said in trouble.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use clap::error::ErrorKind;
use genesys_tail::cli::Cli;
use genesys_tail::simulator::{Options, Simulator};
use genesys_tail::system::signals::Signal;
use regex::Regex;

const README: &str = include_str!("../../README.md");

#[test]
fn every_flag_is_in_the_readme_and_every_flag_in_the_readme_is_one() {
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
    assert_eq!(found(r"(?:^|[ `])(--?[A-Za-z][a-z-]*)", &first_cells), flags);
}

#[test]
fn every_variable_of_the_example_is_in_the_readme_and_the_other_way_round() {
    let variable = r"\b([A-Z]+_[A-Z_]+)\b";
    assert_eq!(found(variable, section("Settings")), found(variable, include_str!("../../.env.example")));
}

#[test]
fn every_exit_code_is_in_the_readme_and_the_other_way_round() {
    let signals = [Signal::Interrupt, Signal::Terminate, Signal::Hangup].map(|signal| signal.exit_code().to_string());
    let mut codes = found(r"(?m)^const [A-Z_]+: u8 = (\d+);", include_str!("../../src/commands/error.rs"));
    codes.extend(["0".to_owned(), "2".to_owned()].into_iter().chain(signals));
    let first_cells: String = section("Exit codes").lines().filter_map(|line| line.split('|').nth(1)).collect();
    assert_eq!(found(r"(\d+)", &first_cells), codes);
}

#[test]
fn every_command_in_the_readme_can_be_typed() {
    let commands: Vec<Vec<OsString>> = code_lines().filter_map(words_of_command).collect();
    assert!(commands.len() > 20, "{commands:?}");
    for words in commands {
        if let Err(error) = Cli::parse_from_args(words.clone()) {
            assert!(matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion), "{words:?}: {error}");
        }
        for pair in words.windows(2).filter(|pair| pair[0] == "--fault" && pair[1] != "help") {
            assert!(pair[1].to_str().unwrap().parse::<genesys_tail::simulator::Fault>().is_ok(), "{pair:?}");
        }
    }
}

/// Provokes troubles and looks for what the program says, in the very words.
#[tokio::test]
async fn what_is_said_in_trouble_is_in_the_readme() {
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    let one_wire = ["--source", "transcript"];
    for (faults, args) in [
        (&["token:status=401"][..], &[][..]),
        (&["token:not-json"], &[]),
        (&["handshake:status=401,times=always"], &[]),
        (&["handshake:status=403"], &[]),
        (&["handshake:status=404", "rest:status=404"], &[]),
        (&["handshake:status=404"], &one_wire),
        (&["handshake:status=429"], &[]),
        (&["handshake:ok"], &one_wire),
        (&["socket:forbid"], &[]),
        (&["socket:close=1011"], &[]),
        (&["socket:reset"], &[]),
        (&["socket:oversize=20000000"], &[]),
    ] {
        let said = trouble(faults, args).await;
        assert!(readme.contains(&said), "{faults:?} {args:?}: {said:?} is not in the README");
    }
}

/// What stands below a heading.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// What the group of a pattern matches.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|captures| captures[1].to_owned()).collect()
}

/// The lines of all code blocks.
fn code_lines() -> impl Iterator<Item = &'static str> {
    README.split("\n```").skip(1).step_by(2).flat_map(|block| block.lines().skip(1))
}

/// The words of the first command of this program in a line, up to a pipe, a redirection or a comment.
fn words_of_command(line: &str) -> Option<Vec<OsString>> {
    let start = line.find("genesys-tail").filter(|start| !line[..*start].contains('#'))?;
    if !matches!(line.as_bytes().get(start + "genesys-tail".len()), None | Some(b' ')) {
        return None;
    }
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line[start..].chars() {
        match character {
            '\'' => quoted = !quoted,
            '|' | '>' | '<' | '&' | '#' if !quoted => break,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    Some(words.into_iter().filter(|word| !word.is_empty()).map(OsString::from).collect())
}

/// The error of a tail that meets these faults and may not try again, with general names for what differs each time.
async fn trouble(faults: &[&str], args: &[&str]) -> String {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let options = Options { faults, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let (url, id) = (simulator.base_url().to_owned(), simulator.first_conversation().id().to_owned());
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesys-tail"));
    command
        .env_clear()
        .env("GENESYS_CLIENT_SECRET", simulator.client_secret())
        .args(["-q", "--max-retries", "0", "--env-file", "/dev/null", "--client-id", simulator.client_id()])
        .args(["--api-url", &url, "-c", &id])
        .args(args)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let (_, error) = stderr.lines().next().unwrap().split_once("error: ").unwrap();
    let error = error.strip_prefix("gave up").and_then(|more| Some(more.split_once(": ")?.1)).unwrap_or(error);
    error.replace(url.trim_start_matches("http://"), "HOST").replace(&id, "ID")
}
