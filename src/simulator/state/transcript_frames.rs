//! From a step of a script to a frame on the wire.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::simulator::script::{Action, Attachment, Line, Speaker};
use crate::simulator::state::model::SentMessage;

/// The service says when a message was sent and, a little later, when it was passed on.
const TRANSIT: TimeDelta = TimeDelta::milliseconds(40);

/// A frame of the script.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) json: Utf8Bytes,
    /// The id of the message in it, if it is one.
    pub(crate) id: Option<String>,
    /// The conversation is over with it.
    pub(crate) last: bool,
}

/// Writes the frames of one conversation.
#[derive(Debug)]
pub(crate) struct FrameComposer {
    random: fastrand::Rng,
    seed: u64,
    count: u64,
    /// Everybody who is outside, so that what the system says of them is theirs.
    customers: Vec<String>,
    /// The customer who spoke last.
    customer: Party,
    /// Speaker of the organisation spoke last.
    staff: Option<Party>,
}

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
    pub(crate) fn new(seed: u64, customers: Vec<String>) -> Self {
        let customer = Party { id: "external".to_owned(), name: String::new() };
        Self { random: fastrand::Rng::with_seed(seed), seed, count: 0, customers, customer, staff: None }
    }

    /// What a line becomes on its way to the wire; `None` for an act that is no line.
    pub(crate) fn spoken(&mut self, act: &Action, now: DateTime<Utc>) -> Option<SentMessage> {
        let Action::Say(line) = act else { return None };
        self.count += 1;
        let text = line.text.replace("{n}", &self.count.to_string());
        Some(SentMessage { id: self.id(), text, at: now - TRANSIT })
    }

    /// The frame for what happens now.
    pub(crate) fn compose(&mut self, act: &Action, spoken: Option<&SentMessage>, now: DateTime<Utc>) -> Frame {
        match (act, spoken) {
            (Action::Say(line), Some(spoken)) => self.message(line, spoken, now),
            (Action::Close, _) => Frame { last: true, ..self.frame::<()>("conversationClosed", None, now) },
            (act, _) => self.frame("conversationUpdated", Some(update(act)), now),
        }
    }

    fn message(&mut self, line: &Line, spoken: &SentMessage, now: DateTime<Utc>) -> Frame {
        let SentMessage { id, text, at } = spoken;
        let (from, to) = self.parties(line);
        let payload = Payload {
            id,
            r#type: kind(line),
            from: &from,
            to: to.as_ref(),
            timestamp: stamp(*at),
            text,
            originating_entity: originating_entity(line.who),
            content: content(line),
        };
        Frame { id: Some(id.clone()), ..self.frame("messageAdded", Some(payload), now) }
    }

    fn parties(&mut self, line: &Line) -> (Party, Option<Party>) {
        if line.who == Speaker::Customer {
            self.customer.name.clone_from(&line.name);
            return (self.customer.clone(), self.staff.clone());
        }
        if line.who == Speaker::System && self.customers.contains(&line.name) {
            return (Party { id: "external".to_owned(), name: line.name.clone() }, None);
        }
        let prefix = if line.who == Speaker::Bot { "bot" } else { "agent" };
        let name = line.name.to_lowercase().replace(' ', "-");
        let party = Party { id: format!("{prefix}-{name}"), name: line.name.clone() };
        if line.who != Speaker::System {
            self.staff = Some(party.clone());
        }
        (party, Some(self.customer.clone()))
    }

    /// Unique as long as the count is: multiplying by an odd number loses nothing.
    fn id(&self) -> String {
        format!("{:016x}{:016x}", self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.seed, self.seed)
    }

    fn frame<P: Serialize>(&mut self, event: &str, payload: Option<P>, now: DateTime<Utc>) -> Frame {
        let envelope = Envelope { event, timestamp: stamp(now), payload, extra: self.extra() };
        let json = serde_json::to_string(&envelope).expect("strings and numbers are always JSON");
        Frame { json: json.into(), id: None, last: false }
    }

    /// Now and then a frame carries something that is in no description of it.
    fn extra(&mut self) -> Option<Value> {
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

/// What an update says.
fn update(act: &Action) -> Value {
    match act {
        Action::Update(changes) => changes.iter().map(|(key, value)| (key.clone(), Value::from(&**value))).collect(),
        Action::Join(_, name) => json!({ "participant": name, "change": "joined" }),
        Action::Alert(name) => json!({ "participant": name, "change": "alerting" }),
        Action::Leave(_, name) => json!({ "participant": name, "change": "left" }),
        Action::Transfer(name) => json!({ "participant": name, "change": "transferred" }),
        Action::Park => json!({ "status": "parked" }),
        Action::Resume => json!({ "status": "connected" }),
        Action::Say(_) | Action::Call | Action::KeepAlive | Action::Close => json!({}),
    }
}

pub(crate) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn kind(line: &Line) -> &'static str {
    match line.who {
        Speaker::System => "system",
        _ if line.text.is_empty() || !line.replies.is_empty() => "structured",
        _ => "text",
    }
}

fn originating_entity(who: Speaker) -> Option<&'static str> {
    match who {
        Speaker::Bot => Some("Bot"),
        Speaker::Agent => Some("Human"),
        Speaker::Customer | Speaker::System => None,
    }
}

pub(crate) fn content(line: &Line) -> Vec<Value> {
    let replies = line.replies.iter().map(|reply| {
        json!({ "contentType": "QuickReply", "quickReply": { "text": reply, "payload": reply, "action": "Message" } })
    });
    replies.chain(line.files.iter().map(attachment)).collect()
}

fn attachment(file: &Attachment) -> Value {
    let media = match file.mime.split('/').next() {
        Some("image") => "Image",
        Some("audio") => "Audio",
        Some("video") => "Video",
        _ => "File",
    };
    json!({
        "contentType": "Attachment",
        "attachment": {
            "mediaType": media,
            "filename": file.name,
            "mime": file.mime,
            "contentSizeBytes": file.size,
            "url": format!("https://files.example.com/{}", file.name),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::Script;

    fn frames(script: &str, seed: u64) -> Vec<Value> {
        let script: Script = script.parse().expect("a script");
        let mut composer = FrameComposer::new(seed, script.customers());
        let parsed = |frame: Frame| serde_json::from_str(&frame.json).expect("JSON");
        let mut frame = |act| {
            let now = Utc::now();
            let spoken = composer.spoken(act, now);
            composer.compose(act, spoken.as_ref(), now)
        };
        script.play().map(|step| parsed(frame(&step.act))).collect()
    }

    #[test]
    fn a_conversation_has_the_shape_of_the_wire() {
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
        let stamped = |stamp: &Value| DateTime::parse_from_rfc3339(stamp.as_str().expect("a string")).expect("a time");
        assert!(stamped(&frames[0]["timestamp"]) > stamped(&frames[0]["payload"]["timestamp"]));
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
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
