//! Status, edits, quotes and language of a message: members that both sources may carry (EVT-9, EVT-13).

use serde_json::Value;

use super::content::Content;
use super::json::{items_at, str_at, text_at, text_equals};
use crate::event::{DeliveryStatus, MessageDetails, QuotedMessage};

/// The members of a message that say what became of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Annotations {
    pub(super) status: Option<DeliveryStatus>,
    /// The reason why it was not delivered.
    pub(super) failure: Option<String>,
    pub(super) details: Option<Box<MessageDetails>>,
}

impl Annotations {
    /// Reads the members of a message, and of its normalized message. They may be the same object.
    pub(super) fn read(message: &Value, normalized: &Value) -> Self {
        let channel = normalized.get("channel").unwrap_or(&Value::Null);
        let receipt = message.get("normalizedReceipts").and_then(failed_receipt);
        let error = message.get("errorInfo");
        Self {
            status: status(message, channel, receipt),
            failure: receipt.and_then(reason_of_receipt).or_else(|| error.and_then(error_reason)),
            details: details(normalized, channel),
        }
    }

    /// Returns the details with these brackets; `None` if there are none.
    pub(super) fn details_with(&mut self, brackets: String) -> Option<Box<MessageDetails>> {
        let details = self.details.take();
        if brackets.is_empty() {
            return details;
        }
        let mut details = details.unwrap_or_default();
        details.brackets = brackets;
        Some(details)
    }
}

fn details(normalized: &Value, channel: &Value) -> Option<Box<MessageDetails>> {
    let edited = has_time(channel, "dateModified");
    let related = normalized.get("relatedMessages").and_then(quoted_message);
    let reply_to = related.or_else(|| answered_message(channel.get("publicMetadata")?));
    let language = normalized.get("enrichment").and_then(|enrichment| text_at(enrichment, "language.language"));
    let is_plain = !edited && reply_to.is_none() && language.is_none();
    (!is_plain).then(|| Box::new(MessageDetails { edited, reply_to, language, ..MessageDetails::default() }))
}

/// Returns the reason in an `errorInfo`: its message, else its code.
pub(super) fn error_reason(error: &Value) -> Option<String> {
    text_at(error, "message").or_else(|| text_at(error, "code"))
}

/// Returns the status. A deleted message was removed, and a final receipt may be newer than the status.
fn status(message: &Value, channel: &Value, failed_receipt: Option<&Value>) -> Option<DeliveryStatus> {
    if has_time(channel, "dateDeleted") {
        return Some(DeliveryStatus::REMOVED);
    }
    let status = str_at(message, "status").map(DeliveryStatus::new);
    let has_arrived = status.as_ref().is_some_and(DeliveryStatus::has_arrived);
    if failed_receipt.is_some_and(is_final) && !has_arrived { Some(DeliveryStatus::FAILED) } else { status }
}

/// Returns the final receipt of a failure, else the last one of a failure.
fn failed_receipt(receipts: &Value) -> Option<&Value> {
    let receipts = receipts.as_array()?.iter();
    let mut failed = receipts.filter(|receipt| text_equals(receipt, "status", "Failed"));
    failed.clone().rfind(|receipt| is_final(receipt)).or_else(|| failed.next_back())
}

fn is_final(receipt: &Value) -> bool {
    receipt.get("isFinalReceipt") == Some(&Value::Bool(true))
}

fn reason_of_receipt(receipt: &Value) -> Option<String> {
    let mut reasons: Vec<String> = items_at(receipt, "reasons").filter_map(error_reason).collect();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Returns the first of the messages that a message quotes.
fn quoted_message(related: &Value) -> Option<QuotedMessage> {
    let mut quoted = related.as_array()?.iter().map(|related| QuotedMessage {
        id: text_at(related, "id").or_else(|| text_at(related, "channel.messageId")),
        text: shown_text(related),
    });
    quoted.find(|quoted| *quoted != QuotedMessage::default())
}

/// Returns the id of the post that a public message answers.
fn answered_message(public_metadata: &Value) -> Option<QuotedMessage> {
    Some(QuotedMessage { id: Some(text_at(public_metadata, "replyToId")?), text: None })
}

fn has_time(channel: &Value, member: &str) -> bool {
    channel.get(member).is_some_and(|time| !time.is_null())
}

/// Returns the text of a message with its parts, as a line shows it.
fn shown_text(normalized: &Value) -> Option<String> {
    let mut content = Content::default();
    items_at(normalized, "content").for_each(|part| content.read_part(part));
    let shown = content.behind(text_at(normalized, "text").map(Into::into));
    let pieces = [shown.text.as_deref().unwrap_or_default(), &shown.brackets];
    let pieces: Vec<&str> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
    (!pieces.is_empty()).then(|| pieces.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(message: &Value) -> Annotations {
        Annotations::read(message, message.get("normalizedMessage").unwrap_or(message))
    }

    fn receipt(status: &str, is_final: bool, reasons: &Value) -> Value {
        json!({"type": "Receipt", "status": status, "isFinalReceipt": is_final, "reasons": reasons})
    }

    #[test]
    fn the_reason_of_a_failure_is_that_of_the_final_receipt_else_of_the_error() {
        let unknown = json!([{"code": "InvalidDestination", "message": "Unknown subscriber"}]);
        let code = json!([{"code": "RateLimited"}]);
        let error = json!({"code": "bad.address", "message": "Bad address"});
        for (receipts, error, expected) in [
            (json!([receipt("Failed", true, &unknown)]), Value::Null, Some("Unknown subscriber")),
            (json!([receipt("Failed", true, &code)]), error.clone(), Some("RateLimited")),
            (
                json!([receipt("Failed", true, &unknown), receipt("Failed", false, &code)]),
                Value::Null,
                Some("Unknown subscriber"),
            ),
            (json!([receipt("Failed", false, &code)]), Value::Null, Some("RateLimited")),
            (json!([receipt("Failed", true, &json!([]))]), error.clone(), Some("Bad address")),
            (json!([receipt("Delivered", true, &code)]), error, Some("Bad address")),
            (Value::Null, json!({"code": "bad.address"}), Some("bad.address")),
            (Value::Null, json!({}), None),
            (json!(7), json!("x"), None),
        ] {
            let message = json!({"status": "failed", "normalizedReceipts": receipts, "errorInfo": error});
            let annotations = read(&message);
            assert_eq!((annotations.failure.as_deref(), annotations.status), (expected, Some(DeliveryStatus::FAILED)));
        }
    }

    #[test]
    fn the_status_is_that_of_the_message_unless_it_was_deleted_or_finally_failed() {
        for (message, expected) in [
            (json!({"status": "delivery-success"}), Some("delivered")),
            (json!({"status": "sent", "normalizedReceipts": [receipt("Failed", true, &json!([]))]}), Some("failed")),
            (json!({"status": "sent", "normalizedReceipts": [receipt("Failed", false, &json!([]))]}), Some("sent")),
            (json!({"status": "read", "normalizedReceipts": [receipt("Failed", true, &json!([]))]}), Some("read")),
            (
                json!({"status": "sent", "normalizedMessage": {"channel": {"dateDeleted": "2026-01-02T03:04:05Z"}}}),
                Some("removed"),
            ),
            (json!({"channel": {"dateDeleted": null}}), None),
            (json!({"status": 7}), None),
            (json!({"status": ["sent"]}), None),
        ] {
            assert_eq!(read(&message).status, expected.map(DeliveryStatus::new), "{message}");
        }
    }

    #[test]
    fn a_quoted_message_has_the_text_that_a_line_shows() {
        let quoted =
            |id: Option<&str>, text: Option<&str>| QuotedMessage { id: id.map(Into::into), text: text.map(Into::into) };
        let file = json!([{"contentType": "Attachment", "attachment": {"filename": "a.png"}}]);
        for (normalized, expected) in [
            (json!({"relatedMessages": [{"id": "m1", "text": "Hello"}]}), Some(quoted(Some("m1"), Some("Hello")))),
            (
                json!({"relatedMessages": [{"channel": {"messageId": "w1"}, "content": file}]}),
                Some(quoted(Some("w1"), Some("[attachment: a.png]"))),
            ),
            (json!({"relatedMessages": [{}, {"id": "m2"}]}), Some(quoted(Some("m2"), None))),
            (json!({"channel": {"publicMetadata": {"rootId": "r", "replyToId": "p"}}}), Some(quoted(Some("p"), None))),
            (json!({"relatedMessages": [7, null], "channel": {}}), None),
        ] {
            let reply_to = read(&normalized).details.and_then(|details| details.reply_to);
            assert_eq!(reply_to, expected, "{normalized}");
        }
    }

    #[test]
    fn edits_and_the_language_are_read() {
        let details = read(&json!({"channel": {"dateModified": "2026-01-02T03:04:05Z"}, "enrichment": {"language": {"language": "en-US"}}})).details.expect("details");
        assert_eq!((details.edited, details.language.as_deref()), (true, Some("en-US")));
        assert_eq!(Annotations::default().details_with(String::new()), None);
    }
}
