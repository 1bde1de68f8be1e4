//! Status, edits, quotes and language of a message: members that both sources may carry (EVT-9, EVT-13).

use serde_json::Value;

use super::content::Content;
use super::json::{items_at, text_at, text_equals, value_at};
use crate::event::{DeliveryStatus, MessageDetails, QuotedMessage};

/// The members of a message that say what became of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Annotations {
    pub(super) status: Option<DeliveryStatus>,
    /// The reason why it was not delivered.
    pub(super) failure: Option<String>,
    pub(super) details: MessageDetails,
}

impl Annotations {
    /// Reads the members of a message, and of its normalized message. They may be the same object.
    pub(super) fn read(message: &Value, normalized: &Value) -> Self {
        let receipt = failed_receipt(message);
        Self {
            status: status(message, normalized, receipt),
            failure: receipt.and_then(reason_of_receipt).or_else(|| error_reason(value_at(message, "errorInfo")?)),
            details: MessageDetails {
                edited: text_at(normalized, "channel.dateModified").is_some(),
                reply_to: quoted_message(normalized),
                language: text_at(normalized, "enrichment.language.language"),
                ..MessageDetails::default()
            },
        }
    }
}

impl MessageDetails {
    /// Returns the details with these brackets; `None` if there are none.
    pub(super) fn with_brackets(self, brackets: String) -> Option<Box<Self>> {
        let details = Self { brackets, ..self };
        (details != Self::default()).then(|| Box::new(details))
    }
}

/// Returns the reason in an `errorInfo`: its message, else its code.
pub(super) fn error_reason(error: &Value) -> Option<String> {
    text_at(error, "message").or_else(|| text_at(error, "code"))
}

/// Returns the status. A deleted message was removed, and a final receipt may be newer than the status.
fn status(message: &Value, normalized: &Value, failed_receipt: Option<&Value>) -> Option<DeliveryStatus> {
    if text_at(normalized, "channel.dateDeleted").is_some() {
        return Some(DeliveryStatus::REMOVED);
    }
    let status = text_at(message, "status").map(|status| DeliveryStatus::new(&status));
    let has_arrived = status.as_ref().is_some_and(DeliveryStatus::has_arrived);
    if failed_receipt.is_some_and(is_final) && !has_arrived { Some(DeliveryStatus::FAILED) } else { status }
}

/// Returns the final receipt of a failure, else the last one of a failure.
fn failed_receipt(message: &Value) -> Option<&Value> {
    let failed = || items_at(message, "normalizedReceipts").filter(|receipt| text_equals(receipt, "status", "Failed"));
    failed().filter(|receipt| is_final(receipt)).last().or_else(|| failed().last())
}

fn is_final(receipt: &Value) -> bool {
    receipt.get("isFinalReceipt") == Some(&Value::Bool(true))
}

fn reason_of_receipt(receipt: &Value) -> Option<String> {
    let mut reasons: Vec<String> = items_at(receipt, "reasons").filter_map(error_reason).collect();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Returns the message that a message quotes, else the id of the one that it answers.
fn quoted_message(normalized: &Value) -> Option<QuotedMessage> {
    let related = items_at(normalized, "relatedMessages").map(|related| QuotedMessage {
        id: text_at(related, "id").or_else(|| text_at(related, "channel.messageId")),
        text: shown_text(related),
    });
    let answered = || {
        let id = text_at(normalized, "channel.publicMetadata.replyToId")?;
        Some(QuotedMessage { id: Some(id), text: None })
    };
    related.into_iter().find(|quoted| *quoted != QuotedMessage::default()).or_else(answered)
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
            (json!({"status": 7}), Some("7")),
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
            assert_eq!(read(&normalized).details.reply_to, expected, "{normalized}");
        }
    }

    #[test]
    fn edits_and_the_language_are_read() {
        let details = read(&json!({"channel": {"dateModified": "2026-01-02T03:04:05Z"}, "enrichment": {"language": {"language": "en-US"}}})).details;
        assert_eq!((details.edited, details.language.as_deref()), (true, Some("en-US")));
        assert_eq!(MessageDetails::default().with_brackets(String::new()), None);
    }
}
