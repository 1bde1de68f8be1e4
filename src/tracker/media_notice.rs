//! The notices that nothing of a conversation is printed: because of its media (TGT-14), or because the service lists no
//! messages of one that has ended.

use crate::wire::conversation::{Medium, Snapshot};

/// The media of a conversation, as far as the notice needs them.
#[derive(Debug, Default)]
pub(super) struct MediaNotice {
    /// The conversation has or had messages or calls.
    is_printed: bool,
    has_been_due: bool,
    messages: ListedMessages,
    is_empty: bool,
    /// The media to name.
    due: Option<Vec<Medium>>,
}

/// The messages of all snapshots.
#[derive(Debug, Default)]
struct ListedMessages {
    has_communication: bool,
    has_any: bool,
}

impl MediaNotice {
    /// Applies the media of a snapshot. The notice is due once, if there are other media and neither messages nor calls.
    pub(super) fn on_snapshot(&mut self, snapshot: &Snapshot) {
        self.is_printed |= snapshot.has_messages || snapshot.has_calls;
        self.messages.has_communication |= snapshot.has_messages;
        self.messages.has_any |= snapshot.participants.iter().any(|participant| !participant.messages.is_empty());
        if !self.is_printed && !snapshot.other_media.is_empty() && !std::mem::replace(&mut self.has_been_due, true) {
            self.due = Some(snapshot.other_media.clone());
        }
    }

    /// Records that the history of a conversation was listed.
    pub(super) fn on_history_listed(&mut self, has_ended: bool) {
        self.is_empty = has_ended && self.messages.has_communication && !self.messages.has_any;
    }

    /// Takes the fact that a conversation that has ended has no messages.
    pub(super) fn take_empty(&mut self) -> bool {
        std::mem::take(&mut self.is_empty)
    }

    /// Takes the media of a notice that is due.
    pub(super) fn take(&mut self) -> Option<Vec<Medium>> {
        self.due.take()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn notices(snapshots: &[Value]) -> Vec<Option<Vec<Medium>>> {
        let mut notice = MediaNotice::default();
        let apply = |participant: &Value| {
            notice.on_snapshot(&Snapshot::from_value(&json!({ "participants": [participant] })));
            notice.take()
        };
        snapshots.iter().map(apply).collect()
    }

    #[test]
    fn a_message_conversation_that_has_ended_without_messages_is_noticed_once() {
        let message = json!([{"state": "disconnected", "messages": [{"messageId": "m1"}]}]);
        let none = json!([{"state": "disconnected", "messages": []}]);
        for (participant, has_ended, expected) in [
            (json!({"messages": none}), true, true),
            (json!({"messages": none}), false, false),
            (json!({"messages": message}), true, false),
            (json!({"calls": none}), true, false),
            (json!({}), true, false),
        ] {
            let mut notice = MediaNotice::default();
            notice.on_snapshot(&Snapshot::from_value(&json!({ "participants": [participant] })));
            notice.on_history_listed(has_ended);
            assert_eq!([notice.take_empty(), notice.take_empty()], [expected, false], "{participant} {has_ended}");
        }
    }

    #[test]
    fn a_conversation_with_neither_messages_nor_calls_is_noticed_once() {
        let (email, call) = (json!([{"state": "connected"}]), json!([{"state": "connected"}]));
        let due = || Some(vec![Medium::Email]);
        assert_eq!(notices(&[json!({}), json!({"emails": email}), json!({"emails": email})]), [None, due(), None]);
        assert_eq!(notices(&[json!({"emails": email, "calls": call}), json!({"emails": email})]), [None, None]);
        assert_eq!(notices(&[json!({"emails": email, "state": "connected", "messages": []})]), [None]);
        let callback = json!({"callbacks": call});
        assert_eq!(notices(&[callback, json!({"calls": call})]), [Some(vec![Medium::Callback]), None]);
    }
}
