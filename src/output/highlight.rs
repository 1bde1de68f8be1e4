//! Highlighting of pattern matches in message text.

use std::ops::Range;

use regex::Regex;

use super::color::RenderedStyle;
use super::escape::EscapeMode;

/// Appends `text` with every match of `pattern` in `style`. Without the style, the bytes are those of `text` alone.
pub(super) fn push_highlighted(
    out: &mut Vec<u8>,
    text: &str,
    pattern: &Regex,
    style: &RenderedStyle,
    escape_mode: EscapeMode,
) {
    let mut copied = 0;
    for found in pattern.find_iter(text) {
        let range = exclude_partial_crlf(text, found.range());
        if !range.is_empty() {
            escape_mode.push_text(out, &text[copied..range.start]);
            push_match(out, &text[range.clone()], style, escape_mode);
            copied = range.end;
        }
    }
    escape_mode.push_text(out, &text[copied..]);
}

/// Appends a match. Each line of it is styled separately, so that no style extends over a line break.
fn push_match(out: &mut Vec<u8>, matched: &str, style: &RenderedStyle, escape_mode: EscapeMode) {
    for line in escape_mode.lines(matched) {
        let (content, line_break) = line.split_at(content_length(line, escape_mode));
        if !content.is_empty() {
            style.paint(out, |out| escape_mode.push_text(out, content));
        }
        escape_mode.push_text(out, line_break);
    }
}

/// Returns the length of a line without the line break that is written as one.
fn content_length(line: &str, escape_mode: EscapeMode) -> usize {
    if escape_mode == EscapeMode::Escape {
        return line.len();
    }
    let content = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n'));
    content.unwrap_or(line).len()
}

/// Moves each bound of a match that splits a CRLF to the position before it: a CRLF is one line break.
fn exclude_partial_crlf(text: &str, found: Range<usize>) -> Range<usize> {
    let before_crlf = |at: usize| if text[..at].ends_with('\r') && text[at..].starts_with('\n') { at - 1 } else { at };
    before_crlf(found.start)..before_crlf(found.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample;

    use super::super::color::Theme;
    use super::super::fixtures::hostile_text;
    use super::*;

    const ON: &str = "\x1b[1m\x1b[7m";
    const OFF: &str = "\x1b[0m";

    /// Returns the highlighted text with `<` and `>` around each styled part.
    fn highlighted(text: &str, pattern: &str, escape_mode: EscapeMode) -> String {
        let mut out = Vec::new();
        push_highlighted(&mut out, text, &Regex::new(pattern).unwrap(), &Theme::new(true).highlight, escape_mode);
        String::from_utf8(out).unwrap().replace(ON, "<").replace(OFF, ">")
    }

    #[test]
    fn patterns_match_the_text_before_escaping() {
        assert_eq!(highlighted("my order, your order", "order", EscapeMode::Escape), "my <order>, your <order>");
        assert_eq!(highlighted("a\x1bb", "x1b", EscapeMode::Escape), r"a\x1bb");
        assert_eq!(highlighted("a\x1bb", r"a\x1b", EscapeMode::Escape), r"<a\x1b>b");
        assert_eq!(highlighted("abc", "x*", EscapeMode::Escape), "abc");
    }

    #[test]
    fn no_color_extends_over_a_line_break() {
        assert_eq!(highlighted("a\r\nb", "(?s).+", EscapeMode::Escape), r"<a\nb>");
        assert_eq!(highlighted("a\r\nb\n", "(?s).+", EscapeMode::Indent), "<a>\n    | <b>\n    | ");
        assert_eq!(highlighted("a\r\n\r\nb", "\n", EscapeMode::Indent), "a\n    | \n    | b");
        assert_eq!(highlighted("a\r\nb", ".+", EscapeMode::Escape), r"<a>\n<b>");
        assert_eq!(highlighted("a\r\nb", "(?s).+", EscapeMode::Raw), "<a>\r\n<b>");
    }

    proptest! {
        #[test]
        fn highlighting_adds_nothing_but_color(
            text in hostile_text(),
            pattern in sample::select(vec![".", ".+", "\\r", "\\n", "(?s).+", "(?s).", "x*", "[^a]\\n?"]),
        ) {
            let text = text.replace(['<', '>'], "");
            for escape_mode in [EscapeMode::Escape, EscapeMode::Indent] {
                let mut plain = Vec::new();
                escape_mode.push_text(&mut plain, &text);
                let without_color = highlighted(&text, pattern, escape_mode).replace(['<', '>'], "");
                prop_assert_eq!(without_color, String::from_utf8(plain).unwrap());
            }
        }
    }
}
