//! Spelling out what could forge a line or drive the reader's terminal.
//!
//! Dangerous are the C0 controls but the tab, DEL, the C1 controls, the line and paragraph separators, the twelve
//! bidi controls and the tag characters. Everything else, the joiners in emoji among it, is left as it is.
//!
//! A text is scanned once, by the class of each byte; a clean one costs that scan and one copy.

use std::borrow::Cow;

use crate::byte_scan::find_special;

/// Spells out every dangerous character of `text`; borrowed when there is none.
///
/// `\n` and CRLF become `\n`, a lone CR `\r`, other C0 controls and DEL `\x1b`, the rest `\u{202e}`. A backslash is
/// left alone, so the spelling is for reading, not for reversing.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if next_special(&TEXT, text, 0).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    push_escaped(&mut out, text);
    Cow::Owned(into_text(out))
}

/// Appends what [`escape`] gives, without an allocation of its own.
pub fn push_escaped(out: &mut Vec<u8>, text: &str) {
    push_with_break(out, text, b"\\n");
}

/// Appends what [`escape`] gives, but with every line break a real one, followed by the mark of a continuation line.
pub(super) fn push_indented(out: &mut Vec<u8>, text: &str) {
    push_with_break(out, text, b"\n    | ");
}

fn push_with_break(out: &mut Vec<u8>, text: &str, line_break: &[u8]) {
    respell(out, text, &TEXT, |out, special, rest| match special {
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

/// Copies `text`, letting `spell` write each special character; it is given what follows the character, too.
pub(super) fn respell(
    out: &mut Vec<u8>,
    text: &str,
    specials: &Specials,
    mut spell: impl FnMut(&mut Vec<u8>, char, &str),
) {
    let mut copied = 0;
    while let Some((at, special)) = next_special(specials, text, copied) {
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + special.len_utf8();
        spell(out, special, &text[copied..]);
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
}

/// Whether a text holds any special character.
pub(super) fn has_special(specials: &Specials, text: &str) -> bool {
    next_special(specials, text, 0).is_some()
}

/// Appends the last `digits` hexadecimal digits, in lower case.
pub(super) fn push_hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (4 * place)) as usize & 0xf]);
    }
}

/// What a byte may be the beginning of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    /// A special character by itself.
    Special,
    /// The first byte of a longer character that may be dangerous.
    Lead,
}

/// A choice of special characters: all dangerous ones, and some of ASCII.
pub(super) struct Specials([Class; 256]);

/// What is special in a text line.
pub(super) static TEXT: Specials = Specials(classes(b""));
/// What is special between the quotes of a JSON string.
pub(super) static JSON: Specials = Specials(classes(b"\t\"\\"));

const fn classes(also: &[u8]) -> [Class; 256] {
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
    while i < also.len() {
        classes[also[i] as usize] = Class::Special;
        i += 1;
    }
    classes
}

fn next_special(Specials(classes): &Specials, text: &str, from: usize) -> Option<(usize, char)> {
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

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("only whole characters and ASCII are appended")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{hostile_text, is_dangerous};
    use super::*;

    #[test]
    fn every_attack_is_spelled_out() {
        for (attack, text, expected) in [
            ("clipboard by OSC 52", "\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),
            (
                "hyperlink by OSC 8",
                "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\",
                r"\x1b]8;;http://x\x1b\here\x1b]8;;\x1b\",
            ),
            ("window title", "\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
            ("cursor movement", "\x1b[2A\x1b[2K", r"\x1b[2A\x1b[2K"),
            ("backspaces", "yes\x08\x08\x08no", r"yes\x08\x08\x08no"),
            ("line forged by CR", "hi\r03:04:05 [Agent] Sam: no", r"hi\r03:04:05 [Agent] Sam: no"),
            ("line forged by newline", "hi\n03:04:05 [Agent] Sam: no", r"hi\n03:04:05 [Agent] Sam: no"),
            ("line forged by CRLF", "hi\r\n03:04:05 [Agent] Sam: no", r"hi\n03:04:05 [Agent] Sam: no"),
            ("CR, then CRLF", "a\r\r\nb", r"a\r\nb"),
            ("line and paragraph separators", "a\u{2028}b\u{2029}c", r"a\u{2028}b\u{2029}c"),
            ("next line", "a\u{85}b", r"a\u{85}b"),
            ("bidi override", "\u{202e}gnp.exe", r"\u{202e}gnp.exe"),
            ("bidi isolate", "\u{2066}a\u{2069}", r"\u{2066}a\u{2069}"),
            ("direction marks", "\u{61c}\u{200e}\u{200f}", r"\u{61c}\u{200e}\u{200f}"),
            ("hidden tag characters", "a\u{e0041}\u{e007f}", r"a\u{e0041}\u{e007f}"),
            ("C1 as UTF-8", "\u{9b}31m\u{9d}0;t\u{9c}", r"\u{9b}31m\u{9d}0;t\u{9c}"),
            ("DEL", "a\x7fb", r"a\x7fb"),
            ("NUL", "a\0b", r"a\x00b"),
            ("a spelling typed by hand", r"\x1b[31m", r"\x1b[31m"),
        ] {
            assert_eq!(escape(text), expected, "{attack}");
        }
    }

    #[test]
    fn ordinary_writing_is_borrowed_unchanged() {
        for text in [
            "",
            "Hello\tthere",
            r"C:\path",
            "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag",
            "مرحبا، كيف حالك؟",
            "שלום",
            "naïve ¡ ½ “quoted” – €",
            "\u{200b}\u{200d}\u{feff}",
        ] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn every_character_is_judged_by_the_definition() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            assert_eq!(escape(&text) != text, is_dangerous(character), "{character:?}");
        }
    }

    #[test]
    fn continuation_lines_are_marked() {
        let mut out = Vec::new();
        push_indented(&mut out, "one\ntwo\r\nthree\rfour\x1b");
        assert_eq!(String::from_utf8(out).unwrap(), "one\n    | two\n    | three\\rfour\\x1b");
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in hostile_text()) {
            prop_assert!(!escape(&text).chars().any(is_dangerous));
        }

        #[test]
        fn clean_text_is_borrowed(text in hostile_text()) {
            let clean: String = text.chars().filter(|&c| !is_dangerous(c)).collect();
            prop_assert!(matches!(escape(&clean), Cow::Borrowed(same) if same == clean));
        }
    }
}
