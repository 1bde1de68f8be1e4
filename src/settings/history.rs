//! Resolves the history to print and the cursor file.

use std::path::PathBuf;

use chrono::{DateTime, TimeZone};

use crate::cli::HistoryArgs;
use crate::config::{Format, History, LineLimit};

use super::problems::Problems;

/// Resolves the history to print. Times without a zone are those of the zone of `now`.
pub(super) fn resolve<Z: TimeZone>(args: &HistoryArgs, now: &DateTime<Z>) -> History {
    let lines = match args.lines {
        LineLimit::All => None,
        LineLimit::Lines(lines) => Some(lines),
    };
    let since = args.since.map(|since| since.resolve(now));
    History { lines, since, follow: !args.no_follow, call_transcript_wait: args.call_transcript_wait }
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

    use chrono::Utc;

    use super::*;
    use crate::config::Since;

    #[test]
    fn the_history_ends_at_a_time_and_a_number_of_lines() {
        let now = Utc::now();
        let (none, wait) = (Duration::ZERO, Duration::from_secs(900));
        let args = HistoryArgs {
            lines: LineLimit::All,
            since: None,
            no_follow: false,
            call_transcript_wait: none,
            cursor_file: None,
        };
        let all = History { lines: None, since: None, follow: true, call_transcript_wait: none };
        assert_eq!(resolve(&args, &now), all);
        let args = HistoryArgs {
            lines: LineLimit::Lines(0),
            since: Some(Since::At(now)),
            no_follow: true,
            call_transcript_wait: wait,
            ..args
        };
        let none_of_it = History { lines: Some(0), since: Some(now), follow: false, call_transcript_wait: wait };
        assert_eq!(resolve(&args, &now), none_of_it);
    }
}
