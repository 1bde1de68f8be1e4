//! What happens beside the words: presence, typing and receipts, as words that read behind a name.

use serde::Deserialize;

use super::lenient::{Loose, Object};
use super::objects::Objects;

/// What a message is: a `messageMetadata` or a `normalizedMessage`, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MessageMetadata<'a> {
    #[serde(borrow, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow)]
    status: Loose<'a>,
    #[serde(borrow)]
    events: Objects<Event<'a>>,
    #[serde(borrow)]
    reasons: Objects<Reason<'a>>,
}

/// Lists have a `subType`, bodies an object that goes by the type.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    #[serde(borrow, rename = "eventType")]
    kind: Loose<'a>,
    #[serde(borrow)]
    sub_type: Loose<'a>,
    #[serde(borrow)]
    presence: Object<Detail<'a>>,
    #[serde(borrow)]
    typing: Object<Detail<'a>>,
    #[serde(borrow)]
    co_browse: Object<Detail<'a>>,
    #[serde(borrow)]
    video: Object<Detail<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow, rename = "type")]
    kind: Loose<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason<'a> {
    #[serde(borrow)]
    code: Loose<'a>,
    #[serde(borrow)]
    message: Loose<'a>,
}

impl MessageMetadata<'_> {
    /// The words for an `Event` or a `Receipt`; `None` for everything that has words of its own.
    ///
    /// `status` is the fate of the message, for a receipt that does not say it itself. `of_reader` says whether the name
    /// they will stand behind is that of the one who was to receive the message.
    pub(super) fn event_text(&self, status: &str, of_reader: bool) -> Option<String> {
        if self.kind.as_str().eq_ignore_ascii_case("Event") {
            return Some(events(self.events.as_slice()));
        }
        let status = self.status.0.as_deref().unwrap_or(status);
        let is_receipt = self.kind.as_str().eq_ignore_ascii_case("Receipt");
        is_receipt.then(|| receipt(status, self.reasons.as_slice(), of_reader))
    }
}

fn events(events: &[Event<'_>]) -> String {
    let mut words: Vec<String> = events.iter().map(event).collect();
    words.dedup();
    if words.is_empty() { "did something".to_owned() } else { words.join(", ") }
}

fn event(event: &Event<'_>) -> String {
    let details = [&event.presence, &event.typing, &event.co_browse, &event.video].map(|detail| &detail.0.kind);
    let what = std::iter::once(&event.sub_type).chain(details).map(Loose::as_str).find(|what| !what.is_empty());
    let (kind, what) = (event.kind.as_str(), what.unwrap_or_default());
    match kind.to_ascii_lowercase().as_str() {
        "presence" => presence(what),
        "typing" if what.eq_ignore_ascii_case("off") => "stopped typing".to_owned(),
        "typing" => "is typing".to_owned(),
        "cobrowse" => named("co-browsing", what),
        "" | "unknown" => named("did something", what),
        _ => named(&in_words(kind), what),
    }
}

fn presence(what: &str) -> String {
    match what.to_ascii_lowercase().as_str() {
        "join" => "joined".to_owned(),
        "disconnect" => "left".to_owned(),
        "clear" => "cleared the conversation".to_owned(),
        "signin" => "signed in".to_owned(),
        "sessionexpired" => "session expired".to_owned(),
        "authenticate" => "authenticated".to_owned(),
        "authenticatefailure" => "could not be authenticated".to_owned(),
        "authenticatecancel" => "cancelled the authentication".to_owned(),
        _ => named("presence", what),
    }
}

fn receipt(status: &str, reasons: &[Reason<'_>], of_reader: bool) -> String {
    let status = status.to_ascii_lowercase();
    let words = match (status.as_str(), of_reader) {
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
        (other, _) => return named("message receipt", other),
    };
    let reasons = reasons.iter().map(reason).filter(|reason| !reason.is_empty()).collect::<Vec<_>>().join(", ");
    if reasons.is_empty() { words.to_owned() } else { format!("{words}: {reasons}") }
}

fn reason(reason: &Reason<'_>) -> String {
    reason.message.0.as_deref().map_or_else(|| in_words(reason.code.as_str()), ToOwned::to_owned)
}

fn named(kind: &str, detail: &str) -> String {
    if detail.is_empty() { kind.to_owned() } else { format!("{kind}: {}", in_words(detail)) }
}

/// `OfferingExpired` as `offering expired`. What holds a space is words already.
fn in_words(name: &str) -> String {
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

    fn words(kind: &Value, status: &str, of_reader: bool) -> Option<String> {
        Object::<MessageMetadata<'_>>::deserialize(kind).expect("anything can be read").0.event_text(status, of_reader)
    }

    fn shown(kind: &Value) -> String {
        words(kind, "", true).unwrap_or_default()
    }

    #[test]
    fn events_read_behind_a_name_in_lists_and_in_bodies() {
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
            (json!({"eventType": "Unknown"}), json!({}), "did something"),
        ] {
            let mut in_body = body;
            in_body["eventType"] = listed["eventType"].clone();
            assert_eq!(shown(&json!({"type": "Event", "events": [listed]})), expected, "{listed}");
            assert_eq!(shown(&json!({"type": "event", "events": [in_body]})), expected, "{in_body}");
        }
    }

    #[test]
    fn an_event_that_says_nothing_says_so() {
        for events in [json!(null), json!([]), json!([7]), json!([{}]), json!("x")] {
            assert_eq!(shown(&json!({"type": "Event", "events": events})), "did something", "{events}");
        }
        let two = json!([{"eventType": "Presence", "subType": "SignIn"}, {"eventType": "Presence", "subType": "Join"}]);
        assert_eq!(shown(&json!({"type": "Event", "events": two})), "signed in, joined");
    }

    #[test]
    fn receipts_read_behind_the_name_of_either_side() {
        for (status, of_reader, of_writer) in [
            ("Read", "read the message", "message read"),
            ("delivery-success", "received the message", "message delivered"),
            ("Delivered", "received the message", "message delivered"),
            ("FAILED", "could not be reached", "message not delivered"),
            ("sent", "message sent", "message sent"),
            ("LostAtSea", "message receipt: lostatsea", "message receipt: lostatsea"),
            ("", "message receipt", "message receipt"),
        ] {
            let receipt = json!({"type": "Receipt"});
            assert_eq!(words(&receipt, status, true).as_deref(), Some(of_reader));
            assert_eq!(words(&receipt, status, false).as_deref(), Some(of_writer));
        }
        let because = json!({"type": "Receipt", "reasons": [{"code": "X", "message": "recipient opted out"}, {"code": "DataFiltered"}]});
        let expected = "message not delivered: recipient opted out, data filtered";
        assert_eq!(words(&because, "Failed", false).as_deref(), Some(expected));
    }

    #[test]
    fn what_has_words_of_its_own_is_no_sign() {
        for kind in [json!({"type": "Text"}), json!({"type": "Hologram"}), json!({"type": 7}), json!({}), json!(null)] {
            assert_eq!(words(&kind, "read", true), None, "{kind}");
        }
    }
}
