//! Resolves the history to print and the cursor file.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::cli::HistoryArgs;
use crate::config::{Format, History, LineLimit, Since};

use super::problems::Problems;

pub(super) fn resolve(args: &HistoryArgs, now: DateTime<Utc>) -> History {
    let lines = match args.lines {
        LineLimit::All => None,
        LineLimit::Lines(lines) => Some(lines),
    };
    let since = args.since.map(|since| start(since, now));
    History { lines, since, follow: !args.no_follow }
}

/// Returns the time that `--since` names.
pub(super) fn start(since: Since, now: DateTime<Utc>) -> DateTime<Utc> {
    match since {
        Since::Ago(duration) => now - duration,
        Since::At(time) => time,
    }
}

/// Resolves the path of the cursor file.
pub(super) fn cursor(args: &HistoryArgs, format: Format, problems: &mut Problems) -> Option<PathBuf> {
    if args.cursor_file.is_some() && format == Format::Raw {
        problems.contradictory("--cursor-file cannot be used with -o raw");
    }
    args.cursor_file.clone()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn durations_count_back_from_now_and_a_future_time_is_accepted() {
        let now = DateTime::from_timestamp(1_767_323_045, 0).unwrap();
        let (earlier, later) = (now - Duration::from_secs(90), now + Duration::from_secs(90));
        let cases = [
            (None, None),
            (Some(Since::Ago(Duration::from_secs(90))), Some(earlier)),
            (Some(Since::At(earlier)), Some(earlier)),
            (Some(Since::At(later)), Some(later)),
        ];
        for (since, expected) in cases {
            let args = HistoryArgs { lines: LineLimit::All, since, no_follow: false, cursor_file: None };
            assert_eq!(resolve(&args, now), History { lines: None, since: expected, follow: true });
        }
        let none = HistoryArgs { lines: LineLimit::Lines(0), since: None, no_follow: true, cursor_file: None };
        assert_eq!(resolve(&none, now), History { lines: Some(0), since: None, follow: false });
    }
}
