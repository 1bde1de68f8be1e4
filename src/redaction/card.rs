//! Card numbers: 13 to 19 digits with optional single blanks or dashes, a first digit from 2 to 6 and a valid check digit.

use std::ops::{Range, RangeInclusive};

use super::boundary::{is_blank, is_blank_or_dash, is_in_uuid, may_end, may_start};

const DIGITS: RangeInclusive<usize> = 13..=19;

/// The least length of a group in a card number that is a part of a longer row of groups. A row of smaller numbers is
/// more often a list.
const MIN_GROUP: usize = 3;

/// Digits that follow each other, and whether a blank precedes them.
struct Group {
    range: Range<usize>,
    follows_blank: bool,
}

/// Returns the first card number that starts at or after `from`.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + text.as_bytes()[at..].iter().position(u8::is_ascii_digit)?;
        let groups = groups(text, start);
        let found = (0..groups.len()).find_map(|first| card_from(text, &groups, first));
        if found.is_some() {
            return found;
        }
        at = groups.last().map_or(text.len(), |last| last.range.end);
    }
}

/// Returns the groups of digits from `start` on that are separated by one blank or dash each.
fn groups(text: &str, start: usize) -> Vec<Group> {
    let mut groups = vec![Group { range: digits(text, start), follows_blank: true }];
    loop {
        let end = groups.last().map_or(start, |last| last.range.end);
        let Some(separator) = text[end..].chars().next().filter(|one| is_blank_or_dash(*one)) else { return groups };
        let range = digits(text, end + separator.len_utf8());
        if range.is_empty() {
            return groups;
        }
        groups.push(Group { range, follows_blank: is_blank(separator) });
    }
}

fn digits(text: &str, start: usize) -> Range<usize> {
    start..start + text.as_bytes()[start..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Returns the longest card number that starts with a group.
fn card_from(text: &str, groups: &[Group], first: usize) -> Option<Range<usize>> {
    let start = groups[first].range.start;
    let may_begin = groups[first].follows_blank && matches!(text.as_bytes()[start], b'2'..=b'6');
    if !may_begin || !may_start(text, start) || text[..start].ends_with('+') {
        return None;
    }
    let mut length = 0;
    let lengths = groups[first..].iter().map(|group| {
        length += group.range.len();
        length
    });
    let candidates = lengths.take_while(|length| length <= DIGITS.end()).enumerate();
    let last = candidates.filter(|(_, length)| DIGITS.contains(length)).map(|(index, _)| first + index);
    last.filter(|last| is_card(text, groups, first..*last + 1)).last().map(|last| start..groups[last].range.end)
}

/// Returns whether these groups are a card number.
fn is_card(text: &str, groups: &[Group], chosen: Range<usize>) -> bool {
    let range = groups[chosen.start].range.start..groups[chosen.end - 1].range.end;
    let is_whole = chosen.len() == groups.len();
    let is_cut_at_blank = groups.get(chosen.end).is_none_or(|next| next.follows_blank);
    let has_large_groups = || groups[chosen.clone()].iter().all(|group| group.range.len() >= MIN_GROUP);
    is_cut_at_blank
        && (is_whole || has_large_groups())
        && may_end(text, range.end)
        && has_valid_check_digit(&text[range.clone()])
        && !is_in_uuid(text, &range)
}

/// Returns whether the check digit by Luhn's formula is valid. Everything but digits is skipped.
fn has_valid_check_digit(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits.rev().enumerate().map(|(place, digit)| luhn_value(place, digit)).sum();
    sum.is_multiple_of(10)
}

fn luhn_value(place: usize, digit: u32) -> u32 {
    let doubled = if place.is_multiple_of(2) { digit } else { digit * 2 };
    if doubled > 9 { doubled - 9 } else { doubled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(text, 0).map(|range| &text[range])
    }

    #[test]
    fn card_numbers_are_found_in_any_notation() {
        for number in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111\u{a0}1111\u{202f}1111\u{2009}1111",
            "4111–1111–1111–1111",
            "3782 822463 10005",
            "5555 5555 5555 4444",
            "2223 0000 4841 0010",
            "6011 0009 9013 9424",
            "4222222222222",
            "6304000000000000000",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        ] {
            for text in
                [number.to_owned(), format!("my card: {number}."), format!("({number}),"), format!("a\n{number}\n")]
            {
                assert_eq!(found(&text), Some(number), "{text}");
            }
        }
        assert_eq!(found("2 cards: 17 4111 1111 1111 1111 12/28"), Some("4111 1111 1111 1111"));
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "4111111111111112",
            "1111111111111117",
            "411111111111",
            "41111111111111111111111111",
            "x4111111111111111",
            "4111111111111111x",
            "4111111111111111_1",
            "0.4111111111111111",
            "4111111111111111,50",
            "4111  1111  1111  1111",
            "4111.1111.1111.1111",
            "+4111111111111111",
            "2026-11-28 20:48:53",
            "abcdefab-1234-4123-8123-123456789012",
            "order 2026 1128 2048",
            "1767323045612",
            "",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn a_dash_does_not_cut_a_number() {
        assert_eq!(found("17-4111-1111-1111-1111"), None);
        assert_eq!(found("4111-1111-1111-1111-17"), None);
    }
}
