//! What the producer and the thread share.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::batch::Batch;
use super::{WriterExit, Written};

/// How much may wait before the producer is asked to wait, as long as nobody knows the reader to be slow: little enough
/// to be in a near cache still when it is written.
const SOFT_LIMIT: usize = 256 * 1024;
/// Chunks kept for reuse: one that is filled while another is written.
const SPARE: usize = 2;

/// Chunks in order, with what is known of the reader.
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something for the thread to do.
    work: Condvar,
    /// The reader has caught up, or never will.
    room: Notify,
    /// There is a fate, or the thread has ended.
    end: Notify,
    stall_limit: usize,
}

struct State {
    batches: VecDeque<Batch>,
    spare: Vec<Batch>,
    /// The cost of everything handed over and not yet written, the batch at the thread too.
    held: usize,
    soft_limit: usize,
    phase: Phase,
    /// Whether the thread is waiting for work, so that nobody else pays for waking it.
    idle: bool,
    written: Written,
    fate: Option<WriterExit>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// More may come.
    Open,
    /// What is there is the rest.
    Closing,
    /// The thread is no more, or is to begin nothing more.
    Ended,
}

/// The producer's side.
impl Queue {
    pub(super) fn new(stall_limit: usize) -> Self {
        let state = State {
            batches: VecDeque::new(),
            spare: Vec::new(),
            held: 0,
            soft_limit: SOFT_LIMIT.min(stall_limit),
            phase: Phase::Open,
            idle: false,
            written: Written::default(),
            fate: None,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), room: Notify::new(), end: Notify::new(), stall_limit }
    }

    /// Takes everything out of `local` and leaves it ready for more, and says whether the limit is passed. Once nothing
    /// is written any more it is lost.
    pub(super) fn push(&self, local: &mut Batch) -> bool {
        let mut state = self.lock();
        if state.fate.is_some() {
            local.clear();
            return false;
        }
        state.held += local.cost();
        let absorbed = state.batches.back_mut().is_some_and(|last| last.absorb(local));
        if !absorbed {
            let fresh = state.spare.pop().unwrap_or_default();
            state.batches.push_back(std::mem::replace(local, fresh));
        }
        let over_limit = state.is_over_limit();
        self.wake(state);
        over_limit
    }

    /// Says that nothing more will be pushed.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.wake(state);
    }

    /// Lets the thread begin nothing more, and says how far it came.
    pub(super) fn abandon(&self) -> Result<Written, WriterExit> {
        let mut state = self.lock();
        state.phase = Phase::Ended;
        state.outcome()
    }

    pub(super) fn is_over_limit(&self) -> bool {
        self.lock().is_over_limit()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().held == 0
    }

    /// Whether everything is written and more can be.
    pub(super) fn is_at_rest(&self) -> bool {
        let state = self.lock();
        state.held == 0 && state.fate.is_none()
    }

    /// Counts what was written past the queue.
    pub(super) fn count_written(&self, records: usize, bytes: usize) {
        let written = &mut self.lock().written;
        written.records += records as u64;
        written.bytes += bytes as u64;
    }

    pub(super) fn is_at_stall_limit(&self) -> bool {
        self.lock().soft_limit >= self.stall_limit
    }

    /// Allows a reader that is slow, but may yet be alive, to fall behind further.
    pub(super) fn widen(&self) {
        let mut state = self.lock();
        state.soft_limit = state.soft_limit.saturating_mul(2).min(self.stall_limit);
    }

    pub(super) fn written(&self) -> Written {
        self.lock().written
    }

    /// Resolves when the reader has caught up, or never will.
    pub(super) async fn drained(&self) {
        until(&self.room, || self.lock().is_drained().then_some(())).await;
    }

    /// Resolves when nothing is written any more for another reason than that all is written.
    pub(super) async fn failed(&self) -> WriterExit {
        until(&self.end, || self.lock().fate.clone()).await
    }

    /// Resolves when nothing is written any more.
    pub(super) async fn ended(&self) -> Result<Written, WriterExit> {
        until(&self.end, || {
            let state = self.lock();
            (state.fate.is_some() || state.phase == Phase::Ended).then(|| state.outcome())
        })
        .await
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let idle = state.idle;
        drop(state);
        if idle {
            self.work.notify_one();
        }
    }
}

/// The thread's side.
impl Queue {
    /// Waits for the next batch; `None` when there will be none.
    pub(super) fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.fate.is_some() || state.phase == Phase::Ended {
                return None;
            }
            if let Some(batch) = state.batches.pop_front() {
                return Some(batch);
            }
            if state.phase == Phase::Closing {
                return None;
            }
            state.idle = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle = false;
        }
    }

    /// Counts the bytes of `batch` from `from` to `to` as written, and the records that end there.
    pub(super) fn count(&self, batch: &Batch, from: usize, to: usize) {
        let records = batch.records_within(to) - batch.records_within(from);
        self.count_written(records, to - from);
    }

    /// Takes back a batch that is written.
    pub(super) fn recycle(&self, mut batch: Batch) {
        let mut state = self.lock();
        state.held = state.held.saturating_sub(batch.cost());
        if state.held == 0 {
            state.soft_limit = SOFT_LIMIT.min(self.stall_limit);
        }
        if state.spare.len() < SPARE && batch.is_reusable() {
            batch.clear();
            state.spare.push(batch);
        }
        let drained = state.is_drained();
        drop(state);
        if drained {
            self.room.notify_waiters();
        }
    }

    /// Ends everything for a reason, the first of which stays.
    pub(super) fn fail(&self, fate: WriterExit) {
        let mut state = self.lock();
        state.fate.get_or_insert(fate);
        state.batches.clear();
        state.held = 0;
        self.wake(state);
        self.room.notify_waiters();
        self.end.notify_waiters();
    }

    /// Says that the thread has ended.
    pub(super) fn end(&self) {
        self.lock().phase = Phase::Ended;
        self.room.notify_waiters();
        self.end.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_over_limit(&self) -> bool {
        self.held > self.soft_limit
    }

    fn is_drained(&self) -> bool {
        self.held <= self.soft_limit / 2 || self.fate.is_some() || self.phase == Phase::Ended
    }

    fn outcome(&self) -> Result<Written, WriterExit> {
        self.fate.clone().map_or(Ok(self.written), Err)
    }
}

/// Asks again after every notification, none of which can fall between the question and the wait.
async fn until<T>(notify: &Notify, mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        let notified = notify.notified();
        if let Some(answer) = ask() {
            return answer;
        }
        notified.await;
    }
}
