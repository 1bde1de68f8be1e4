//! Settings with their origin, and the problems with them: one error reports all problems together.

use std::fmt;
use std::sync::LazyLock;

use crate::config::region;

const HINT: &str = "set them in the environment or in .env, or try genesys-tail --demo";
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
    /// Two settings exclude each other.
    Contradictory { reason: String },
}

impl ConfigError {
    /// Returns the next step for the user if settings are missing or the region is unknown.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let mut missing = self.problems.iter().filter(|problem| matches!(problem, Problem::Missing { .. })).peekable();
        if missing.peek().is_none() {
            let is_unknown_region = |problem| matches!(problem, &Problem::UnknownRegion { .. });
            return self.problems.iter().any(is_unknown_region).then(|| REGION_HINT.as_str());
        }
        if missing.all(|problem| matches!(problem, Problem::Missing { what, .. } if *what == MISSING_CONVERSATION)) {
            return Some(CONVERSATION_HINT);
        }
        Some(if self.profiles_unused { HINT_WITH_PROFILES } else { HINT })
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
                Problem::Unusable { setting, reason } => write!(f, "{separator}{setting}: {reason}")?,
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

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], profiles_unused: false }
    }
}

/// Collects problems and warnings.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    warnings: Vec<String>,
    profiles_unused: bool,
}

impl Problems {
    /// `profiles_unused` is whether a profile could supply missing settings.
    pub(super) fn new(profiles_unused: bool) -> Self {
        Self { profiles_unused, ..Self::default() }
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    pub(super) fn missing(&mut self, what: &'static str, names: &'static str) {
        self.add(Problem::Missing { what, names });
    }

    pub(super) fn unusable(&mut self, setting: impl Into<String>, reason: impl Into<String>) {
        self.add(Problem::Unusable { setting: setting.into(), reason: reason.into() });
    }

    pub(super) fn contradictory(&mut self, reason: impl Into<String>) {
        self.add(Problem::Contradictory { reason: reason.into() });
    }

    pub(super) fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.extend(warnings);
    }

    /// Returns `value` and the warnings, or the problems if there are any.
    ///
    /// # Panics
    ///
    /// If there is neither a value nor a problem.
    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<(T, Vec<String>), ConfigError> {
        if self.found.is_empty() {
            return Ok((value.expect("the reason for a missing value was added as a problem"), self.warnings));
        }
        Err(ConfigError { problems: self.found, profiles_unused: self.profiles_unused })
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
        let hint =
            |problems: &[Problem], profiles_unused| ConfigError { problems: problems.to_vec(), profiles_unused }.hint();
        let missing = |what| Problem::Missing { what, names: "" };
        let region = Problem::UnknownRegion { setting: "--region".into(), value: "europe".into() };
        assert_eq!(hint(&[missing(MISSING_CONVERSATION), missing("client id")], false), Some(HINT));
        assert_eq!(hint(&[missing("client id")], true), Some(HINT_WITH_PROFILES));
        assert_eq!(hint(&[missing(MISSING_CONVERSATION), region.clone()], true), Some(CONVERSATION_HINT));
        assert!(hint(&[region], false).unwrap().starts_with("use one of us-east-1, us-east-2, "));
    }

    #[test]
    fn the_hint_appears_only_if_settings_are_missing() {
        let error = ConfigError::from(Problem::Unusable { setting: "--proxy".into(), reason: "not a URL".into() });
        assert_eq!((error.to_string().as_str(), error.hint()), ("--proxy: not a URL", None));
        assert_eq!(Problems::default().into_result(Some(1)), Ok((1, Vec::new())));
    }
}
