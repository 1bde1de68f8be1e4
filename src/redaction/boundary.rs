//! The places at which a match may start and end: never inside a longer word or number.

use std::ops::Range;

/// The length of a UUID.
const UUID_LENGTH: usize = 36;

/// Letters of scripts that put no blank between words: Thai to Khmer, and East Asian ones.
const UNSPACED_SCRIPTS: [std::ops::RangeInclusive<char>; 9] = [
    '\u{e00}'..='\u{eff}',
    '\u{1000}'..='\u{109f}',
    '\u{1100}'..='\u{11ff}',
    '\u{1780}'..='\u{17ff}',
    '\u{3000}'..='\u{9fff}',
    '\u{ac00}'..='\u{d7ff}',
    '\u{f900}'..='\u{faff}',
    '\u{ff66}'..='\u{ffdc}',
    '\u{20000}'..='\u{3ffff}',
];

/// Returns whether a word or number that starts at `at` is not the rest of a longer one.
pub(super) fn may_start(text: &str, at: usize) -> bool {
    let is_number = text[at..].starts_with(|one: char| one.is_ascii_digit());
    let mut before = text[..at].chars().rev();
    match before.next() {
        None => true,
        // `_` around a number is emphasis, but `_` behind a word is a part of it.
        Some('_') => !before.next().is_some_and(is_word),
        Some('.') => !is_number || !before.next().is_some_and(|one| one.is_ascii_digit()),
        Some(one) => !is_word(one),
    }
}

/// Returns whether a word or number that ends at `at` does not continue.
pub(super) fn may_end(text: &str, at: usize) -> bool {
    let mut after = text[at..].chars();
    match after.next() {
        None => true,
        Some('_') => !after.next().is_some_and(is_word),
        Some('.' | ':') => !after.next().is_some_and(|one| one.is_ascii_digit()),
        Some(one) => !is_word(one),
    }
}

/// Returns whether `one` belongs to the same word as a letter or digit beside it.
pub(super) fn is_word(one: char) -> bool {
    let is_unspaced = || UNSPACED_SCRIPTS.iter().any(|script| script.contains(&one));
    one == '_' || (one.is_alphanumeric() && !is_unspaced())
}

/// Returns whether `one` separates groups of digits: a blank of any width or a dash.
pub(super) fn is_blank_or_dash(one: char) -> bool {
    is_blank(one) || matches!(one, '-' | '\u{2010}'..='\u{2013}')
}

/// Returns whether `one` is a blank within a line.
pub(super) fn is_blank(one: char) -> bool {
    matches!(one, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

/// Returns whether a text is a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == UUID_LENGTH && is_in_uuid(text, &(0..0))
}

/// Returns whether a range is part of a UUID.
pub(super) fn is_in_uuid(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let before = bytes[..range.start].iter().rev().take(UUID_LENGTH);
    let start = range.start - before.take_while(|byte| is_part(byte)).count();
    let end = range.end + bytes[range.end..].iter().take(UUID_LENGTH).take_while(|byte| is_part(byte)).count();
    end - start == UUID_LENGTH && [8, 13, 18, 23].iter().all(|dash| bytes[start + dash] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_starts_and_ends_at_the_edge_of_a_word_or_number() {
        for (text, starts, ends) in [
            ("123", true, true),
            ("(123)", true, true),
            ("a123b", false, false),
            ("_123_", true, true),
            ("a_123_b", false, false),
            ("é123é", false, false),
            ("\u{530}\u{547}\u{30b9}123\u{3067}", true, true),
            ("号123是", true, true),
            ("คือ123ครับ", true, true),
            ("1.123.4", false, false),
            ("1,123,4", true, true),
            ("1:123:4", true, false),
            ("x: 123.", true, true),
            ("n:123, ", true, true),
        ] {
            let start = text.find("123").unwrap();
            assert_eq!((may_start(text, start), may_end(text, start + 3)), (starts, ends), "{text}");
        }
    }

    #[test]
    fn the_groups_of_a_uuid_are_recognised() {
        let text = "id 12345678-1234-4123-8123-123456789012.";
        let inside = |part: &str| {
            let start = text.find(part).unwrap();
            is_in_uuid(text, &(start..start + part.len()))
        };
        assert!(inside("12345678-") && inside("123456789012") && !inside("id"));
        assert!(!is_in_uuid("1234-1234", &(0..4)));
    }
}
