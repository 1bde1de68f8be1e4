//! A command that was misspelt, which the parser takes for the id of a conversation.

use clap::Command;

use super::Cli;

/// What is wrong when the first word is almost the name of a subcommand.
pub(super) fn of_command(command: &Command, cli: &Cli) -> Option<String> {
    let word = cli.tail.target.positional.first().filter(|_| cli.command.is_none())?;
    let mut names = command.get_subcommands().map(Command::get_name);
    let name = names.find(|name| is_close(word, name))?;
    Some(format!("there is no command '{word}', did you mean '{name}'? A conversation called so is followed with '-c'"))
}

/// Whether a letter or two are wrong, missing or too many, and not more than a third of all.
fn is_close(word: &str, name: &str) -> bool {
    let allowed = (name.len() / 3).min(2);
    word.len().abs_diff(name.len()) <= allowed && distance(word.as_bytes(), name.as_bytes()) <= allowed
}

/// How many letters have to be put in, left out or replaced.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_or_two_are_forgiven() {
        for (word, name) in [
            ("chek", "check"),
            ("checks", "check"),
            ("simulat", "simulate"),
            ("simulator", "simulate"),
            ("completion", "completions"),
            ("shcema", "schema"),
        ] {
            assert!(is_close(word, name), "{word}");
        }
        for word in ["x", "one", "97b9dcb3", "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77", "", "many"] {
            assert!(!["check", "simulate", "completions", "schema"].iter().any(|name| is_close(word, name)), "{word}");
        }
        assert!(is_close("mann", "man") && !is_close("one", "man"));
    }
}
