//! The columns of a list as text (TGT-21).

use chrono::{DateTime, Local, Utc};

use crate::output::escape;
use crate::wire::conversation_row::{ConversationRow, RowEntity, RowState};

/// A column, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Started,
    Media,
    Queue,
    Agent,
    Customer,
    State,
}

impl Column {
    pub(super) const ALL: [Self; 7] =
        [Self::Id, Self::Started, Self::Media, Self::Queue, Self::Agent, Self::Customer, Self::State];
}

/// The cells of a row, or the header.
pub(super) type Cells = [String; Column::ALL.len()];

/// The form of a time.
#[derive(Debug, Clone, Copy)]
pub(super) enum TimeForm {
    Full,
    /// Without the year and the seconds.
    Short,
}

pub(super) const HEADER: [&str; Column::ALL.len()] = ["ID", "STARTED", "MEDIA", "QUEUE", "AGENT", "CUSTOMER", "STATE"];

/// Returns the cells of a row. None of them contains a tab or a line break.
pub(super) fn cells(row: &ConversationRow, form: TimeForm) -> Cells {
    let customer = row.customer.name.as_deref().or_else(|| row.customer.address.as_deref().map(without_scheme));
    [
        clean(&row.id),
        row.started.map(|time| local_time(time, form)).unwrap_or_default(),
        clean(&row.media.join(",")),
        entity(row.queue.as_ref()),
        entity(row.agent.as_ref()),
        clean(customer.unwrap_or_default()),
        state_name(row.state).to_owned(),
    ]
}

pub(super) fn state_name(state: RowState) -> &'static str {
    match state {
        RowState::Waiting => "waiting",
        RowState::Active => "active",
        RowState::Ended => "ended",
    }
}

fn local_time(time: DateTime<Utc>, form: TimeForm) -> String {
    let format = match form {
        TimeForm::Full => "%Y-%m-%d %H:%M:%S",
        TimeForm::Short => "%m-%d %H:%M",
    };
    time.with_timezone(&Local).format(format).to_string()
}

/// Returns the name, or the id if that is not available.
fn entity(entity: Option<&RowEntity>) -> String {
    clean(entity.map_or("", |entity| entity.name.as_deref().unwrap_or(&entity.id)))
}

/// Returns the number in a URI such as `tel:+15555550123`.
fn without_scheme(address: &str) -> &str {
    address.strip_prefix("tel:").unwrap_or(address)
}

/// Escapes a text from the network (OUT-30), and the tab, which separates columns.
fn clean(text: &str) -> String {
    escape(text).replace('\t', "\\x09")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::wire::conversation_row::RowCustomer;

    pub(in crate::commands::list) fn row(id: &str, customer: &str) -> ConversationRow {
        ConversationRow {
            id: id.to_owned(),
            started: None,
            ended: None,
            media_types: vec!["message".to_owned()],
            media: vec!["webmessaging".to_owned()],
            queue: Some(RowEntity { id: "q1".to_owned(), name: Some("Billing".to_owned()) }),
            agent: Some(RowEntity { id: "u1".to_owned(), name: None }),
            customer: RowCustomer { name: Some(customer.to_owned()), address: Some("tel:+15550001".to_owned()) },
            state: RowState::Active,
            queue_ids: vec!["q1".to_owned()],
            user_ids: vec!["u1".to_owned()],
        }
    }

    #[test]
    fn cells_are_escaped_and_fall_back_to_ids_and_addresses() {
        let hostile = row("c1", "A\tb\nc\u{1b}[2J\u{202e}d");
        let expected = ["c1", "", "webmessaging", "Billing", "u1", "A\\x09b\\nc\\x1b[2J\\u{202e}d", "active"];
        assert_eq!(cells(&hostile, TimeForm::Full), expected);
        let mut unnamed = row("c1", "");
        unnamed.customer.name = None;
        (unnamed.queue, unnamed.agent, unnamed.state) = (None, None, RowState::Waiting);
        assert_eq!(cells(&unnamed, TimeForm::Full)[3..], ["", "", "+15550001", "waiting"]);
    }
}
