//! Which faults are still to happen.

use std::sync::Mutex;

use super::{Fault, Place, RequestTrick, SocketTrick, Trick};
use crate::simulator::cloud::lock;

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
pub(crate) struct Pending {
    account: usize,
    /// Frames to be sent first.
    pub(crate) after: u64,
    pub(crate) trick: SocketTrick,
}

impl FaultBook {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let accounts = faults.into_iter().map(|fault| Account { left: fault.times, seen: 0, fault }).collect();
        Self(Mutex::new(accounts))
    }

    /// What happens to a request: every delay that is due, and at most one answer, in the order they were given.
    pub(crate) fn request(&self, place: Place, conversation: Option<&str>) -> Vec<RequestTrick> {
        let mut tricks: Vec<RequestTrick> = Vec::new();
        let mut answered = false;
        for account in lock(&self.0).iter_mut().filter(|account| account.concerns(conversation)) {
            let Trick::Request(at, trick) = account.fault.trick.clone() else { continue };
            let answers = !matches!(trick, RequestTrick::Slow(_));
            if at != place || !account.passes(account.fault.after) || (answers && answered) || !account.spend() {
                continue;
            }
            answered |= answers;
            tricks.push(trick);
        }
        tricks
    }

    /// What may happen to a connection that opens now. Nothing is spent until it does happen.
    pub(crate) fn socket(&self, conversation: &str) -> Vec<Pending> {
        let mut pending = Vec::new();
        for (place, account) in lock(&self.0).iter_mut().enumerate() {
            let Trick::Socket(trick) = account.fault.trick.clone() else { continue };
            if account.concerns(Some(conversation)) && account.passes(account.fault.skip) {
                pending.push(Pending { account: place, after: account.fault.after, trick });
            }
        }
        pending
    }

    /// Whether a fault that is due on a connection may still happen in this process; if so, it has.
    pub(crate) fn spend(&self, pending: &Pending) -> bool {
        lock(&self.0)[pending.account].spend()
    }
}

impl Account {
    fn concerns(&self, conversation: Option<&str>) -> bool {
        self.fault.conversation.is_none() || self.fault.conversation.as_deref() == conversation
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
        assert_eq!(book.request(Place::Token, None), [slow(1), RequestTrick::Reset]);
        assert_eq!(book.request(Place::Token, None), [RequestTrick::Hang, slow(2)]);
        assert_eq!(book.request(Place::Token, None), []);
        assert_eq!(book.request(Place::Handshake, None), []);
    }

    #[test]
    fn a_fault_of_one_conversation_leaves_the_others_alone() {
        let book = book(&["handshake:reset,conversation=a,after=1,times=2"]);
        let hits = |id| book.request(Place::Handshake, Some(id)).len();
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
}
