//! WebSocket frames made by hand, for what a proper implementation refuses to send.

use std::fmt::Write;

use tokio_tungstenite::tungstenite::Utf8Bytes;

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const CONTINUES: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const PING: u8 = 0x89;
/// A text frame with the three bits set that belong to extensions.
pub(crate) const TEXT_RESERVED: u8 = 0xf1;

/// Appends a frame that is not masked, as a server sends it.
pub(crate) fn frame(into: &mut Vec<u8>, head: u8, payload: &[u8]) {
    into.push(head);
    let length = payload.len();
    if let Some(length) = u8::try_from(length).ok().filter(|length| *length < 126) {
        into.push(length);
    } else if let Ok(length) = u16::try_from(length) {
        into.push(126);
        into.extend(length.to_be_bytes());
    } else {
        into.push(127);
        into.extend((length as u64).to_be_bytes());
    }
    into.extend_from_slice(payload);
}

/// A short text frame masked with zeros, so that its payload stays as it is.
pub(crate) fn masked(payload: [u8; 2]) -> Vec<u8> {
    vec![TEXT, 0x80 | 2, 0, 0, 0, 0, payload[0], payload[1]]
}

/// A text in two pieces with a ping between. The cut is inside the first character that is not ASCII.
pub(crate) fn fragments(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let cut = bytes.iter().position(|byte| !byte.is_ascii()).map_or(bytes.len() / 2, |first| first + 1);
    let mut frames = Vec::with_capacity(bytes.len() + 32);
    frame(&mut frames, TEXT_BEGINS, &bytes[..cut]);
    frame(&mut frames, PING, b"between");
    frame(&mut frames, CONTINUES | ENDS, &bytes[cut..]);
    frames
}

/// A message of about `bytes` bytes in `fragments` pieces.
pub(crate) fn oversize(bytes: usize, fragments: usize) -> Vec<u8> {
    let message = message("oversize-1", &"x".repeat(bytes));
    let size = message.len().div_ceil(fragments);
    let mut frames = Vec::with_capacity(message.len() + fragments * 10);
    for (number, piece) in message.as_bytes().chunks(size).enumerate() {
        let begins = if number == 0 { TEXT_BEGINS } else { CONTINUES };
        let ends = if (number + 1) * size >= message.len() { ENDS } else { 0 };
        frame(&mut frames, begins | ends, piece);
    }
    frames
}

/// Appends the `number`-th message of a burst.
pub(crate) fn burst(into: &mut Vec<u8>, number: u64) {
    frame(into, TEXT, message(&format!("burst-{number}"), &format!("burst {number}")).as_bytes());
}

/// A message from the customer.
fn message(id: &str, text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 128);
    // Writing to a String cannot fail; ids and texts here need no escaping.
    let _ = write!(
        json,
        r#"{{"event":"messageAdded","payload":{{"id":"{id}","type":"text","from":{{"id":"external","name":"Ada"}},"text":"{text}"}}}}"#
    );
    json
}

/// Messages whose fields are null or of another type than they should be.
pub(crate) const ODD: [&str; 9] = [
    r#"{"event":"messageAdded","timestamp":null,"payload":null}"#,
    r#"{"event":"messageAdded","payload":"a string"}"#,
    r#"{"event":"messageAdded","payload":{"id":7,"type":[],"from":"Ada","to":null,"timestamp":{},"text":"id is a number"}}"#,
    r#"{"event":"messageAdded","payload":{"id":"odd-1","from":null,"text":"from is null"}}"#,
    r#"{"event":"messageAdded","payload":{"id":"odd-2","from":{"id":7,"name":["Ada"]},"text":"from has other types"}}"#,
    r#"{"event":"messageAdded","payload":{"id":"odd-3","from":{"id":"external"},"text":{"body":"text is an object"}}}"#,
    r#"{"event":"conversationUpdated","payload":[1,2,3]}"#,
    r#"{"event":7,"payload":{}}"#,
    "[]",
];

/// The same frame without the id of its message.
pub(crate) fn without_id(json: &Utf8Bytes) -> Utf8Bytes {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(json) else { return json.clone() };
    if let Some(payload) = value.get_mut("payload").and_then(serde_json::Value::as_object_mut) {
        payload.remove("id");
    }
    value.to_string().into()
}
