//! The link between the event stream and the notifications source of a run.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tokio::sync::Notify;

use crate::tracker::{Mention, Participants};

/// The maximum number of conversations that wait for the source. It follows fewer at a time.
const MAX_MENTIONS: usize = 20_000;

/// Carries mentions of conversations from the stream to the source, and participants of calls the other way. Neither waits for
/// the other: mentions of one conversation become one.
#[derive(Debug, Default)]
pub(crate) struct StreamLink {
    mentions: RefCell<Mentions>,
    mentioned: Notify,
    stream_end: Cell<StreamEnd>,
    participants: RefCell<HashMap<String, Participants>>,
    published: Notify,
}

/// The mentions that the source has not taken yet, oldest first.
#[derive(Debug, Default)]
struct Mentions {
    list: Vec<Mention>,
    places: HashMap<String, usize>,
}

/// The end of the stream, as far as the source knows of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum StreamEnd {
    #[default]
    Ahead,
    Reached,
    Returned,
}

impl StreamLink {
    /// Tells the source of a conversation.
    pub(super) fn mention(&self, mention: Mention) {
        self.mentions.borrow_mut().add(mention);
        self.mentioned.notify_one();
    }

    /// Tells the source that everything was read.
    pub(super) fn end(&self) {
        self.stream_end.set(StreamEnd::Reached);
        self.mentioned.notify_one();
    }

    /// Waits for mentions; `None` once after the last one. Cancel safe.
    pub(in crate::source) async fn next_mentions(&self) -> Option<Vec<Mention>> {
        loop {
            let Mentions { list, .. } = self.mentions.take();
            if !list.is_empty() {
                return Some(list);
            }
            if self.stream_end.get() == StreamEnd::Reached {
                self.stream_end.set(StreamEnd::Returned);
                return None;
            }
            self.mentioned.notified().await;
        }
    }

    /// Tells the stream who takes part in a call.
    pub(in crate::source) fn publish(&self, conversation: String, participants: Participants) {
        self.participants.borrow_mut().insert(conversation, participants);
        self.published.notify_one();
    }

    /// Waits for participants of calls. Cancel safe.
    pub(super) async fn next_participants(&self) -> HashMap<String, Participants> {
        loop {
            let participants = self.participants.take();
            if !participants.is_empty() {
                return participants;
            }
            self.published.notified().await;
        }
    }
}

impl Mentions {
    fn add(&mut self, mention: Mention) {
        match self.places.entry(mention.conversation.clone()) {
            Entry::Occupied(place) => {
                let known = &mut self.list[*place.get()];
                known.is_new |= mention.is_new;
                known.is_changed |= mention.is_changed;
            }
            Entry::Vacant(_) if self.list.len() >= MAX_MENTIONS => {}
            Entry::Vacant(place) => {
                place.insert(self.list.len());
                self.list.push(mention);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn mention(conversation: &str, is_new: bool, is_changed: bool) -> Mention {
        Mention { conversation: conversation.to_owned(), is_new, is_changed }
    }

    #[test]
    fn mentions_of_one_conversation_are_one_and_the_end_comes_last_and_once() {
        let link = StreamLink::default();
        assert!(link.next_mentions().now_or_never().is_none());
        for one in [mention("b", true, false), mention("a", false, false), mention("b", false, true)] {
            link.mention(one);
        }
        link.end();
        let expected = Some(vec![mention("b", true, true), mention("a", false, false)]);
        assert_eq!(link.next_mentions().now_or_never(), Some(expected));
        assert_eq!(link.next_mentions().now_or_never(), Some(None));
        assert_eq!(link.next_mentions().now_or_never(), None);
    }

    #[test]
    fn mentions_that_nothing_takes_are_bounded() {
        let link = StreamLink::default();
        for number in 0..=MAX_MENTIONS {
            link.mention(mention(&number.to_string(), false, false));
        }
        let taken = link.next_mentions().now_or_never().flatten().map(|list| list.len());
        assert_eq!(taken, Some(MAX_MENTIONS));
    }
}
