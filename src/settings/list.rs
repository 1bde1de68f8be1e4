//! Resolves the conversations to list, and the form of the list.

use chrono::{DateTime, Local, TimeDelta, Utc};

use crate::cli::ListFilterArgs;
use crate::config::{ListFilter, ListFormat};

use super::arguments::Argument;
use super::ids::IdRule;
use super::problems::{Problem, Problems};
use super::targets;

/// The maximum age of listed conversations: that of a query.
const MAX_AGE: TimeDelta = TimeDelta::days(31);

pub(super) fn format(args: &ListFilterArgs, is_terminal: bool) -> ListFormat {
    match (args.json, is_terminal) {
        (true, _) => ListFormat::Json,
        (false, true) => ListFormat::Table,
        (false, false) => ListFormat::Tabs,
    }
}

pub(super) fn filter(
    args: ListFilterArgs,
    arguments: &[Argument],
    now: DateTime<Utc>,
    problems: &mut Problems,
) -> ListFilter {
    let since = args.since.map(|since| since.resolve(&now.with_timezone(&Local)));
    if since.is_some_and(|since| since < now - MAX_AGE) {
        let reason = "must be at most 31 days ago".to_owned();
        problems.add(Problem::Unusable { setting: "--since".to_owned(), reason });
    }
    ListFilter {
        targets: targets::queries(arguments, IdRule::Uuid, problems),
        media: args.media,
        customer: args.customer.filter(|text| !text.is_empty()),
        since,
        all: args.all,
    }
}
