//! The schedule of faults: which of them are still to happen.

use std::sync::Mutex;

use chrono::TimeDelta;

use super::fault::{
    CallFault, Endpoint, Fault, FaultAction, NotificationFault, RequestFault, Share, SocketFault, StreamFault,
};
use crate::simulator::lock::lock;

/// Every fault of the process, with its counter.
#[derive(Debug)]
pub(crate) struct FaultSchedule(Mutex<Vec<FaultCounter>>);

#[derive(Debug)]
struct FaultCounter {
    fault: Fault,
    /// The number of requests, or connections, that it could have happened to.
    opportunities: u64,
    remaining: Option<u64>,
}

/// A fault that is due on a connection after some frames.
#[derive(Debug)]
pub(crate) struct PendingFault<T> {
    counter: usize,
    /// The number of frames to send before it.
    pub(crate) after: u64,
    pub(crate) fault: T,
}

impl FaultSchedule {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let counter = |fault: Fault| FaultCounter { remaining: fault.times, opportunities: 0, fault };
        Self(Mutex::new(faults.into_iter().map(counter).collect()))
    }

    /// Takes the faults of a request in the order given: every delay and change that is due, and at most one that
    /// replaces the response. `request_line` is the method and path.
    pub(crate) fn take_request_faults(
        &self,
        endpoint: Endpoint,
        conversation: Option<&str>,
        request_line: &str,
    ) -> Vec<RequestFault> {
        let mut due: Vec<RequestFault> = Vec::new();
        let mut is_replaced = false;
        let mut counters = lock(&self.0);
        for counter in counters.iter_mut().filter(|counter| counter.applies_to_request(conversation, request_line)) {
            let FaultAction::Request(at, fault) = counter.fault.action.clone() else { continue };
            let replaces = fault.replaces_response();
            if at != endpoint || !counter.is_due(counter.fault.after) || (replaces && is_replaced) || !counter.take() {
                continue;
            }
            is_replaced |= replaces;
            due.push(fault);
        }
        due
    }

    /// Returns the faults of a new transcript socket. They count as happened only once they are taken.
    pub(crate) fn transcript_socket_faults(&self, conversation: &str) -> Vec<PendingFault<SocketFault>> {
        self.pending(Some(conversation), |action| match action {
            FaultAction::TranscriptSocket(fault) => Some(fault.clone()),
            _ => None,
        })
    }

    /// Returns the faults of a new notification socket. They count as happened only once they are taken.
    pub(crate) fn notification_socket_faults(&self) -> Vec<PendingFault<NotificationFault>> {
        self.pending(None, |action| match action {
            FaultAction::NotificationSocket(NotificationFault::StatusUpdates | NotificationFault::Truncate(_)) => None,
            FaultAction::NotificationSocket(fault) => Some(fault.clone()),
            _ => None,
        })
    }

    /// Takes a pending fault. Returns false if other connections have used it up.
    pub(crate) fn take<T>(&self, pending: &PendingFault<T>) -> bool {
        lock(&self.0)[pending.counter].take()
    }

    /// Takes the first fault in `pending` that `wanted` accepts, whatever its `after`. Returns whether it happens.
    pub(crate) fn take_first<T>(&self, pending: &mut Vec<PendingFault<T>>, wanted: impl Fn(&T) -> bool) -> bool {
        let index = pending.iter().position(|pending| wanted(&pending.fault));
        index.is_some_and(|index| self.take(&pending.remove(index)))
    }

    pub(crate) fn denies_permission(&self, permission: &str) -> bool {
        self.take_matching(|action| matches!(action, FaultAction::DenyPermission(denied) if denied == permission))
    }

    pub(crate) fn rejects_topic(&self, topic: &str) -> bool {
        self.take_matching(|action| matches!(action, FaultAction::RejectTopic(part) if topic.contains(part.as_str())))
    }

    /// Returns the time from the end of a call until its transcript is available; `None` if it never is.
    pub(crate) fn transcript_delay(&self) -> Option<TimeDelta> {
        if self.breaks_call_transcript(&CallFault::NoTranscript) {
            return None;
        }
        let delay = self.call_fault(|fault| match fault {
            CallFault::TranscriptAfter(delay) => TimeDelta::from_std(*delay).ok(),
            _ => None,
        });
        Some(delay.unwrap_or_default())
    }

    /// Returns the minimum size of stored transcripts.
    pub(crate) fn transcript_size(&self) -> usize {
        let size = self.call_fault(|fault| match fault {
            CallFault::HugeTranscript(bytes) => Some(*bytes),
            _ => None,
        });
        size.unwrap_or_default()
    }

    /// Returns whether this fault happens to a stored transcript now.
    pub(crate) fn breaks_call_transcript(&self, fault: &CallFault) -> bool {
        self.take_matching(|action| matches!(action, FaultAction::StoredTranscript(due) if due == fault))
    }

    fn call_fault<T>(&self, find: impl Fn(&CallFault) -> Option<T>) -> Option<T> {
        lock(&self.0).iter().find_map(|counter| match &counter.fault.action {
            FaultAction::StoredTranscript(fault) => find(fault),
            _ => None,
        })
    }

    /// Takes the faults of an event of the stream. `random` decides those that happen to a share of the events.
    pub(crate) fn take_stream_faults(&self, conversation: &str, random: &mut fastrand::Rng) -> Vec<StreamFault> {
        let mut counters = lock(&self.0);
        let concerned = counters.iter_mut().filter(|counter| counter.applies_to(Some(conversation)));
        let take = |counter: &mut FaultCounter| {
            let FaultAction::EventStream(fault, share) = counter.fault.action else { return None };
            let is_chosen = share.is_none_or(|Share(share)| random.f64() < share);
            (counter.is_due(counter.fault.after) && is_chosen && counter.take()).then_some(fault)
        };
        concerned.filter_map(take).collect()
    }

    /// Returns whether events report the delivery status of a message after it was sent.
    pub(crate) fn publishes_status_updates(&self) -> bool {
        self.take_matching(|action| matches!(action, FaultAction::NotificationSocket(NotificationFault::StatusUpdates)))
    }

    /// Returns the maximum number of messages that an event lists for each participant.
    pub(crate) fn max_listed_messages(&self) -> usize {
        let counters = lock(&self.0);
        let limit = counters.iter().find_map(|counter| match counter.fault.action {
            FaultAction::NotificationSocket(NotificationFault::Truncate(limit)) => Some(limit),
            _ => None,
        });
        limit.unwrap_or(usize::MAX)
    }

    fn pending<T>(
        &self,
        conversation: Option<&str>,
        select: impl Fn(&FaultAction) -> Option<T>,
    ) -> Vec<PendingFault<T>> {
        let mut pending = Vec::new();
        for (index, counter) in lock(&self.0).iter_mut().enumerate() {
            let Some(fault) = select(&counter.fault.action) else { continue };
            if counter.applies_to(conversation) && counter.is_due(counter.fault.skip) {
                pending.push(PendingFault { counter: index, after: counter.fault.after, fault });
            }
        }
        pending
    }

    fn take_matching(&self, matches: impl Fn(&FaultAction) -> bool) -> bool {
        let mut counters = lock(&self.0);
        counters
            .iter_mut()
            .any(|counter| matches(&counter.fault.action) && counter.is_due(counter.fault.after) && counter.take())
    }
}

impl FaultCounter {
    fn applies_to(&self, conversation: Option<&str>) -> bool {
        self.fault.conversation.is_none() || self.fault.conversation.as_deref() == conversation
    }

    fn applies_to_request(&self, conversation: Option<&str>, request_line: &str) -> bool {
        let matches_conversation = |id: &str| conversation == Some(id) || request_line.contains(id);
        self.fault.conversation.as_deref().is_none_or(matches_conversation)
            && self.fault.path.as_deref().is_none_or(|part| request_line.contains(part))
    }

    /// Counts an opportunity. Returns whether more than the first `exempt` ones have passed.
    fn is_due(&mut self, exempt: u64) -> bool {
        self.opportunities += 1;
        self.opportunities > exempt
    }

    /// Uses up one occurrence. Returns false if none is left.
    fn take(&mut self) -> bool {
        match &mut self.remaining {
            None => true,
            Some(0) => false,
            Some(remaining) => {
                *remaining -= 1;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn schedule(specs: &[&str]) -> FaultSchedule {
        FaultSchedule::new(specs.iter().map(|spec| spec.parse().expect(spec)).collect())
    }

    #[test]
    fn a_request_takes_every_delay_and_one_response() {
        let schedule = schedule(&["token:slow=1s", "token:reset", "token:hang", "token:slow=2s,after=1"]);
        let slow = |seconds| RequestFault::Slow(Duration::from_secs(seconds));
        let take = |endpoint| schedule.take_request_faults(endpoint, None, "");
        assert_eq!(take(Endpoint::Token), [slow(1), RequestFault::Reset]);
        assert_eq!(take(Endpoint::Token), [RequestFault::Hang, slow(2)]);
        assert_eq!(take(Endpoint::Token), []);
        assert_eq!(take(Endpoint::TranscriptHandshake), []);
    }

    #[test]
    fn a_fault_with_a_conversation_exempts_the_others() {
        let schedule = schedule(&["handshake:reset,conversation=a,after=1,times=2"]);
        let count = |id| schedule.take_request_faults(Endpoint::TranscriptHandshake, Some(id), "").len();
        assert_eq!([count("b"), count("a"), count("b"), count("a"), count("a"), count("a")], [0, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_socket_fault_is_used_up_when_it_happens() {
        let schedule = schedule(&["socket:reset,skip=1"]);
        assert!(schedule.transcript_socket_faults("a").is_empty());
        let (second, third) = (schedule.transcript_socket_faults("a"), schedule.transcript_socket_faults("a"));
        assert!(schedule.take(&third[0]));
        assert!(!schedule.take(&second[0]));
    }

    #[test]
    fn a_fault_with_a_path_exempts_the_others() {
        let schedule = schedule(&["rest:omit", "rest:status=503,path=POST,after=1"]);
        let count = |line| schedule.take_request_faults(Endpoint::Rest, None, line).len();
        assert_eq!([count("GET /users"), count("POST /messages/bulk"), count("POST /messages/bulk")], [0, 1, 1]);
    }

    #[test]
    fn a_permission_is_denied_as_often_as_the_fault_says() {
        let schedule = schedule(&["rest:deny=a:b:view,after=1,times=1"]);
        assert_eq!([(); 3].map(|()| schedule.denies_permission("a:b:view")), [false, true, false]);
        assert!(!schedule.denies_permission("a:b:edit"));
    }
}
