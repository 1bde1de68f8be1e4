//! One line of the report: how a step went, what it was, and how to mend it.

use std::fmt;

use crate::exit_code::ErrorClass;

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// How it went.
    pub(super) verdict: Verdict,
    /// What was tried, and what came of it; neither redacted nor escaped.
    pub(super) what: String,
    /// What to do about it, where there is something.
    pub(super) mend: Option<String>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Well.
    Ok,
    /// Not well, but a tail would go on without it.
    Warn,
    /// A tail would end here.
    Fail(ErrorClass),
}

impl Step {
    /// It went well.
    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, what: what.into(), mend: None }
    }

    /// Something is not as it should be, and a tail would go on.
    pub(super) fn warn(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, what: what.into(), mend: Some(mend.into()) }
    }

    /// A tail would end here.
    pub(super) fn fail(blame: ErrorClass, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail(blame), what: what.into(), mend: Some(mend.into()) }
    }
}

/// The line, without its end: the verdict in a column of its own.
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail(_) => "fail",
        };
        write!(formatter, "{verdict:<6}{}", self.what)?;
        self.mend.as_ref().map_or(Ok(()), |mend| write!(formatter, "; {mend}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_verdict_in_a_column_and_the_mending_at_its_end() {
        assert_eq!(Step::ok("all is well").to_string(), "ok    all is well");
        assert_eq!(Step::warn("it rains", "take an umbrella").to_string(), "warn  it rains; take an umbrella");
        let broken = Step::fail(ErrorClass::Unavailable, "it is broken", "mend it");
        assert_eq!(broken.to_string(), "fail  it is broken; mend it");
    }
}
