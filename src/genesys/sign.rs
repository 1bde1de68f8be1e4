//! What happens beside the words: presence, typing and receipts, as words that read behind a name.

use serde_json::Value;

use super::value::{first, items, says, text};

/// The words for an `Event` or a `Receipt`; `None` for everything that has words of its own.
///
/// `kind` holds `type` and `events[]`, `status` is the fate of the message. `of_reader` says whether the name they
/// will stand behind is that of the one who was to receive it.
pub(super) fn words(kind: &Value, status: Option<&str>, of_reader: bool) -> Option<String> {
    if says(kind, "type", "Event") {
        return Some(events(kind));
    }
    says(kind, "type", "Receipt").then(|| receipt(kind, status.unwrap_or_default(), of_reader))
}

fn events(kind: &Value) -> String {
    let mut words: Vec<String> = items(kind, "events").map(event).collect();
    words.dedup();
    if words.is_empty() { "did something".to_owned() } else { words.join(", ") }
}

fn event(event: &Value) -> String {
    let kind = text(event, "eventType").unwrap_or_default();
    let what = first(event, &["subType", "presence.type", "typing.type", "coBrowse.type", "video.type", "type"]);
    let what = what.unwrap_or_default();
    match kind.to_ascii_lowercase().as_str() {
        "presence" => presence(&what),
        "typing" if what.eq_ignore_ascii_case("off") => "stopped typing".to_owned(),
        "typing" => "is typing".to_owned(),
        "cobrowse" => named("co-browsing", &what),
        "" | "unknown" => named("did something", &what),
        _ => named(&in_words(&kind), &what),
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

fn receipt(kind: &Value, status: &str, of_reader: bool) -> String {
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
    match reasons(kind) {
        reasons if reasons.is_empty() => words.to_owned(),
        reasons => format!("{words}: {reasons}"),
    }
}

fn reasons(kind: &Value) -> String {
    let reasons = items(kind, "reasons")
        .filter_map(|reason| first(reason, &["message"]).or_else(|| text(reason, "code").map(|code| in_words(&code))));
    reasons.collect::<Vec<_>>().join(", ")
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
    use super::*;
    use serde_json::json;

    fn shown(kind: &Value) -> String {
        words(kind, None, true).unwrap_or_default()
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
            assert_eq!(words(&receipt, Some(status), true).as_deref(), Some(of_reader));
            assert_eq!(words(&receipt, Some(status), false).as_deref(), Some(of_writer));
        }
        let because = json!({"type": "Receipt", "reasons": [{"code": "X", "message": "recipient opted out"}, {"code": "DataFiltered"}]});
        let expected = "message not delivered: recipient opted out, data filtered";
        assert_eq!(words(&because, Some("Failed"), false).as_deref(), Some(expected));
    }

    #[test]
    fn what_has_words_of_its_own_is_no_sign() {
        for kind in [json!({"type": "Text"}), json!({"type": "Hologram"}), json!({"type": 7}), json!({}), json!(null)] {
            assert_eq!(words(&kind, Some("read"), true), None, "{kind}");
        }
    }
}
