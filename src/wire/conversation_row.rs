//! The rows of conversation analytics.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::json::{self, first_text_at, items_at, text_at, text_equals, time_at};

/// A queue or an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowEntity {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// The customer of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowCustomer {
    pub(crate) name: Option<String>,
    pub(crate) address: Option<String>,
}

/// The state of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowState {
    /// No agent is connected.
    Waiting,
    /// An agent is connected.
    Active,
    Ended,
}

/// A conversation as analytics know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConversationRow {
    pub(crate) id: String,
    pub(crate) started: Option<DateTime<Utc>>,
    pub(crate) ended: Option<DateTime<Utc>>,
    /// The types of media, such as `message` and `voice`, each once.
    pub(crate) media_types: Vec<String>,
    /// The media as people call them, such as `webmessaging` and `call`.
    pub(crate) media: Vec<String>,
    /// The queue that the conversation entered last.
    pub(crate) queue: Option<RowEntity>,
    /// The agent who is connected, or was last if the conversation has ended.
    pub(crate) agent: Option<RowEntity>,
    pub(crate) customer: RowCustomer,
    pub(crate) state: RowState,
    /// The ids of all queues and users of the conversation so far.
    pub(crate) queue_ids: Vec<String>,
    pub(crate) user_ids: Vec<String>,
}

/// A page of rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RowPage {
    pub(crate) rows: Vec<ConversationRow>,
    /// The number of listed entries, unreadable ones included.
    pub(crate) listed: usize,
    /// The approximate number of all entries; 0 if it is not stated.
    pub(crate) total: usize,
}

/// A segment with the participant and session that it belongs to.
struct Segment<'a> {
    participant: &'a Value,
    segment: &'a Value,
}

/// Reads a page of rows. The API omits the list if it found none.
pub(crate) fn parse_rows(body: &str) -> Option<RowPage> {
    let body = json::parse(body).ok().filter(Value::is_object)?;
    let listed: Vec<&Value> = items_at(&body, "conversations").collect();
    let total = body["totalHits"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or(0);
    Some(RowPage { rows: listed.iter().filter_map(|row| row_of(row)).collect(), listed: listed.len(), total })
}

fn row_of(row: &Value) -> Option<ConversationRow> {
    let id = text_at(row, "conversationId")?;
    let participants: Vec<&Value> = items_at(row, "participants").collect();
    let segments: Vec<Segment<'_>> = participants.iter().flat_map(|participant| segments_of(participant)).collect();
    let (mut media_types, mut media) = (Vec::new(), Vec::new());
    for session in participants.iter().flat_map(|participant| items_at(participant, "sessions")) {
        let Some(media_type) = text_at(session, "mediaType").map(|media| media.to_lowercase()) else { continue };
        add(&mut media, medium(&media_type, session));
        add(&mut media_types, media_type);
    }
    let ended = time_at(row, "conversationEnd");
    let connected = latest(segments.iter().filter(|segment| segment.is_of_agent() && segment.is_connected()));
    let state = match (text_at(row, "conversationEnd").is_some(), connected) {
        (true, _) => RowState::Ended,
        (false, Some(_)) => RowState::Active,
        (false, None) => RowState::Waiting,
    };
    let last_agent = || latest(segments.iter().filter(|segment| segment.is_of_agent() && segment.is_interaction()));
    let agent = connected.or_else(|| last_agent().filter(|_| state == RowState::Ended));
    let (mut queue_ids, mut user_ids) = (Vec::new(), Vec::new());
    segments.iter().filter_map(Segment::queue_id).for_each(|id| add(&mut queue_ids, id));
    participants.iter().filter_map(|participant| text_at(participant, "userId")).for_each(|id| add(&mut user_ids, id));
    Some(ConversationRow {
        id,
        started: time_at(row, "conversationStart"),
        ended,
        media_types,
        media,
        queue: queue_of(&segments),
        agent: agent.and_then(|agent| agent_of(agent.participant)),
        customer: customer_of(&participants),
        state,
        queue_ids,
        user_ids,
    })
}

fn segments_of(participant: &Value) -> impl Iterator<Item = Segment<'_>> {
    let sessions = items_at(participant, "sessions");
    sessions.flat_map(|session| items_at(session, "segments")).map(move |segment| Segment { participant, segment })
}

/// Returns the name of a medium: that of the message type, and `call` for voice.
fn medium(media_type: &str, session: &Value) -> String {
    match media_type {
        "voice" => "call".to_owned(),
        "message" => text_at(session, "messageType").map_or_else(|| media_type.to_owned(), |kind| kind.to_lowercase()),
        other => other.to_owned(),
    }
}

impl Segment<'_> {
    fn is_of_agent(&self) -> bool {
        ["agent", "user"].iter().any(|purpose| text_equals(self.participant, "purpose", purpose))
    }

    /// Returns whether the segment still runs and an agent takes part in the conversation.
    fn is_connected(&self) -> bool {
        self.is_interaction() && text_at(self.segment, "segmentEnd").is_none()
    }

    fn is_interaction(&self) -> bool {
        let passive = ["alert", "contacting", "dialing", "delay", "system", "wrapup"];
        !passive.iter().any(|kind| text_equals(self.segment, "segmentType", kind))
    }

    fn queue_id(&self) -> Option<String> {
        text_at(self.segment, "queueId")
    }
}

/// Returns the segment that started last; of several, the last one in the list.
fn latest<'a>(segments: impl Iterator<Item = &'a Segment<'a>>) -> Option<&'a Segment<'a>> {
    segments.max_by_key(|segment| time_at(segment.segment, "segmentStart"))
}

/// Returns the queue that was entered last. Its name is that of a participant who is the queue.
fn queue_of(segments: &[Segment<'_>]) -> Option<RowEntity> {
    let id = latest(segments.iter().filter(|segment| segment.queue_id().is_some()))?.queue_id()?;
    let mut of_queue = segments.iter().filter(|segment| {
        text_equals(segment.participant, "purpose", "acd") && segment.queue_id().as_deref() == Some(id.as_str())
    });
    let name = of_queue.find_map(|segment| text_at(segment.participant, "participantName"));
    Some(RowEntity { id, name })
}

fn agent_of(participant: &Value) -> Option<RowEntity> {
    let name = text_at(participant, "participantName");
    let id = text_at(participant, "userId").or_else(|| text_at(participant, "participantId"))?;
    Some(RowEntity { id, name })
}

/// Returns the customer. Sessions of other participants may have the name that the customer's lack.
fn customer_of(participants: &[&Value]) -> RowCustomer {
    let is_customer = |participant: &&&Value| {
        ["customer", "external"].iter().any(|purpose| text_equals(participant, "purpose", purpose))
    };
    let customer = participants.iter().find(is_customer);
    let of_others = || {
        let others = participants.iter().filter(|participant| !is_customer(participant));
        let mut sessions = others.flat_map(|participant| items_at(participant, "sessions"));
        sessions.find_map(|session| first_text_at(session, &["remoteNameDisplayable", "remote"]))
    };
    let address = customer.and_then(|customer| items_at(customer, "sessions").find_map(address_of));
    let name = customer.and_then(|customer| text_at(customer, "participantName")).or_else(of_others);
    RowCustomer { name, address }
}

fn address_of(session: &Value) -> Option<String> {
    if text_equals(session, "direction", "outbound") {
        first_text_at(session, &["addressTo", "dnis", "addressFrom", "ani"])
    } else {
        first_text_at(session, &["addressFrom", "ani", "addressTo", "dnis"])
    }
}

fn add(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session(media: &str, more: &Value, segments: &Value) -> Value {
        let mut session = json!({ "mediaType": media, "direction": "inbound", "segments": segments });
        session.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        session
    }

    fn row(value: &Value) -> ConversationRow {
        let body = json!({ "conversations": [value] }).to_string();
        parse_rows(&body).unwrap().rows.remove(0)
    }

    /// A message conversation with an agent in the second of two queues.
    fn transferred() -> Value {
        let segment = |kind: &str, second: u8, queue: &str| json!({ "segmentStart": format!("2026-10-08T14:02:{second:02}Z"), "segmentType": kind, "queueId": queue });
        let ended = |mut segment: Value| {
            segment["segmentEnd"] = json!("2026-10-08T15:00:00Z");
            segment
        };
        let web = json!({ "messageType": "WebMessaging" });
        let remote = json!({ "messageType": "webmessaging", "remote": "Casey" });
        let address = json!({ "messageType": "webmessaging", "addressFrom": "4f1e", "addressTo": "us" });
        json!({
            "conversationId": "c1",
            "conversationStart": "2026-10-08T14:02:03.114Z",
            "participants": [
                { "purpose": "customer", "sessions": [session("message", &address, &json!([segment("interact", 3, "q1")]))] },
                { "purpose": "acd", "participantName": "Billing", "sessions": [session("message", &web, &json!([ended(segment("interact", 4, "q1"))]))] },
                { "purpose": "acd", "participantName": "Insurance", "sessions": [session("message", &remote, &json!([ended(segment("interact", 9, "q2"))]))] },
                { "purpose": "agent", "userId": "u0", "sessions": [session("message", &remote, &json!([ended(segment("interact", 5, "q1"))]))] },
                { "purpose": "agent", "userId": "u1", "sessions": [session("message", &remote, &json!([ended(segment("alert", 10, "q2")), segment("interact", 11, "q2")]))] },
            ],
        })
    }

    #[test]
    fn a_row_names_the_last_queue_the_connected_agent_and_the_customer() {
        let row = row(&transferred());
        assert_eq!((row.id.as_str(), row.state, row.ended), ("c1", RowState::Active, None));
        assert_eq!(row.started.map(|time| time.timestamp_millis()), Some(1_791_468_123_114));
        assert_eq!((row.media_types, row.media), (vec!["message".to_owned()], vec!["webmessaging".to_owned()]));
        assert_eq!(row.queue, Some(RowEntity { id: "q2".into(), name: Some("Insurance".into()) }));
        assert_eq!(row.agent, Some(RowEntity { id: "u1".into(), name: None }));
        assert_eq!(row.customer, RowCustomer { name: Some("Casey".into()), address: Some("4f1e".into()) });
        assert_eq!((row.queue_ids, row.user_ids), (vec!["q1".into(), "q2".into()], vec!["u0".into(), "u1".into()]));
    }

    #[test]
    fn a_conversation_is_active_while_an_agent_is_connected() {
        let mut value = transferred();
        value["participants"][4]["sessions"][0]["segments"][1]["segmentType"] = json!("alert");
        let waiting = row(&value);
        assert_eq!((waiting.state, waiting.agent), (RowState::Waiting, None));
        value["conversationEnd"] = json!("2026-10-08T15:00:00Z");
        let ended = row(&value);
        assert_eq!((ended.state, ended.agent.map(|agent| agent.id)), (RowState::Ended, Some("u0".to_owned())));
    }

    #[test]
    fn a_call_is_called_call_and_an_outbound_one_has_the_called_number() {
        let call = json!({ "direction": "outbound", "ani": "tel:+15550001", "dnis": "tel:+15550002" });
        let value = json!({ "conversationId": "c1", "participants": [
            { "purpose": "customer", "participantName": "Ada", "sessions": [session("voice", &call, &json!([]))] },
        ] });
        let row = row(&value);
        assert_eq!((row.media, row.media_types), (vec!["call".to_owned()], vec!["voice".to_owned()]));
        assert_eq!(row.customer, RowCustomer { name: Some("Ada".into()), address: Some("tel:+15550002".into()) });
        assert_eq!((row.started, row.queue, row.state), (None, None, RowState::Waiting));
    }

    #[test]
    fn odd_rows_and_bodies_are_skipped() {
        let body =
            r#"{"conversations":[{"conversationId":"a","participants":[7,{"sessions":[{"segments":null}]}]},{},null]}"#;
        let page = parse_rows(body).unwrap();
        assert_eq!((page.rows.len(), page.listed), (1, 3));
        assert_eq!(parse_rows("{}"), Some(RowPage { rows: Vec::new(), listed: 0, total: 0 }));
        for body in ["", "[]", "<html>", "null"] {
            assert_eq!(parse_rows(body), None, "{body}");
        }
    }
}
