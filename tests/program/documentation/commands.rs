//! The command lines of the documentation.

use std::ffi::OsString;

use clap::error::ErrorKind;
use genesys_tail::cli::Cli;
use genesys_tail::simulator::Fault;

use super::{PAGES, Page};

const PROGRAM: &str = "genesys-tail";

#[test]
fn every_command_line_parses() {
    let mut count = 0;
    for page in PAGES.iter() {
        for arguments in command_lines(page) {
            count += 1;
            if let Err(error) = Cli::parse_from_args(arguments.clone()) {
                let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                assert!(is_help, "{}: {arguments:?}: {error}", page.path);
            }
            for pair in arguments.windows(2).filter(|pair| pair[0] == "--fault" && pair[1] != "help") {
                assert!(pair[1].to_str().unwrap().parse::<Fault>().is_ok(), "{}: {pair:?}", page.path);
            }
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn command_lines_end_at_shell_operators_and_keep_quoted_ones() {
    let parsed = |line| command_arguments(line).map(|arguments| arguments.join(&OsString::from(" ")));
    for (line, arguments) in [
        ("genesys-tail -n 20   # the last lines", Some("genesys-tail -n 20")),
        ("x | genesys-tail -i 'a|b' >> file", Some("genesys-tail -i a|b")),
        ("PATH=x genesys-tail &", Some("genesys-tail")),
        ("genesys-tail 2>> errors.log", Some("genesys-tail")),
        ("# genesys-tail -x", None),
        ("genesys-tail: connected", None),
        ("/etc/genesys-tail/env", None),
    ] {
        assert_eq!(parsed(line), arguments.map(OsString::from), "{line}");
    }
}

/// Returns the arguments of all commands of this program in the code of a page. Placeholders in upper case are values.
fn command_lines(page: &Page) -> Vec<Vec<OsString>> {
    let blocks =
        page.code_blocks().into_iter().flat_map(|(_, code)| code.lines().map(str::to_owned).collect::<Vec<_>>());
    let spans = page.code_spans().into_iter().filter(|span| span.starts_with(PROGRAM) && !is_placeholder(span));
    blocks.chain(spans).filter_map(|line| command_arguments(&line)).collect()
}

fn is_placeholder(span: &str) -> bool {
    span.contains('…') || ["TOPIC", "COMMAND", "SHELL"].iter().any(|placeholder| span.contains(placeholder))
}

/// Splits the first command of this program in a line into arguments, up to a pipe, a redirection or a comment.
fn command_arguments(line: &str) -> Option<Vec<OsString>> {
    let is_word = |start: &usize| line[..*start].chars().next_back().is_none_or(|before| " (/".contains(before));
    let start = line.match_indices(PROGRAM).map(|(start, _)| start).find(is_word)?;
    let is_path_of_other_file = line[start + PROGRAM.len()..].starts_with('/');
    if line[..start].contains('#') || is_path_of_other_file {
        return None;
    }
    if !matches!(line.as_bytes().get(start + PROGRAM.len()), None | Some(b' ' | b')')) {
        return None;
    }
    let mut arguments = vec![String::new()];
    let mut quoted = false;
    for character in line[start..].chars() {
        match character {
            '\'' => quoted = !quoted,
            '|' | '>' | '<' | '&' | '#' | ')' | ';' if !quoted => break,
            ' ' if !quoted => arguments.push(String::new()),
            other => arguments.last_mut().unwrap().push(other),
        }
    }
    // The number of a redirected stream.
    let arguments = arguments.into_iter().filter(|argument| !["", "1", "2"].contains(&argument.as_str()));
    Some(arguments.map(OsString::from).collect())
}
