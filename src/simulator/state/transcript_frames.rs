//! The frames of the transcript socket.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::message::{SentMessage, content_items, format_time, merge};
use crate::simulator::script::{Action, MessageLine, Speaker};

/// The delay between a message and its frame; the service reports both times.
pub(super) const TRANSIT: TimeDelta = TimeDelta::milliseconds(40);

/// A frame of the script.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) json: Utf8Bytes,
    /// The id of the message in it, if it is one.
    pub(crate) message_id: Option<String>,
    /// True for the frame that ends the conversation.
    pub(crate) is_last: bool,
}

/// Composes the frames of one conversation.
#[derive(Debug)]
pub(super) struct FrameComposer {
    random: fastrand::Rng,
    seed: u64,
    messages: u64,
    /// When the last message was sent.
    last_sent_at: DateTime<Utc>,
    /// The names of all customers, to attribute system messages about them.
    customers: Vec<String>,
    /// The customer who spoke last.
    last_customer: Party,
    /// The agent or bot who spoke last.
    last_staff: Option<Party>,
}

/// The sender or recipient of a message.
#[derive(Debug, Clone, Serialize)]
struct Party {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

#[derive(Serialize)]
struct Envelope<'a, P> {
    event: &'a str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
    #[serde(flatten)]
    extra: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    id: &'a str,
    r#type: &'a str,
    from: &'a Party,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a Party>,
    timestamp: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    originating_entity: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    content: Vec<Value>,
}

impl FrameComposer {
    pub(super) fn new(seed: u64, customers: Vec<String>) -> Self {
        let last_customer = Party { id: "external".to_owned(), name: String::new() };
        Self {
            random: fastrand::Rng::with_seed(seed),
            seed,
            messages: 0,
            last_sent_at: DateTime::UNIX_EPOCH,
            customers,
            last_customer,
            last_staff: None,
        }
    }

    /// Returns the message of an action, if it has one.
    pub(super) fn message(&mut self, action: &Action, now: DateTime<Utc>) -> Option<SentMessage> {
        let Action::Message(line) = action else { return None };
        self.messages += 1;
        let text = line.text.replace("{n}", &self.messages.to_string());
        self.last_sent_at = self.next_sent_at(now);
        Some(SentMessage { id: self.message_id(), text, sent_at: self.last_sent_at, members: line.members.clone() })
    }

    /// Returns the time of the next message. A burst gets increasing times, so that their order is known, as long as
    /// none is in the future.
    fn next_sent_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        (self.last_sent_at + TimeDelta::milliseconds(1)).clamp(now - TRANSIT, now)
    }

    /// Returns the frame of an action. `message` is that of [`FrameComposer::message`].
    pub(super) fn frame(&mut self, action: &Action, message: Option<&SentMessage>, now: DateTime<Utc>) -> Frame {
        match (action, message) {
            (Action::Message(line), Some(message)) => self.message_frame(line, message, now),
            (Action::Close, _) => Frame { is_last: true, ..self.envelope::<()>("conversationClosed", None, now) },
            (action, _) => self.envelope("conversationUpdated", Some(update_payload(action)), now),
        }
    }

    fn message_frame(&mut self, line: &MessageLine, message: &SentMessage, now: DateTime<Utc>) -> Frame {
        let (from, to) = self.parties(line);
        let payload = Payload {
            id: &message.id,
            r#type: message_type(line),
            from: &from,
            to: to.as_ref(),
            timestamp: format_time(message.sent_at),
            text: &message.text,
            originating_entity: originating_entity(line.speaker),
            content: content_items(line),
        };
        let frame = if line.members.is_empty() {
            self.envelope("messageAdded", Some(payload), now)
        } else {
            self.envelope("messageAdded", Some(with_members(&payload, &line.members)), now)
        };
        Frame { message_id: Some(message.id.clone()), ..frame }
    }

    /// Returns the sender and the recipient.
    fn parties(&mut self, line: &MessageLine) -> (Party, Option<Party>) {
        if line.speaker == Speaker::Customer {
            self.last_customer.name.clone_from(&line.name);
            return (self.last_customer.clone(), self.last_staff.clone());
        }
        if line.speaker == Speaker::System && self.customers.contains(&line.name) {
            return (Party { id: "external".to_owned(), name: line.name.clone() }, None);
        }
        let prefix = match line.speaker {
            Speaker::Bot => "bot",
            Speaker::Automatic(purpose) => purpose,
            Speaker::Agent | Speaker::System | Speaker::Customer => "agent",
        };
        let name = line.name.to_lowercase().replace(' ', "-");
        let party = Party { id: format!("{prefix}-{name}"), name: line.name.clone() };
        if line.speaker != Speaker::System {
            self.last_staff = Some(party.clone());
        }
        (party, Some(self.last_customer.clone()))
    }

    /// Ids are unique because multiplication by an odd number is a bijection.
    fn message_id(&self) -> String {
        format!("{:016x}{:016x}", self.messages.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.seed, self.seed)
    }

    fn envelope<P: Serialize>(&mut self, event: &str, payload: Option<P>, now: DateTime<Utc>) -> Frame {
        let envelope = Envelope { event, timestamp: format_time(now), payload, extra: self.extra_fields() };
        let json = serde_json::to_string(&envelope).expect("strings and numbers are always JSON");
        Frame { json: json.into(), message_id: None, is_last: false }
    }

    /// Returns undocumented fields for some frames, because the service may add fields at any time.
    fn extra_fields(&mut self) -> Option<Value> {
        match self.random.u8(..8) {
            0 => Some(json!({ "version": 2 })),
            1 => Some(
                json!({ "metadata": { "correlationId": format!("{:08x}", self.random.u32(..)), "hops": [1, null] } }),
            ),
            2 => Some(json!({ "eventTime": null })),
            _ => None,
        }
    }
}

/// Adds the members of a script, also those of the normalized message: a payload has both. Its type is one of its own.
fn with_members(payload: &Payload<'_>, members: &Map<String, Value>) -> Value {
    let mut payload_json = json!(payload);
    let (normalized, others): (Map<_, _>, Map<_, _>) =
        members.clone().into_iter().partition(|(name, _)| name == "normalizedMessage");
    merge(&mut payload_json, &others);
    if let Some(Value::Object(normalized)) = normalized.get("normalizedMessage") {
        merge(&mut payload_json, normalized);
        if payload.r#type == "system" {
            payload_json["type"] = "system".into();
        }
    }
    payload_json
}

fn update_payload(action: &Action) -> Value {
    match action {
        Action::Update(changes) => changes.iter().map(|(key, value)| (key.clone(), Value::from(&**value))).collect(),
        Action::Join { name, .. } => json!({ "participant": name, "change": "joined" }),
        Action::Alert(name) => json!({ "participant": name, "change": "alerting" }),
        Action::Leave { name, .. } => json!({ "participant": name, "change": "left" }),
        Action::Transfer(name) => json!({ "participant": name, "change": "transferred" }),
        Action::Park => json!({ "status": "parked" }),
        Action::Resume => json!({ "status": "connected" }),
        Action::Message(_) | Action::Begin | Action::Call | Action::Email | Action::KeepAlive | Action::Close => {
            json!({})
        }
    }
}

fn message_type(line: &MessageLine) -> &'static str {
    match line.speaker {
        Speaker::System => "system",
        _ if line.text.is_empty() || !line.quick_replies.is_empty() || !line.parts.is_empty() => "structured",
        _ => "text",
    }
}

fn originating_entity(speaker: Speaker) -> Option<&'static str> {
    match speaker {
        Speaker::Bot | Speaker::Automatic(_) => Some("Bot"),
        Speaker::Agent => Some("Human"),
        Speaker::Customer | Speaker::System => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::script::Script;

    fn frames(script: &str, seed: u64) -> Vec<Value> {
        let script: Script = script.parse().expect("a script");
        let mut composer = FrameComposer::new(seed, script.customers());
        let mut frame = |action| {
            let now = Utc::now();
            let message = composer.message(action, now);
            let frame = composer.frame(action, message.as_ref(), now);
            serde_json::from_str(&frame.json).expect("JSON")
        };
        script.playback().map(|step| frame(&step.action)).collect()
    }

    #[test]
    fn frames_have_the_shape_of_the_service() {
        let frames =
            frames("customer Ada: hi {n}\nbot Q: {n}\n  ? a | b\ncustomer Ada: yes\nsystem Ada: left\nclose", 1);
        assert_eq!(frames[0]["event"], "messageAdded");
        assert_eq!(frames[0]["payload"]["from"], json!({ "id": "external", "name": "Ada" }));
        assert_eq!(frames[0]["payload"]["text"], "hi 1");
        assert_eq!(frames[0]["payload"].get("to"), None);
        assert_eq!(frames[1]["payload"]["originatingEntity"], "Bot");
        assert_eq!(frames[1]["payload"]["content"][1]["quickReply"]["text"], "b");
        assert_eq!(frames[2]["payload"]["to"], json!({ "id": "bot-q", "name": "Q" }));
        assert_eq!(frames[3]["payload"]["type"], "system");
        assert_eq!(frames[3]["payload"]["from"]["id"], "external");
        assert_eq!(frames[4]["event"], "conversationClosed");
        assert_eq!(frames[4].get("payload"), None);
        let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().expect("a string")).expect("a time");
        assert!(time(&frames[0]["timestamp"]) > time(&frames[0]["payload"]["timestamp"]));
    }

    #[test]
    fn messages_of_a_burst_have_increasing_times_but_none_in_the_future() {
        let script: Script = "customer: {n}\nagent: {n}\nrepeat 60".parse().expect("a script");
        let mut composer = FrameComposer::new(1, script.customers());
        let now = Utc::now();
        let mut send = |action| composer.message(action, now).expect("a message").sent_at;
        let times: Vec<_> = script.playback().map(|step| send(&step.action)).collect();
        let expected = |index| now - TRANSIT + TimeDelta::milliseconds(index).min(TRANSIT);
        assert_eq!(times, (0..60).map(expected).collect::<Vec<_>>());
    }

    #[test]
    fn message_ids_are_unique_and_depend_on_the_seed_only() {
        let ids = |seed| -> Vec<_> {
            frames("customer: a\nrepeat 500", seed).iter().map(|frame| frame["payload"]["id"].to_string()).collect()
        };
        let mut unique = ids(3);
        assert_eq!(unique, ids(3));
        assert_ne!(unique, ids(4));
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 500);
    }
}
