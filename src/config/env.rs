//! Variables: of the process, of a `.env` file behind them, and of a profile behind both.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::{AccountArgs, Cli, Command, TailArgs};

use super::credentials::{ID_NAMES, SECRET_NAMES};
use super::endpoints::REGION_NAMES;
use super::error::{ConfigError, Problem};
use super::file;
use super::profile::{self, Profile};

/// What describes the terminal rather than an account, and so counts for the demo too.
const TERMINAL: [&str; 3] = ["NO_COLOR", "CLICOLOR_FORCE", "TERM"];

/// What other Genesys tools take instead of a client.
const TOKEN_NAME: &str = "GENESYSCLOUD_ACCESS_TOKEN";

/// Variables by name. One that is empty counts as not set, and one of the process wins over one of the file.
#[derive(Default)]
pub struct Env {
    process: HashMap<String, String>,
    file: Option<EnvFile>,
    profile: Option<Profile>,
    /// Whether there are profiles and none of them was asked for.
    profiles_unused: bool,
}

struct EnvFile {
    path: PathBuf,
    /// Its permissions, where the group or everybody may read it.
    exposed: Option<u32>,
    values: HashMap<String, String>,
}

/// A value and who says it.
#[derive(PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    /// The flag, or the variable and the file it is in.
    pub(super) name: String,
}

impl Env {
    /// The variables that count for `cli`: those of the process, behind them those of `--env-file`, else of `.env`
    /// in `folder` or the nearest parent that has one, and behind these what the profile of `--profile` says.
    ///
    /// The demo sees neither a file nor anything but the variables that describe the terminal; only tailing and
    /// checking read files. A value that is not Unicode is taken with U+FFFD in the place of what is not.
    ///
    /// # Errors
    ///
    /// A file cannot be read or parsed, or there is no such profile. The message has the name of the file and the line,
    /// never what is in it.
    pub fn read(
        process: impl IntoIterator<Item = (OsString, OsString)>,
        cli: &Cli,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        let demo = cli.tail.recording.demo;
        let process: HashMap<String, String> = process
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .filter(|(name, value)| !value.trim().is_empty() && (!demo || TERMINAL.contains(&name.as_str())))
            .collect();
        let account = account(cli);
        let file = account.map(|args| EnvFile::read(args, folder)).transpose()?.flatten();
        let home = process.get("HOME").map(String::as_str);
        let named = account.and_then(|args| args.profile.as_deref()).map(str::trim).filter(|name| !name.is_empty());
        let profile = named.map(|name| Profile::read(name, home, folder)).transpose()?;
        let profiles_unused = account.is_some() && profile.is_none() && profile::file_of(home).is_some();
        Ok(Self { process, file, profile, profiles_unused })
    }

    /// The value of the variable `name`, wherever it comes from.
    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        self.own(name).or_else(|| self.of_profile(name))
    }

    /// What the profile says in the place of the variable `name`.
    pub(super) fn of_profile(&self, name: &str) -> Option<Setting> {
        self.profile.as_ref()?.get(name)
    }

    /// The value of the variable `name` in the process or the file.
    pub(super) fn own(&self, name: &str) -> Option<Setting> {
        if let Some(value) = self.process.get(name) {
            return Some(Setting { value: value.clone(), name: name.to_owned() });
        }
        let file = self.file.as_ref()?;
        let value = file.values.get(name)?.clone();
        Some(Setting { value, name: format!("{name} in {}", file.path.display()) })
    }

    /// What `flag` says when `typed` is not empty, else the first of `names` that is set.
    pub(super) fn flag_or(&self, typed: Option<&str>, flag: &str, names: &[&str]) -> Option<Setting> {
        match typed.map(str::trim).filter(|typed| !typed.is_empty()) {
            Some(typed) => Some(Setting { value: typed.to_owned(), name: flag.to_owned() }),
            None => names.iter().find_map(|name| self.get(name)),
        }
    }

    /// A warning for each file that holds a secret and that others can read.
    pub(super) fn exposed_secrets(&self) -> impl Iterator<Item = String> {
        let of_file = self.file.as_ref().and_then(EnvFile::exposed_secret);
        of_file.into_iter().chain(self.profile.as_ref().and_then(Profile::exposed_secret))
    }

    /// A warning when variables win over the profile, of which nobody may think who asks for one.
    pub(super) fn overridden_profile(&self) -> Option<String> {
        let profile = self.profile.as_ref()?;
        let winner = |names: &[&str]| {
            names.iter().find(|name| profile.get(name).is_some())?;
            names.iter().find_map(|name| self.own(name))
        };
        let winners = [&REGION_NAMES, &ID_NAMES, &SECRET_NAMES].map(|names| winner(names));
        // These leave nothing of its region, and would send its secret elsewhere.
        let elsewhere = ["GENESYS_API_URL", "GENESYS_LOGIN_URL"].map(|name| self.own(name));
        let names: Vec<String> = winners.into_iter().chain(elsewhere).flatten().map(|setting| setting.name).collect();
        (!names.is_empty()).then(|| format!("{} won over {}", names.join(", "), profile.flag()))
    }

    /// Why nobody can sign in with what there is, where more than the lack of a client is to be said.
    pub(super) fn no_client(&self) -> Option<(String, &'static str)> {
        let of_profile = |profile: &Profile| Some((profile.flag(), profile.no_client()?));
        let token = || Some((self.own(TOKEN_NAME)?.name, "a token cannot be renewed, and so is not taken"));
        self.profile.as_ref().and_then(of_profile).or_else(token)
    }

    /// Whether there are profiles and none of them was asked for.
    pub(super) fn has_unused_profiles(&self) -> bool {
        self.profiles_unused
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

/// What is typed of an account, where what is to be done needs one.
fn account(cli: &Cli) -> Option<&AccountArgs> {
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
            None => match find(folder) {
                Some(path) => (path.clone(), path.display().to_string()),
                None => return Ok(None),
            },
        };
        let values = values_of(&path).map_err(|reason| Problem::Unusable { setting, reason })?;
        Ok(Some(Self { exposed: file::exposed(&path), path, values }))
    }

    fn exposed_secret(&self) -> Option<String> {
        let holds_secret = SECRET_NAMES.iter().any(|name| self.values.contains_key(*name));
        self.exposed.filter(|_| holds_secret).map(|mode| file::exposure(&self.path, mode))
    }
}

fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(".env")).find(|path| path.is_file())
}

fn values_of(path: &Path) -> Result<HashMap<String, String>, String> {
    let mut text = file::read(path)?;
    // Without its last line break, a line that ends in a blank is an error to the parser.
    text.push('\n');
    parse(text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// By dotenvy's rules; of a name that stands twice, the first value that is not empty counts.
pub(crate) fn parse(text: &str) -> Result<HashMap<String, String>, String> {
    let line = Cell::new(0);
    let mut values = HashMap::new();
    for item in dotenvy::from_read_iter(LineByLine { rest: text.as_bytes(), line: &line }) {
        let (name, value) = item.map_err(|error| fault(&error, line.get()))?;
        if !value.trim().is_empty() {
            values.entry(name).or_insert(value);
        }
    }
    Ok(values)
}

/// dotenvy's own words hold the line, and the line may hold the secret. `line` is the last one that was read.
fn fault(error: &dotenvy::Error, line: usize) -> String {
    let lines = match error {
        dotenvy::Error::LineParse(text, _) => text.lines().count().max(1),
        _ => 1,
    };
    format!(
        "line {} is not NAME=value, or leaves a quote open; put single quotes around a value with blanks, $, # or \\",
        line + 1 - lines
    )
}

/// Hands out a line at a time, so that it is known which one the parser stumbled over.
struct LineByLine<'a> {
    rest: &'a [u8],
    line: &'a Cell<usize>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line_end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |end| end + 1);
        let (now, rest) = self.rest.split_at(line_end.min(buffer.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.line.set(self.line.get() + usize::from(now.ends_with(b"\n")));
        self.rest = rest;
        Ok(now.len())
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
    fn the_file_stands_behind_the_process_and_empty_counts_as_not_set() {
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
    fn a_named_file_is_read_instead_and_has_to_be_there() {
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
    fn a_line_that_cannot_be_parsed_is_named_and_not_shown() {
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
    fn the_demo_sees_the_terminal_and_no_file() {
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
    fn a_secret_that_others_can_read_is_warned_of() {
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
