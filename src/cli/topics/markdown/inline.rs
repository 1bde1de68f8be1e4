//! Inline text: code, emphasis, links and escaped characters.

use super::{Span, SpanStyle, plain_text};

/// Parses the text of a paragraph, a heading or a cell.
pub(super) fn spans(text: &str) -> Vec<Span> {
    styled_spans(text, SpanStyle::Plain)
}

fn styled_spans(text: &str, style: SpanStyle) -> Vec<Span> {
    let (mut spans, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(first) = rest.chars().next() {
        if let Some((inner, after)) = element(rest, style) {
            spans.push(Span::new(std::mem::take(&mut plain), style));
            spans.extend(inner);
            rest = after;
            continue;
        }
        let escaped = rest.strip_prefix('\\').and_then(|after| after.chars().next()).filter(char::is_ascii_punctuation);
        plain.push(escaped.unwrap_or(first));
        rest = &rest[first.len_utf8() + escaped.map_or(0, char::len_utf8)..];
    }
    spans.push(Span::new(plain, style));
    spans.retain(|span| !span.text.is_empty());
    spans
}

/// Parses the element at the start of the text. Returns it with the text after it.
fn element(text: &str, style: SpanStyle) -> Option<(Vec<Span>, &str)> {
    if text.starts_with('`') {
        let fence = &text[..text.len() - text.trim_start_matches('`').len()];
        let (code, rest) = enclosed(text, fence)?;
        return Some((vec![Span::new(trimmed(code), SpanStyle::Code)], rest));
    }
    if let Some((strong, rest)) = enclosed(text, "**") {
        return Some((styled_spans(strong, SpanStyle::Strong), rest));
    }
    if let Some((emphasis, rest)) = enclosed(text, "*").filter(|(text, _)| !text.starts_with(' ')) {
        return Some((styled_spans(emphasis, SpanStyle::Emphasis), rest));
    }
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (address, rest) = rest.split_once(')')?;
    Some((link(styled_spans(label, style), address, style), rest))
}

/// Returns the text between two marks, and the text after them.
fn enclosed<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(mark)?.split_once(mark).filter(|(inner, _)| !inner.is_empty())
}

/// Removes one space at each end of code, which a backtick there needs.
fn trimmed(code: &str) -> &str {
    code.strip_prefix(' ').and_then(|code| code.strip_suffix(' ')).unwrap_or(code)
}

/// Returns the text of a link. The address of a page is added to it, the file of a topic is not.
fn link(mut text: Vec<Span>, address: &str, style: SpanStyle) -> Vec<Span> {
    if address.starts_with("http") && plain_text(&text) != address {
        text.push(Span::new(format!(" ({address})"), style));
    }
    text
}
