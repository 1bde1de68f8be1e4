//! The objects of a line: items, utterances, and mentions of conversations.

use std::borrow::Cow;
use std::collections::VecDeque;

use tokio::time::Instant;

use super::StreamLink;
use crate::config::is_valid_id;
use crate::dedup::EventIds;
use crate::source::ItemKind;
use crate::tracker::StreamCalls;
use crate::wire::event_stream::{StreamEvent, StreamObject, notification_text};

/// An object that is an item of its own. Utterances follow as further items.
#[derive(Debug)]
pub(super) struct ReadObject {
    pub(super) conversation: String,
    pub(super) frame: Option<String>,
    pub(super) kind: ItemKind<'static>,
}

impl ReadObject {
    /// Makes the item of a line that cannot be read.
    pub(super) fn malformed(reason: &'static str, frame: Option<String>) -> Self {
        Self { conversation: String::new(), frame, kind: ItemKind::MalformedLine(Cow::Borrowed(reason)) }
    }
}

/// The parts of a stream that the objects of a line change.
pub(super) struct LineObjects<'r, 'a> {
    pub(super) keeps_frames: bool,
    pub(super) calls: &'r mut StreamCalls,
    pub(super) ids: &'r mut EventIds,
    pub(super) link: Option<&'a StreamLink>,
    pub(super) objects: &'r mut VecDeque<ReadObject>,
    pub(super) now: Instant,
}

impl LineObjects<'_, '_> {
    /// Takes an object: as an item if it is one, and its utterances and mentions if it is no repeat.
    pub(super) fn on_object(&mut self, object: StreamObject<'_>) {
        let StreamObject { id, text, event } = object;
        let has_valid_id = conversation_of(&event).is_none_or(is_valid_id);
        let event = if has_valid_id { event } else { StreamEvent::Malformed("not a conversation id".to_owned()) };
        let kind = match &event {
            StreamEvent::Transcription(_) | StreamEvent::Detail(_) => ItemKind::Notification,
            StreamEvent::Other(topic) => ItemKind::Ignored(Cow::Owned(topic.clone())),
            StreamEvent::Malformed(reason) => ItemKind::MalformedLine(Cow::Owned(reason.clone())),
        };
        if self.keeps_frames || kind != ItemKind::Notification {
            let conversation = conversation_of(&event).unwrap_or_default().to_owned();
            let frame = self.keeps_frames.then(|| notification_text(text).to_owned());
            self.objects.push_back(ReadObject { conversation, frame, kind });
        }
        if id.is_none_or(|id| self.ids.insert(id)) {
            self.apply(event);
        }
    }

    fn apply(&mut self, event: StreamEvent) {
        let mention = match event {
            StreamEvent::Transcription(transcription) => self.calls.on_transcription(transcription, self.now),
            StreamEvent::Detail(detail) => self.calls.on_detail(&detail, self.now),
            StreamEvent::Other(_) | StreamEvent::Malformed(_) => None,
        };
        if let Some((link, mention)) = self.link.zip(mention) {
            link.mention(mention);
        }
    }
}

fn conversation_of(event: &StreamEvent) -> Option<&str> {
    match event {
        StreamEvent::Transcription(transcription) => transcription.conversation.as_deref(),
        StreamEvent::Detail(detail) => Some(&detail.conversation),
        StreamEvent::Other(_) | StreamEvent::Malformed(_) => None,
    }
}
