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
    History { lines, since, follow: !args.no_follow }
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
    use chrono::Utc;

    use super::*;
    use crate::config::Since;

    #[test]
    fn the_history_ends_at_a_time_and_a_number_of_lines() {
        let now = Utc::now();
        let args = HistoryArgs { lines: LineLimit::All, since: None, no_follow: false, cursor_file: None };
        assert_eq!(resolve(&args, &now), History { lines: None, since: None, follow: true });
        let args =
            HistoryArgs { lines: LineLimit::Lines(0), since: Some(Since::At(now)), no_follow: true, cursor_file: None };
        assert_eq!(resolve(&args, &now), History { lines: Some(0), since: Some(now), follow: false });
    }
}
