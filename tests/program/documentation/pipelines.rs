//! The safety of the command lines of the documentation (DOC-4, DOC-5).

use clap::{Command, CommandFactory as _};
use genesys_tail::cli::Cli;
use regex::Regex;

use super::PAGES;

/// Programs that print nothing of their input.
const SILENT_PROGRAMS: [&str; 2] = ["kcat", "fluent-bit"];

#[test]
fn no_command_line_prints_unescaped_text_to_a_terminal() {
    let commands: Vec<(String, String)> = all_code()
        .into_iter()
        .flat_map(|(path, code)| commands(&code).into_iter().map(move |command| (path.clone(), command)))
        .collect();
    assert!(commands.iter().filter(|(_, command)| command.contains("jq ")).count() > 5, "{commands:?}");
    let unsafe_commands: Vec<_> = commands.iter().filter(|(_, command)| !is_safe(command)).collect();
    assert!(unsafe_commands.is_empty(), "use jq -a, or redirect jq -r into a file: {unsafe_commands:?}");
}

#[test]
fn no_command_line_overwrites_a_settings_file() {
    let overwrites = Regex::new(r">\s*(\S*/)?\.env\b").unwrap();
    let pages = PAGES.iter().map(|page| (page.path.clone(), page.text.clone()));
    for (path, text) in pages.chain(help_texts()) {
        let lines: Vec<&str> = text.lines().filter(|line| overwrites.is_match(line)).collect();
        assert!(lines.is_empty(), "{path}: {lines:?}");
    }
}

#[test]
fn text_of_jq_is_safe_if_it_is_ascii_or_does_not_reach_a_terminal() {
    for (code, safe) in [
        ("x --json | jq -ac .", true),
        ("x --json | jq -a -s 'map(.a | .b)' | sort", true),
        ("x --json | jq --ascii-output .text", true),
        ("x --json | jq .text", false),
        ("x --json | jq -c .text # the customer's > text", false),
        ("x --json | jq -r .text", false),
        ("x --json | jq -ar .text", false),
        ("x --json | jq --unbuffered -r '.text > \"a\"'", false),
        ("x --json | jq --raw-output .text | sort | uniq -c", false),
        ("x --json | jq -j .text", false),
        ("x --json |\n  jq -r .text", false),
        ("x --json | jq -r 'select(.a)\n  | .text' > file", true),
        ("x --json | jq -r .text >> file", true),
        ("x --json | jq -r .text | sort > file", true),
        ("x --json | jq -r .text |\n  kcat -P", true),
        ("x | grep --line-buffered a", true),
    ] {
        assert_eq!(commands(code).iter().all(|command| is_safe(command)), safe, "{code}");
    }
}

/// Returns the name and the code of each page, and each help text.
fn all_code() -> Vec<(String, String)> {
    let blocks =
        PAGES.iter().flat_map(|page| page.code_blocks().into_iter().map(|(_, code)| (page.path.clone(), code)));
    blocks.chain(help_texts()).collect()
}

fn help_texts() -> Vec<(String, String)> {
    let mut command = Cli::command();
    command.build();
    let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
    let with_help =
        |mut command: Command| (format!("{} --help", command.get_name()), command.render_long_help().to_string());
    std::iter::once(command).chain(subcommands).map(with_help).collect()
}

/// Splits code into command lines. Quoted text is replaced by empty quotes, and comments are removed.
fn commands(code: &str) -> Vec<String> {
    let quoted_or_comment = Regex::new(r#"(?m)(?:^|\s)#.*$|'[^']*'|"(?:\\.|[^"\\])*""#).unwrap();
    let code = quoted_or_comment.replace_all(code, |found: &regex::Captures| {
        if found[0].contains('#') && !found[0].starts_with(['\'', '"']) { "" } else { "''" }
    });
    Regex::new(r"\|\s*\n").unwrap().replace_all(&code, "| ").lines().map(str::to_owned).collect()
}

/// Returns `false` if a command line prints text that `jq` decoded to the terminal.
fn is_safe(command: &str) -> bool {
    let stages: Vec<&str> = command.split('|').map(str::trim).collect();
    let last = stages[stages.len() - 1];
    let is_hidden = last.contains('>') || SILENT_PROGRAMS.iter().any(|program| last.starts_with(program));
    let mut jq_stages = stages.iter().filter_map(|stage| stage.strip_prefix("jq "));
    is_hidden
        || jq_stages.all(|options| {
            !has_option(options, &['r', 'j'], "--raw-output") && has_option(options, &['a'], "--ascii-output")
        })
}

/// Returns whether the options of a command have one of these letters, or this long option.
fn has_option(options: &str, letters: &[char], long: &str) -> bool {
    let is_option = |word: &str| match word.strip_prefix('-') {
        Some(letters_of_word) if !letters_of_word.starts_with('-') => letters_of_word.contains(letters),
        _ => word == long,
    };
    options.split_whitespace().any(is_option)
}
