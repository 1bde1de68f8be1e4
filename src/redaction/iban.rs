//! International bank account numbers (ISO 13616): the length of their country, with valid check digits.

use std::ops::Range;

use super::boundary::{is_blank_or_dash, is_word, may_start};

/// The lengths of the countries in the registry of ISO 13616, by country code.
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 \
    EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 \
    KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 \
    PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// The maximum length in bytes: 34 characters with a separator of up to three bytes behind each.
pub(super) const MAX_BYTES: usize = 34 * 4;

/// Returns the first number that starts at or after `from`.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // Check digits are rarer than letters.
    (from..bytes.len().saturating_sub(14)).find_map(|start| {
        let is_candidate =
            bytes[start..start + 2].iter().all(u8::is_ascii_alphabetic) && bytes[start + 2].is_ascii_digit();
        let length = if is_candidate { length_of(&text[start..start + 2]) } else { None }?;
        let end = may_start(text, start).then(|| end_of_number(text, start, length))??;
        has_valid_check_digits(&text[start..end]).then_some(start..end)
    })
}

fn length_of(country: &str) -> Option<usize> {
    let entry = LENGTHS.split_ascii_whitespace().find(|entry| entry[..2].eq_ignore_ascii_case(country))?;
    entry[2..].parse().ok()
}

/// Returns the end of `length` letters and digits with single blanks or dashes between them.
fn end_of_number(text: &str, start: usize, length: usize) -> Option<usize> {
    let (mut count, mut after_separator) = (0, true);
    for (offset, one) in text[start..].char_indices() {
        if one.is_ascii_alphanumeric() {
            (count, after_separator) = (count + 1, false);
        } else if is_blank_or_dash(one) && !after_separator {
            after_separator = true;
        } else {
            return None;
        }
        if count == length {
            let end = start + offset + 1;
            return (!text[end..].starts_with(is_word)).then_some(end);
        }
    }
    None
}

/// Returns whether the number is 1 modulo 97 with its first four characters moved to the end and letters as 10 to 35.
fn has_valid_check_digits(number: &str) -> bool {
    let values: Vec<u32> = number.chars().filter_map(|one| one.to_digit(36)).collect();
    let (first, rest) = values.split_at(4);
    let remainder = rest.iter().chain(first).fold(0, |remainder, value| {
        let places = if *value > 9 { 100 } else { 10 };
        (remainder * places + value) % 97
    });
    remainder == 1
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
            &["{}", "IBAN: {}.", "({}),", "{} and 12 more"],
            &[
                "DE89370400440532013000",
                "DE89 3704 0044 0532 0130 00",
                "de89 3704 0044 0532 0130 00",
                "DE89-3704-0044-0532-0130-00",
                "DE89\u{a0}3704\u{a0}0044\u{a0}0532\u{a0}0130\u{a0}00",
                "GB82 WEST 1234 5698 7654 32",
                "GB82WEST12345698765432",
                "FR14 2004 1010 0505 0001 3M02 606",
                "NO93 8601 1117 947",
                "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
                "CH93 0076 2011 6238 5295 7",
            ],
        );
    }

    #[test]
    fn other_text_is_left_alone() {
        assert_eq!(found("1.DE89 3704 0044 0532 0130 00"), Some("DE89 3704 0044 0532 0130 00"));
        assert_not_found(
            find,
            &[
                "DE88370400440532013000",
                "DE893704004405320130001",
                "XDE89370400440532013000",
                "DE8937040044053201300",
                "ZZ89370400440532013000",
                "DE89  3704 0044 0532 0130 00",
                "DE89.3704.0044.0532.0130.00",
                "NO93 is a postcode here",
                "é7 DE89 37é0 0440 5320 1300 0",
                "",
            ],
        );
    }

    #[test]
    fn each_country_has_a_length() {
        for entry in LENGTHS.split_ascii_whitespace() {
            let length = length_of(&entry[..2]).unwrap_or_default();
            assert!((15..=34).contains(&length), "{entry}");
        }
    }
}
