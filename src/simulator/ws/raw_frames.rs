//! Hand-made WebSocket frames, for what a proper implementation refuses to send.

use std::fmt::Write;

use tokio_tungstenite::tungstenite::Utf8Bytes;

// The first byte of a frame: FIN, reserved bits and opcode (RFC 6455, section 5.2).
pub(super) const TEXT: u8 = 0x81;
pub(super) const BINARY: u8 = 0x82;
/// A text frame with the three reserved bits set.
pub(super) const TEXT_RESERVED: u8 = 0xf1;
const PING: u8 = 0x89;
const FIRST_TEXT_FRAGMENT: u8 = 0x01;
const CONTINUATION: u8 = 0x00;
const FIN: u8 = 0x80;

/// Messages whose fields are null or of another type.
pub(super) const ODD_TYPES: [&str; 9] = [
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

/// Appends an unmasked frame.
pub(super) fn append_frame(buffer: &mut Vec<u8>, first_byte: u8, payload: &[u8]) {
    buffer.push(first_byte);
    let length = payload.len();
    if let Some(length) = u8::try_from(length).ok().filter(|length| *length < 126) {
        buffer.push(length);
    } else if let Ok(length) = u16::try_from(length) {
        buffer.push(126);
        buffer.extend(length.to_be_bytes());
    } else {
        buffer.push(127);
        buffer.extend((length as u64).to_be_bytes());
    }
    buffer.extend_from_slice(payload);
}

/// Appends a message of a burst.
pub(super) fn append_burst_message(buffer: &mut Vec<u8>, number: u64) {
    append_frame(buffer, TEXT, message(&format!("burst-{number}"), &format!("burst {number}")).as_bytes());
}

/// Returns a text frame masked with zeros, which leave the payload unchanged.
pub(super) fn masked(payload: [u8; 2]) -> Vec<u8> {
    vec![TEXT, 0x80 | 2, 0, 0, 0, 0, payload[0], payload[1]]
}

/// Returns a text in two fragments with a ping between. The first non-ASCII character is split.
pub(super) fn fragmented(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let split = bytes.iter().position(|byte| !byte.is_ascii()).map_or(bytes.len() / 2, |first| first + 1);
    let mut frames = Vec::with_capacity(bytes.len() + 32);
    append_frame(&mut frames, FIRST_TEXT_FRAGMENT, &bytes[..split]);
    append_frame(&mut frames, PING, b"between");
    append_frame(&mut frames, CONTINUATION | FIN, &bytes[split..]);
    frames
}

/// Returns a message of about `bytes` bytes in `fragments` fragments.
pub(super) fn oversize(bytes: usize, fragments: usize) -> Vec<u8> {
    let message = message("oversize-1", &"x".repeat(bytes));
    let size = message.len().div_ceil(fragments);
    let mut frames = Vec::with_capacity(message.len() + fragments * 10);
    for (index, fragment) in message.as_bytes().chunks(size).enumerate() {
        let opcode = if index == 0 { FIRST_TEXT_FRAGMENT } else { CONTINUATION };
        let fin = if (index + 1) * size >= message.len() { FIN } else { 0 };
        append_frame(&mut frames, opcode | fin, fragment);
    }
    frames
}

/// Returns the same frame without its message id.
pub(super) fn without_id(json: &Utf8Bytes) -> Utf8Bytes {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(json) else { return json.clone() };
    if let Some(payload) = value.get_mut("payload").and_then(serde_json::Value::as_object_mut) {
        payload.remove("id");
    }
    value.to_string().into()
}

fn message(id: &str, text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 128);
    // Writing to a String cannot fail. These ids and texts need no escapes.
    let _ = write!(
        json,
        r#"{{"event":"messageAdded","payload":{{"id":"{id}","type":"text","from":{{"id":"external","name":"Ada"}},"text":"{text}"}}}}"#
    );
    json
}
