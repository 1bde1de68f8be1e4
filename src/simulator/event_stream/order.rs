//! The order of the events of each conversation: some are late, and some are repeated.

use std::collections::BTreeMap;
use std::mem;

use crate::simulator::faults::StreamFault;

/// Holds back the events that follow the next one of their conversation.
#[derive(Debug, Default)]
pub(super) struct EventOrder(BTreeMap<String, HeldEvents>);

#[derive(Debug, Default)]
struct HeldEvents {
    late: Option<String>,
    repeat: Option<String>,
}

impl EventOrder {
    /// Takes an event in, and returns the events to write now.
    pub(super) fn push(&mut self, conversation: &str, event: String, faults: &[StreamFault]) -> Vec<String> {
        let due = self.0.remove(conversation).unwrap_or_default();
        let mut held = HeldEvents::default();
        if faults.contains(&StreamFault::Duplicate) {
            held.repeat = Some(event.clone());
        }
        let mut events = Vec::new();
        if faults.contains(&StreamFault::Disorder) && due.late.is_none() {
            held.late = Some(event);
        } else {
            events.push(event);
        }
        events.extend(due);
        if held.late.is_some() || held.repeat.is_some() {
            self.0.insert(conversation.to_owned(), held);
        }
        events
    }

    /// Returns the events of a conversation that has no further one.
    pub(super) fn finish(&mut self, conversation: &str) -> Vec<String> {
        self.0.remove(conversation).into_iter().flatten().collect()
    }

    /// Returns the events of all conversations.
    pub(super) fn finish_all(&mut self) -> Vec<String> {
        mem::take(&mut self.0).into_values().flatten().collect()
    }
}

impl IntoIterator for HeldEvents {
    type Item = String;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<String>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        [self.late, self.repeat].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::StreamFault::{Disorder, Duplicate};
    use super::*;

    /// Returns the order of events, each given as its conversation, its name and its faults.
    fn order(events: &[(&str, &str, &[StreamFault])]) -> String {
        let mut order = EventOrder::default();
        let mut written = Vec::new();
        for (conversation, event, faults) in events {
            written.extend(order.push(conversation, (*event).to_owned(), faults));
        }
        written.extend(order.finish("a"));
        written.push("|".to_owned());
        written.extend(order.finish_all());
        written.concat()
    }

    #[test]
    fn a_late_event_follows_the_next_one_of_its_conversation() {
        assert_eq!(order(&[("a", "1", &[Disorder]), ("b", "x", &[]), ("a", "2", &[]), ("a", "3", &[])]), "x213|");
    }

    #[test]
    fn two_late_events_change_places() {
        assert_eq!(order(&[("a", "1", &[Disorder]), ("a", "2", &[Disorder]), ("a", "3", &[Disorder])]), "213|");
    }

    #[test]
    fn a_repeat_follows_the_next_event_and_the_late_one() {
        assert_eq!(
            order(&[("a", "1", &[Duplicate]), ("b", "x", &[]), ("a", "2", &[Duplicate]), ("a", "3", &[])]),
            "1x2132|"
        );
        assert_eq!(order(&[("a", "1", &[Disorder, Duplicate]), ("a", "2", &[])]), "211|");
    }

    #[test]
    fn nothing_is_held_back_at_the_end() {
        assert_eq!(
            order(&[("a", "1", &[Disorder, Duplicate]), ("c", "y", &[Disorder]), ("b", "x", &[Duplicate])]),
            "x11|xy"
        );
    }
}
