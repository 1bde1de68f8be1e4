//! The prefixes of lines, which tell several conversations apart (OUT-4).

use crate::config::PrefixForm;

/// The minimum length of a prefix in characters.
const MIN_LENGTH: usize = 8;

/// The length of the prefixes: the beginning of each conversation id that makes it unique.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// In characters; `None` for no prefix.
    length: Option<usize>,
    /// Conversations may be added while the program runs.
    grows: bool,
}

impl Prefixes {
    /// Creates prefixes of the shortest length that distinguishes these ids, and no prefix for a single id.
    pub(crate) fn new<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ids: Vec<&str> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        // In sorted order, the ids with the longest common beginning are neighbors.
        let distinct_length = ids.windows(2).map(|pair| common_length(pair[0], pair[1]) + 1).max();
        Self { length: distinct_length.map(|length| length.max(MIN_LENGTH)), grows: false }
    }

    /// Creates prefixes for a growing set of conversations: a single id has a prefix as well.
    pub(crate) fn growing<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let length = Self::new(ids).length.unwrap_or(MIN_LENGTH);
        Self { length: Some(length), grows: true }
    }

    /// Returns these prefixes in the form of `--prefix`, which also applies to a single conversation.
    pub(super) fn in_form(self, form: Option<PrefixForm>) -> Self {
        match form {
            None => self,
            Some(PrefixForm::Short) => Self { length: Some(self.length.unwrap_or(MIN_LENGTH)), ..self },
            Some(PrefixForm::Full) => Self { length: Some(usize::MAX), grows: false },
            Some(PrefixForm::None) => Self { length: None, grows: false },
        }
    }

    /// Returns the prefixes of status lines: they tell several conversations apart in any form, and name no single one
    /// (ERR-10).
    pub(crate) fn of_status_lines(self, form: Option<PrefixForm>) -> Self {
        if self.is_empty() || form != Some(PrefixForm::Full) { self } else { self.in_form(form) }
    }

    /// Returns whether conversations may be added while the program runs.
    pub(crate) fn grows(&self) -> bool {
        self.grows
    }

    /// Lengthens the prefixes to distinguish these two ids.
    pub(super) fn distinguish(&mut self, id: &str, other: &str) {
        self.length = self.length.map(|length| length.max(common_length(id, other) + 1));
    }

    /// Returns the prefix of the conversation `id`, which is all of a shorter id.
    pub(crate) fn of<'id>(&self, id: &'id str) -> Option<&'id str> {
        let length = self.length?;
        let end = id.char_indices().nth(length).map_or(id.len(), |(at, _)| at);
        Some(&id[..end])
    }

    /// Returns whether lines have no prefix: one conversation is followed.
    pub(crate) fn is_empty(&self) -> bool {
        self.length.is_none()
    }
}

fn common_length(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes<'a>(ids: &[&'a str]) -> Vec<Option<&'a str>> {
        let prefixes = Prefixes::new(ids.iter().copied());
        ids.iter().map(|id| prefixes.of(id)).collect()
    }

    #[test]
    fn one_conversation_has_no_prefix() {
        assert_eq!(prefixes(&["97b9dcb3-1"]), [None]);
        assert_eq!(prefixes(&["97b9dcb3-1", "97b9dcb3-1"]), [None, None]);
        assert_eq!(prefixes(&[]), []);
    }

    #[test]
    fn a_prefix_has_eight_characters_or_more_to_be_unique() {
        assert_eq!(prefixes(&["97b9dcb3-1", "a1b2c3d4-2"]), [Some("97b9dcb3"), Some("a1b2c3d4")]);
        assert_eq!(prefixes(&["97b9dcb3-1", "97b9dcb3-2"]), [Some("97b9dcb3-1"), Some("97b9dcb3-2")]);
        let three = ["aaaaaaaaaaXY", "aaaaaaaaaaZY", "bbbbbbbbbbbbbb"];
        assert_eq!(prefixes(&three), [Some("aaaaaaaaaaX"), Some("aaaaaaaaaaZ"), Some("bbbbbbbbbbb")]);
    }

    #[test]
    fn a_form_applies_to_a_single_conversation_too() {
        let id = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
        let forms = [None, Some(PrefixForm::Short), Some(PrefixForm::Full), Some(PrefixForm::None)];
        let in_forms = |prefixes: Prefixes| forms.map(|form| prefixes.in_form(form).of(id));
        assert_eq!(in_forms(Prefixes::new([id])), [None, Some("97b9dcb3"), Some(id), None]);
        assert_eq!(in_forms(Prefixes::growing([])), [Some("97b9dcb3"), Some("97b9dcb3"), Some(id), None]);
        let close = Prefixes::new([id, "97b9dcb3-3c"]);
        assert_eq!(in_forms(close), [Some("97b9dcb3-3c1"), Some("97b9dcb3-3c1"), Some(id), None]);
    }

    #[test]
    fn status_lines_always_tell_several_conversations_apart() {
        let id = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
        let forms = [Some(PrefixForm::Short), Some(PrefixForm::Full), Some(PrefixForm::None)];
        let of_status_lines = |prefixes: Prefixes| forms.map(|form| prefixes.of_status_lines(form).of(id));
        assert_eq!(of_status_lines(Prefixes::new([id])), [None, None, None]);
        assert_eq!(of_status_lines(Prefixes::growing([])), [Some("97b9dcb3"), Some(id), Some("97b9dcb3")]);
    }

    #[test]
    fn growing_prefixes_are_never_empty() {
        assert_eq!(Prefixes::growing([]).of("97b9dcb3-1"), Some("97b9dcb3"));
        assert_eq!(Prefixes::growing(["97b9dcb3-1", "97b9dcb3-2"]).of("97b9dcb3-2"), Some("97b9dcb3-2"));
    }

    #[test]
    fn prefixes_only_get_longer_and_none_stays_none() {
        let mut prefixes = Prefixes::growing([]);
        for (other, expected) in [("a1b2c3d4-2", "97b9dcb3"), ("97b9dcb3-2", "97b9dcb3-1"), ("b", "97b9dcb3-1")] {
            prefixes.distinguish("97b9dcb3-1", other);
            assert_eq!(prefixes.of("97b9dcb3-1"), Some(expected));
        }
        let mut none = Prefixes::default();
        none.distinguish("97b9dcb3-1", "97b9dcb3-2");
        assert_eq!(none.of("97b9dcb3-1"), None);
    }

    #[test]
    fn short_ids_and_ids_that_begin_like_others_are_shown_in_full() {
        assert_eq!(prefixes(&["a", "ab", "b"]), [Some("a"), Some("ab"), Some("b")]);
        assert_eq!(prefixes(&["abcdefgh", "abcdefghi"]), [Some("abcdefgh"), Some("abcdefghi")]);
        assert_eq!(prefixes(&["äöüäöüäöü1", "äöüäöüäöü2"]), [Some("äöüäöüäöü1"), Some("äöüäöüäöü2")]);
    }
}
