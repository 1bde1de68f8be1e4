//! Tests of the escaping, each named after an attack or a property.

use proptest::prelude::*;

use super::*;
use crate::output::fixtures::{hostile_text, is_dangerous};

#[test]
fn every_attack_is_escaped() {
    for (attack, text, expected) in [
        ("clipboard by OSC 52", "\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),
        ("hyperlink by OSC 8", "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\", r"\x1b]8;;http://x\x1b\here\x1b]8;;\x1b\"),
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
        ("an escape in the text itself", r"\x1b[31m", r"\x1b[31m"),
    ] {
        assert_eq!(escape(text), expected, "{attack}");
    }
}

#[test]
fn ordinary_text_is_borrowed_unchanged() {
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
fn exactly_the_dangerous_characters_are_escaped() {
    for character in '\0'..=char::MAX {
        let text = character.to_string();
        assert_eq!(escape(&text) != text, is_dangerous(character), "{character:?}");
    }
}

#[test]
fn indented_line_breaks_start_marked_continuation_lines() {
    let mut out = Vec::new();
    EscapeMode::Indent.push_text(&mut out, "one\ntwo\r\nthree\rfour\x1b");
    assert_eq!(String::from_utf8(out).unwrap(), "one\n    | two\n    | three\\rfour\\x1b");
}

fn json_string(text: &str) -> String {
    let mut out = Vec::new();
    push_json_string(&mut out, text);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_strings_escape_json_syntax_and_dangerous_characters() {
    assert_eq!(json_string("say \"hi\"\\ \t\r\n"), r#""say \"hi\"\\ \t\r\n""#);
    assert_eq!(json_string("\x1b[31m\x7f\u{9b}\u{202e}"), r#""\u001b[31m\u007f\u009b\u202e""#);
    assert_eq!(json_string("\u{e0041}"), r#""\udb40\udc41""#);
    assert_eq!(json_string("é👩‍👧 مرحبا"), "\"é👩‍👧 مرحبا\"");
}

proptest! {
    #[test]
    fn escaped_text_holds_no_dangerous_character(text in hostile_text()) {
        prop_assert!(!escape(&text).chars().any(is_dangerous));
    }

    #[test]
    fn clean_text_is_borrowed(text in hostile_text()) {
        let clean: String = text.chars().filter(|&c| !is_dangerous(c)).collect();
        prop_assert!(matches!(escape(&clean), Cow::Borrowed(same) if same == clean));
    }

    #[test]
    fn json_strings_are_safe_and_lossless(text in hostile_text()) {
        let written = json_string(&text);
        prop_assert!(!written.contains(is_dangerous) && !written.contains('\t'));
        prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
