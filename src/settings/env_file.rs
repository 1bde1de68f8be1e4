//! Reads `.env` files, by the rules of dotenvy.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problems::{ConfigError, Problem, Setting};
use super::settings_file;

/// The variables of a file.
pub(super) struct EnvFile {
    path: PathBuf,
    /// The permissions of the file if its group or all users can read it.
    exposed_mode: Option<u32>,
    values: HashMap<String, String>,
}

impl EnvFile {
    /// Reads the `named` file, or else `.env` in `folder` or its nearest parent that has one.
    pub(super) fn read(named: Option<&Path>, folder: &Path) -> Result<Option<Self>, ConfigError> {
        let (path, setting) = match named {
            Some(path) => (path.to_owned(), format!("--env-file {}", path.display())),
            None => match find(folder) {
                Some(path) => (path.clone(), path.display().to_string()),
                None => return Ok(None),
            },
        };
        let values = read_values(&path).map_err(|reason| Problem::Unusable { setting, reason })?;
        Ok(Some(Self { exposed_mode: settings_file::exposed_mode(&path), path, values }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        let value = self.values.get(name)?.clone();
        Some(Setting { value, name: format!("{name} in {}", self.path.display()) })
    }

    /// Returns a warning if the file has one of the variables `secrets` and other users can read it.
    pub(super) fn exposed_secret(&self, secrets: &[&str]) -> Option<String> {
        let holds_secret = secrets.iter().any(|name| self.values.contains_key(*name));
        let mode = self.exposed_mode.filter(|_| holds_secret)?;
        Some(settings_file::exposure_warning(&self.path, mode))
    }
}

fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(".env")).find(|path| path.is_file())
}

fn read_values(path: &Path) -> Result<HashMap<String, String>, String> {
    let mut text = settings_file::read(path)?;
    // dotenvy rejects a last line that ends in a blank instead of a line break.
    text.push('\n');
    parse(text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// Parses a `.env` file by the rules of dotenvy. If a name occurs twice, the first value that is not empty counts.
pub(crate) fn parse(text: &str) -> Result<HashMap<String, String>, String> {
    let line = Cell::new(0);
    let mut values = HashMap::new();
    for item in dotenvy::from_read_iter(LineReader { rest: text.as_bytes(), line: &line }) {
        let (name, value) = item.map_err(|error| parse_error(&error, line.get()))?;
        if !value.trim().is_empty() {
            values.entry(name).or_insert(value);
        }
    }
    Ok(values)
}

/// Describes an error by the number of its line: dotenvy's message quotes the line, and the line may hold the secret.
/// `last_line` is the last line that was read.
fn parse_error(error: &dotenvy::Error, last_line: usize) -> String {
    let lines = match error {
        dotenvy::Error::LineParse(text, _) => text.lines().count().max(1),
        _ => 1,
    };
    format!(
        "line {} is not NAME=value or has an open quote; use single quotes for a value with blanks, $, # or \\",
        last_line + 1 - lines
    )
}

/// A reader that returns one line at a time and counts the lines, so that an error can name its line.
struct LineReader<'a> {
    rest: &'a [u8],
    line: &'a Cell<usize>,
}

impl Read for LineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line_end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(line_end.min(buffer.len()));
        buffer[..line.len()].copy_from_slice(line);
        self.line.set(self.line.get() + usize::from(line.ends_with(b"\n")));
        self.rest = rest;
        Ok(line.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_be_parsed_is_numbered_and_not_shown() {
        let cases = [
            ("A=1\n\n# c\nGENESYS_CLIENT_SECRET=hunter2 hunter2\nB=1\n", 4),
            ("hunter2", 1),
            ("A=1\nB='hunter2\nC=1\n", 2),
            ("A=1\nB='ok\nok' x hunter2\nC=1\n", 2),
            ("A=\"hunter2\\x\"", 1),
            ("A=1\nB=${hunter2\n", 2),
        ];
        for (text, line) in cases {
            let reason = parse(&format!("{text}\n")).unwrap_err();
            assert!(reason.starts_with(&format!("line {line} is not NAME=value")), "{text:?}: {reason}");
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
