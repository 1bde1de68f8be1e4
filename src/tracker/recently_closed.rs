//! Conversations that are followed no more, so that a late word about one does not begin it anew.

use std::collections::{HashSet, VecDeque};

/// The latest of them are remembered. The service speaks of one for minutes after its end, not for days.
const REMEMBERED: usize = 10_000;

/// The latest of them.
#[derive(Debug, Default)]
pub(super) struct RecentlyClosed {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl RecentlyClosed {
    /// One more.
    pub(super) fn note(&mut self, id: &str) {
        if !self.known.insert(id.to_owned()) {
            return;
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id.to_owned());
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.known.contains(id)
    }

    /// The one that went last.
    pub(super) fn latest(&self) -> Option<&str> {
        self.order.back().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered() {
        let mut gone = RecentlyClosed::default();
        (0..=REMEMBERED).for_each(|number| gone.note(&number.to_string()));
        gone.note("7");
        assert_eq!((gone.has("0"), gone.has("1"), gone.has("10000")), (false, true, true));
        assert_eq!((gone.latest(), gone.known.len()), (Some("10000"), REMEMBERED));
    }
}
