//! Which faults are still to happen.

use std::sync::Mutex;

use super::{Endpoint, Fault, FaultAction, NotificationFault, RequestFault, SocketFault};
use crate::simulator::state::lock;

/// Every fault of the process, with its account.
#[derive(Debug)]
pub(crate) struct FaultSchedule(Mutex<Vec<FaultCounter>>);

#[derive(Debug)]
struct FaultCounter {
    fault: Fault,
    /// Requests, or connections, that it could have happened to.
    seen: u64,
    left: Option<u64>,
}

/// A fault that waits for its moment on one connection.
#[derive(Debug)]
pub(crate) struct PendingFault<T> {
    account: usize,
    /// Frames to be sent first.
    pub(crate) after: u64,
    pub(crate) fault: T,
}

impl FaultSchedule {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let accounts = faults.into_iter().map(|fault| FaultCounter { left: fault.times, seen: 0, fault }).collect();
        Self(Mutex::new(accounts))
    }

    /// What happens to a request: every delay and twist that is due, and at most one answer, in the order they were
    /// given. `line` is the method and path.
    pub(crate) fn request(&self, place: Endpoint, conversation: Option<&str>, line: &str) -> Vec<RequestFault> {
        let mut faults: Vec<RequestFault> = Vec::new();
        let mut answered = false;
        for account in lock(&self.0).iter_mut().filter(|account| account.concerns_request(conversation, line)) {
            let FaultAction::Request(at, fault) = account.fault.fault.clone() else { continue };
            let answers = !fault.keeps_response();
            if at != place || !account.passes(account.fault.after) || (answers && answered) || !account.spend() {
                continue;
            }
            answered |= answers;
            faults.push(fault);
        }
        faults
    }

    /// What may happen to a transcript socket that opens now. Nothing is spent until it does happen.
    pub(crate) fn socket(&self, conversation: &str) -> Vec<PendingFault<SocketFault>> {
        self.pending(Some(conversation), |fault| match fault {
            FaultAction::Socket(fault) => Some(fault.clone()),
            _ => None,
        })
    }

    /// What may happen to a notification socket that opens now.
    pub(crate) fn notify(&self) -> Vec<PendingFault<NotificationFault>> {
        self.pending(None, |fault| match fault {
            FaultAction::Notify(NotificationFault::StatusUpdates | NotificationFault::Truncate(_)) => None,
            FaultAction::Notify(fault) => Some(fault.clone()),
            _ => None,
        })
    }

    fn pending<T>(&self, conversation: Option<&str>, pick: impl Fn(&FaultAction) -> Option<T>) -> Vec<PendingFault<T>> {
        let mut pending = Vec::new();
        for (place, account) in lock(&self.0).iter_mut().enumerate() {
            let Some(fault) = pick(&account.fault.fault) else { continue };
            if account.concerns(conversation) && account.passes(account.fault.skip) {
                pending.push(PendingFault { account: place, after: account.fault.after, fault });
            }
        }
        pending
    }

    /// Whether this permission is withheld just now.
    pub(crate) fn denies(&self, permission: &str) -> bool {
        self.strikes(|fault| matches!(fault, FaultAction::Deny(denied) if denied == permission))
    }

    /// Whether this topic is refused just now.
    pub(crate) fn rejects(&self, topic: &str) -> bool {
        self.strikes(|fault| matches!(fault, FaultAction::Reject(part) if topic.contains(part.as_str())))
    }

    /// Whether the status of a message changes, again and again, after it was sent.
    pub(crate) fn updates_status(&self) -> bool {
        self.strikes(|fault| matches!(fault, FaultAction::Notify(NotificationFault::StatusUpdates)))
    }

    /// How many messages of each participant an event lists.
    pub(crate) fn listed(&self) -> usize {
        let accounts = lock(&self.0);
        let truncated = accounts.iter().find_map(|account| match account.fault.fault {
            FaultAction::Notify(NotificationFault::Truncate(listed)) => Some(listed),
            _ => None,
        });
        truncated.unwrap_or(usize::MAX)
    }

    fn strikes(&self, is: impl Fn(&FaultAction) -> bool) -> bool {
        let mut accounts = lock(&self.0);
        accounts
            .iter_mut()
            .any(|account| is(&account.fault.fault) && account.passes(account.fault.after) && account.spend())
    }

    /// Whether a fault that is due on a connection may still happen in this process; if so, it has.
    pub(crate) fn spend<T>(&self, pending: &PendingFault<T>) -> bool {
        lock(&self.0)[pending.account].spend()
    }
}

impl FaultCounter {
    fn concerns(&self, conversation: Option<&str>) -> bool {
        self.fault.conversation.is_none() || self.fault.conversation.as_deref() == conversation
    }

    fn concerns_request(&self, conversation: Option<&str>, line: &str) -> bool {
        let here = self.fault.conversation.as_deref().is_none_or(|id| conversation == Some(id) || line.contains(id));
        here && self.fault.path.as_deref().is_none_or(|part| line.contains(part))
    }

    /// Counts one more that it could happen to; false while some have to be let through.
    fn passes(&mut self, free: u64) -> bool {
        self.seen += 1;
        self.seen > free
    }

    fn spend(&mut self) -> bool {
        match &mut self.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn book(specs: &[&str]) -> FaultSchedule {
        FaultSchedule::new(specs.iter().map(|spec| spec.parse().expect(spec)).collect())
    }

    #[test]
    fn a_request_takes_every_delay_and_one_answer() {
        let book = book(&["token:slow=1s", "token:reset", "token:hang", "token:slow=2s,after=1"]);
        let slow = |seconds| RequestFault::Slow(Duration::from_secs(seconds));
        assert_eq!(book.request(Endpoint::Token, None, ""), [slow(1), RequestFault::Reset]);
        assert_eq!(book.request(Endpoint::Token, None, ""), [RequestFault::Hang, slow(2)]);
        assert_eq!(book.request(Endpoint::Token, None, ""), []);
        assert_eq!(book.request(Endpoint::Handshake, None, ""), []);
    }

    #[test]
    fn a_fault_of_one_conversation_leaves_the_others_alone() {
        let book = book(&["handshake:reset,conversation=a,after=1,times=2"]);
        let hits = |id| book.request(Endpoint::Handshake, Some(id), "").len();
        assert_eq!([hits("b"), hits("a"), hits("b"), hits("a"), hits("a"), hits("a")], [0, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_socket_fault_is_spent_when_it_happens() {
        let book = book(&["socket:reset,skip=1"]);
        assert!(book.socket("a").is_empty());
        let (second, third) = (book.socket("a"), book.socket("a"));
        assert!(book.spend(&third[0]));
        assert!(!book.spend(&second[0]));
    }
    #[test]
    fn a_fault_of_one_path_leaves_the_others_alone() {
        let book = book(&["rest:omit", "rest:status=503,path=POST,after=1"]);
        let hits = |line| book.request(Endpoint::Rest, None, line).len();
        assert_eq!([hits("GET /users"), hits("POST /messages/bulk"), hits("POST /messages/bulk")], [0, 1, 1]);
    }

    #[test]
    fn a_permission_is_withheld_as_long_as_the_fault_lasts() {
        let book = book(&["rest:deny=a:b:view,after=1,times=1"]);
        assert_eq!([(); 3].map(|()| book.denies("a:b:view")), [false, true, false]);
        assert!(!book.denies("a:b:edit"));
    }
}
