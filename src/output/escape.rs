//! Escaping of characters that could forge a line or control the user's terminal (OUT-30).
//!
//! These are the C0 controls except tab, DEL, the C1 controls, the line and paragraph separators, the twelve bidi
//! controls and the tag characters. All other characters, such as the joiners in emoji, are copied unchanged.
//!
//! A text is scanned once, by the class of each byte. A clean text costs that scan and one copy.

use std::borrow::Cow;

use crate::byte_scan::find_special;

/// Escapes every dangerous character of `text`; borrows a text without any.
///
/// LF and CRLF become `\n`, a lone CR becomes `\r`, other C0 controls and DEL become `\x1b`, all others `\u{202e}`.
/// Backslashes are unchanged, so the result cannot be unescaped.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "only whole characters and ASCII are appended")]
pub fn escape(text: &str) -> Cow<'_, str> {
    if next_special(&TEXT, text, 0).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    push_escaped(&mut out, text);
    Cow::Owned(String::from_utf8(out).expect("only whole characters and ASCII are appended"))
}

/// Appends the escaped text without an allocation of its own; see [`escape`].
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    push_with_line_break(out, text, b"\\n");
}

/// Appends `text` as a JSON string with its quotes. Dangerous characters become `\u202e`, so the string is safe on a
/// terminal and any parser returns `text` unchanged.
pub(crate) fn push_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape_with(out, text, &JSON, |out, special, _| match special {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => push_json_escape(out, other),
    });
    out.push(b'"');
}

/// Appends a character as `\u202e`, or as a surrogate pair of such escapes.
pub(super) fn push_json_escape(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        push_hex(out, u32::from(*unit), 4);
    }
}

/// The treatment of dangerous characters in a text line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EscapeMode {
    /// Escapes all of them.
    Escape,
    /// Turns line breaks of message text into continuation lines and escapes all others.
    Indent,
    /// Escapes nothing.
    Raw,
}

impl EscapeMode {
    /// Appends a name, which stays on one line unless nothing is escaped.
    pub(super) fn push_name(self, out: &mut Vec<u8>, name: &str) {
        match self {
            Self::Escape | Self::Indent => push_escaped(out, name),
            Self::Raw => out.extend_from_slice(name.as_bytes()),
        }
    }

    /// Appends message text.
    pub(super) fn push_text(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Self::Escape => push_escaped(out, text),
            Self::Indent => push_with_line_break(out, text, b"\n    | "),
            Self::Raw => out.extend_from_slice(text.as_bytes()),
        }
    }

    /// Splits message text after each line break that is written as one.
    pub(super) fn lines(self, text: &str) -> impl Iterator<Item = &str> {
        let has_line_breaks = self != Self::Escape;
        text.split_inclusive(move |character| has_line_breaks && character == '\n')
    }
}

fn push_with_line_break(out: &mut Vec<u8>, text: &str, line_break: &[u8]) {
    escape_with(out, text, &TEXT, |out, special, rest| match special {
        '\r' if rest.starts_with('\n') => {}
        '\n' => out.extend_from_slice(line_break),
        '\r' => out.extend_from_slice(b"\\r"),
        control if control.is_ascii() => {
            out.extend_from_slice(b"\\x");
            push_hex(out, u32::from(control), 2);
        }
        other => {
            out.extend_from_slice(b"\\u{");
            push_hex(out, u32::from(other), (u32::BITS - u32::from(other).leading_zeros()).div_ceil(4));
            out.push(b'}');
        }
    });
}

/// Copies `text` and lets `push` write each special character, given the character and the text after it.
pub(super) fn escape_with(
    out: &mut Vec<u8>,
    text: &str,
    classes: &ByteClasses,
    mut push: impl FnMut(&mut Vec<u8>, char, &str),
) {
    let mut copied = 0;
    while let Some((at, special)) = next_special(classes, text, copied) {
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + special.len_utf8();
        push(out, special, &text[copied..]);
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
}

pub(super) fn has_special(classes: &ByteClasses, text: &str) -> bool {
    next_special(classes, text, 0).is_some()
}

/// Appends the last `digits` hexadecimal digits, in lower case.
fn push_hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (4 * place)) as usize & 0xf]);
    }
}

/// The class of a byte in UTF-8.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    /// A special ASCII character.
    Special,
    /// The first byte of a multi-byte character that may be dangerous.
    Lead,
}

/// The class of each byte: all dangerous characters are special, and some more of ASCII.
pub(super) struct ByteClasses([Class; 256]);

/// The classes for text lines and for complete JSON documents.
pub(super) static TEXT: ByteClasses = ByteClasses(classes(b""));
/// The classes for the content of a JSON string.
static JSON: ByteClasses = ByteClasses(classes(b"\t\"\\"));

const fn classes(additional: &[u8]) -> [Class; 256] {
    let mut classes = [Class::Plain; 256];
    let mut control = 0;
    while control < 0x20 {
        classes[control] = Class::Special;
        control += 1;
    }
    classes[b'\t' as usize] = Class::Plain;
    classes[0x7f] = Class::Special;
    classes[0xc2] = Class::Lead; // U+0080 and up: C1
    classes[0xd8] = Class::Lead; // U+0600 and up: the Arabic letter mark
    classes[0xe2] = Class::Lead; // U+2000 and up: separators, bidi controls
    classes[0xf3] = Class::Lead; // U+C0000 and up: tag characters
    let mut i = 0;
    while i < additional.len() {
        classes[additional[i] as usize] = Class::Special;
        i += 1;
    }
    classes
}

fn next_special(ByteClasses(classes): &ByteClasses, text: &str, from: usize) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += find_special(&bytes[at..], |byte| classes[usize::from(byte)] != Class::Plain)?;
        let found = text[at..].chars().next()?;
        if classes[usize::from(bytes[at])] == Class::Special || is_dangerous_beyond_ascii(found) {
            return Some((at, found));
        }
        at += found.len_utf8();
    }
}

fn is_dangerous_beyond_ascii(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
