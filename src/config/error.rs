//! What can be wrong with settings, and how it is said: everything at once.

use std::fmt;

const ANYWHERE: &str = "set them as flags, in the environment or in .env; genesys-tail --demo needs none";
const ANYWHERE_OR_PROFILE: &str =
    "set them as flags, in the environment or in .env, or name a profile of gc: --profile NAME";

/// Everything that is wrong with the settings. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
    profiles_unused: bool,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nobody says it.
    Missing {
        /// What it is, in words.
        what: &'static str,
        /// The flags and variables that would say it.
        names: &'static str,
    },
    /// What is said makes no sense.
    Unusable {
        /// The flag, or the variable and the file it is in.
        setting: String,
        /// Why.
        reason: String,
    },
    /// Two things are said that cannot both be.
    Contradictory {
        /// Which, and why.
        reason: String,
    },
}

impl ConfigError {
    /// What is wrong, one by one; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The next step, where there is one that helps.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let missing = self.problems.iter().any(|problem| matches!(problem, Problem::Missing { .. }));
        missing.then_some(if self.profiles_unused { ANYWHERE_OR_PROFILE } else { ANYWHERE })
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
                Problem::Contradictory { reason } => write!(f, "{separator}{reason}")?,
            }
            separator = "; ";
        }
        Ok(())
    }
}

/// Problems as they are collected.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    profiles_unused: bool,
}

impl Problems {
    /// None yet. `profiles_unused` says whether there are profiles that would supply what is missing.
    pub(super) fn new(profiles_unused: bool) -> Self {
        Self { found: Vec::new(), profiles_unused }
    }

    pub(super) fn missing(&mut self, what: &'static str, names: &'static str) {
        self.found.push(Problem::Missing { what, names });
    }

    pub(super) fn unusable(&mut self, setting: impl Into<String>, reason: impl Into<String>) {
        self.found.push(Problem::Unusable { setting: setting.into(), reason: reason.into() });
    }

    pub(super) fn contradictory(&mut self, reason: impl Into<String>) {
        self.found.push(Problem::Contradictory { reason: reason.into() });
    }

    /// `value`, when nothing was wrong on the way to it.
    ///
    /// # Panics
    ///
    /// When there is no value and nothing was wrong.
    pub(super) fn none_or<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        if self.found.is_empty() {
            return Ok(value.expect("a value that is not there was reported as a problem"));
        }
        Err(ConfigError { problems: self.found, profiles_unused: self.profiles_unused })
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], profiles_unused: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_stand_in_one_line_the_missing_ones_together() {
        let mut problems = Problems::default();
        problems.missing("conversation", "--conversation, GENESYS_CONVERSATION_ID");
        problems.unusable("--region", "unknown");
        problems.missing("client id", "--client-id, GENESYS_CLIENT_ID");
        problems.contradictory("this and that");
        let error = problems.none_or(Some(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "settings missing: conversation (--conversation, GENESYS_CONVERSATION_ID), \
             client id (--client-id, GENESYS_CLIENT_ID); --region: unknown; this and that"
        );
        assert!(error.hint().unwrap().contains("--demo"));
    }

    #[test]
    fn without_missing_settings_there_is_no_hint_to_set_them() {
        let error = ConfigError::from(Problem::Unusable { setting: "--proxy".into(), reason: "not a URL".into() });
        assert_eq!((error.to_string().as_str(), error.hint()), ("--proxy: not a URL", None));
        assert_eq!(Problems::default().none_or(Some(1)), Ok(1));
    }
}
