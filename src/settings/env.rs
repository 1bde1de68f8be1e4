//! Environment variables: those of the process, then those of a `.env` file, then the values of a profile.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::cli::{AccountArgs, Cli, Command, TailArgs};
use crate::system::environment;

use super::env_file::{EnvFile, EnvFileError};
use super::gc_profile::{self, Profile, ProfileFile};
use super::problems::{FileFindings, FilesRead, Problem, Setting};

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
    findings: FileFindings,
    /// The `.env` file that cannot be read.
    unreadable_file: Option<Problem>,
    /// Set if profiles exist and none was selected.
    profiles_unused: bool,
}

/// The files that variables were read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingsFiles {
    /// The `.env` file.
    pub(crate) env_file: Option<PathBuf>,
    pub(crate) profile: Option<ProfileFile>,
}

impl Env {
    /// Reads the variables that apply to `cli`: those of the process, then those of `--env-file`, or else of `.env` in
    /// `folder` or its nearest parent that has one, then the values of the profile that `--profile` selects.
    ///
    /// The demo gets only the variables that describe the terminal. Only tailing and checking read files. Bytes that are
    /// not Unicode become U+FFFD. Problems with files have the name of the file and the line, never its content.
    pub(crate) fn read(process: impl IntoIterator<Item = (OsString, OsString)>, cli: &Cli, folder: &Path) -> Self {
        let mut env = Self::of_process(process, cli);
        let Some(account) = account_args(cli) else { return env };
        env.read_file(account, folder);
        let home = env.process.get(environment::HOME).cloned();
        match account.profile.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => env.read_profile(name, home.as_deref(), folder),
            None => env.profiles_unused = gc_profile::path_in_home(home.as_deref()).is_some(),
        }
        env
    }

    fn read_file(&mut self, args: &AccountArgs, folder: &Path) {
        match EnvFile::read(args.env_file.as_deref(), folder) {
            Ok(file) => {
                self.findings.messages.notes.extend(file.iter().flat_map(EnvFile::notes));
                self.file = file;
            }
            Err(EnvFileError::Unreadable { path, reason }) => {
                let setting = path.display().to_string();
                self.findings.messages.warnings.push(format!("{setting} ignored: cannot read it: {reason}"));
                self.unreadable_file = Some(Problem::Unusable { setting, reason });
            }
            Err(EnvFileError::Unusable(problem)) => self.findings.problems.push(problem),
        }
    }

    fn read_profile(&mut self, name: &str, home: Option<&str>, folder: &Path) {
        match Profile::read(name, home, folder) {
            Ok(profile) => self.profile = Some(profile),
            Err(problem) => self.findings.problems.push(problem),
        }
    }

    /// Returns the problems with files, and the messages about them.
    pub(super) fn findings(&self) -> &FileFindings {
        &self.findings
    }

    /// Returns the problem with the `.env` file if it cannot be read.
    pub(super) fn unreadable_file(&self) -> Option<Problem> {
        self.unreadable_file.clone()
    }

    /// Returns the files that variables were read from (ERR-5).
    pub(super) fn files(&self) -> SettingsFiles {
        SettingsFiles {
            env_file: self.file.as_ref().map(|file| file.path().to_owned()),
            profile: self.profile.as_ref().map(Profile::file),
        }
    }

    /// Returns the variables of the process that apply to `cli`, without those of files.
    pub(crate) fn of_process(process: impl IntoIterator<Item = (OsString, OsString)>, cli: &Cli) -> Self {
        let demo = cli.tail.recording.demo;
        let process = process
            .into_iter()
            .map(|(name, value)| {
                (environment::lookup_name(name.to_string_lossy().into_owned()), value.to_string_lossy().into_owned())
            })
            .filter(|(name, value)| !value.trim().is_empty() && (!demo || TERMINAL_VARIABLES.contains(&name.as_str())))
            .collect();
        Self { process, ..Self::default() }
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
        self.file.as_ref()?.get(name)
    }

    /// Returns the value that the profile has for a variable.
    pub(super) fn profile_value(&self, name: &str) -> Option<Setting> {
        self.profile.as_ref()?.get(name)
    }

    /// Returns the flag that selects the profile.
    pub(super) fn profile_flag(&self) -> Option<String> {
        self.profile.as_ref().map(Profile::flag)
    }

    /// Returns the value of `flag` if it is not empty, or else the first of `variables` that is set.
    pub(super) fn flag_or(&self, value: Option<&str>, flag: &str, variables: &[&str]) -> Option<Setting> {
        match value.map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => Some(Setting { value: value.to_owned(), name: flag.to_owned() }),
            None => self.first_variable(variables),
        }
    }

    /// Returns the first of `names` that the process has, or else the first that the file has (CLI-61).
    pub(super) fn first_variable(&self, names: &[&str]) -> Option<Setting> {
        let in_process = names.iter().find(|name| self.process.contains_key(**name));
        in_process.into_iter().chain(names).find_map(|name| self.variable(name))
    }

    /// Returns a warning for each file that holds a secret and that other users can read.
    pub(super) fn exposed_secrets(&self) -> impl Iterator<Item = String> {
        let in_file = self.file.as_ref().and_then(|file| file.exposed_secret(&CLIENT_SECRET_VARIABLES));
        in_file.into_iter().chain(self.profile.as_ref().and_then(Profile::exposed_secret))
    }

    /// Returns the problem with the selected profile, which has no complete client.
    pub(super) fn profile_without_client(&self) -> Option<Problem> {
        let profile = self.profile.as_ref()?;
        Some(Problem::Unusable { setting: profile.flag(), reason: profile.reason_without_client().to_owned() })
    }

    /// Returns the problem with a token that is set instead of a client.
    pub(super) fn unusable_token(&self) -> Option<Problem> {
        let reason = "not supported, because a token cannot be renewed; use an OAuth client".to_owned();
        self.variable(TOKEN_VARIABLE).map(|token| Problem::Unusable { setting: token.name, reason })
    }

    /// Returns the files that can supply missing settings.
    pub(super) fn files_read(&self) -> FilesRead {
        FilesRead {
            env_file: self.files().env_file,
            is_env_file_unreadable: self.unreadable_file.is_some(),
            profiles_unused: self.profiles_unused,
        }
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
        Some(Command::List(args)) => Some(&args.account),
        Some(
            Command::Simulate(_)
            | Command::Schema
            | Command::Completions { .. }
            | Command::Help { .. }
            | Command::Man { .. },
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(process: &[(&str, &str)], args: &[&str], folder: &Path) -> Env {
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
        let env = env(&[("A", "process"), ("B", ""), ("F", " ")], &[], &below);
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
        let named = env(&[], &["--env-file", other.to_str().unwrap()], folder.path());
        assert_eq!((value(&named, "A"), value(&named, "B").as_deref()), (None, Some("there")));
        let check = env(&[], &["check", "--env-file", other.to_str().unwrap()], folder.path());
        assert_eq!((value(&check, "A"), value(&check, "B").as_deref()), (None, Some("there")));
        let here = env(&[], &["check"], folder.path());
        assert_eq!((value(&here, "A").as_deref(), value(&here, "B")), (Some("here"), None));
        for args in [&["--env-file", "/nowhere/.env"][..], &["check", "--env-file", "/nowhere/.env"]] {
            let problem = Problem::Unusable {
                setting: "--env-file /nowhere/.env".to_owned(),
                reason: "file not found".to_owned(),
            };
            assert_eq!(env(&[], args, folder.path()).findings().problems, [problem]);
        }
    }

    #[test]
    fn the_demo_reads_terminal_variables_and_no_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "GENESYS_REGION").unwrap();
        let process = [("GENESYS_REGION", "eu-west-1"), ("TERM", "dumb"), ("HTTPS_PROXY", "http://p")];
        let demo = env(&process, &["--demo"], folder.path());
        let found = ["GENESYS_REGION", "TERM", "HTTPS_PROXY"].map(|name| value(&demo, name));
        assert_eq!(found, [None, Some("dumb".into()), None]);
        for args in [vec!["simulate"], vec!["man"], vec!["--replay", "-"]] {
            assert_eq!(env(&[], &args, folder.path()).findings().problems, [], "{args:?}");
        }
        assert_eq!(env(&[], &[], folder.path()).findings().problems.len(), 1);
    }

    // Windows has no file modes.
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
            let warning = env(&[], &[], folder.path()).exposed_secrets().next();
            assert_eq!(warning.is_some(), warned, "{text} {mode:o}");
            assert!(!warning.unwrap_or_default().contains("hunter2"));
        }
    }

    /// CLI-61.
    #[test]
    fn the_variables_of_the_process_precede_the_file_as_a_row() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "A=file\nB=file").unwrap();
        let first = |process: &[(&str, &str)]| env(process, &[], folder.path()).first_variable(&["A", "B"]).unwrap();
        assert_eq!(first(&[("B", "process")]).value, "process");
        assert_eq!(first(&[("A", "process"), ("B", "other")]).value, "process");
        assert!(first(&[]).name.starts_with("A in "));
    }
}
