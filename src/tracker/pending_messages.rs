//! Messages whose ids are known and whose bodies are missing.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::MAX_CLOCK_DIFFERENCE;
use super::protocol::{Now, TimedEvent};
use super::request_budget::RequestBudget;
use crate::event::Origin;
use crate::wire::conversation::{ListedOutcome, MessageKind, MessageRef};
use crate::wire::message::MessageBody;

/// The maximum number of ids in one request. The service accepts 1,000 and recommends small requests.
const MAX_IDS_PER_REQUEST: usize = 200;

/// The maximum lag of a body behind its id (NTF-12).
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A message whose body is missing.
#[derive(Debug)]
pub(super) struct PendingMessage {
    pub(super) id: String,
    pub(super) time: Option<DateTime<Utc>>,
    pub(super) kind: MessageKind,
    pub(super) outcome: ListedOutcome,
    /// The key of the participant whose list holds the message.
    pub(super) participant: String,
    pub(super) origin: Origin,
    /// The message belongs to the backfill, which is emitted before live events.
    is_backfill: bool,
    first_requested: Option<Instant>,
    attempts: u32,
}

/// The messages of one conversation whose bodies are missing.
#[derive(Debug, Default)]
pub(super) struct PendingMessages {
    queued: Vec<PendingMessage>,
    in_flight: Vec<PendingMessage>,
    to_retry: Vec<DelayedMessage>,
    /// Events without a body, in their place among the messages.
    ordered_events: Vec<TimedEvent>,
    budget: RequestBudget,
    failures: u32,
    /// The time since when the queued messages, and those in flight, have waited.
    queued_since: Option<Instant>,
    in_flight_since: Option<Instant>,
}

/// A message whose body was missing from a response and is requested again.
#[derive(Debug)]
struct DelayedMessage {
    retry_at: Instant,
    message: PendingMessage,
}

impl PendingMessage {
    /// Creates a message that was not requested yet.
    pub(super) fn new(entry: MessageRef, participant: String, origin: Origin, is_backfill: bool) -> Self {
        let MessageRef { id, sent_at: time, kind, outcome } = entry;
        Self { id, time, kind, outcome, participant, origin, is_backfill, first_requested: None, attempts: 0 }
    }

    /// Returns whether the text is requested. Message events carry it in the list.
    fn has_body(&self) -> bool {
        !matches!(self.kind, MessageKind::Event(_))
    }

    /// Returns whether the body had enough time to arrive. The wall clock, which may be wrong, decides for old history only.
    fn has_expired(&self, now: Now) -> bool {
        let is_old = |time| self.origin == Origin::History && now.wall - time > MAX_CLOCK_DIFFERENCE;
        self.first_requested.is_some_and(|first| now.mono - first >= BODY_TIMEOUT) || self.time.is_some_and(is_old)
    }
}

impl PendingMessages {
    /// Adds a message.
    pub(super) fn add(&mut self, message: PendingMessage) {
        self.queued.push(message);
    }

    /// Records that the messages that were added wait from now on, unless others already do.
    pub(super) fn mark_waiting(&mut self, now: Instant) {
        if !self.queued.is_empty() {
            self.queued_since.get_or_insert(now);
        }
    }

    /// Removes the event with this id that was not emitted yet.
    pub(super) fn remove_event(&mut self, id: &str) {
        self.queued.retain(|message| message.has_body() || message.id != id);
        self.in_flight.retain(|message| message.has_body() || message.id != id);
    }

    /// Adds events without a body, to be emitted in their place among the messages.
    pub(super) fn add_ordered(&mut self, events: Vec<TimedEvent>) {
        self.ordered_events.extend(events);
    }

    /// Returns the number of requests that failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Makes the queued and requested messages a part of the backfill, after an outage. Delayed ones stay.
    pub(super) fn mark_as_backfill(&mut self) {
        self.failures = 0;
        self.queued.iter_mut().chain(&mut self.in_flight).for_each(|message| message.is_backfill = true);
    }

    /// Removes all messages and returns their ids.
    pub(super) fn cancel_all(&mut self) -> impl Iterator<Item = String> + use<> {
        let Self { queued, in_flight, to_retry, .. } = std::mem::take(self);
        let delayed = to_retry.into_iter().map(|delayed| delayed.message);
        queued.into_iter().chain(in_flight).chain(delayed).map(|message| message.id)
    }

    /// Starts a request if one is due. Returns its ids, oldest first; none if the lists hold everything that is needed.
    pub(super) fn start_request(&mut self, now: Instant) -> Option<Vec<String>> {
        if self.next_at(now).is_none_or(|due| due > now) {
            return None;
        }
        let due = self.to_retry.extract_if(.., |delayed| delayed.retry_at <= now);
        self.queued.extend(due.map(|delayed| delayed.message));
        self.queued.sort_by_key(|message| (!message.is_backfill, message.time));
        // The backfill is emitted on its own, before live events.
        let backfill = self.queued.iter().take_while(|message| message.is_backfill).count();
        let count = if backfill > 0 { backfill } else { self.queued.len() };
        self.in_flight = self.queued.drain(..count.min(MAX_IDS_PER_REQUEST)).collect();
        self.in_flight_since = self.queued_since.take();
        self.mark_waiting(now);
        let mut ids = Vec::new();
        for message in self.in_flight.iter_mut().filter(|message| message.has_body()) {
            message.first_requested.get_or_insert(now);
            ids.push(message.id.clone());
        }
        if !ids.is_empty() {
            self.budget.record_request(now);
        }
        Some(ids)
    }

    /// Completes the request with the bodies that arrived, and returns events made by `to_event`. A missing body is
    /// requested again for a minute; then its event is made without it.
    pub(super) fn complete(
        &mut self,
        bodies: Vec<MessageBody>,
        now: Now,
        to_event: impl Fn(&PendingMessage, Option<MessageBody>) -> TimedEvent,
    ) -> Vec<TimedEvent> {
        self.failures = 0;
        let mut bodies: HashMap<String, MessageBody> = bodies.into_iter().map(|body| (body.id.clone(), body)).collect();
        let mut events = self.ordered_events_until(self.queued.iter().filter_map(|message| message.time).min());
        for message in std::mem::take(&mut self.in_flight) {
            let body = bodies.remove(&message.id).filter(MessageBody::is_complete);
            let has_no_body = !message.has_body() || message.outcome.is_removed();
            if body.is_some() || has_no_body || message.has_expired(now) {
                events.push(to_event(&message, body));
            } else {
                self.retry_later(message, now.mono);
            }
        }
        events
    }

    /// Requests the body again later. The message delays neither the backfill nor the end.
    fn retry_later(&mut self, mut message: PendingMessage, now: Instant) {
        let delay = Duration::from_millis(500 << message.attempts.min(4));
        message.attempts += 1;
        message.is_backfill = false;
        self.to_retry.push(DelayedMessage { retry_at: now + delay, message });
    }

    /// Takes the ordered events that precede the first queued message, or all if none is queued.
    fn ordered_events_until(&mut self, first_queued: Option<DateTime<Utc>>) -> Vec<TimedEvent> {
        let precedes = |event: &mut TimedEvent| first_queued.is_none_or(|first| event.at.is_none_or(|at| at <= first));
        self.ordered_events.extract_if(.., precedes).collect()
    }

    /// Records that the request failed. Its messages are queued again.
    pub(super) fn request_failed(&mut self) {
        self.failures += 1;
        self.queued.append(&mut self.in_flight);
        self.queued_since = self.in_flight_since.or(self.queued_since);
    }

    /// Returns when the next request may start, which may have passed; `None` while one is in flight or none is needed.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        if !self.in_flight.is_empty() {
            return None;
        }
        let queued = (!self.queued.is_empty()).then_some(now);
        let retry = self.to_retry.iter().map(|delayed| delayed.retry_at).min();
        let due = queued.into_iter().chain(retry).min()?;
        Some(due.max(self.budget.next_at(now)))
    }

    /// Returns since when the messages of the next request have waited.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let delayed = self.to_retry.iter().map(|delayed| delayed.retry_at);
        self.queued_since.into_iter().chain(delayed).min()
    }

    /// Returns whether a body of the backfill is missing and not delayed.
    pub(super) fn has_backfill(&self) -> bool {
        self.queued.iter().chain(&self.in_flight).any(|message| message.is_backfill)
    }

    /// Returns the number of bodies of the backfill that are missing and not delayed.
    pub(super) fn backfill_count(&self) -> usize {
        self.queued.iter().chain(&self.in_flight).filter(|message| message.is_backfill).count()
    }

    /// Returns whether a body is missing and not delayed.
    pub(super) fn is_fetching(&self) -> bool {
        !self.queued.is_empty() || !self.in_flight.is_empty()
    }

    /// Returns whether no body is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.in_flight.is_empty() && self.to_retry.is_empty()
    }

    /// Returns whether the body of this message is missing.
    pub(super) fn contains(&self, id: &str) -> bool {
        let delayed = self.to_retry.iter().map(|delayed| &delayed.message);
        self.queued.iter().chain(&self.in_flight).chain(delayed).any(|message| message.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventBody;

    fn pending(id: &str, is_backfill: bool) -> PendingMessage {
        let time = id.parse().ok().and_then(|second| DateTime::from_timestamp(second, 0));
        let entry =
            MessageRef { id: id.to_owned(), sent_at: time, kind: MessageKind::Text, outcome: ListedOutcome::default() };
        let origin = if is_backfill { Origin::History } else { Origin::Live };
        PendingMessage::new(entry, "p".into(), origin, is_backfill)
    }

    fn body(id: &str) -> MessageBody {
        MessageBody { id: id.to_owned(), text: Some("hello".to_owned()), ..MessageBody::default() }
    }

    fn to_event(message: &PendingMessage, body: Option<MessageBody>) -> TimedEvent {
        let what = body.map(|_| message.id.clone().into());
        TimedEvent::new(message.time, EventBody::Update { description: what })
    }

    #[test]
    fn the_backfill_is_requested_first_and_on_its_own() {
        let (mut messages, now) = (PendingMessages::default(), Now::read());
        for (id, is_backfill) in [("3", false), ("9", true), ("1", false), ("8", true)] {
            messages.add(pending(id, is_backfill));
        }
        assert_eq!(messages.start_request(now.mono).expect("ids"), ["8", "9"]);
        assert!(messages.has_backfill() && messages.is_fetching());
        let events = messages.complete(vec![body("9"), body("8"), body("7")], now, to_event);
        assert_eq!(events.len(), 2, "a body that was not requested is ignored");
        assert!(!messages.has_backfill());
        assert_eq!(messages.start_request(now.mono).expect("ids"), ["1", "3"]);
        assert!(messages.contains("1") && !messages.contains("8") && !messages.is_empty());
    }

    #[test]
    fn cancelling_returns_the_ids_of_all_messages() {
        let (mut messages, now) = (PendingMessages::default(), Now::read());
        messages.add(pending("1", false));
        messages.start_request(now.mono).expect("ids");
        messages.complete(Vec::new(), now, to_event);
        messages.add(pending("2", false));
        messages.start_request(now.mono).expect("ids");
        messages.add(pending("3", false));
        let mut cancelled: Vec<String> = messages.cancel_all().collect();
        cancelled.sort_unstable();
        assert_eq!((cancelled, messages.is_empty()), (vec!["1".to_owned(), "2".into(), "3".into()], true));
    }
}
