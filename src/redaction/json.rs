//! Redaction of a frame as received: of all string values except those of members that hold an id (SVC-12). Everything
//! else keeps its bytes.

use std::borrow::Cow;

use super::Redaction;
use crate::event::RawFrame;

impl Redaction {
    /// Returns the text of a redacted frame. `None` if nothing in it is redacted.
    pub(crate) fn frame(&self, frame: RawFrame<'_>) -> Option<String> {
        let text = match frame {
            RawFrame::Text(text) => Cow::Borrowed(text),
            RawFrame::Binary(bytes) => String::from_utf8_lossy(bytes),
        };
        let redacted = if text.trim_start().starts_with(['{', '[']) { self.json(&text) } else { self.apply(&text) };
        match redacted {
            Cow::Owned(redacted) => Some(redacted),
            Cow::Borrowed(_) => None,
        }
    }

    fn json<'a>(&self, json: &'a str) -> Cow<'a, str> {
        let (mut redacted, mut copied, mut at) = (String::new(), 0, 0);
        let mut is_id_value = false;
        while let Some(start) = json[at..].find('"').map(|offset| at + offset) {
            // Between two strings, only the colon behind a name says that the next string is its value.
            is_id_value = is_id_value && json[at..start].trim() == ":";
            let end = end_of_string(json, start);
            let literal = &json[start..end];
            at = end;
            if json[end..].trim_start().starts_with(':') {
                is_id_value = unescaped(literal).is_some_and(|name| is_id(&name));
            } else if !is_id_value && let Some(literal) = self.literal(literal) {
                redacted.push_str(&json[copied..start]);
                redacted.push_str(&literal);
                copied = end;
            }
        }
        if copied == 0 {
            return Cow::Borrowed(json);
        }
        redacted.push_str(&json[copied..]);
        Cow::Owned(redacted)
    }

    /// Returns the redacted form of a string with its quotes. `None` if it stays as it is.
    fn literal(&self, literal: &str) -> Option<String> {
        match unescaped(literal) {
            Some(text) => match self.apply(&text) {
                Cow::Owned(redacted) => serde_json::to_string(&redacted).ok(),
                Cow::Borrowed(_) => None,
            },
            // Not a valid string: a lone surrogate, or the end of a torn frame.
            None => match self.apply(literal) {
                Cow::Owned(redacted) => Some(redacted),
                Cow::Borrowed(_) => None,
            },
        }
    }
}

/// Returns whether a member of this name holds an id.
pub(super) fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("Id")
}

/// Returns the end of the string whose opening quote is at `start`, behind its closing quote.
fn end_of_string(json: &str, start: usize) -> usize {
    let bytes = json.as_bytes();
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

fn unescaped(literal: &str) -> Option<String> {
    serde_json::from_str(literal).ok()
}

#[cfg(test)]
mod tests {
    use super::super::RedactionKind;
    use super::*;

    fn frame(json: &str) -> String {
        let redaction = Redaction::new(RedactionKind::ALL.to_vec(), Vec::new());
        redaction.frame(RawFrame::Text(json)).unwrap_or_else(|| json.to_owned())
    }

    #[test]
    fn all_string_values_but_ids_are_redacted_and_nothing_else_changes() {
        for (json, expected) in [
            (
                r#"{ "text" : "a@example.com",  "n":4111111111111111 }"#,
                r#"{ "text" : "[email]",  "n":4111111111111111 }"#,
            ),
            (r#"{"id":"+15555550140","toId" : "+15555550140"}"#, r#"{"id":"+15555550140","toId" : "+15555550140"}"#),
            (r#"{"id":["+15555550140"],"x":["+15555550140"]}"#, r#"{"id":["[phone]"],"x":["[phone]"]}"#),
            (r#"{"id":{"a":"+15555550140"},"b":"+15555550140"}"#, r#"{"id":{"a":"[phone]"},"b":"[phone]"}"#),
            (r#"{"id":null,"b":"+15555550140"}"#, r#"{"id":null,"b":"[phone]"}"#),
            (r#"{"text":"say \"a@example.com\"\n"}"#, r#"{"text":"say \"[email]\"\n"}"#),
            (r#"{"text":"a\u0040example.com"}"#, r#"{"text":"[email]"}"#),
            (r#"{"a@example.com":"x"}"#, r#"{"a@example.com":"x"}"#),
            (r#"{"text":"\ud83d a@example.com"}"#, r#"{"text":"\ud83d [email]"}"#),
            (r#"{"text":"a@example.com"#, r#"{"text":"[email]"#),
            ("a@example.com", "[email]"),
            (r#"["4111 1111 1111 1111"]"#, r#"["[card]"]"#),
            ("", ""),
        ] {
            assert_eq!(frame(json), expected);
        }
    }

    #[test]
    fn binary_frames_are_redacted_and_others_keep_their_bytes() {
        let redaction = Redaction::new(RedactionKind::ALL.to_vec(), Vec::new());
        assert_eq!(redaction.frame(RawFrame::Binary(b"\xff a@example.com")).as_deref(), Some("\u{fffd} [email]"));
        assert_eq!(redaction.frame(RawFrame::Binary(b"\xff plain")), None);
    }
}
