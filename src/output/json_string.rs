//! Strings of JSON that are as harmless on a terminal as escaped text, and lose nothing.

use super::escape::{JSON, push_hex, respell};

/// Appends `text` between quotes, with everything dangerous like `\u202e`: any parser gives back the same string.
pub(super) fn push_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    respell(out, text, &JSON, |out, special, _| match special {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => push_code_units(out, other),
    });
    out.push(b'"');
}

/// Appends it like `\u202e`, twice for a character beyond the basic plane.
pub(super) fn push_code_units(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        push_hex(out, u32::from(*unit), 4);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{hostile_text, is_dangerous};
    use super::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        push_json_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_json_demands_and_what_terminals_fear() {
        assert_eq!(json("say \"hi\"\\ \t\r\n"), r#""say \"hi\"\\ \t\r\n""#);
        assert_eq!(json("\x1b[31m\x7f\u{9b}\u{202e}"), r#""\u001b[31m\u007f\u009b\u202e""#);
        assert_eq!(json("\u{e0041}"), r#""\udb40\udc41""#);
        assert_eq!(json("é👩‍👧 مرحبا"), "\"é👩‍👧 مرحبا\"");
    }

    proptest! {
        #[test]
        fn the_same_string_comes_back(text in hostile_text()) {
            let written = json(&text);
            prop_assert!(!written.contains(is_dangerous) && !written.contains('\t'));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
