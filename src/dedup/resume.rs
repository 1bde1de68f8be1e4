//! What a ledger knows of earlier runs, and what it tells the next one.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::checkpoint::{CLOSED_KEY, ResumePoint};
use crate::event::{Checkpoint, EventBody, TranscriptEvent};

/// The link between a ledger and a cursor.
#[derive(Debug)]
pub(super) struct Journal {
    begun: HashMap<String, ResumePoint>,
    names: HashMap<String, Arc<str>>,
    pending: Option<Checkpoint>,
}

impl Journal {
    pub(super) fn new(begun: HashMap<String, ResumePoint>) -> Self {
        Self { begun, names: HashMap::new(), pending: None }
    }

    pub(super) fn resume_point(&self, conversation: &str) -> Option<ResumePoint> {
        self.begun.get(conversation).copied()
    }

    /// Whether an earlier run has delivered it, as far as its key does not tell.
    pub(super) fn has(&self, event: &TranscriptEvent<'_>) -> bool {
        let Some(begun) = self.begun.get(event.conversation) else { return false };
        match event.body {
            EventBody::Message(_) | EventBody::Update { .. } => begun.covers(event.at),
            EventBody::Closed => begun.closed,
            EventBody::Gap(_) => false,
        }
    }

    /// Notes what is delivered now. What cannot be recognised later is not noted, but for the end, of which there is one.
    pub(super) fn note(&mut self, event: &TranscriptEvent<'_>, key: Option<u64>) {
        let (key, at) = match event.body {
            EventBody::Closed => (Some(CLOSED_KEY), None),
            _ => (key, event.at.as_ref().map(DateTime::<Utc>::timestamp_millis)),
        };
        let Some(key) = key else { return };
        self.pending = Some(Checkpoint { conversation: self.name(event.conversation), key, at });
    }

    pub(super) fn take(&mut self) -> Option<Checkpoint> {
        self.pending.take()
    }

    fn name(&mut self, conversation: &str) -> Arc<str> {
        if let Some(name) = self.names.get(conversation) {
            return Arc::clone(name);
        }
        let name: Arc<str> = conversation.into();
        self.names.insert(conversation.to_owned(), Arc::clone(&name));
        name
    }
}
