//! The envelope of an event.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::simulator::faults::StreamShape;
use crate::simulator::state::event_stream::StreamEvent;
use crate::simulator::state::ids::uuid;
use crate::simulator::state::message::format_time;

/// An event, ready for its envelope.
pub(super) struct Envelope<'a> {
    pub(super) id: String,
    /// The name of the topic, with `{id}` in place of the ids.
    pub(super) topic_template: String,
    pub(super) topic: &'a str,
    /// The JSON of the body.
    pub(super) body: &'a str,
    pub(super) correlation_id: String,
    pub(super) at: DateTime<Utc>,
}

impl<'a> Envelope<'a> {
    /// Returns the envelope of an event. Its id follows from the seed, the conversation and the number of the event.
    pub(super) fn new(event: &'a StreamEvent, seed: u64) -> Self {
        let StreamEvent { topic, body, at, conversation, number, .. } = event;
        Self {
            id: uuid(&format!("event {number} of {conversation} with seed {seed}")),
            topic_template: topic.replace(conversation.as_str(), "{id}"),
            topic,
            body: body.get(),
            // The service gives all events of a conversation the same one.
            correlation_id: uuid(&format!("correlation of {conversation}")),
            at: *at,
        }
    }

    /// Returns the JSON of the event in a shape, on one line.
    pub(super) fn to_json(&self, shape: StreamShape) -> String {
        match shape {
            StreamShape::Envelope => self.envelope(),
            StreamShape::Detail => format!("{{{},{}}}", self.notification_members(), self.timestamp_member()),
            StreamShape::Notification => format!("{{{}}}", self.notification_members()),
            StreamShape::Sqs => self.sqs_message(),
        }
    }

    fn envelope(&self) -> String {
        format!(
            r#"{{"version":"0","id":"{id}","detail-type":"{template}","source":"aws.partner/genesys.com/cloud/{organization}/simulated","account":"111122223333","time":"{time}","region":"us-east-1","resources":[],"detail":{{{members},{timestamp}}}}}"#,
            id = self.id,
            template = self.topic_template,
            organization = uuid("organization"),
            time = self.at.format("%Y-%m-%dT%H:%M:%SZ"),
            members = self.notification_members(),
            timestamp = self.timestamp_member(),
        )
    }

    fn notification_members(&self) -> String {
        format!(
            r#""topicName":{topic},"version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation}"}}"#,
            topic = Value::from(self.topic),
            body = self.body,
            correlation = self.correlation_id,
        )
    }

    fn timestamp_member(&self) -> String {
        format!(r#""timestamp":"{}""#, format_time(self.at))
    }

    /// Returns a message as `aws sqs receive-message` lists it.
    fn sqs_message(&self) -> String {
        let id = uuid(&format!("SQS message of {}", self.id));
        json!({ "MessageId": id, "ReceiptHandle": uuid(&id).replace('-', ""), "Body": self.envelope() }).to_string()
    }
}
