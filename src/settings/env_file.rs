//! Reads `.env` files, by the rules of dotenvy.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problems::{Problem, Setting};
use super::settings_file;
use crate::system::private_file::exposed_mode;

/// Names of variables of this program that begin with none of the [`PREFIXES`].
const OTHER_NAMES: [&str; 9] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "TERM",
];

/// The start of the names of the other variables of this program.
const PREFIXES: [&str; 2] = ["GENESYS", "SSL_CERT_"];

/// The variables of a file.
pub(super) struct EnvFile {
    path: PathBuf,
    /// The permissions of the file if its group or all users can read it.
    exposed_mode: Option<u32>,
    values: HashMap<String, String>,
    /// The numbers of the invalid lines that concern no variable of this program.
    ignored_lines: Vec<usize>,
}

/// The reason why a file gives no variables.
#[derive(Debug)]
pub(super) enum EnvFileError {
    /// The file that was found cannot be read. The run goes on without it.
    Unreadable { path: PathBuf, reason: String },
    /// The file that the user named cannot be read, or a line cannot be parsed.
    Unusable(Problem),
}

impl EnvFile {
    /// Reads the `named` file, or else `.env` in `folder` or its nearest parent that has one.
    ///
    /// Every line of the named file must be valid. The other one may belong to another program: lines that concern no
    /// variable of this program are ignored if they are invalid (CLI-69).
    pub(super) fn read(named: Option<&Path>, folder: &Path) -> Result<Option<Self>, EnvFileError> {
        match named {
            Some(path) => Self::read_named(path).map(Some),
            None => find(folder).map(Self::read_found).transpose(),
        }
    }

    fn read_named(path: &Path) -> Result<Self, EnvFileError> {
        let values = settings_file::read(path).and_then(|text| parse(&text));
        let unusable = |reason| Problem::Unusable { setting: format!("--env-file {}", path.display()), reason };
        let values = values.map_err(|reason| EnvFileError::Unusable(unusable(reason)))?;
        Ok(Self::new(path.to_owned(), values, Vec::new()))
    }

    fn read_found(path: PathBuf) -> Result<Self, EnvFileError> {
        let bytes = match settings_file::read_bytes(&path) {
            Ok(bytes) => bytes,
            Err(reason) => return Err(EnvFileError::Unreadable { path, reason }),
        };
        let setting = || path.display().to_string();
        let unusable = |reason| EnvFileError::Unusable(Problem::Unusable { setting: setting(), reason });
        let ParsedFile { values, invalid } = parse_lines(&decode_lines(&bytes).map_err(unusable)?);
        match invalid.iter().find(|line| is_ours(&line.text)) {
            Some(line) => Err(unusable(line.reason())),
            None => Ok(Self::new(path, values, invalid.iter().map(|line| line.number).collect())),
        }
    }

    fn new(path: PathBuf, values: HashMap<String, String>, ignored_lines: Vec<usize>) -> Self {
        Self { exposed_mode: exposed_mode(&path), path, values, ignored_lines }
    }

    /// Returns a note about each line that was ignored.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let path = self.path.display();
        self.ignored_lines.iter().map(move |number| {
            format!("line {number} of {path} ignored: it cannot be parsed and concerns no variable of genesys-tail")
        })
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

/// The valid and the invalid lines of a file.
struct ParsedFile {
    values: HashMap<String, String>,
    invalid: Vec<InvalidLine>,
}

/// A line that cannot be parsed. With an open quote, it goes on to the next quote or to the end of the file.
struct InvalidLine {
    number: usize,
    text: String,
}

impl InvalidLine {
    /// Describes the error without the text of the line, which may hold the secret.
    fn reason(&self) -> String {
        format!(
            "line {} is not NAME=value or has an open quote; use single quotes for a value with blanks, $, # or \\",
            self.number
        )
    }
}

/// Parses a `.env` file in which every line must be valid.
pub(crate) fn parse(text: &str) -> Result<HashMap<String, String>, String> {
    let ParsedFile { values, invalid } = parse_lines(text);
    invalid.first().map_or(Ok(values), |line| Err(line.reason()))
}

/// Parses the lines by the rules of dotenvy. If a name occurs twice, the first value that is not empty counts.
fn parse_lines(text: &str) -> ParsedFile {
    // dotenvy rejects a last line that ends in a blank instead of a line break.
    let text = format!("{text}\n");
    let last_line = Cell::new(0);
    let mut lines = ParsedFile { values: HashMap::new(), invalid: Vec::new() };
    for item in dotenvy::from_read_iter(LineReader { rest: text.as_bytes(), line: &last_line }) {
        match item {
            Ok((name, value)) if !value.trim().is_empty() => {
                lines.values.entry(name).or_insert(value);
            }
            Ok(_) => {}
            Err(error) => lines.invalid.push(invalid_line(&error, &text, last_line.get())),
        }
    }
    lines
}

/// Returns the line of an error, which has the whole text of the line or only its value.
fn invalid_line(error: &dotenvy::Error, file: &str, last_line: usize) -> InvalidLine {
    let count = match error {
        dotenvy::Error::LineParse(text, _) => text.lines().count().max(1),
        _ => 1,
    };
    let number = last_line + 1 - count;
    InvalidLine { number, text: file.lines().skip(number - 1).take(count).collect::<Vec<_>>().join("\n") }
}

/// Returns whether lines can concern a variable of this program: they begin with its name, or contain the start that most
/// of them share.
fn is_ours(text: &str) -> bool {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with('#')).any(|line| {
        let line = line.strip_prefix("export").map_or(line, str::trim_start);
        let is_of_name = |character: char| character.is_ascii_alphanumeric() || "_.".contains(character);
        let name = line.split(|character| !is_of_name(character)).next().unwrap_or_default();
        OTHER_NAMES.contains(&name) || PREFIXES.iter().any(|prefix| line.contains(prefix))
    })
}

/// Decodes a file. A line that is not UTF-8 is taken for Latin-1, unless it can concern a variable of this program.
fn decode_lines(bytes: &[u8]) -> Result<String, String> {
    let text = settings_file::decode(bytes.to_vec()).or_else(|_| {
        let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
        let lines = lines.map(|(line, number)| match str::from_utf8(line) {
            Ok(line) => Ok(line.to_owned()),
            Err(_) if is_ours(&latin_1(line)) => Err(format!("line {number} is not UTF-8 text")),
            Err(_) => Ok(latin_1(line)),
        });
        lines.collect::<Result<Vec<String>, String>>().map(|lines| lines.join("\n"))
    });
    Ok(settings_file::without_mark(&text?).to_owned())
}

fn latin_1(line: &[u8]) -> String {
    line.iter().copied().map(char::from).collect()
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

    /// (R5) CLI-69.
    #[test]
    fn only_lines_that_can_concern_this_program_are_ours() {
        for text in [
            "GENESYS_CLIENT_SECRET=a b",
            "  export GENESYSCLOUD_REGION = a b",
            "set GENESYS_REGION=x",
            "GENESYS_CLIENT_ID: x",
            "HTTPS_PROXY=a b",
            "SSL_CERT_DIR=a b",
            "export no_proxy=a b",
            "MOTTO=It's\nGENESYS_REGION=eu-west-1",
            "MOTTO=It's\n TERM=dumb",
        ] {
            assert!(is_ours(text), "{text:?}");
        }
        for text in [
            "APP_NAME=My App",
            "# GENESYS_REGION",
            "MOTTO=It's\n# GENESYS_REGION=x\n",
            "TERMS=long TERM plan",
            "MY_HTTPS_PROXY=a b",
            "HTTP_PROXY=a b",
            "genesys_region=a b",
            "",
        ] {
            assert!(!is_ours(text), "{text:?}");
        }
    }
}
