//! E-mail addresses as people write them: `local@domain` with at least two labels, also with `%40` as in a URL.

use std::ops::Range;

/// The sign between name and domain, and the same in a URL.
const SIGNS: [&str; 2] = ["@", "%40"];

/// Returns the first address that starts at or after `from`. Takes linear time: no part of the text belongs to the names of
/// two signs.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let (mut earliest, mut at) = (from, from);
    loop {
        let start = at + text[at..].find(['@', '%'])?;
        let Some(sign) = SIGNS.iter().find(|sign| text[start..].starts_with(**sign)) else {
            at = start + 1;
            continue;
        };
        let end = start + sign.len();
        if let Some(address) = address_around(text, earliest, start..end) {
            return Some(address);
        }
        (earliest, at) = (end, end);
    }
}

fn address_around(text: &str, earliest: usize, sign: Range<usize>) -> Option<Range<usize>> {
    let start = start_of_local(&text[earliest..sign.start])? + earliest;
    let end = end_of_domain(&text[sign.end..])? + sign.end;
    Some(start..end)
}

/// Returns the start of the local part at the end of `text`.
fn start_of_local(text: &str) -> Option<usize> {
    let kept = text.trim_end_matches(is_local);
    // A dot, and the quote before a quoted word, are no part of the address.
    let local = text[kept.len()..].trim_start_matches(|one: char| !one.is_alphanumeric());
    (!local.is_empty() && !local.ends_with('.')).then(|| text.len() - local.len())
}

fn is_local(one: char) -> bool {
    one.is_alphanumeric() || ".!#$%&'*+-^_`{|}~".contains(one)
}

/// Returns the end of the domain at the start of `text`: at least two labels, the last one with at least two letters.
fn end_of_domain(text: &str) -> Option<usize> {
    let rest = text.trim_start_matches(|one: char| one.is_alphanumeric() || matches!(one, '.' | '-'));
    let longest = &text[..text.len() - rest.len()];
    let mut domain = longest.split_once("..").map_or(longest, |(domain, _)| domain);
    // What follows the last label with a name may be the next sentence.
    loop {
        domain = domain.trim_end_matches(['.', '-']);
        let (labels, last) = domain.rsplit_once('.')?;
        let is_top = last.chars().count() >= 2 && last.chars().next().is_some_and(char::is_alphabetic);
        if is_top && !labels.is_empty() {
            return (!domain.starts_with('.')).then_some(domain.len());
        }
        domain = labels;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{assert_found, assert_not_found};
    use super::*;

    fn found(text: &str) -> Option<&str> {
        find(text, 0).map(|range| &text[range])
    }

    #[test]
    fn addresses_are_found_in_any_notation() {
        assert_found(
            find,
            &["{}", "mailto:{}?subject=x", "<{}>,", "an {}."],
            &[
                "sam@example.com",
                "SAM.OKAFOR@EXAMPLE.CO.UK",
                "sam+billing@mail.example.org",
                "sam_o'neil-x@ex-ample.travel",
                "jörg@exämple.de",
                "7@example.io",
                "a&b@example.com",
                "sam%40example.com",
                "sam@xn--exmple-cua.com",
            ],
        );
        assert_eq!(found("https://x.example/?to=sam@example.com&n=1"), Some("sam@example.com"));
        for text in [
            "'sam@example.com'",
            "_sam@example.com_",
            "sam@example.com...can you",
            "sam@example.com.2 days",
            "sam@example.com@",
            "*sam@example.com*",
        ] {
            assert_eq!(found(text), Some("sam@example.com"), "{text}");
        }
    }

    #[test]
    fn other_text_is_left_alone() {
        assert_not_found(
            find,
            &[
                "@sam",
                "sam@",
                "sam@localhost",
                "sam@10.0.0.1",
                "a@b",
                "me @ example.com",
                "5 @ 3.50",
                "x@y.z",
                "@",
                "a.@b.cd",
                "100%40 of it",
                "",
            ],
        );
    }
}
