//! One connection and what it has brought, read step by step.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::dedup::{Dedup, OccurrenceCounter};
use crate::delivery::sink::{Admitted, Delivery};
use crate::output::WriterHandle;
use crate::source::{Item, Session, SourceError};
use crate::status::connection_status::ConnectionStatus;

/// A connection that stayed up this long is a success: the next loss is the first in a row again.
const CALM: Duration = Duration::from_secs(10);

/// Arrivals, and bytes of them, after which others get their turn, and the user is listened to: a server that sends
/// without a pause would keep both away.
const IN_A_ROW: usize = 4096;
const BYTES_IN_A_ROW: usize = 256 * 1024;

/// What all connections of a conversation have in common. Nothing of it stays borrowed while something is awaited.
pub(super) struct Shared<'a> {
    /// Where arrivals go, shared with all conversations.
    pub(super) delivery: &'a RefCell<Delivery>,
    /// Tells when the reader has caught up.
    reader: WriterHandle,
    /// What was delivered already.
    ledger: Rc<RefCell<Dedup>>,
    pub(super) status: &'a watch::Sender<ConnectionStatus>,
}

/// An open session with its own bookkeeping.
#[derive(Debug)]
pub(super) struct Connection<T> {
    /// The session.
    pub(super) session: Session<T>,
    opened: Instant,
    /// Before this no next one is opened beside it, because the last attempt has failed.
    pub(super) not_before: Option<Instant>,
    /// Whether it, or one whose place it took, was worth something already.
    pub(super) news: bool,
    tally: OccurrenceCounter,
    turn: Quota,
}

/// What was delivered since others had their turn.
#[derive(Debug, Default)]
struct Quota {
    arrivals: usize,
    bytes: usize,
}

impl Quota {
    fn count(&mut self, arrival: &Item<'_>) {
        self.arrivals += 1;
        self.bytes += arrival.raw.map_or(0, |raw| raw.len());
    }

    fn is_over(&self) -> bool {
        self.arrivals >= IN_A_ROW || self.bytes >= BYTES_IN_A_ROW
    }
}

/// What a step has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    More,
    /// The end of the conversation; what is in flight may still come.
    Closed,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// A connection that was opened just now.
    pub(super) fn new(session: Session<T>, tally: OccurrenceCounter) -> Self {
        Self { session, opened: Instant::now(), not_before: None, news: false, tally, turn: Quota::default() }
    }

    /// When the next one should be opened beside it.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        let due = self.session.renew_at()?;
        Some(self.not_before.map_or(due, |soonest| due.max(soonest)))
    }

    /// Whether it was worth something: it stayed up for a while, or brought news.
    pub(super) fn is_fruitful(&self) -> bool {
        self.news || self.opened.elapsed() >= CALM
    }

    /// Delivers everything that is there, and when there is nothing waits for the next frame and delivers that. What
    /// was delivered is handed to the writers before any wait. A reader that cannot keep up is waited for.
    ///
    /// # Errors
    ///
    /// When the connection has ended. Cancel safe: what was read was delivered.
    pub(super) async fn advance(&mut self, shared: &Shared<'_>) -> Result<Progress, SourceError> {
        if shared.delivery.borrow().output.is_over_limit() {
            shared.delivery.borrow_mut().flush();
            self.session.hold(shared.reader.wait_for_capacity()).await;
        }
        let due = self.renew_at();
        while !self.turn.is_over() {
            let Some(arrival) = self.session.ready() else {
                if self.renew_at() != due {
                    // Whoever waits for that moment has to learn of it before the next thing comes.
                    shared.delivery.borrow_mut().flush();
                    return Ok(Progress::More);
                }
                return self.wait(shared).await;
            };
            let arrival = arrival?;
            self.turn.count(&arrival);
            let last = arrival.last;
            let taken = shared.take(arrival, &mut self.tally);
            if let Some(heard) = self.note(taken, last, shared) {
                return Ok(heard);
            }
        }
        shared.delivery.borrow_mut().flush();
        self.turn = Quota::default();
        tokio::task::yield_now().await;
        Ok(Progress::More)
    }

    /// Hands over what was delivered, and delivers what comes next. That may be there already, and then nobody else had a
    /// turn.
    async fn wait(&mut self, shared: &Shared<'_>) -> Result<Progress, SourceError> {
        shared.delivery.borrow_mut().flush();
        let arrival = self.session.next().await?;
        self.turn.count(&arrival);
        let last = arrival.last;
        let taken = shared.take(arrival, &mut self.tally);
        Ok(self.note(taken, last, shared).unwrap_or(Progress::More))
    }

    /// Delivers the next of what was said before the end and could not be told yet; false when nothing is missing.
    /// Cancel safe.
    pub(super) async fn settle(&mut self, shared: &Shared<'_>) -> bool {
        shared.delivery.borrow_mut().flush();
        match self.session.owed().await {
            Some(arrival) => {
                shared.take(arrival, &mut self.tally);
                true
            }
            None => false,
        }
    }

    /// Whether to stop here and let others look: at the end of the conversation, or of the reader's patience.
    fn note(&mut self, taken: Admitted, last: bool, shared: &Shared<'_>) -> Option<Progress> {
        self.news |= taken == Admitted::New;
        match taken {
            _ if last => {
                shared.delivery.borrow_mut().flush();
                Some(Progress::Closed)
            }
            Admitted::New if shared.delivery.borrow().output.is_over_limit() => Some(Progress::More),
            Admitted::New | Admitted::Repeat => None,
        }
    }
}

impl<'a> Shared<'a> {
    /// With the ledger that the sources look into as well.
    pub(super) fn new(
        delivery: &'a RefCell<Delivery>,
        ledger: Rc<RefCell<Dedup>>,
        status: &'a watch::Sender<ConnectionStatus>,
    ) -> Self {
        let reader = delivery.borrow().output.handle();
        Self { delivery, reader, ledger, status }
    }

    fn take(&self, arrival: Item<'_>, tally: &mut OccurrenceCounter) -> Admitted {
        self.delivery.borrow_mut().take(arrival, &mut self.ledger.borrow_mut(), tally)
    }
}
