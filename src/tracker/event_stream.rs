//! Conversations of an event stream: followed as those of queues and users are, but for their calls, whose text the stream
//! brings (STR-2).

use super::participants::Participants;
use super::protocol::{BackfillReason, Mention};
use super::{ConversationStart, Now, Tracker};
use crate::config::is_valid_id;
use crate::dedup::Dedup;

/// The state of the event stream of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamState {
    /// The run has no stream.
    None,
    Open,
    /// Everything was read.
    Ended,
}

impl Tracker {
    /// Returns whether everything that a stream which has ended told of was emitted, and nothing else is followed.
    pub(crate) fn is_stream_complete(&self) -> bool {
        let is_settled =
            |conversation: &super::Conversation| conversation.is_streamed() && !conversation.is_poll_urgent();
        self.stream == StreamState::Ended
            && !self.follows_targets()
            && self.is_caught_up()
            && self.conversations.values().all(|conversation| is_settled(conversation))
    }

    /// Takes the participants of a call of the stream that have changed, once no name is missing.
    pub(crate) fn poll_participants(&mut self) -> Option<(String, Participants)> {
        let named = |id: &&String| self.conversations.get(*id).is_none_or(|one| one.participants().are_named());
        while let Some(id) = self.changed_calls.iter().find(named).cloned() {
            self.changed_calls.remove(&id);
            if let Some(conversation) = self.conversations.get(&id) {
                return Some((id, conversation.participants().clone()));
            }
        }
        None
    }

    /// Follows a conversation that the stream mentions: from its first message on if it has just begun.
    pub(super) fn on_mentioned(&mut self, mention: Mention, now: Now, dedup: &Dedup) {
        let Mention { conversation: id, is_new, is_changed } = mention;
        if let Some(conversation) = self.conversations.get_mut(&id) {
            if is_changed {
                conversation.poll_for_news(now.mono);
            }
            return;
        }
        if self.recently_closed.contains(&id) || !is_valid_id(&id) || !self.has_room() {
            return;
        }
        if is_new {
            let start = ConversationStart { not_before: None, reason: BackfillReason::Joined };
            self.start_following(&id, start, now, dedup);
        } else {
            self.follow(&id, now, dedup);
        }
        let media = self.options.targets.media;
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.mark_streamed(media);
            if is_changed {
                conversation.poll_for_news(now.mono);
            }
        }
    }

    pub(super) fn on_stream_ended(&mut self) {
        self.stream = StreamState::Ended;
    }

    /// Notes that the participants of a conversation may have changed.
    pub(super) fn note_participants(&mut self, id: &str) {
        let is_call = |conversation: &super::Conversation| conversation.is_streamed() && conversation.has_calls();
        if self.conversations.get(id).is_some_and(|conversation| is_call(conversation)) {
            self.changed_calls.insert(id.to_owned());
        }
    }
}
