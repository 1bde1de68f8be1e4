//! The link between [`Dedup`](super::Dedup) and a cursor file.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::checkpoint::{CLOSED_KEY, ResumePoint};
use crate::event::{Checkpoint, EventBody, TranscriptEvent};

/// The progress of earlier runs, and the checkpoint of the event that was admitted last.
#[derive(Debug)]
pub(super) struct ResumeState {
    resume_points: HashMap<String, ResumePoint>,
    /// The ids of conversations, shared by their checkpoints.
    conversations: HashMap<String, Arc<str>>,
    pending: Option<Checkpoint>,
    /// The checkpoint of the side and time of an utterance.
    utterance: Option<Checkpoint>,
}

impl ResumeState {
    pub(super) fn new(resume_points: HashMap<String, ResumePoint>) -> Self {
        Self { resume_points, conversations: HashMap::new(), pending: None, utterance: None }
    }

    pub(super) fn resume_point(&self, conversation: &str) -> Option<ResumePoint> {
        self.resume_points.get(conversation).copied()
    }

    /// Returns whether an earlier run delivered an event, judged by everything but its fingerprint.
    pub(super) fn is_delivered(&self, event: &TranscriptEvent<'_>) -> bool {
        let Some(resume_point) = self.resume_points.get(event.conversation) else { return false };
        match event.body {
            EventBody::Message(_) | EventBody::Update { .. } => resume_point.covers(event.at),
            EventBody::Closed => resume_point.closed,
            EventBody::Gap(_) => false,
        }
    }

    /// Prepares the checkpoint of an admitted event. An event without a fingerprint has none, except for the end of a
    /// conversation, which is unique.
    pub(super) fn on_admitted(&mut self, event: &TranscriptEvent<'_>, fingerprint: Option<u64>) {
        let (key, at) = match event.body {
            EventBody::Closed => (Some(CLOSED_KEY), None),
            _ => (fingerprint, event.at.as_ref().map(DateTime::<Utc>::timestamp_millis)),
        };
        let Some(key) = key else { return };
        self.pending = Some(Checkpoint { conversation: self.shared_id(event.conversation), key, at });
    }

    /// Prepares the checkpoint of the side and time of an admitted utterance.
    pub(super) fn on_utterance(&mut self, event: &TranscriptEvent<'_>, fingerprint: u64) {
        let at = event.at.as_ref().map(DateTime::<Utc>::timestamp_millis);
        self.utterance = Some(Checkpoint { conversation: self.shared_id(event.conversation), key: fingerprint, at });
    }

    pub(super) fn take_utterance_checkpoint(&mut self) -> Option<Checkpoint> {
        self.utterance.take()
    }

    pub(super) fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        self.pending.take()
    }

    fn shared_id(&mut self, conversation: &str) -> Arc<str> {
        if let Some(id) = self.conversations.get(conversation) {
            return Arc::clone(id);
        }
        let id: Arc<str> = conversation.into();
        self.conversations.insert(conversation.to_owned(), Arc::clone(&id));
        id
    }
}
