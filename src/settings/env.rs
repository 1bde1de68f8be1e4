//! Environment variables: those of the process, then those of a `.env` file, then the values of a profile.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::{AccountArgs, Cli, Command, TailArgs};

use super::gc_profile::{self, Profile};
use super::problems::{ConfigError, Problem, Setting};
use super::settings_file;

pub(super) const REGION_VARIABLES: [&str; 2] = ["GENESYS_REGION", "GENESYSCLOUD_REGION"];
pub(super) const CLIENT_ID_VARIABLES: [&str; 2] = ["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"];
pub(super) const CLIENT_SECRET_VARIABLES: [&str; 2] = ["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"];

/// The variable that other Genesys tools accept instead of a client.
const TOKEN_VARIABLE: &str = "GENESYSCLOUD_ACCESS_TOKEN";

/// Variables that describe the terminal and not an account. They apply to the demo too.
const TERMINAL_VARIABLES: [&str; 3] = ["NO_COLOR", "CLICOLOR_FORCE", "TERM"];

/// The variables of a run. An empty variable counts as not set.
#[derive(Default)]
pub(crate) struct Env {
    process: HashMap<String, String>,
    file: Option<EnvFile>,
    profile: Option<Profile>,
    /// Whether profiles exist and none was selected.
    profiles_unused: bool,
}

struct EnvFile {
    path: PathBuf,
    /// The permissions of the file if its group or all users can read it.
    exposed_mode: Option<u32>,
    values: HashMap<String, String>,
}

impl Env {
    /// Reads the variables that apply to `cli`: those of the process, then those of `--env-file`, or else of `.env` in
    /// `folder` or its nearest parent that has one, then the values of the profile that `--profile` selects.
    ///
    /// The demo gets only the variables that describe the terminal. Only tailing and checking read files. Bytes that are
    /// not Unicode become U+FFFD.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or parsed, or if there is no such profile. The message has the name of the file and the
    /// line, never its content.
    pub(crate) fn read(
        process: impl IntoIterator<Item = (OsString, OsString)>,
        cli: &Cli,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        let demo = cli.tail.recording.demo;
        let process: HashMap<String, String> = process
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .filter(|(name, value)| !value.trim().is_empty() && (!demo || TERMINAL_VARIABLES.contains(&name.as_str())))
            .collect();
        let account = account_args(cli);
        let file = account.map(|args| EnvFile::read(args, folder)).transpose()?.flatten();
        let home = process.get("HOME").map(String::as_str);
        let selected = account.and_then(|args| args.profile.as_deref()).map(str::trim).filter(|name| !name.is_empty());
        let profile = selected.map(|name| Profile::read(name, home, folder)).transpose()?;
        let profiles_unused = account.is_some() && profile.is_none() && gc_profile::path_in_home(home).is_some();
        Ok(Self { process, file, profile, profiles_unused })
    }

    /// Returns the value of a variable from the process, the file or the profile.
    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        self.variable(name).or_else(|| self.profile_value(name))
    }

    /// Returns the value of a variable from the process or the file.
    pub(super) fn variable(&self, name: &str) -> Option<Setting> {
        if let Some(value) = self.process.get(name) {
            return Some(Setting { value: value.clone(), name: name.to_owned() });
        }
        let file = self.file.as_ref()?;
        let value = file.values.get(name)?.clone();
        Some(Setting { value, name: format!("{name} in {}", file.path.display()) })
    }

    /// Returns the value that the profile has for a variable.
    pub(super) fn profile_value(&self, name: &str) -> Option<Setting> {
        self.profile.as_ref()?.get(name)
    }

    /// Returns the value of `flag` if it is not empty, or else the first of `variables` that is set.
    pub(super) fn flag_or(&self, value: Option<&str>, flag: &str, variables: &[&str]) -> Option<Setting> {
        match value.map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => Some(Setting { value: value.to_owned(), name: flag.to_owned() }),
            None => variables.iter().find_map(|name| self.get(name)),
        }
    }

    /// Returns a warning for each file that holds a secret and that other users can read.
    pub(super) fn exposed_secrets(&self) -> impl Iterator<Item = String> {
        let in_file = self.file.as_ref().and_then(EnvFile::exposed_secret);
        in_file.into_iter().chain(self.profile.as_ref().and_then(Profile::exposed_secret))
    }

    /// Returns a warning if variables take precedence over the selected profile, which its user may not expect.
    pub(super) fn overridden_profile(&self) -> Option<String> {
        let profile = self.profile.as_ref()?;
        let override_of = |names: &[&str]| {
            names.iter().find(|name| profile.get(name).is_some())?;
            names.iter().find_map(|name| self.variable(name))
        };
        let overrides =
            [&REGION_VARIABLES, &CLIENT_ID_VARIABLES, &CLIENT_SECRET_VARIABLES].map(|names| override_of(names));
        // These replace the region as a whole, and would send the secret of the profile elsewhere.
        let urls = ["GENESYS_API_URL", "GENESYS_LOGIN_URL"].map(|name| self.variable(name));
        let names: Vec<String> = overrides.into_iter().chain(urls).flatten().map(|setting| setting.name).collect();
        (!names.is_empty()).then(|| format!("{} won over {}", names.join(", "), profile.flag()))
    }

    /// Returns the setting that comes closest to a client, and the reason why it is not usable.
    pub(super) fn unusable_client(&self) -> Option<(String, &'static str)> {
        let in_profile = |profile: &Profile| Some((profile.flag(), profile.unusable_client()?));
        let token = || Some((self.variable(TOKEN_VARIABLE)?.name, "a token cannot be renewed, and so is not taken"));
        self.profile.as_ref().and_then(in_profile).or_else(token)
    }

    /// Returns whether profiles exist and none was selected.
    pub(super) fn has_unused_profiles(&self) -> bool {
        self.profiles_unused
    }
}

/// Shows no variable, because some of them are secrets.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

/// Returns the account flags if the command needs an account.
fn account_args(cli: &Cli) -> Option<&AccountArgs> {
    let TailArgs { account, recording, .. } = &cli.tail;
    match &cli.command {
        None if recording.demo || recording.replay.is_some() => None,
        None => Some(account),
        Some(Command::Check(args)) => Some(&args.account),
        Some(Command::Simulate(_) | Command::Schema | Command::Completions { .. } | Command::Man) => None,
    }
}

impl EnvFile {
    fn read(args: &AccountArgs, folder: &Path) -> Result<Option<Self>, ConfigError> {
        let (path, setting) = match &args.env_file {
            Some(path) => (path.clone(), format!("--env-file {}", path.display())),
            None => match find_env_file(folder) {
                Some(path) => (path.clone(), path.display().to_string()),
                None => return Ok(None),
            },
        };
        let values = read_values(&path).map_err(|reason| Problem::Unusable { setting, reason })?;
        Ok(Some(Self { exposed_mode: settings_file::exposed_mode(&path), path, values }))
    }

    fn exposed_secret(&self) -> Option<String> {
        let holds_secret = CLIENT_SECRET_VARIABLES.iter().any(|name| self.values.contains_key(*name));
        let mode = self.exposed_mode.filter(|_| holds_secret)?;
        Some(settings_file::exposure_warning(&self.path, mode))
    }
}

fn find_env_file(folder: &Path) -> Option<PathBuf> {
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
        "line {} is not NAME=value, or leaves a quote open; put single quotes around a value with blanks, $, # or \\",
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

    fn env(process: &[(&str, &str)], args: &[&str], folder: &Path) -> Result<Env, ConfigError> {
        let cli = Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from)).unwrap();
        Env::read(process.iter().map(|(name, value)| (name.into(), value.into())), &cli, folder)
    }

    fn value(env: &Env, name: &str) -> Option<String> {
        env.get(name).map(|setting| setting.value)
    }

    #[test]
    fn variables_of_the_process_precede_those_of_the_file_and_empty_ones_count_as_not_set() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(folder.path().join(".env"), "\u{feff}A=file\nB=file\nC=\nC=second\nexport D='$x #' \nE=last ")
            .unwrap();
        let env = env(&[("A", "process"), ("B", ""), ("F", " ")], &[], &below).unwrap();
        let found = ["A", "B", "C", "D", "E", "F"].map(|name| value(&env, name));
        assert_eq!(
            found.each_ref().map(Option::as_deref),
            [Some("process"), Some("file"), Some("second"), Some("$x #"), Some("last"), None]
        );
        assert_eq!(env.get("A").unwrap().name, "A");
        assert_eq!(env.get("B").unwrap().name, format!("B in {}", folder.path().join(".env").display()));
    }

    #[test]
    fn the_file_of_env_file_is_read_instead_and_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        std::fs::write(folder.path().join(".env"), "A=here").unwrap();
        std::fs::write(&other, "B=there").unwrap();
        let named = env(&[], &["--env-file", other.to_str().unwrap()], folder.path()).unwrap();
        assert_eq!((value(&named, "A"), value(&named, "B").as_deref()), (None, Some("there")));
        let check = env(&[], &["check", "--env-file", other.to_str().unwrap()], folder.path()).unwrap();
        assert_eq!((value(&check, "A"), value(&check, "B").as_deref()), (None, Some("there")));
        let here = env(&[], &["check"], folder.path()).unwrap();
        assert_eq!((value(&here, "A").as_deref(), value(&here, "B")), (Some("here"), None));
        for args in [&["--env-file", "/nowhere/.env"][..], &["check", "--env-file", "/nowhere/.env"]] {
            let error = env(&[], args, folder.path()).unwrap_err();
            assert_eq!(error.to_string(), "--env-file /nowhere/.env: there is no such file");
        }
    }

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

    #[test]
    fn the_demo_reads_terminal_variables_and_no_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "not parsable").unwrap();
        let process = [("GENESYS_REGION", "eu-west-1"), ("TERM", "dumb"), ("HTTPS_PROXY", "http://p")];
        let demo = env(&process, &["--demo"], folder.path()).unwrap();
        let found = ["GENESYS_REGION", "TERM", "HTTPS_PROXY"].map(|name| value(&demo, name));
        assert_eq!(found, [None, Some("dumb".into()), None]);
        for args in [vec!["simulate"], vec!["man"], vec!["--replay", "-"]] {
            assert!(env(&[], &args, folder.path()).is_ok(), "{args:?}");
        }
        assert!(env(&[], &[], folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_other_users_can_read_causes_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let cases = [
            ("GENESYS_CLIENT_SECRET=hunter2", 0o644, true),
            ("GENESYS_CLIENT_SECRET=hunter2", 0o600, false),
            ("A=1", 0o644, false),
        ];
        for (text, mode, warned) in cases {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let warning = env(&[], &[], folder.path()).unwrap().exposed_secrets().next();
            assert_eq!(warning.is_some(), warned, "{text} {mode:o}");
            assert!(!warning.unwrap_or_default().contains("hunter2"));
        }
    }
}
