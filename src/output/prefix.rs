//! The prefixes of lines, which tell several conversations apart (OUT-4).

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

    /// Returns whether conversations may be added while the program runs.
    pub(crate) fn grows(&self) -> bool {
        self.grows
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
    fn growing_prefixes_are_never_empty() {
        assert_eq!(Prefixes::growing([]).of("97b9dcb3-1"), Some("97b9dcb3"));
        assert_eq!(Prefixes::growing(["97b9dcb3-1", "97b9dcb3-2"]).of("97b9dcb3-2"), Some("97b9dcb3-2"));
    }

    #[test]
    fn short_ids_and_ids_that_begin_like_others_are_shown_in_full() {
        assert_eq!(prefixes(&["a", "ab", "b"]), [Some("a"), Some("ab"), Some("b")]);
        assert_eq!(prefixes(&["abcdefgh", "abcdefghi"]), [Some("abcdefgh"), Some("abcdefghi")]);
        assert_eq!(prefixes(&["äöüäöüäöü1", "äöüäöüäöü2"]), [Some("äöüäöüäöü1"), Some("äöüäöüäöü2")]);
    }
}
