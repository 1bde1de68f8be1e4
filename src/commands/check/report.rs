//! The report on standard output, and what it comes to.

use std::fs::File;
use std::io::{self, Write as _};

use super::step::{Step, Verdict};
use crate::exit_code::ErrorClass;
use crate::output::escape;
use crate::status::redact::Secrets;

/// Prints steps as they are known.
#[derive(Debug)]
pub(super) struct Report<'a> {
    stdout: File,
    secrets: &'a Secrets,
    first_failure: Option<ErrorClass>,
}

impl<'a> Report<'a> {
    /// Nothing is printed yet. No line will show any of the `secrets`.
    pub(super) fn new(stdout: File, secrets: &'a Secrets) -> Self {
        Self { stdout, secrets, first_failure: None }
    }

    /// Prints one line.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn say(&mut self, step: &Step) -> io::Result<()> {
        if let Verdict::Fail(blame) = step.verdict {
            self.first_failure.get_or_insert(blame);
        }
        self.stdout.write_all(line(step, self.secrets).as_bytes())
    }

    /// What was wrong first, if anything was.
    pub(super) fn first_failure(&self) -> Option<ErrorClass> {
        self.first_failure
    }
}

/// Redaction comes first: a secret that has been escaped is no longer recognised.
fn line(step: &Step, secrets: &Secrets) -> String {
    let text = step.to_string();
    format!("{}\n", escape(&secrets.redact(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_shows_no_secret() {
        let secrets = Secrets::default();
        secrets.add_token(&"s3cret\u{1b}".to_owned().into());
        let step = Step::ok("it says\nok    s3cret\u{1b}, \u{1b}[2J\u{202e}");
        assert_eq!(line(&step, &secrets), "ok    it says\\nok    [redacted], \\x1b[2J\\u{202e}\n");
    }

    #[test]
    fn the_first_failure_is_the_one_that_counts() {
        let secrets = Secrets::default();
        let mut report = Report::new(tempfile::tempfile().expect("a file"), &secrets);
        report.say(&Step::warn("a", "b")).expect("written");
        assert_eq!(report.first_failure(), None);
        for blame in [ErrorClass::NoInput, ErrorClass::NoPermission] {
            report.say(&Step::fail(blame, "a", "b")).expect("written");
        }
        assert_eq!(report.first_failure(), Some(ErrorClass::NoInput));
    }
}
