//! Settings with their origin, and the problems with them: one error reports all problems together.

mod tips;

use std::fmt;
use std::sync::LazyLock;

use crate::config::region;

const HINT: &str =
    "copy .env.example to .env and fill it in, or use --env-file FILE; genesys-tail --demo needs no account";
const HINT_WITH_PROFILES: &str = "set them in the environment or in .env, or use a gc profile: --profile NAME";
const CONVERSATION_HINT: &str = "name a conversation, or use --queue, --user or --demo";

static REGION_HINT: LazyLock<String> =
    LazyLock::new(|| format!("use one of {}, or a domain such as mypurecloud.ie", region::known_names()));

/// The missing setting that a queue, a user or the demo replaces.
pub(super) const MISSING_CONVERSATION: &str = "conversation";

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
    profiles_unused: bool,
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

impl ConfigError {
    /// Returns the next step for the user, if the problems have one.
    pub(crate) fn hint(&self) -> Option<&str> {
        let command = self.problems.iter().find_map(|problem| match problem {
            Problem::LikeCommand { hint, .. } => Some(hint.as_str()),
            _ => None,
        });
        command.or_else(|| self.hint_to_missing_settings()).or_else(|| self.hint_to_values())
    }

    fn hint_to_missing_settings(&self) -> Option<&'static str> {
        let mut missing = self.problems.iter().filter(|problem| matches!(problem, Problem::Missing { .. })).peekable();
        missing.peek()?;
        if missing.all(|problem| matches!(problem, Problem::Missing { what, .. } if *what == MISSING_CONVERSATION)) {
            return Some(CONVERSATION_HINT);
        }
        Some(if self.profiles_unused { HINT_WITH_PROFILES } else { HINT })
    }

    fn hint_to_values(&self) -> Option<&'static str> {
        self.problems.iter().find_map(|problem| match problem {
            Problem::UnknownRegion { .. } => Some(REGION_HINT.as_str()),
            Problem::NotAnId { hint, .. } => *hint,
            _ => None,
        })
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
    /// Set if profiles exist and none was selected.
    profiles_unused: bool,
    /// Set if a file of settings is unusable. It may hold the settings that are missing.
    is_source_unusable: bool,
}

/// The problems and messages of the files that variables are read from.
#[derive(Debug, Clone, Default)]
pub(super) struct FileFindings {
    pub(super) problems: Vec<Problem>,
    pub(super) messages: SettingsMessages,
}

/// Lines about settings that stop nothing, one sentence each, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingsMessages {
    pub(crate) warnings: Vec<String>,
    /// Details, for debug lines.
    pub(crate) notes: Vec<String>,
}

impl Problems {
    /// Starts with the findings in files. `profiles_unused` is whether a profile could supply missing settings.
    pub(super) fn new(findings: FileFindings, profiles_unused: bool) -> Self {
        let FileFindings { problems: found, messages } = findings;
        Self { is_source_unusable: !found.is_empty(), found, messages, profiles_unused }
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
        if self.found.iter().any(|problem| matches!(problem, Problem::Missing { .. })) {
            self.found.extend(unreadable_file);
        }
    }

    /// Returns `value` and the messages, or the problems if there are any.
    ///
    /// # Panics
    ///
    /// If there is neither a value nor a problem.
    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<(T, SettingsMessages), ConfigError> {
        let Self { found, messages, profiles_unused, .. } = self;
        if found.is_empty() {
            return Ok((value.expect("the reason for a missing value was added as a problem"), messages));
        }
        Err(ConfigError { problems: found, profiles_unused })
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
        assert_eq!(error.hint(), Some(HINT));
    }

    #[test]
    fn the_hint_depends_on_what_is_missing() {
        let hint = |problems: &[Problem], profiles_unused| {
            ConfigError { problems: problems.to_vec(), profiles_unused }.hint().map(str::to_owned)
        };
        let missing = |what| Problem::Missing { what, names: "" };
        let region = Problem::UnknownRegion { setting: "--region".into(), value: "europe".into() };
        let command =
            Problem::LikeCommand { setting: String::new(), reason: String::new(), hint: "use check".to_owned() };
        for (problems, profiles_unused, expected) in [
            (&[missing(MISSING_CONVERSATION), missing("client id")][..], false, HINT),
            (&[missing("client id")], true, HINT_WITH_PROFILES),
            (&[missing(MISSING_CONVERSATION), region.clone()], true, CONVERSATION_HINT),
            (&[missing("client id"), region.clone(), command], true, "use check"),
        ] {
            assert_eq!(hint(problems, profiles_unused).as_deref(), Some(expected));
        }
        assert!(hint(&[region], false).unwrap().starts_with("use one of us-east-1, us-east-2, "));
    }

    #[test]
    fn the_hint_appears_only_if_settings_are_missing() {
        let problem = Problem::Unusable { setting: "--proxy".into(), reason: "not a URL".into() };
        let error = ConfigError { problems: vec![problem], profiles_unused: false };
        assert_eq!((error.to_string().as_str(), error.hint()), ("--proxy: not a URL", None));
        assert_eq!(Problems::default().into_result(Some(1)), Ok((1, SettingsMessages::default())));
    }
}
