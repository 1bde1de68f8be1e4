//! Telling several conversations apart.

/// The fewest characters of an id that are shown.
const SHORTEST: usize = 8;

/// How much of a conversation's id stands in its lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// In characters; `None` where there is nothing to tell apart.
    length: Option<usize>,
    /// Whether others may join.
    grows: bool,
}

impl Prefixes {
    /// As much as tells these ids apart, the same length for all, and nothing when there is but one.
    #[must_use]
    pub fn new<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ids: Vec<&str> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        // Sorted, the ids that share most are neighbours.
        let distinct = ids.windows(2).map(|pair| shared(pair[0], pair[1]) + 1).max();
        Self { length: distinct.map(|length| length.max(SHORTEST)), grows: false }
    }

    /// The same where others may join: there always is a prefix, and it gets longer where the next one demands it.
    #[must_use]
    pub fn growing<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let length = Self::new(ids).length.unwrap_or(SHORTEST);
        Self { length: Some(length), grows: true }
    }

    /// Whether others may join.
    #[must_use]
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// The beginning of `id` to show, the whole of it where it is short; `None` for no prefix at all.
    #[must_use]
    pub fn of<'id>(&self, id: &'id str) -> Option<&'id str> {
        let length = self.length?;
        let end = id.char_indices().nth(length).map_or(id.len(), |(at, _)| at);
        Some(&id[..end])
    }
}

fn shared(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(ids: &[&'a str]) -> Vec<Option<&'a str>> {
        let prefixes = Prefixes::new(ids.iter().copied());
        ids.iter().map(|id| prefixes.of(id)).collect()
    }

    #[test]
    fn one_conversation_has_no_prefix() {
        assert_eq!(shown(&["97b9dcb3-1"]), [None]);
        assert_eq!(shown(&["97b9dcb3-1", "97b9dcb3-1"]), [None, None]);
        assert_eq!(shown(&[]), []);
    }

    #[test]
    fn eight_characters_or_as_many_as_it_takes() {
        assert_eq!(shown(&["97b9dcb3-1", "a1b2c3d4-2"]), [Some("97b9dcb3"), Some("a1b2c3d4")]);
        assert_eq!(shown(&["97b9dcb3-1", "97b9dcb3-2"]), [Some("97b9dcb3-1"), Some("97b9dcb3-2")]);
        let three = ["aaaaaaaaaaXY", "aaaaaaaaaaZY", "bbbbbbbbbbbbbb"];
        assert_eq!(shown(&three), [Some("aaaaaaaaaaX"), Some("aaaaaaaaaaZ"), Some("bbbbbbbbbbb")]);
    }

    #[test]
    fn where_others_may_join_there_is_always_one() {
        assert_eq!(Prefixes::growing([]).of("97b9dcb3-1"), Some("97b9dcb3"));
        assert_eq!(Prefixes::growing(["97b9dcb3-1", "97b9dcb3-2"]).of("97b9dcb3-2"), Some("97b9dcb3-2"));
    }

    #[test]
    fn short_ids_and_ids_within_ids() {
        assert_eq!(shown(&["a", "ab", "b"]), [Some("a"), Some("ab"), Some("b")]);
        assert_eq!(shown(&["abcdefgh", "abcdefghi"]), [Some("abcdefgh"), Some("abcdefghi")]);
        assert_eq!(shown(&["äöüäöüäöü1", "äöüäöüäöü2"]), [Some("äöüäöüäöü1"), Some("äöüäöüäöü2")]);
    }
}
