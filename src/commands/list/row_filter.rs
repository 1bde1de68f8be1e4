//! The conditions that a row of a list meets.

use chrono::{DateTime, Utc};

use crate::caseless::caseless;
use crate::config::{ListFilter, Targets};
use crate::wire::conversation_row::{ConversationRow, RowState};

/// The conditions for rows. The API checks some of them too, in its own way.
pub(super) struct RowFilter<'a> {
    pub(super) filter: &'a ListFilter,
    pub(super) targets: &'a Targets,
    /// The earliest start; `None` for open conversations of any age.
    pub(super) since: Option<DateTime<Utc>>,
}

impl RowFilter<'_> {
    pub(super) fn matches(&self, row: &ConversationRow) -> bool {
        let Self { filter, targets, since } = self;
        let is_in = |wanted: &[String], ids: &[String]| wanted.is_empty() || wanted.iter().any(|id| ids.contains(id));
        let has_medium =
            || row.media_types.iter().any(|kind| filter.media.iter().any(|medium| medium.media_type() == kind));
        (filter.all || row.state != RowState::Ended)
            && since.is_none_or(|since| row.started.is_none_or(|started| started >= since))
            && is_in(&targets.queues, &row.queue_ids)
            && is_in(&targets.users, &row.user_ids)
            && (filter.media.is_empty() || has_medium())
            && filter.customer.as_ref().is_none_or(|text| has_customer(row, text))
    }
}

fn has_customer(row: &ConversationRow, text: &str) -> bool {
    let text = caseless(text);
    [&row.customer.name, &row.customer.address].into_iter().flatten().any(|label| caseless(label).contains(&text))
}

#[cfg(test)]
mod tests {
    use super::super::columns::tests::row;
    use super::*;
    use crate::config::Medium;

    #[test]
    fn every_condition_has_to_be_met() {
        let row = row("c1", "Ada Mårlow");
        let matches = |filter: &ListFilter, targets: &Targets| RowFilter { filter, targets, since: None }.matches(&row);
        let targets = |queue: &str, users: &[&str]| Targets {
            queues: vec![queue.to_owned()],
            users: users.iter().map(|&user| user.to_owned()).collect(),
            ..Targets::default()
        };
        let all = ListFilter::default();
        assert!(matches(&all, &Targets::default()) && matches(&all, &targets("q1", &["u1", "u2"])));
        assert!(!matches(&all, &targets("q2", &[])) && !matches(&all, &targets("q1", &["u2"])));
        for (media, expected) in [(vec![Medium::Message], true), (vec![Medium::Call], false)] {
            assert_eq!(matches(&ListFilter { media, ..all.clone() }, &Targets::default()), expected);
        }
        for (text, expected) in [("ma\u{30a}RLOW", true), ("+1555", true), ("Casey", false)] {
            let filter = ListFilter { customer: Some(text.to_owned()), ..all.clone() };
            assert_eq!(matches(&filter, &Targets::default()), expected, "{text}");
        }
    }

    #[test]
    fn ended_and_older_rows_match_only_if_they_are_wanted() {
        let mut row = row("c1", "Ada");
        row.started = DateTime::from_timestamp(1_000, 0);
        let (filter, targets) = (ListFilter::default(), Targets::default());
        let matches = |row: &ConversationRow, all, since: Option<i64>| {
            let since = since.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
            RowFilter { filter: &ListFilter { all, ..filter.clone() }, targets: &targets, since }.matches(row)
        };
        assert!(matches(&row, false, Some(1_000)) && !matches(&row, false, Some(1_001)) && matches(&row, false, None));
        row.state = RowState::Ended;
        assert!(!matches(&row, false, None) && matches(&row, true, None));
    }
}
