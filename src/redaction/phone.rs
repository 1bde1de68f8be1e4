//! Telephone numbers: `+` and 8 to 15 digits, with separators as people write them.

use std::ops::{Range, RangeInclusive};

use super::boundary::{is_blank_or_dash, is_word, may_end};

const DIGITS: RangeInclusive<usize> = 8..=15;

/// The maximum number of separators between two digits, as in `+1 (555) - 555`.
const MAX_SEPARATORS: usize = 3;

/// Returns the first number that starts at or after `from`.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + text[at..].find('+')?;
        at = start + 1;
        // In `5+3`, `1e+10` and `C++` the sign belongs to a longer word.
        let is_sign = text[..start].chars().next_back().is_none_or(|one| (one == '_' || !is_word(one)) && one != '+')
            && text[at..].starts_with(|one: char| one.is_ascii_digit() || one == '(');
        if let (true, Some(end)) = (is_sign, end_of_number(text, at)) {
            return Some(start..end);
        }
    }
}

/// Returns the end of the longest number whose digits start at `start`.
fn end_of_number(text: &str, start: usize) -> Option<usize> {
    let (mut digits, mut separators, mut end) = (0, 0, None);
    for (offset, one) in text[start..].char_indices() {
        if one.is_ascii_digit() {
            (digits, separators) = (digits + 1, 0);
            let after = start + offset + 1;
            if digits > *DIGITS.end() {
                break;
            }
            if DIGITS.contains(&digits) && (may_end(text, after) || is_extension(&text[after..])) {
                end = Some(after);
            }
        } else {
            separators += 1;
            let is_separator = is_blank_or_dash(one) || matches!(one, '.' | '/' | '(' | ')');
            if !is_separator || separators > MAX_SEPARATORS {
                break;
            }
        }
    }
    end
}

/// Returns whether a text starts with an extension such as `x12`.
fn is_extension(text: &str) -> bool {
    text.strip_prefix(['x', 'X']).is_some_and(|rest| rest.starts_with(|one: char| one.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{assert_found, assert_not_found};
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(text, 0).map(|range| &text[range])
    }

    #[test]
    fn numbers_are_found_in_any_notation() {
        assert_found(
            find,
            &["{}", "tel:{}", "call {}, please", "({})"],
            &[
                "+442079460958",
                "+44 20 7946 0958",
                "+44 (0)20 7946 0958",
                "+1 (555) 555-0140",
                "+1-555-555-0140",
                "+1.555.555.0140",
                "+49 30/901820",
                "+49\u{a0}30\u{a0}901820",
                "+(44) 20 7946 0958",
                "+12345678",
            ],
        );
        for text in ["+15555550140,123#", "+15555550140x12", "电话是+15555550140。", "_+15555550140_"] {
            assert_eq!(found(text), Some("+15555550140"), "{text}");
        }
        assert_eq!(found("+44 20 7946 0958 10:30"), Some("+44 20 7946 0958"));
    }

    #[test]
    fn other_numbers_are_left_alone() {
        assert_not_found(
            find,
            &[
                "020 7946 0958",
                "+1234567",
                "+1234567890123456",
                "5+12345678",
                "1e+12345678",
                "2026-11-28T20:48:53+01:00",
                "+12345678a",
                "C++ 12345678",
                "+",
                "",
            ],
        );
    }
}
