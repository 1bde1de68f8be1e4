//! Card numbers: 13 to 19 digits with optional single blanks or dashes, a first digit from 2 to 6 and a valid check digit.

use std::ops::{Range, RangeInclusive};

use super::boundary::{is_blank, is_blank_or_dash, is_in_uuid, may_end, may_start};
use super::iban;

const DIGITS: RangeInclusive<usize> = 13..=19;

/// The least length of a group in a card number that is a part of a longer row of groups. A row of smaller numbers is
/// more often a list.
const MIN_GROUP: usize = 3;

/// Digits that follow each other, and whether a blank precedes them.
struct Group {
    range: Range<usize>,
    follows_blank: bool,
}

/// Returns the first card number that starts at or after `from`. Takes linear time: what follows a group is looked at for
/// the length of a number only.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + text.as_bytes()[at..].iter().position(u8::is_ascii_digit)?;
        let found = card_at(text, start);
        if found.is_some() {
            return found;
        }
        at = start + text.as_bytes()[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
}

/// Returns the longest card number that starts at `start`, the first digit of a group.
fn card_at(text: &str, start: usize) -> Option<Range<usize>> {
    let separator = separator_before(text, start);
    let may_begin = separator.is_none_or(is_blank) && matches!(text.as_bytes()[start], b'2'..=b'6');
    if !may_begin || !may_start(text, start) || text[..start].ends_with('+') {
        return None;
    }
    let groups = groups(text, start);
    let mut length = 0;
    let lengths = groups.iter().map(|group| {
        length += group.range.len();
        length
    });
    let candidates: Vec<usize> =
        lengths.enumerate().filter(|(_, length)| DIGITS.contains(length)).map(|(last, _)| last).collect();
    let is_first = separator.is_none();
    let last = candidates.into_iter().rev().find(|last| is_card(text, &groups, *last, is_first))?;
    Some(start..groups[last].range.end)
}

/// Returns the separator between the group at `start` and the group before it, if there is one.
fn separator_before(text: &str, start: usize) -> Option<char> {
    let mut before = text[..start].chars().rev();
    let separator = before.next().filter(|one| is_blank_or_dash(*one))?;
    before.next().filter(char::is_ascii_digit).map(|_| separator)
}

/// Returns the groups from `start` on that are separated by one blank or dash each, up to one digit too many for a card.
fn groups(text: &str, start: usize) -> Vec<Group> {
    let mut groups = vec![Group { range: digits(text, start), follows_blank: true }];
    let mut length = groups[0].range.len();
    while length <= *DIGITS.end() {
        let end = groups.last().map_or(start, |last| last.range.end);
        let Some(separator) = text[end..].chars().next().filter(|one| is_blank_or_dash(*one)) else { break };
        let range = digits(text, end + separator.len_utf8());
        if range.is_empty() {
            break;
        }
        length += range.len();
        groups.push(Group { range, follows_blank: is_blank(separator) });
    }
    groups
}

/// Returns the digits at `start`, at most one more than a card has.
fn digits(text: &str, start: usize) -> Range<usize> {
    let digits = text.as_bytes()[start..].iter().take(DIGITS.end() + 1);
    start..start + digits.take_while(|byte| byte.is_ascii_digit()).count()
}

/// Returns whether the groups up to `last` are a card number. `is_first` says that no group precedes them.
fn is_card(text: &str, groups: &[Group], last: usize, is_first: bool) -> bool {
    let range = groups[0].range.start..groups[last].range.end;
    let next = groups.get(last + 1);
    let is_whole = is_first && next.is_none();
    let has_large_groups = || groups[..=last].iter().all(|group| group.range.len() >= MIN_GROUP);
    // A check value of three or four digits may follow behind a dash, unless dashes separate the groups too.
    let has_dash = || groups[1..=last].iter().any(|group| !group.follows_blank);
    let is_check_value = |next: &Group| matches!(next.range.len(), 3 | 4) && !has_dash();
    next.is_none_or(|next| next.follows_blank || is_check_value(next))
        && (is_whole || has_large_groups())
        && may_end(text, range.end)
        && has_valid_check_digit(&text[range.clone()])
        && !is_in_uuid(text, &range)
        && !is_in_iban(text, &range)
}

/// Returns whether a range is part of a bank account number, whose groups of digits may look like a card number.
fn is_in_iban(text: &str, range: &Range<usize>) -> bool {
    let start = char_boundary(text, range.start.saturating_sub(iban::MAX_BYTES));
    let around = &text[start..char_boundary(text, range.end + iban::MAX_BYTES)];
    let ibans = std::iter::successors(iban::find(around, 0), |last| iban::find(around, last.end));
    ibans.map(|iban| iban.start + start..iban.end + start).any(|iban| iban.start < range.end && iban.end > range.start)
}

/// Returns the character boundary at or after `at`, else the end of the text.
fn char_boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
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
    use super::super::fixtures::{assert_found, assert_not_found};
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(text, 0).map(|range| &text[range])
    }

    #[test]
    fn card_numbers_are_found_in_any_notation() {
        assert_found(
            find,
            &["{}", "my card: {}.", "({}),", "a\n{}\n"],
            &[
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
            ],
        );
        for text in [
            "x 4111111111111111,5555555555554444",
            "1:4111111111111111",
            "_4111111111111111_",
            "号4111111111111111です",
            "4111111111111111-123",
        ] {
            assert_eq!(found(text), Some("4111111111111111"), "{text}");
        }
        assert_eq!(found("2 cards: 17 4111 1111 1111 1111 12/28"), Some("4111 1111 1111 1111"));
    }

    #[test]
    fn other_numbers_are_left_alone() {
        assert_not_found(
            find,
            &[
                "4111111111111112",
                "1111111111111117",
                "411111111111",
                "41111111111111111111111111",
                "x4111111111111111",
                "4111111111111111x",
                "4111111111111111_1",
                "0.4111111111111111",
                "4111111111111111.5",
                "4111  1111  1111  1111",
                "4111.1111.1111.1111",
                "+4111111111111111",
                "2026-11-28 20:48:53",
                "abcdefab-1234-4123-8123-123456789012",
                "order 2026 1128 2048",
                // A card number behind another digit, in a row of single digits.
                "9 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                // Bank account numbers, whose groups from the third on are a card number by themselves.
                "PL08 9249 8491 6262 9118 8573 1859",
                "AT45 5748 1327 5157 8391",
                "1767323045612",
                "",
            ],
        );
    }

    #[test]
    fn a_dash_does_not_cut_a_number() {
        assert_eq!(found("17-4111-1111-1111-1111"), None);
        assert_eq!(found("4111-1111-1111-1111-17"), None);
    }
}
