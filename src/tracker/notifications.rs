//! What the service tells without being asked.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Conversation, Tracker};
use crate::config::is_valid_id;
use crate::source::BackfillReason;
use crate::wire::conversation::Snapshot;
use crate::wire::notification::Notification;
use crate::wire::transcription::Transcription;

/// Conversations of groups that are followed at the same time. No queue has as many, and each takes memory.
const MOST_WATCHED: usize = 10_000;

/// How often complaints of the service may be mentioned.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

impl Tracker {
    /// Takes what the service tells. The reader gets nothing of it but by what it leads to.
    pub(crate) fn hear(&mut self, notice: Notification) {
        match notice {
            Notification::Conversation(snapshot) => self.hear_of(snapshot),
            Notification::Transcription(transcription) => self.hear_call(transcription),
            Notification::DetailEvent { conversation, .. } => self.with(&conversation, Conversation::look_soon),
            Notification::RequestRefused(words) => self.complain(&words),
            Notification::Typing { .. }
            | Notification::Heartbeat
            | Notification::Pong
            | Notification::Acknowledged
            | Notification::Unknown(_) => {}
            Notification::SocketClosing
            | Notification::ChannelLost(_)
            | Notification::TokenRevoked
            | Notification::Malformed(_) => {}
        }
        self.collect();
    }

    fn hear_of(&mut self, snapshot: Snapshot) {
        let Some(id) = snapshot.id.clone() else { return };
        if !snapshot.has_ended() {
            self.join(&id);
        }
        let ledger = Rc::clone(&self.ledger);
        self.with(&id, |watch| {
            // What was there at the start is for a look to tell, which is complete.
            if watch.is_seen() {
                watch.see(snapshot, false, |message, at| ledger.borrow().is_delivered(&id, message, at));
            }
        });
    }

    /// Follows a conversation of a group from its first message on, however little of the past is wanted of others.
    pub(super) fn join(&mut self, id: &str) {
        if self.groups.is_empty() || !is_valid_id(id) || self.gone.contains(id) || self.watches.has(id) {
            return;
        }
        if self.watches.len() < MOST_WATCHED {
            self.watch(id, None, BackfillReason::Joined);
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
        let only = self.watches.ids().next().filter(|_| self.watches.len() == 1).cloned();
        if let Some(id) = transcription.conversation.clone().or(only) {
            self.with(&id, |watch| watch.hear(transcription));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::rest::Rest;
    use crate::config::{History, Targets};
    use crate::output::Prefixes;
    use crate::tracker::Mode;

    fn desk() -> Tracker {
        let past = History { lines: None, since: None, follow: true };
        let groups = Targets { queues: vec!["q".to_owned()], users: Vec::new() };
        Tracker::new(Rest::to_nowhere(), Mode::Full, groups, past, Prefixes::default(), Rc::default())
    }

    #[tokio::test]
    async fn conversations_without_end_are_not_all_followed() {
        let mut desk = desk();
        let conversation = |number: usize| {
            Notification::Conversation(Snapshot::from_value(
                &json!({ "id": number, "participants": [{ "state": "connected" }] }),
            ))
        };
        (1..MOST_WATCHED).for_each(|number| desk.watch(&number.to_string(), None, BackfillReason::Joined));
        (0..5).for_each(|number| desk.hear(conversation(MOST_WATCHED + number)));
        assert_eq!((desk.watches.len(), desk.crowded), (MOST_WATCHED, true));
        desk.part_with("7");
        desk.hear(conversation(MOST_WATCHED + 7));
        assert_eq!(desk.watches.len(), MOST_WATCHED, "one has ended, and another takes its place");
    }

    #[tokio::test(start_paused = true)]
    async fn complaints_of_the_service_are_mentioned_once_in_a_while() {
        let mut desk = desk();
        for (wait, quiet) in [(0, 60), (59, 60), (1, 120)] {
            tokio::time::advance(Duration::from_secs(wait)).await;
            let before = Instant::now();
            desk.hear(Notification::RequestRefused("no".to_owned()));
            let until = desk.quiet_until.expect("something was said");
            assert_eq!((until - before).as_secs(), quiet - if quiet == 120 { 60 } else { wait });
        }
    }
}
