//! Settings with their origin, and the problems with them: one error reports all problems together.

mod tips;

use std::fmt;
use std::path::PathBuf;

pub(super) use tips::tip_for_similar;

/// The missing setting that a queue, a user or the demo replaces.
pub(super) const MISSING_CONVERSATION: &str = "conversation";
pub(super) const MISSING_CLIENT_ID: &str = "client id";
pub(super) const MISSING_CLIENT_SECRET: &str = "client secret";
/// The reason to refuse a secret file with more than the secret.
pub(super) const SECRET_NOT_ALONE: &str = "must contain the secret alone, in one line";

/// A value and its origin.
#[derive(PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: String,
    /// The flag, or the variable and the file that it is in.
    pub(super) name: String,
}

/// All problems with the settings. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError {
    problems: Vec<Problem>,
    /// The next step for the user.
    tip: String,
}

/// A problem with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A required setting is not set.
    Missing {
        /// The setting in words.
        what: &'static str,
        /// The flags and variables that set it.
        names: &'static str,
    },
    /// The value of a setting is invalid.
    Unusable {
        /// The flag, or the variable and the file that it is in.
        setting: String,
        reason: String,
    },
    /// The value is neither a region nor in the form of one.
    UnknownRegion {
        /// The flag, or the variable and the file that it is in.
        setting: String,
        value: String,
    },
    /// The value is not an id.
    NotAnId {
        /// The flag, or the variable and the file that it is in.
        setting: String,
        reason: String,
        hint: Option<&'static str>,
    },
    /// The value is in the place of an id and resembles a command.
    LikeCommand { setting: String, reason: String, hint: String },
    /// Two settings exclude each other.
    Contradictory { reason: String },
}

impl Problem {
    /// Returns the setting that is missing.
    fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Missing { what, .. } => Some(what),
            _ => None,
        }
    }
}

impl ConfigError {
    fn new(problems: Vec<Problem>, files: &FilesRead) -> Self {
        let tip = tips::tip(&problems, files);
        Self { problems, tip }
    }

    /// Returns the next step for the user.
    pub(crate) fn hint(&self) -> &str {
        &self.tip
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "settings missing: ";
        for problem in &self.problems {
            if let Problem::Missing { what, names } = problem {
                write!(f, "{separator}{what} ({names})")?;
                separator = ", ";
            }
        }
        separator = if separator == ", " { "; " } else { "" };
        for problem in &self.problems {
            match problem {
                Problem::Missing { .. } => continue,
                Problem::Unusable { setting, reason }
                | Problem::NotAnId { setting, reason, .. }
                | Problem::LikeCommand { setting, reason, .. } => write!(f, "{separator}{setting}: {reason}")?,
                Problem::UnknownRegion { setting, value } => {
                    let examples = "such as us-east-1 or mypurecloud.ie";
                    write!(f, "{separator}{setting}: '{value}' is not a region {examples}")?;
                }
                Problem::Contradictory { reason } => write!(f, "{separator}{reason}")?,
            }
            separator = "; ";
        }
        Ok(())
    }
}

/// Collects problems, warnings and notes.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    messages: SettingsMessages,
    files: FilesRead,
    /// Set if a file of settings is unusable. It may hold the settings that are missing.
    is_source_unusable: bool,
}

/// The problems and messages of the files that variables are read from.
#[derive(Debug, Clone, Default)]
pub(super) struct FileFindings {
    pub(super) problems: Vec<Problem>,
    pub(super) messages: SettingsMessages,
}

/// The files that can supply missing settings.
#[derive(Debug, Clone, Default)]
pub(super) struct FilesRead {
    /// The `.env` file that was read.
    pub(super) env_file: Option<PathBuf>,
    /// Set if a `.env` file was found that cannot be read.
    pub(super) is_env_file_unreadable: bool,
    /// Set if profiles exist and none was selected.
    pub(super) profiles_unused: bool,
}

/// Lines about settings that stop nothing, one sentence each, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingsMessages {
    pub(crate) warnings: Vec<String>,
    /// Details, for debug lines.
    pub(crate) notes: Vec<String>,
}

impl Problems {
    /// Starts with the findings in files.
    pub(super) fn new(findings: FileFindings, files: FilesRead) -> Self {
        let FileFindings { problems: found, messages } = findings;
        Self { is_source_unusable: !found.is_empty(), found, messages, files }
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    /// Reports a missing setting, unless an unusable file may hold it.
    pub(super) fn missing(&mut self, what: &'static str, names: &'static str) {
        if !self.is_source_unusable {
            self.add(Problem::Missing { what, names });
        }
    }

    pub(super) fn unusable(&mut self, setting: impl Into<String>, reason: impl Into<String>) {
        self.add(Problem::Unusable { setting: setting.into(), reason: reason.into() });
    }

    pub(super) fn contradictory(&mut self, reason: impl Into<String>) {
        self.add(Problem::Contradictory { reason: reason.into() });
    }

    pub(super) fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.messages.warnings.extend(warnings);
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.messages.notes.push(note.into());
    }

    pub(super) fn is_source_unusable(&self) -> bool {
        self.is_source_unusable
    }

    /// Adds the problem with a file that could not be read, if a setting is missing that it may hold.
    pub(super) fn explain_missing(&mut self, unreadable_file: Option<Problem>) {
        if self.found.iter().any(|problem| problem.missing().is_some()) {
            self.found.extend(unreadable_file);
        }
    }

    /// Returns `value` and the messages, or the problems if there are any.
    ///
    /// # Panics
    ///
    /// If there is neither a value nor a problem.
    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<(T, SettingsMessages), ConfigError> {
        let Self { found, messages, files, .. } = self;
        if found.is_empty() {
            return Ok((value.expect("the reason for a missing value was added as a problem"), messages));
        }
        Err(ConfigError::new(found, &files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_in_one_line_with_the_missing_settings_first() {
        let mut problems = Problems::default();
        problems.missing(MISSING_CONVERSATION, "--conversation, GENESYS_CONVERSATION_ID");
        problems.unusable("--region", "unknown");
        problems.missing("client id", "--client-id, GENESYS_CLIENT_ID");
        problems.contradictory("this and that");
        let error = problems.into_result(Some(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "settings missing: conversation (--conversation, GENESYS_CONVERSATION_ID), \
             client id (--client-id, GENESYS_CLIENT_ID); --region: unknown; this and that"
        );
        assert_eq!(Problems::default().into_result(Some(1)), Ok((1, SettingsMessages::default())));
    }
}
