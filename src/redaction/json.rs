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
        let start = text.trim_start_matches(|one: char| one.is_whitespace() || one == '\u{feff}');
        let redacted = if start.starts_with(['{', '[']) { self.json(&text) } else { self.apply(&text) };
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
        let text = unescaped(literal).unwrap_or_else(|| unescaped_leniently(literal));
        let Cow::Owned(redacted) = self.apply(&text) else { return None };
        let mut quoted = serde_json::to_string(&redacted).ok()?;
        let is_torn = literal.len() == 1 || !literal.ends_with('"');
        if is_torn {
            quoted.pop();
        }
        Some(quoted)
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

/// Returns the text of a string that is not valid: with a lone surrogate, which becomes U+FFFD, a bare line break, an unknown
/// escape or a missing end.
fn unescaped_leniently(literal: &str) -> String {
    let literal = literal.strip_prefix('"').unwrap_or(literal);
    let mut units = Vec::with_capacity(literal.len());
    let mut characters = literal.chars();
    let mut buffer = [0; 2];
    while let Some(one) = characters.next() {
        match one {
            '"' => break,
            '\\' => match characters.next() {
                Some('u') => {
                    let digits = characters.as_str().get(..4).unwrap_or_default();
                    let unit = u16::from_str_radix(digits, 16).ok();
                    units.push(unit.unwrap_or(0xFFFD));
                    characters = characters.as_str()[if unit.is_some() { 4 } else { 0 }..].chars();
                }
                Some('n') => units.push(u16::from(b'\n')),
                Some('r') => units.push(u16::from(b'\r')),
                Some('t') => units.push(u16::from(b'\t')),
                Some(other) => units.extend_from_slice(other.encode_utf16(&mut buffer)),
                None => {}
            },
            other => units.extend_from_slice(other.encode_utf16(&mut buffer)),
        }
    }
    String::from_utf16_lossy(&units)
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
            (r#"{"text":"\ud83d\na@example.com x"}"#, "{\"text\":\"\u{fffd}\\n[email] x\"}"),
            (r#"{"text":"\ud83d a\u0040example.com \t+15555550140"}"#, "{\"text\":\"\u{fffd} [email] \\t[phone]\"}"),
            ("\u{feff}{\"text\":\"bom\\na@example.com\"}", "\u{feff}{\"text\":\"bom\\n[email]\"}"),
            ("{\"text\":\"bare\n4111111111111111\"}", "{\"text\":\"bare\\n[card]\"}"),
            (r#"{"text":"\ud83d nothing"}"#, r#"{"text":"\ud83d nothing"}"#),
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
