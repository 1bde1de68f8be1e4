//! Lines of styled text for a terminal.

use anstyle::{Effects, Style};

use super::markdown::{Span, SpanStyle};

/// Code of up to this many characters stays on one line, even if it has spaces.
const MAX_UNBROKEN_CODE: usize = 30;

/// Painter of text, with or without color.
#[derive(Debug, Clone, Copy)]
pub(super) struct Painter {
    pub(super) is_colored: bool,
}

impl Painter {
    /// Breaks text into painted lines of at most `width` characters, except for longer words.
    pub(super) fn lines(self, spans: &[Span], width: usize) -> Vec<String> {
        self.unquoted_lines(&self.quoted(spans), width)
    }

    /// Like [`Painter::lines`], for a text of its own whose code needs no quotes.
    pub(super) fn unquoted_lines(self, spans: &[Span], width: usize) -> Vec<String> {
        wrap(spans, width).iter().map(|line| self.paint(line)).collect()
    }

    /// Paints a line.
    pub(super) fn paint(self, line: &[Span]) -> String {
        line.iter().map(|span| self.painted(span)).collect()
    }

    /// Quotes code that would read as a part of its sentence without color. A message at the start is no part of one.
    fn quoted(self, spans: &[Span]) -> Vec<Span> {
        let quote = |(index, span): (usize, &Span)| {
            let is_message = index == 0 && span.text.contains(' ');
            let is_quoted = span.style == SpanStyle::Code && !self.is_colored && !is_message && is_prose(&span.text);
            if is_quoted { Span::new(format!("'{}'", span.text), span.style) } else { span.clone() }
        };
        spans.iter().enumerate().map(quote).collect()
    }

    fn painted(self, span: &Span) -> String {
        let effects = match span.style {
            SpanStyle::Plain => Effects::new(),
            SpanStyle::Code | SpanStyle::Strong => Effects::BOLD,
            SpanStyle::Emphasis => Effects::UNDERLINE,
        };
        let style = if self.is_colored { Style::new().effects(effects) } else { Style::new() };
        format!("{style}{}{style:#}", span.text)
    }
}

/// Returns whether code looks like a word in lower case, or like several words.
fn is_prose(code: &str) -> bool {
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let starts_like_prose = code.contains(' ') || code.starts_with(|first: char| first.is_ascii_lowercase());
    starts_like_prose && code.split(' ').all(is_word)
}

/// Returns the number of characters of a text on one line.
pub(super) fn width(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.text.chars().count()).sum()
}

/// Breaks text at spaces into lines of at most `max_width` characters, except for longer words.
fn wrap(spans: &[Span], max_width: usize) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let mut free = 0;
    for word in words(spans) {
        let length = width(&word);
        if let Some(line) = lines.last_mut().filter(|_| length < free) {
            line.push(Span::new(" ", SpanStyle::Plain));
            line.extend(word);
            free -= length + 1;
        } else {
            lines.push(word);
            free = max_width.saturating_sub(length);
        }
    }
    lines
}

/// Splits text into words. A word may have several styles, as "`--since`," has. A number and its unit are one word.
fn words(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut words: Vec<Vec<Span>> = vec![Vec::new()];
    for span in spans {
        let is_unbroken = span.style == SpanStyle::Code && span.text.chars().count() <= MAX_UNBROKEN_CODE;
        let pieces: Vec<&str> = if is_unbroken { vec![&span.text] } else { span.text.split(' ').collect() };
        for (index, piece) in pieces.into_iter().enumerate() {
            match words.last_mut() {
                Some(word) if index > 0 && is_unit(piece) && ends_with_number(word) => {
                    word.push(Span::new(" ", span.style));
                }
                _ if index > 0 => words.push(Vec::new()),
                _ => {}
            }
            if let (false, Some(word)) = (piece.is_empty(), words.last_mut()) {
                word.push(Span::new(piece, span.style));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_unit(word: &str) -> bool {
    let unit = word.trim_end_matches(|end: char| end.is_ascii_punctuation());
    matches!(unit, "ms" | "s" | "min" | "h" | "KiB" | "MiB" | "GiB")
}

fn ends_with_number(word: &[Span]) -> bool {
    word.last().is_some_and(|span| span.text.ends_with(|last: char| last.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Painter = Painter { is_colored: false };
    const COLORED: Painter = Painter { is_colored: true };

    fn spans(text: &[(&str, SpanStyle)]) -> Vec<Span> {
        text.iter().map(|(text, style)| Span::new(*text, *style)).collect()
    }

    #[test]
    fn lines_are_as_long_as_they_may_be_and_no_longer() {
        let text =
            spans(&[("one two ", SpanStyle::Plain), ("--three", SpanStyle::Strong), (", four", SpanStyle::Plain)]);
        assert_eq!(PLAIN.lines(&text, 16), ["one two --three,", "four"]);
        assert_eq!(PLAIN.lines(&text, 15), ["one two", "--three, four"]);
        assert_eq!(PLAIN.lines(&text, 3), ["one", "two", "--three,", "four"]);
        assert_eq!(PLAIN.lines(&[], 3), [""; 0]);
    }

    #[test]
    fn short_code_is_not_broken() {
        assert_eq!(PLAIN.lines(&spans(&[("use ", SpanStyle::Plain), ("-n 20", SpanStyle::Code)]), 8), ["use", "-n 20"]);
    }

    #[test]
    fn a_number_and_its_unit_are_not_separated() {
        let text = spans(&[("up to 5 min, or 30 seconds", SpanStyle::Plain)]);
        assert_eq!(PLAIN.lines(&text, 8), ["up to", "5 min,", "or 30", "seconds"]);
    }

    #[test]
    fn code_is_bold_with_color_and_quoted_without_if_it_would_read_as_prose() {
        let text = spans(&[("the ", SpanStyle::Plain), ("auto", SpanStyle::Code), (" of ", SpanStyle::Plain)]);
        let text = [text, spans(&[("-F", SpanStyle::Code)])].concat();
        assert_eq!(PLAIN.lines(&text, 80), ["the 'auto' of -F"]);
        assert_eq!(COLORED.lines(&text, 80), ["the \u{1b}[1mauto\u{1b}[0m of \u{1b}[1m-F\u{1b}[0m"]);
        assert_eq!(PLAIN.paint(&text), "the auto of -F");
        for (code, quoted) in
            [("Sam joined", "a 'Sam joined'"), ("socks5", "a 'socks5'"), ("KiB", "a KiB"), ("-n 20", "a -n 20")]
        {
            let text = [("a ", SpanStyle::Plain), (code, SpanStyle::Code)];
            assert_eq!(PLAIN.lines(&spans(&text), 80), [quoted]);
        }
        let message = [("no such file", SpanStyle::Code), (" (66)", SpanStyle::Plain)];
        assert_eq!(PLAIN.lines(&spans(&message), 80), ["no such file (66)"]);
    }
}
