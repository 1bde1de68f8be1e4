//! The conversations of a desk, by their ids.

use std::collections::BTreeMap;

use super::conversation::Conversation;

/// In the order of their ids. Each has a place of its own in memory: a map that held them itself would take the room of
/// eleven for one, and on the transcript socket there is a desk for each conversation.
#[derive(Debug, Default)]
pub(super) struct Conversations(BTreeMap<String, Box<Conversation>>);

impl Conversations {
    /// Begins with the conversation unless it is there.
    pub(super) fn begin(&mut self, id: &str, watch: impl FnOnce() -> Conversation) {
        self.0.entry(id.to_owned()).or_insert_with(|| Box::new(watch()));
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    pub(super) fn get(&self, id: &str) -> Option<&Conversation> {
        self.0.get(id).map(AsRef::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Conversation> {
        self.0.get_mut(id).map(AsMut::as_mut)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Conversation> {
        self.0.values().map(AsRef::as_ref)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Conversation> {
        self.0.values_mut().map(AsMut::as_mut)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
