//! Redaction of personal data in text from the network (SVC-12 to SVC-14): cards, bank accounts, addresses, numbers.

mod boundary;
mod card;
mod email;
mod event;
mod iban;
mod json;
mod phone;

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;

/// The replacement of what a pattern of the user matches.
const PATTERN_REPLACEMENT: &str = "[redacted]";

/// The personal data to replace. The default replaces nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redaction {
    kinds: Vec<RedactionKind>,
    patterns: Vec<Regex>,
}

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RedactionKind {
    /// A card number: 13 to 19 digits with a valid check digit.
    Card,
    /// An international bank account number with valid check digits.
    Iban,
    /// An e-mail address.
    Email,
    /// A telephone number with `+` and country code.
    Phone,
}

/// A value of `--redact`.
#[derive(Debug, Clone)]
pub(crate) enum Redact {
    /// Some of the kinds.
    Kinds(Vec<RedactionKind>),
    /// A pattern of the user.
    Pattern(Regex),
}

/// Finds the first match that starts at or after an offset.
type Find = fn(&str, usize) -> Option<Range<usize>>;

impl RedactionKind {
    /// All kinds, in the order in which they are applied (SVC-14).
    pub(crate) const ALL: [Self; 4] = [Self::Card, Self::Iban, Self::Email, Self::Phone];

    fn replacement(self) -> &'static str {
        match self {
            Self::Card => "[card]",
            Self::Iban => "[iban]",
            Self::Email => "[email]",
            Self::Phone => "[phone]",
        }
    }

    fn find(self) -> Find {
        match self {
            Self::Card => card::find,
            Self::Iban => iban::find,
            Self::Email => email::find,
            Self::Phone => phone::find,
        }
    }
}

impl Redaction {
    /// Returns a redaction of these kinds, applied in the order of [`RedactionKind::ALL`], and then of these patterns.
    pub(crate) fn new(mut kinds: Vec<RedactionKind>, patterns: Vec<Regex>) -> Self {
        kinds.sort_unstable();
        kinds.dedup();
        Self { kinds, patterns }
    }

    /// Returns the redaction that several values of `--redact` choose together.
    pub(crate) fn of(chosen: Vec<Redact>) -> Self {
        let (mut kinds, mut patterns) = (Vec::new(), Vec::new());
        for choice in chosen {
            match choice {
                Redact::Kinds(chosen) => kinds.extend(chosen),
                Redact::Pattern(pattern) => patterns.push(pattern),
            }
        }
        Self::new(kinds, patterns)
    }

    /// Returns whether nothing is redacted.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.patterns.is_empty()
    }

    /// Returns the text with each match replaced. Borrowed if nothing matches.
    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        for kind in &self.kinds {
            if let Some(replaced) = replace_all(&redacted, kind.find(), kind.replacement()) {
                redacted = Cow::Owned(replaced);
            }
        }
        for pattern in &self.patterns {
            if let Some(replaced) = replace_pattern(&redacted, pattern) {
                redacted = Cow::Owned(replaced);
            }
        }
        redacted
    }
}

/// Replaces the matches of a pattern, but not within the replacements of earlier ones. `None` without a match.
fn replace_pattern(text: &str, pattern: &Regex) -> Option<String> {
    let (mut replaced, mut rest, mut is_changed) = (String::new(), text, false);
    loop {
        let (part, replacement) = next_replacement(rest);
        let redacted = pattern.replace_all(part, regex::NoExpand(PATTERN_REPLACEMENT));
        is_changed |= matches!(redacted, Cow::Owned(_));
        replaced.push_str(&redacted);
        replaced.push_str(replacement);
        rest = &rest[part.len() + replacement.len()..];
        if rest.is_empty() {
            return is_changed.then_some(replaced);
        }
    }
}

/// Returns the text before the first replacement in it, and that replacement; empty if there is none.
fn next_replacement(text: &str) -> (&str, &'static str) {
    let replacements = || RedactionKind::ALL.map(RedactionKind::replacement).into_iter().chain([PATTERN_REPLACEMENT]);
    let found = text.match_indices('[').find_map(|(at, _)| {
        let replacement = replacements().find(|replacement| text[at..].starts_with(replacement))?;
        Some((&text[..at], replacement))
    });
    found.unwrap_or((text, ""))
}

fn replace_all(text: &str, find: Find, replacement: &str) -> Option<String> {
    let mut found = find(text, 0)?;
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    loop {
        replaced.push_str(&text[copied..found.start]);
        replaced.push_str(replacement);
        copied = found.end;
        match find(text, copied) {
            Some(next) => found = next,
            None => break,
        }
    }
    replaced.push_str(&text[copied..]);
    Some(replaced)
}

#[cfg(test)]
mod fixtures {
    use super::Find;

    /// Asserts that each number or address is found as a whole, in each of these contexts: `{}` stands for it.
    pub(super) fn assert_found(find: Find, contexts: &[&str], personal: &[&str]) {
        for one in personal {
            for context in contexts {
                let text = context.replace("{}", one);
                assert_eq!(find(&text, 0).map(|range| &text[range]), Some(*one), "{text}");
            }
        }
    }

    /// Asserts that nothing is found in these texts.
    pub(super) fn assert_not_found(find: Find, texts: &[&str]) {
        for text in texts {
            assert_eq!(find(text, 0), None, "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> Redaction {
        Redaction::new(RedactionKind::ALL.to_vec(), Vec::new())
    }

    #[test]
    fn each_kind_has_its_replacement() {
        for (text, expected) in [
            ("pay with 4111 1111 1111 1111 please", "pay with [card] please"),
            ("to DE89 3704 0044 0532 0130 00, thanks", "to [iban], thanks"),
            ("write to sam.okafor@example.com.", "write to [email]."),
            ("call +44 20 7946 0958!", "call [phone]!"),
            ("a@example.com, b@example.org", "[email], [email]"),
            ("nothing to see", "nothing to see"),
            ("", ""),
        ] {
            assert_eq!(all().apply(text), expected);
        }
    }

    #[test]
    fn a_text_without_a_match_is_borrowed() {
        assert!(matches!(all().apply("order 4711 of 2026-11-28"), Cow::Borrowed(_)));
    }

    #[test]
    fn only_the_selected_kinds_are_redacted() {
        let text = "4111111111111111 a@example.com";
        assert_eq!(Redaction::new(vec![RedactionKind::Email], Vec::new()).apply(text), "4111111111111111 [email]");
        assert_eq!(Redaction::default().apply(text), text);
        assert!(Redaction::default().is_empty());
    }

    /// A quadratic search would take minutes.
    #[test]
    fn long_hostile_texts_take_linear_time() {
        for part in [
            "4111111111111111 ",
            "@",
            "a%40",
            "a@b",
            "abc-4111111111111111-",
            "+",
            "+1 ",
            "1 ",
            "4 ",
            "DE89",
            "4",
            "DE89 3704 ",
            "a@b.cd,",
        ] {
            let text = part.repeat(1 << 16);
            assert!(!all().apply(&text).is_empty(), "{part}");
        }
    }

    #[test]
    fn patterns_come_last_and_their_replacement_is_literal() {
        let patterns = [r"A-\d+", "[a-z]+@"].map(|pattern| Regex::new(pattern).unwrap()).to_vec();
        let redaction = Redaction::new(vec![RedactionKind::Email], patterns);
        assert_eq!(redaction.apply("A-17 sam@example.com x@"), "[redacted] [email] [redacted]");
    }

    #[test]
    fn patterns_leave_replacements_alone() {
        let redaction = Redaction::new(vec![RedactionKind::Email], vec![Regex::new("[a-z]+").unwrap()]);
        let once = redaction.apply("Write sam@example.com [now]").into_owned();
        assert_eq!(once, "W[redacted] [email] [[redacted]]");
        assert_eq!(redaction.apply(&once), once);
    }

    #[test]
    fn the_order_of_kinds_does_not_depend_on_the_order_given() {
        let reversed = RedactionKind::ALL.into_iter().rev().collect();
        // An address to one kind, a number before a sign to the other.
        let text = "+12345678@example.com";
        assert_eq!(all().apply(text), "+[email]");
        assert_eq!(Redaction::new(reversed, Vec::new()).apply(text), all().apply(text));
    }

    proptest! {
        #[test]
        fn a_second_redaction_changes_nothing(text in "(4111 ?|1111-?|[0-9 +@.:_-]|a@b\\.cd|DE89 ?|%40|[a-zé\u{a0}]|\\PC){0,40}") {
            let once = all().apply(&text).into_owned();
            prop_assert_eq!(&*all().apply(&once), &once);
        }

        #[test]
        fn every_valid_number_is_found_between_words(digits in "[2-6][0-9]{11,17}", before in "[a-z ]{0,9} ", after in "[ ,.!?][a-z ]{0,9}") {
            let check = (0..10).find(|check| card::find(&format!("{digits}{check}"), 0).is_some()).expect("one of ten is valid");
            let text = format!("{before}{digits}{check}{after}");
            prop_assert_eq!(&*all().apply(&text), &format!("{before}[card]{after}"));
        }
    }
}
