//! The comparison of names as people read them: without differences of Unicode form or letter case (TGT-7).

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Returns a text in the composed form (NFC), in which `é` is one character. macOS file names and some keyboards have two.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    const { ComposingNormalizerBorrowed::new_nfc() }.normalize(text)
}

/// Returns a text without differences of Unicode form and letter case: `ß` equals `SS`, and a dotless `ı` equals `I`. A
/// capital `İ` keeps its dot. The language does not count.
pub(crate) fn caseless(text: &str) -> String {
    composed(text).to_uppercase().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_in_any_case_and_unicode_form() {
        for (a, b) in [
            ("Billing", "bILLING"),
            ("Zu\u{308}rich", "Zürich"),
            ("ZU\u{308}RICH", "zürich"),
            ("e\u{301}\u{323}", "e\u{323}\u{301}"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("STRASSE", "straße"),
            ("ΟΔΟΣ", "οδός".replace('ό', "ο").as_str()),
            ("ΣΑΣ", "σασ"),
            ("ısparta", "ISPARTA"),
            ("J\u{30c}", "ǰ"),
        ] {
            assert_eq!(caseless(a), caseless(b), "{a} {b}");
        }
    }

    #[test]
    fn different_letters_stay_different() {
        for (a, b) in [("İzmir", "izmir"), ("resume", "résumé"), ("１", "1"), ("ﬁ", "f i")] {
            assert_ne!(caseless(a), caseless(b), "{a} {b}");
        }
        assert_eq!(composed("Zu\u{308}rich"), "Zürich");
    }
}
