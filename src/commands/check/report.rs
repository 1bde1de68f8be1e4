//! The report of a check on stdout: one line per result.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write as _};

use crate::exit_code::ErrorClass;
use crate::output::escape;
use crate::status::redact::Secrets;
use crate::system::stdout::Stdout;

/// The text in place of a remedy that was already printed.
const REMEDY_ABOVE: &str = "remedy as above";

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckResult {
    pub(super) status: Status,
    /// The subject and the result, neither redacted nor escaped.
    pub(super) message: String,
    /// The next step, if there is one.
    pub(super) remedy: Option<String>,
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    /// A tail would work without it.
    Warn,
    /// A tail would end here.
    Fail(ErrorClass),
}

impl CheckResult {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self { status: Status::Ok, message: message.into(), remedy: None }
    }

    pub(super) fn warn(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warn, message: message.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(class: ErrorClass, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Fail(class), message: message.into(), remedy: Some(remedy.into()) }
    }

    /// Adds that the checks that depend on this one are skipped.
    pub(super) fn with_skipped_checks(mut self) -> Self {
        self.message.push_str("; dependent checks skipped");
        self
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail(_) => "fail",
        };
        write!(formatter, "{status:<6}{}", self.message)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(formatter, "; {remedy}"))
    }
}

/// The writer of the report. Prints each result as soon as it is known.
#[derive(Debug)]
pub(super) struct Report<'a> {
    stdout: Stdout,
    secrets: &'a Secrets,
    first_failure: Option<ErrorClass>,
    remedies: HashSet<String>,
}

impl<'a> Report<'a> {
    /// Prints nothing yet. The `secrets` are redacted from every line.
    pub(super) fn new(stdout: Stdout, secrets: &'a Secrets) -> Self {
        Self { stdout, secrets, first_failure: None, remedies: HashSet::new() }
    }

    /// Prints one line. Refers to a remedy that was already printed.
    pub(super) fn print(&mut self, result: &CheckResult) -> io::Result<()> {
        if let Status::Fail(class) = result.status {
            self.first_failure.get_or_insert(class);
        }
        let repeats = result.remedy.as_ref().is_some_and(|remedy| !self.remedies.insert(remedy.clone()));
        let remedy = if repeats { Some(REMEDY_ABOVE.to_owned()) } else { result.remedy.clone() };
        let result = CheckResult { remedy, ..result.clone() };
        self.stdout.write_all(line(&result, self.secrets).as_bytes())
    }

    /// Returns the class of the first failure.
    pub(super) fn first_failure(&self) -> Option<ErrorClass> {
        self.first_failure
    }
}

/// Redacts before it escapes: an escaped secret is no longer recognised.
fn line(result: &CheckResult, secrets: &Secrets) -> String {
    let text = result.to_string();
    format!("{}\n", escape(&secrets.redact(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::stdout;

    #[test]
    fn a_result_is_shown_as_status_column_message_and_remedy() {
        assert_eq!(CheckResult::ok("clock").to_string(), "ok    clock");
        assert_eq!(
            CheckResult::warn("channel: gone", "use another client").to_string(),
            "warn  channel: gone; use another client"
        );
        let failure = CheckResult::fail(ErrorClass::Unavailable, "sign-in failed", "check the id");
        assert_eq!(failure.to_string(), "fail  sign-in failed; check the id");
    }

    #[test]
    fn a_result_is_one_line_without_secrets() {
        let secrets = Secrets::default();
        secrets.add_token(&"s3cret\u{1b}".to_owned().into());
        let result = CheckResult::ok("it says\nok    s3cret\u{1b}, \u{1b}[2J\u{202e}");
        assert_eq!(line(&result, &secrets), "ok    it says\\nok    [redacted], \\x1b[2J\\u{202e}\n");
    }

    #[test]
    fn a_remedy_is_printed_once() {
        let (secrets, file) = (Secrets::default(), tempfile::NamedTempFile::new().expect("a file"));
        let mut report = Report::new(stdout::of_file(file.reopen().expect("a file")), &secrets);
        for (message, remedy) in [("a", "wait"), ("b", "wait"), ("c", "act"), ("d", "wait")] {
            report.print(&CheckResult::warn(message, remedy)).expect("written");
        }
        report.print(&CheckResult::ok("e")).expect("written");
        let expected = "warn  a; wait\nwarn  b; remedy as above\nwarn  c; act\nwarn  d; remedy as above\nok    e\n";
        assert_eq!(std::fs::read_to_string(file.path()).expect("a text"), expected);
    }

    #[test]
    fn the_first_failure_decides_and_warnings_do_not() {
        let secrets = Secrets::default();
        let mut report = Report::new(stdout::of_file(tempfile::tempfile().expect("a file")), &secrets);
        report.print(&CheckResult::warn("a", "b")).expect("written");
        assert_eq!(report.first_failure(), None);
        for class in [ErrorClass::NoInput, ErrorClass::NoPermission] {
            report.print(&CheckResult::fail(class, "a", "b")).expect("written");
        }
        assert_eq!(report.first_failure(), Some(ErrorClass::NoInput));
    }
}
