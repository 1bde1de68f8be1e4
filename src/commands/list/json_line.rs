//! A row of a list as JSON (TGT-22).

use chrono::{DateTime, SecondsFormat, Utc};

use super::columns::state_name;
use crate::output::escape::push_json_string;
use crate::wire::conversation_row::{ConversationRow, RowEntity};

/// Returns a JSON object and a line break. Members without a value are absent.
pub(super) fn json_line(row: &ConversationRow) -> Vec<u8> {
    let mut object = JsonObject::new();
    object.text("id", Some(&row.id));
    object.text("started", row.started.map(rfc3339).as_deref());
    object.text("ended", row.ended.map(rfc3339).as_deref());
    object.text("media", Some(row.media.join(",")).as_deref().filter(|media| !media.is_empty()));
    object.object("queue", entity(row.queue.as_ref()));
    object.object("agent", entity(row.agent.as_ref()));
    let mut customer = JsonObject::new();
    customer.text("name", row.customer.name.as_deref());
    customer.text("address", row.customer.address.as_deref());
    object.object("customer", Some(customer));
    object.text("state", Some(state_name(row.state)));
    let mut line = object.finish();
    line.push(b'\n');
    line
}

fn entity(entity: Option<&RowEntity>) -> Option<JsonObject> {
    entity.map(|RowEntity { id, name }| {
        let mut object = JsonObject::new();
        object.text("id", Some(id));
        object.text("name", name.as_deref());
        object
    })
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A JSON object under construction. Its strings are safe on a terminal.
struct JsonObject(Vec<u8>);

impl JsonObject {
    fn new() -> Self {
        Self(vec![b'{'])
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.name(name);
            push_json_string(&mut self.0, value);
        }
    }

    /// Adds an object unless it is empty.
    fn object(&mut self, name: &str, value: Option<Self>) {
        if let Some(value) = value.filter(|object| object.0.len() > 1) {
            self.name(name);
            self.0.extend(value.finish());
        }
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        push_json_string(&mut self.0, name);
        self.0.push(b':');
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::tests::row;
    use super::*;
    use crate::wire::conversation_row::RowCustomer;

    #[test]
    fn a_row_is_one_object_without_empty_members() {
        let mut row = row("c1", "A\u{202e}\n\"b\"");
        row.started = DateTime::from_timestamp_millis(1_767_323_045_678);
        let line = String::from_utf8(json_line(&row)).unwrap();
        let expected = concat!(
            r#"{"id":"c1","started":"2026-01-02T03:04:05.678Z","media":"webmessaging","queue":{"id":"q1","name":"Billing"},"#,
            r#""agent":{"id":"u1"},"customer":{"name":"A\u202e\n\"b\"","address":"tel:+15550001"},"state":"active"}"#,
            "\n"
        );
        assert_eq!(line, expected);
        (row.started, row.queue, row.agent, row.customer) = (None, None, None, RowCustomer::default());
        row.media.clear();
        assert_eq!(json_line(&row), b"{\"id\":\"c1\",\"state\":\"active\"}\n");
    }
}
