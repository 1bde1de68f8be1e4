//! How much of what was said already is printed, and whether that is all.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::cli::PastArgs;
use crate::output::Format;

use super::error::Problems;

/// How much of what was said before the start is printed, and what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// At most this many lines of each conversation, the last ones; `None` for all.
    pub lines: Option<usize>,
    /// Nothing older than this, which may lie in the future.
    pub since: Option<DateTime<Utc>>,
    /// Whether to go on with what is said from now on.
    pub follow: bool,
}

/// A number of lines at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineLimit {
    /// As many as there are.
    All,
    /// At most this many.
    Lines(usize),
}

/// A moment, as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This long before now, a year at most.
    Ago(Duration),
    /// Then.
    At(DateTime<Utc>),
}

pub(super) fn resolve(args: &PastArgs, now: DateTime<Utc>) -> History {
    let lines = match args.lines {
        LineLimit::All => None,
        LineLimit::Lines(lines) => Some(lines),
    };
    let since = args.since.map(|since| match since {
        Since::Ago(duration) => now - duration,
        Since::At(time) => time,
    });
    History { lines, since, follow: !args.no_follow }
}

/// Where to keep what was delivered.
pub(super) fn cursor(args: &PastArgs, format: Format, problems: &mut Problems) -> Option<PathBuf> {
    if args.cursor_file.is_some() && format == Format::Raw {
        problems.contradictory("--cursor-file needs to understand messages, which -o raw does not");
    }
    args.cursor_file.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_from_now_and_a_future_is_nobodys_fault() {
        let now = DateTime::from_timestamp(1_767_323_045, 0).unwrap();
        let (earlier, later) = (now - Duration::from_secs(90), now + Duration::from_secs(90));
        let cases = [
            (None, None),
            (Some(Since::Ago(Duration::from_secs(90))), Some(earlier)),
            (Some(Since::At(earlier)), Some(earlier)),
            (Some(Since::At(later)), Some(later)),
        ];
        for (given, since) in cases {
            let past =
                resolve(&PastArgs { lines: LineLimit::All, since: given, no_follow: false, cursor_file: None }, now);
            assert_eq!(past, History { lines: None, since, follow: true });
        }
        let none = PastArgs { lines: LineLimit::Lines(0), since: None, no_follow: true, cursor_file: None };
        let past = resolve(&none, now);
        assert_eq!(past, History { lines: Some(0), since: None, follow: false });
    }
}
