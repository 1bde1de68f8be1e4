//! Events and receipts of a conversation: presence, typing and delivery, as text to show behind a name (EVT-12).

use serde::Deserialize;

use super::lenient::{LenientList, LenientObject, LenientString};

/// A `messageMetadata` or a `normalizedMessage`, without the members that an event or receipt does not have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MessageMetadata<'a> {
    #[serde(borrow, rename = "type")]
    kind: LenientString<'a>,
    #[serde(borrow)]
    status: LenientString<'a>,
    #[serde(borrow)]
    events: LenientList<Event<'a>>,
    #[serde(borrow)]
    reasons: LenientList<Reason<'a>>,
}

/// An event. Its detail is the `subType` in a `messageMetadata`, and an object named after the type in a
/// `normalizedMessage`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, rename = "eventType")]
    kind: LenientString<'a>,
    #[serde(borrow)]
    sub_type: LenientString<'a>,
    #[serde(borrow)]
    presence: LenientObject<Detail<'a>>,
    #[serde(borrow)]
    typing: LenientObject<Detail<'a>>,
    #[serde(borrow)]
    co_browse: LenientObject<Detail<'a>>,
    #[serde(borrow)]
    video: LenientObject<Detail<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow, rename = "type")]
    kind: LenientString<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason<'a> {
    #[serde(borrow)]
    code: LenientString<'a>,
    #[serde(borrow)]
    message: LenientString<'a>,
}

impl MessageMetadata<'_> {
    /// Returns the text of an `Event` or a `Receipt`; `None` for other types, whose body has the text.
    ///
    /// `message_status` is used for a receipt without a status. `by_recipient` is `true` if the text will be shown
    /// behind the name of the recipient of the message, and not of its sender.
    pub(super) fn event_text(&self, message_status: &str, by_recipient: bool) -> Option<String> {
        if self.kind.as_str().eq_ignore_ascii_case("Event") {
            return Some(events_text(self.events.as_slice()));
        }
        let status = self.status.0.as_deref().unwrap_or(message_status);
        let is_receipt = self.kind.as_str().eq_ignore_ascii_case("Receipt");
        is_receipt.then(|| receipt_text(status, self.reasons.as_slice(), by_recipient))
    }
}

fn events_text(events: &[Event<'_>]) -> String {
    let mut texts: Vec<String> = events.iter().map(event_text).collect();
    texts.dedup();
    if texts.is_empty() { "unknown event".to_owned() } else { texts.join(", ") }
}

fn event_text(event: &Event<'_>) -> String {
    let in_objects = [&event.presence, &event.typing, &event.co_browse, &event.video].map(|detail| &detail.0.kind);
    let detail =
        std::iter::once(&event.sub_type).chain(in_objects).map(LenientString::as_str).find(|detail| !detail.is_empty());
    let (kind, detail) = (event.kind.as_str(), detail.unwrap_or_default());
    match kind.to_ascii_lowercase().as_str() {
        "presence" => presence_text(detail),
        "typing" if detail.eq_ignore_ascii_case("off") => "stopped typing".to_owned(),
        "typing" => "is typing".to_owned(),
        "cobrowse" => with_detail("co-browsing", detail),
        "" | "unknown" => with_detail("unknown event", detail),
        _ => with_detail(&split_words(kind), detail),
    }
}

fn presence_text(detail: &str) -> String {
    match detail.to_ascii_lowercase().as_str() {
        "join" => "joined".to_owned(),
        "disconnect" => "left".to_owned(),
        "clear" => "cleared the conversation".to_owned(),
        "signin" => "signed in".to_owned(),
        "sessionexpired" => "session expired".to_owned(),
        "authenticate" => "authenticated".to_owned(),
        "authenticatefailure" => "could not be authenticated".to_owned(),
        "authenticatecancel" => "cancelled the authentication".to_owned(),
        _ => with_detail("presence", detail),
    }
}

fn receipt_text(status: &str, reasons: &[Reason<'_>], by_recipient: bool) -> String {
    let status = status.to_ascii_lowercase();
    let text = match (status.as_str(), by_recipient) {
        ("read", true) => "read the message",
        ("read", false) => "message read",
        ("delivered" | "delivery-success" | "received", true) => "received the message",
        ("delivered" | "delivery-success" | "received", false) => "message delivered",
        ("failed" | "delivery-failed", true) => "could not be reached",
        ("failed" | "delivery-failed", false) => "message not delivered",
        ("sent" | "queued", _) => "message sent",
        ("published", _) => "message published",
        ("removed", _) => "message removed",
        ("", _) => "message receipt",
        (other, _) => return with_detail("message receipt", other),
    };
    let reasons = reasons.iter().map(reason_text).filter(|reason| !reason.is_empty()).collect::<Vec<_>>().join(", ");
    if reasons.is_empty() { text.to_owned() } else { format!("{text}: {reasons}") }
}

fn reason_text(reason: &Reason<'_>) -> String {
    reason.message.0.as_deref().map_or_else(|| split_words(reason.code.as_str()), ToOwned::to_owned)
}

fn with_detail(kind: &str, detail: &str) -> String {
    if detail.is_empty() { kind.to_owned() } else { format!("{kind}: {}", split_words(detail)) }
}

/// Splits a name into words: `offering expired` for `OfferingExpired`. A text with a space is left as it is.
fn split_words(name: &str) -> String {
    if name.contains(' ') {
        return name.to_owned();
    }
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && words.chars().next_back().is_some_and(char::is_lowercase) {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event_text(metadata: &Value, message_status: &str, by_recipient: bool) -> Option<String> {
        let metadata = LenientObject::<MessageMetadata<'_>>::deserialize(metadata).expect("any JSON deserializes").0;
        metadata.event_text(message_status, by_recipient)
    }

    fn shown(metadata: &Value) -> String {
        event_text(metadata, "", true).unwrap_or_default()
    }

    #[test]
    fn an_event_has_the_same_text_in_lists_and_in_bodies() {
        for (listed, body, expected) in [
            (json!({"eventType": "Presence", "subType": "Join"}), json!({"presence": {"type": "Join"}}), "joined"),
            (
                json!({"eventType": "Presence", "subType": "Disconnect"}),
                json!({"presence": {"type": "Disconnect"}}),
                "left",
            ),
            (
                json!({"eventType": "presence", "subType": "signin"}),
                json!({"presence": {"type": "SignIn"}}),
                "signed in",
            ),
            (
                json!({"eventType": "Presence", "subType": "Waved"}),
                json!({"presence": {"type": "Waved"}}),
                "presence: waved",
            ),
            (json!({"eventType": "Typing", "subType": "On"}), json!({"typing": {"type": "On"}}), "is typing"),
            (json!({"eventType": "Typing"}), json!({"typing": 7}), "is typing"),
            (json!({"eventType": "Typing", "subType": "Off"}), json!({"typing": {"type": "Off"}}), "stopped typing"),
            (
                json!({"eventType": "CoBrowse", "subType": "OfferingExpired"}),
                json!({"coBrowse": {"type": "OfferingExpired"}}),
                "co-browsing: offering expired",
            ),
            (json!({"eventType": "SmokeSignal"}), json!({}), "smoke signal"),
            (json!({"eventType": "Unknown"}), json!({}), "unknown event"),
        ] {
            let mut in_body = body;
            in_body["eventType"] = listed["eventType"].clone();
            assert_eq!(shown(&json!({"type": "Event", "events": [listed]})), expected, "{listed}");
            assert_eq!(shown(&json!({"type": "event", "events": [in_body]})), expected, "{in_body}");
        }
    }

    #[test]
    fn every_event_of_the_published_api_has_a_text() {
        for (kind, detail, expected) in [
            ("Presence", "Join", "joined"),
            ("Presence", "Disconnect", "left"),
            ("Presence", "Clear", "cleared the conversation"),
            ("Presence", "SignIn", "signed in"),
            ("Presence", "SessionExpired", "session expired"),
            ("Presence", "Authenticate", "authenticated"),
            ("Presence", "AuthenticateFailure", "could not be authenticated"),
            ("Presence", "AuthenticateCancel", "cancelled the authentication"),
            ("Typing", "On", "is typing"),
            ("CoBrowse", "Offering", "co-browsing: offering"),
            ("CoBrowse", "OfferingAccepted", "co-browsing: offering accepted"),
            ("Video", "OfferingRejected", "video: offering rejected"),
            ("Unknown", "Unknown", "unknown event: unknown"),
        ] {
            let events = json!([{"eventType": kind, "subType": detail}]);
            assert_eq!(shown(&json!({"type": "Event", "events": events})), expected, "{kind} {detail}");
        }
    }

    #[test]
    fn an_event_without_a_type_has_a_general_text() {
        for events in [json!(null), json!([]), json!([7]), json!([{}]), json!("x")] {
            assert_eq!(shown(&json!({"type": "Event", "events": events})), "unknown event", "{events}");
        }
        let two = json!([{"eventType": "Presence", "subType": "SignIn"}, {"eventType": "Presence", "subType": "Join"}]);
        assert_eq!(shown(&json!({"type": "Event", "events": two})), "signed in, joined");
    }

    #[test]
    fn the_text_of_a_receipt_depends_on_the_name_in_front_of_it() {
        for (status, by_recipient, by_sender) in [
            ("Read", "read the message", "message read"),
            ("delivery-success", "received the message", "message delivered"),
            ("Delivered", "received the message", "message delivered"),
            ("FAILED", "could not be reached", "message not delivered"),
            ("sent", "message sent", "message sent"),
            ("Published", "message published", "message published"),
            ("Removed", "message removed", "message removed"),
            ("LostAtSea", "message receipt: lostatsea", "message receipt: lostatsea"),
            ("", "message receipt", "message receipt"),
        ] {
            let receipt = json!({"type": "Receipt"});
            assert_eq!(event_text(&receipt, status, true).as_deref(), Some(by_recipient));
            assert_eq!(event_text(&receipt, status, false).as_deref(), Some(by_sender));
        }
        let with_reasons = json!({"type": "Receipt", "reasons": [{"code": "X", "message": "recipient opted out"}, {"code": "DataFiltered"}]});
        let expected = "message not delivered: recipient opted out, data filtered";
        assert_eq!(event_text(&with_reasons, "Failed", false).as_deref(), Some(expected));
    }

    #[test]
    fn other_types_have_no_event_text() {
        for metadata in
            [json!({"type": "Text"}), json!({"type": "Hologram"}), json!({"type": 7}), json!({}), json!(null)]
        {
            assert_eq!(event_text(&metadata, "read", true), None, "{metadata}");
        }
    }
}
