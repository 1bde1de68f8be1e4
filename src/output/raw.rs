//! The raw format: one frame per line, as received (OUT-35).

use serde::de::IgnoredAny;

use super::escape::{TEXT, escape_with, has_special, push_escaped, push_json_escape};
use crate::event::RawFrame;

/// Appends a frame without a line break.
///
/// JSON keeps its value: dangerous characters in strings become `\u202e`, and line breaks between tokens become spaces.
/// Other frames are escaped as text, with U+FFFD for invalid UTF-8.
pub(super) fn push_frame(out: &mut Vec<u8>, frame: RawFrame<'_>) {
    match frame {
        RawFrame::Text(text) => push_text(out, text),
        RawFrame::Binary(bytes) => match str::from_utf8(bytes) {
            Ok(text) => push_text(out, text),
            Err(_) => push_escaped(out, &String::from_utf8_lossy(bytes)),
        },
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    // A frame without special characters is copied either way, so most frames need no parsing.
    if has_special(&TEXT, text) && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        push_json(out, text);
    } else {
        push_escaped(out, text);
    }
}

/// Appends valid JSON, which has no unescaped C0 control in a string and only ASCII outside of strings.
fn push_json(out: &mut Vec<u8>, json: &str) {
    escape_with(out, json, &TEXT, |out, special, _| match special {
        '\n' | '\r' => out.push(b' '),
        in_string => push_json_escape(out, in_string),
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::fixtures::{hostile_text, is_dangerous};
    use super::*;

    fn line(frame: RawFrame<'_>) -> String {
        let mut out = Vec::new();
        push_frame(&mut out, frame);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_keeps_its_value_on_one_line() {
        let pretty = "{\r\n\t\"text\": \"a\u{202e}b\x7f\u{e0041}\\n\"\n}";
        assert_eq!(line(RawFrame::Text(pretty)), "{  \t\"text\": \"a\\u202eb\\u007f\\udb40\\udc41\\n\" }");
        assert_eq!(line(RawFrame::Binary(b"{\"a\":1}")), r#"{"a":1}"#);
    }

    #[test]
    fn other_frames_are_escaped_as_text() {
        assert_eq!(line(RawFrame::Text("not\njson\x1b[2J")), r"not\njson\x1b[2J");
        assert_eq!(line(RawFrame::Text("{\"a\":\"bare\nbreak\"}")), r#"{"a":"bare\nbreak"}"#);
        assert_eq!(line(RawFrame::Binary(b"\xff\x1b\xc2\x85")), "\u{fffd}\\x1b\\u{85}");
        assert_eq!(line(RawFrame::Text("")), "");
    }

    #[test]
    fn deeply_nested_json_is_printed_without_recursion() {
        let deep = format!("{}\n{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(line(RawFrame::Text(&deep)), deep.replace('\n', " "));
    }

    proptest! {
        #[test]
        fn escaped_json_parses_to_the_same_value(key in hostile_text(), text in hostile_text()) {
            let value = Value::Array(vec![text.into(), Value::from_iter([(key, 1)])]);
            let written = line(RawFrame::Text(&serde_json::to_string_pretty(&value).unwrap()));
            prop_assert!(!written.contains(is_dangerous));
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        }

        #[test]
        fn any_bytes_become_one_line_without_dangerous_characters(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(!line(RawFrame::Binary(&bytes)).contains(is_dangerous));
        }
    }
}
