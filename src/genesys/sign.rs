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
        "authenticate" => "proved who they are".to_owned(),
        "authenticatefailure" => "failed to prove who they are".to_owned(),
        "authenticatecancel" => "chose not to prove who they are".to_owned(),
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
    named(words, &reasons(kind))
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
        if letter.is_uppercase() && words.chars().last().is_some_and(char::is_lowercase) {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
