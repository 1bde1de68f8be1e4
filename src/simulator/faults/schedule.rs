//! Which faults are still to happen.

use std::sync::Mutex;

use super::{Fault, NotifyTrick, Place, RequestTrick, SocketTrick, Trick};
use crate::simulator::state::lock;

/// Every fault of the process, with its account.
#[derive(Debug)]
pub(crate) struct FaultBook(Mutex<Vec<Account>>);

#[derive(Debug)]
struct Account {
    fault: Fault,
    /// Requests, or connections, that it could have happened to.
    seen: u64,
    left: Option<u64>,
}

/// A fault that waits for its moment on one connection.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    account: usize,
    /// Frames to be sent first.
    pub(crate) after: u64,
    pub(crate) trick: T,
}

impl FaultBook {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let accounts = faults.into_iter().map(|fault| Account { left: fault.times, seen: 0, fault }).collect();
        Self(Mutex::new(accounts))
    }

    /// What happens to a request: every delay and twist that is due, and at most one answer, in the order they were
    /// given. `line` is the method and path.
    pub(crate) fn request(&self, place: Place, conversation: Option<&str>, line: &str) -> Vec<RequestTrick> {
        let mut tricks: Vec<RequestTrick> = Vec::new();
        let mut answered = false;
        for account in lock(&self.0).iter_mut().filter(|account| account.concerns_request(conversation, line)) {
            let Trick::Request(at, trick) = account.fault.trick.clone() else { continue };
            let answers = !trick.only_bends();
            if at != place || !account.passes(account.fault.after) || (answers && answered) || !account.spend() {
                continue;
            }
            answered |= answers;
            tricks.push(trick);
        }
        tricks
    }

    /// What may happen to a transcript socket that opens now. Nothing is spent until it does happen.
    pub(crate) fn socket(&self, conversation: &str) -> Vec<Pending<SocketTrick>> {
        self.pending(Some(conversation), |trick| match trick {
            Trick::Socket(trick) => Some(trick.clone()),
            _ => None,
        })
    }

    /// What may happen to a notification socket that opens now.
    pub(crate) fn notify(&self) -> Vec<Pending<NotifyTrick>> {
        self.pending(None, |trick| match trick {
            Trick::Notify(NotifyTrick::StatusUpdates | NotifyTrick::Truncate(_)) => None,
            Trick::Notify(trick) => Some(trick.clone()),
            _ => None,
        })
    }

    fn pending<T>(&self, conversation: Option<&str>, pick: impl Fn(&Trick) -> Option<T>) -> Vec<Pending<T>> {
        let mut pending = Vec::new();
        for (place, account) in lock(&self.0).iter_mut().enumerate() {
            let Some(trick) = pick(&account.fault.trick) else { continue };
            if account.concerns(conversation) && account.passes(account.fault.skip) {
                pending.push(Pending { account: place, after: account.fault.after, trick });
            }
        }
        pending
    }

    /// Whether this permission is withheld just now.
    pub(crate) fn denies(&self, permission: &str) -> bool {
        self.strikes(|trick| matches!(trick, Trick::Deny(denied) if denied == permission))
    }

    /// Whether this topic is refused just now.
    pub(crate) fn rejects(&self, topic: &str) -> bool {
        self.strikes(|trick| matches!(trick, Trick::Reject(part) if topic.contains(part.as_str())))
    }

    /// Whether the status of a message changes, again and again, after it was sent.
    pub(crate) fn updates_status(&self) -> bool {
        self.strikes(|trick| matches!(trick, Trick::Notify(NotifyTrick::StatusUpdates)))
    }

    /// How many messages of each participant an event lists.
    pub(crate) fn listed(&self) -> usize {
        let accounts = lock(&self.0);
        let truncated = accounts.iter().find_map(|account| match account.fault.trick {
            Trick::Notify(NotifyTrick::Truncate(listed)) => Some(listed),
            _ => None,
        });
        truncated.unwrap_or(usize::MAX)
    }

    fn strikes(&self, is: impl Fn(&Trick) -> bool) -> bool {
        let mut accounts = lock(&self.0);
        accounts
            .iter_mut()
            .any(|account| is(&account.fault.trick) && account.passes(account.fault.after) && account.spend())
    }

    /// Whether a fault that is due on a connection may still happen in this process; if so, it has.
    pub(crate) fn spend<T>(&self, pending: &Pending<T>) -> bool {
        lock(&self.0)[pending.account].spend()
    }
}

impl Account {
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

    fn book(specs: &[&str]) -> FaultBook {
        FaultBook::new(specs.iter().map(|spec| spec.parse().expect(spec)).collect())
    }

    #[test]
    fn a_request_takes_every_delay_and_one_answer() {
        let book = book(&["token:slow=1s", "token:reset", "token:hang", "token:slow=2s,after=1"]);
        let slow = |seconds| RequestTrick::Slow(Duration::from_secs(seconds));
        assert_eq!(book.request(Place::Token, None, ""), [slow(1), RequestTrick::Reset]);
        assert_eq!(book.request(Place::Token, None, ""), [RequestTrick::Hang, slow(2)]);
        assert_eq!(book.request(Place::Token, None, ""), []);
        assert_eq!(book.request(Place::Handshake, None, ""), []);
    }

    #[test]
    fn a_fault_of_one_conversation_leaves_the_others_alone() {
        let book = book(&["handshake:reset,conversation=a,after=1,times=2"]);
        let hits = |id| book.request(Place::Handshake, Some(id), "").len();
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
        let hits = |line| book.request(Place::Rest, None, line).len();
        assert_eq!([hits("GET /users"), hits("POST /messages/bulk"), hits("POST /messages/bulk")], [0, 1, 1]);
    }

    #[test]
    fn a_permission_is_withheld_as_long_as_the_fault_lasts() {
        let book = book(&["rest:deny=a:b:view,after=1,times=1"]);
        assert_eq!([(); 3].map(|()| book.denies("a:b:view")), [false, true, false]);
        assert!(!book.denies("a:b:edit"));
    }
}
