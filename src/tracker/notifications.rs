//! The effect of notifications. A notification is never shown itself: it leads to requests, and these to events.

use super::protocol::BackfillReason;
use super::{ConversationStart, Now, SnapshotKind, Tracker, Warning};
use crate::config::is_valid_id;
use crate::dedup::Dedup;
use crate::wire::conversation::Snapshot;
use crate::wire::notification::Notification;
use crate::wire::transcription::Transcription;

impl Tracker {
    pub(super) fn on_notification(&mut self, notification: Notification, now: Now, dedup: &Dedup) {
        match notification {
            Notification::Conversation(snapshot) => self.on_partial_snapshot(snapshot, now, dedup),
            Notification::Transcription(transcription) => self.on_transcription(transcription, now),
            Notification::DetailEvent { conversation, .. } => {
                self.update(&conversation, |conversation| conversation.poll_for_news(now.mono));
            }
            Notification::RequestRefused(text) => self.warnings.push_back(Warning::ServiceMessage(text)),
            Notification::SocketClosing => self.channel.on_close_announced(now.mono),
            Notification::ChannelLost(reason) => self.lose_channel(&reason),
            Notification::TokenRevoked => self.lose_channel("its token was revoked"),
            Notification::Typing { .. }
            | Notification::Heartbeat
            | Notification::Pong
            | Notification::Acknowledged
            | Notification::Unknown(_)
            | Notification::Malformed(_) => {}
        }
    }

    fn on_partial_snapshot(&mut self, snapshot: Snapshot, now: Now, dedup: &Dedup) {
        let Some(id) = snapshot.id.clone() else { return };
        if !snapshot.has_ended() && self.wants(&snapshot) {
            self.follow_discovered(&id, now, dedup);
        }
        self.update(&id, |conversation| {
            conversation.mark_news(now.mono);
            // The first snapshot must be complete: it tells what was there at the start.
            if conversation.is_known() {
                let is_delivered = |kind, message: &str, at| dedup.is_delivered(&id, kind, message, at);
                conversation.apply_snapshot(snapshot, SnapshotKind::Partial, now, is_delivered);
            }
        });
        self.note_participants(&id);
    }

    /// Returns whether the media of a conversation of the targets are followed and permitted.
    fn wants(&self, snapshot: &Snapshot) -> bool {
        let media = self.options.targets.media;
        let wants_calls = media.calls && !self.subscriptions.denies_transcriptions();
        let has_neither = !snapshot.has_messages && !snapshot.has_calls;
        has_neither || (snapshot.has_messages && media.messages) || (snapshot.has_calls && wants_calls)
    }

    /// Records that a conversation is followed because of its queue or user.
    pub(super) fn mark_of_target(&mut self, id: &str) {
        let media = self.options.targets.media;
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.mark_of_target(media);
        }
    }

    /// Stops following the calls of the targets if their transcriptions are not permitted (TGT-11).
    pub(super) fn drop_denied_calls(&mut self) {
        if !self.subscriptions.denies_transcriptions() {
            return;
        }
        let calls = self.conversations.values().filter(|conversation| conversation.is_call_of_target());
        let ids: Vec<String> = calls.map(|conversation| conversation.id().to_owned()).collect();
        for id in &ids {
            self.stop_following(id);
        }
    }

    /// Follows a conversation of the targets from its first message on, whatever `-n` and `--since` say of the history of
    /// others.
    pub(super) fn follow_discovered(&mut self, id: &str, now: Now, dedup: &Dedup) {
        let is_new = !self.recently_closed.contains(id) && !self.conversations.contains_key(id);
        if !self.follows_targets() || !is_valid_id(id) || !is_new {
            return;
        }
        if self.has_room() {
            let start = ConversationStart { not_before: None, reason: BackfillReason::Joined };
            self.start_following(id, start, now, dedup);
            self.mark_of_target(id);
        }
    }

    fn on_transcription(&mut self, transcription: Transcription, now: Now) {
        let mut ids = self.conversations.keys();
        let only = ids.next().filter(|_| self.conversations.len() == 1).cloned();
        if let Some(id) = transcription.conversation.clone().or(only) {
            self.update(&id, |conversation| conversation.handle_transcription(transcription, now));
        }
    }
}
