//! What the service tells without being asked.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Desk, Watch, is_id};
use crate::genesys::conversation::Snapshot;
use crate::genesys::notice::Notice;
use crate::genesys::transcription::Transcription;
use crate::source::Why;

/// Conversations of groups that are followed at the same time. No queue has as many, and each takes memory.
const MOST_WATCHED: usize = 10_000;

/// How often complaints of the service may be mentioned.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

impl Desk {
    /// Takes what the service tells. The reader gets nothing of it but by what it leads to.
    pub(in crate::source) fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Conversation(snapshot) => self.hear_of(snapshot),
            Notice::Transcription(transcription) => self.hear_call(transcription),
            Notice::Detail { conversation, .. } => self.with(&conversation, Watch::look_soon),
            Notice::Refused(words) => self.complain(&words),
            Notice::Typing { .. } | Notice::Heartbeat | Notice::Pong | Notice::Acknowledged | Notice::Other(_) => {}
            Notice::Closing | Notice::ChannelGone(_) | Notice::TokenRevoked | Notice::Unreadable(_) => {}
        }
        self.collect();
    }

    fn hear_of(&mut self, snapshot: Snapshot) {
        let Some(id) = snapshot.id.clone() else { return };
        if !snapshot.is_over() {
            self.join(&id);
        }
        let ledger = Rc::clone(&self.ledger);
        self.with(&id, |watch| {
            // What was there at the start is for a look to tell, which is complete.
            if watch.is_seen() {
                watch.see(snapshot, false, |message| ledger.borrow().knows(&id, message));
            }
        });
    }

    /// Follows a conversation of a group from its first message on, however little of the past is wanted of others.
    pub(super) fn join(&mut self, id: &str) {
        if self.groups.is_empty() || !is_id(id) || self.gone.has(id) || self.watches.contains_key(id) {
            return;
        }
        if self.watches.len() < MOST_WATCHED {
            self.watch(id, None, Why::Joined);
        } else if !std::mem::replace(&mut self.crowded, true) {
            tracing::warn!("{MOST_WATCHED} conversations are followed already; no more are joined until some end");
        }
    }

    /// Mentions what the service complains about, once in a while.
    fn complain(&mut self, words: &str) {
        let now = Instant::now();
        if self.quiet_until.is_none_or(|until| until <= now) {
            self.quiet_until = Some(now + COMPLAINT_INTERVAL);
            tracing::warn!("the notification service complains: {words}");
        }
    }

    fn hear_call(&mut self, transcription: Transcription) {
        let only = self.watches.keys().next().filter(|_| self.watches.len() == 1).cloned();
        if let Some(id) = transcription.conversation.clone().or(only) {
            self.with(&id, |watch| watch.hear(transcription));
        }
    }
}
