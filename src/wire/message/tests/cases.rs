//! Bodies that earlier versions printed wrongly: the text line and the JSON of each, the same on both sources.

use serde_json::{Value, json};

use super::properties::lines;

fn body(normalized: &Value) -> Value {
    json!({"id": "m1", "direction": "outbound", "normalizedMessage": normalized})
}

fn with_status(status: &str, receipts: &Value) -> Value {
    let mut body = body(&json!({"type": "Text", "text": "Hello"}));
    (body["status"], body["normalizedReceipts"]) = (json!(status), receipts.clone());
    body
}

/// Checks the line behind the sender, and members of the JSON object.
fn check(body: &Value, expected_line: &str, expected_json: &Value) {
    for [line, json] in lines(body) {
        assert_eq!(line.split_once(": ").map(|(_, text)| text.trim_end()), Some(expected_line), "{body}");
        let json: Value = serde_json::from_str(&json).expect("JSON");
        for (member, expected) in expected_json.as_object().expect("an object") {
            assert_eq!(json.get(member).unwrap_or(&Value::Null), expected, "{member} of {json}");
        }
    }
}

#[test]
fn an_only_section_of_a_list_has_its_items_behind_the_prompt() {
    let part = json!({"contentType": "ListPicker", "listPicker": {"receivedMessage": {"title": "Size?"},
        "sections": [{"title": "Clothes", "items": [{"title": "Small"}, {"title": "Large"}]}]}});
    let attachments = json!([{"kind": "list", "name": "Size?: Small | Large", "content": part}]);
    check(
        &body(&json!({"type": "Structured", "content": [part]})),
        "[list: Size?: Small | Large]",
        &json!({"text": null, "attachments": attachments}),
    );
}

#[test]
fn a_caption_is_the_text_in_front_of_its_file() {
    let part = json!({"contentType": "Attachment", "attachment": {"mediaType": "Image", "url": "https://files.example/a.jpg",
        "mime": "image/jpeg", "filename": "a.jpg", "text": "my broken kettle"}});
    let attachment = json!({"kind": "image", "name": "a.jpg", "mime": "image/jpeg", "url": "https://files.example/a.jpg", "content": part});
    check(
        &body(&json!({"type": "Text", "content": [part]})),
        "my broken kettle [attachment: a.jpg]",
        &json!({"text": "my broken kettle", "attachments": [attachment]}),
    );
}

#[test]
fn a_template_shows_every_text_once() {
    let template = json!({"header": {"type": "Text", "text": "Order"}, "body": {"text": "Hi Casey", "parameters": []},
        "footer": {"text": "Kettle Ltd"}, "buttons": [{"type": "QuickReply", "index": 0, "text": "Stop"}]});
    let part = json!({"contentType": "Notification", "template": template});
    let name = "Order – Hi Casey – Kettle Ltd: Stop";
    check(
        &body(&json!({"type": "Structured", "text": "Hi Casey", "content": [part]})),
        "Hi Casey [notification: Order – Kettle Ltd: Stop]",
        &json!({"text": "Hi Casey", "attachments": [{"kind": "notification", "name": name, "content": part}]}),
    );
}

#[test]
fn a_template_without_wording_shows_its_id_and_values() {
    let template = json!({"id": "ns@order_update/name", "language": "en_US",
        "body": {"parameters": [{"name": "1", "text": "Casey"}, {"name": "2", "text": "4711"}]}});
    let part = json!({"contentType": "Notification", "template": template});
    let name = "ns@order_update/name: Casey | 4711";
    check(
        &body(&json!({"type": "Structured", "text": "", "content": [part]})),
        &format!("[notification: {name}]"),
        &json!({"text": null, "attachments": [{"kind": "notification", "name": name, "content": part}]}),
    );
}

#[test]
fn a_message_that_was_not_delivered_says_so() {
    let receipt =
        |reasons: Value| json!([{"type": "Receipt", "status": "Failed", "isFinalReceipt": true, "reasons": reasons}]);
    let unknown = receipt(json!([{"code": "InvalidDestination", "message": "Unknown subscriber"}]));
    for status in ["failed", "delivery-failed"] {
        check(
            &with_status(status, &unknown),
            "Hello [not delivered: Unknown subscriber]",
            &json!({"text": "Hello", "status": "failed", "reason": "Unknown subscriber"}),
        );
    }
    check(
        &with_status("failed", &receipt(json!([{"code": "InvalidDestination"}]))),
        "Hello [not delivered: InvalidDestination]",
        &json!({"reason": "InvalidDestination"}),
    );
    check(&with_status("failed", &Value::Null), "Hello [not delivered]", &json!({"status": "failed", "reason": null}));
    for (status, expected) in
        [("sent", "sent"), ("delivery-success", "delivered"), ("Read", "read"), ("Teleported", "teleported")]
    {
        check(&with_status(status, &Value::Null), "Hello", &json!({"status": expected, "reason": null}));
    }
}

#[test]
fn a_message_that_was_taken_back_shows_nothing_else() {
    let file = json!({"contentType": "Attachment", "attachment": {"filename": "a.jpg"}});
    let normalized = json!({"type": "Text", "text": "secret", "content": [file]});
    let mut by_status = body(&normalized);
    by_status["status"] = json!("removed");
    let mut by_date = body(&normalized);
    by_date["normalizedMessage"]["channel"] = json!({"dateDeleted": "2026-10-08T14:03:00.000Z"});
    by_date["status"] = json!("sent");
    for body in [by_status, by_date] {
        let expected = json!({"text": "[message removed]", "status": "removed", "attachments": null});
        check(&body, "[message removed]", &expected);
    }
}

#[test]
fn a_message_of_an_unknown_type_is_unsupported() {
    let expected = json!({"id": "m1", "text": "[unsupported message]", "available": null, "attachments": null});
    check(&body(&json!({"type": "Unknown"})), "[unsupported message]", &expected);
}

#[test]
fn an_edited_message_has_the_same_line() {
    let normalized = json!({"type": "Text", "text": "Hello", "channel": {"dateModified": "2026-10-08T14:03:00.000Z"},
        "relatedMessages": [{"id": "m0", "type": "Text", "text": "Hi"}]});
    check(&body(&normalized), "Hello", &json!({"edited": true, "reply_to": {"id": "m0", "text": "Hi"}}));
    check(&body(&json!({"type": "Text", "text": "Hello"})), "Hello", &json!({"edited": null, "reply_to": null}));
}
