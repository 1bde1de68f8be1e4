//! Matches that stand out in what was said.

use std::ops::Range;

use regex::Regex;

use super::color::Ink;
use super::spelling::Spelling;

/// Appends `words` with every match of `regex` in `ink`: without the ink, the bytes are those of the words alone.
pub(super) fn push_highlighted(out: &mut Vec<u8>, words: &str, regex: &Regex, ink: &Ink, spelling: Spelling) {
    let mut copied = 0;
    for found in regex.find_iter(words) {
        let lit = whole_breaks(words, found.range());
        if !lit.is_empty() {
            spelling.push_words(out, &words[copied..lit.start]);
            push_lit(out, &words[lit.clone()], ink, spelling);
            copied = lit.end;
        }
    }
    spelling.push_words(out, &words[copied..]);
}

/// Lights each line of a match by itself, so that no colour runs over a line end.
fn push_lit(out: &mut Vec<u8>, lit: &str, ink: &Ink, spelling: Spelling) {
    for line in spelling.lines(lit) {
        let (body, line_break) = line.split_at(body_length(line, spelling));
        if !body.is_empty() {
            ink.paint(out, |out| spelling.push_words(out, body));
        }
        spelling.push_words(out, line_break);
    }
}

fn body_length(line: &str, spelling: Spelling) -> usize {
    if spelling == Spelling::Escaped {
        return line.len();
    }
    let body = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n'));
    body.unwrap_or(line).len()
}

/// A CRLF is one line break, so a match that holds one half of it begins or ends before it.
fn whole_breaks(words: &str, found: Range<usize>) -> Range<usize> {
    let outside = |at: usize| if words[..at].ends_with('\r') && words[at..].starts_with('\n') { at - 1 } else { at };
    outside(found.start)..outside(found.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample;

    use super::super::color::Palette;
    use super::super::fixtures::hostile_text;
    use super::*;

    const ON: &str = "\x1b[1m\x1b[7m";
    const OFF: &str = "\x1b[0m";

    fn lit(words: &str, regex: &str, spelling: Spelling) -> String {
        let mut out = Vec::new();
        push_highlighted(&mut out, words, &Regex::new(regex).unwrap(), &Palette::new(true).highlight, spelling);
        String::from_utf8(out).unwrap().replace(ON, "<").replace(OFF, ">")
    }

    #[test]
    fn matches_are_of_the_text_before_escaping() {
        assert_eq!(lit("my order, your order", "order", Spelling::Escaped), "my <order>, your <order>");
        assert_eq!(lit("a\x1bb", "x1b", Spelling::Escaped), r"a\x1bb");
        assert_eq!(lit("a\x1bb", r"a\x1b", Spelling::Escaped), r"<a\x1b>b");
        assert_eq!(lit("abc", "x*", Spelling::Escaped), "abc");
    }

    #[test]
    fn no_colour_runs_over_a_line_end() {
        assert_eq!(lit("a\r\nb", "(?s).+", Spelling::Escaped), r"<a\nb>");
        assert_eq!(lit("a\r\nb\n", "(?s).+", Spelling::Indented), "<a>\n    | <b>\n    | ");
        assert_eq!(lit("a\r\n\r\nb", "\n", Spelling::Indented), "a\n    | \n    | b");
        assert_eq!(lit("a\r\nb", ".+", Spelling::Escaped), r"<a>\n<b>");
        assert_eq!(lit("a\r\nb", "(?s).+", Spelling::Raw), "<a>\r\n<b>");
    }

    proptest! {
        #[test]
        fn without_colour_the_bytes_are_the_same(
            words in hostile_text(),
            regex in sample::select(vec![".", ".+", "\\r", "\\n", "(?s).+", "(?s).", "x*", "[^a]\\n?"]),
        ) {
            let words = words.replace(['<', '>'], "");
            for spelling in [Spelling::Escaped, Spelling::Indented] {
                let mut plain = Vec::new();
                spelling.push_words(&mut plain, &words);
                let colourless = lit(&words, regex, spelling).replace(['<', '>'], "");
                prop_assert_eq!(colourless, String::from_utf8(plain).unwrap());
            }
        }
    }
}
