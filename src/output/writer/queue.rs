//! The state that the producer and the thread share.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::batch::Batch;
use super::{WriterExit, Written};

/// The limit for a reader that is not known to be slow. Small enough for the output to be still in a near cache when it is
/// written.
const INITIAL_LIMIT: usize = 64 * 1024;

/// The number of batches kept for reuse: one is filled while another is written.
const MAX_SPARE_BATCHES: usize = 2;

/// The batches in order, and the state of the reader.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the thread.
    work: Condvar,
    /// Signals that the reader has caught up or that writing ended.
    capacity: Notify,
    /// Signals that writing ended.
    end: Notify,
    stall_limit: usize,
}

struct State {
    batches: VecDeque<Batch>,
    spare: Vec<Batch>,
    /// The cost of all batches that are not written, including the one at the thread.
    pending_cost: usize,
    limit: usize,
    phase: Phase,
    /// The thread waits for work. Only then is it worth the cost of waking it.
    is_thread_idle: bool,
    written: Written,
    exit: Option<WriterExit>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The producer may add batches.
    Open,
    /// The remaining batches are the last ones.
    Closing,
    /// The thread has ended or begins no further batch.
    Ended,
}

/// The producer's side.
impl Queue {
    pub(super) fn new(stall_limit: usize) -> Self {
        let state = State {
            batches: VecDeque::new(),
            spare: Vec::new(),
            pending_cost: 0,
            limit: INITIAL_LIMIT.min(stall_limit),
            phase: Phase::Open,
            is_thread_idle: false,
            written: Written::default(),
            exit: None,
        };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            capacity: Notify::new(),
            end: Notify::new(),
            stall_limit,
        }
    }

    /// Takes the content of `batch`, and returns whether the limit is exceeded. Discards the content after a failure.
    pub(super) fn push(&self, batch: &mut Batch) -> bool {
        let mut state = self.lock();
        if state.exit.is_some() {
            batch.clear();
            return false;
        }
        state.pending_cost += batch.cost();
        let is_merged = state.batches.back_mut().is_some_and(|last| last.try_merge(batch));
        if !is_merged {
            let fresh = state.spare.pop().unwrap_or_default();
            state.batches.push_back(std::mem::replace(batch, fresh));
        }
        let is_over_limit = state.is_over_limit();
        self.wake_thread(state);
        is_over_limit
    }

    /// Marks the pushed batches as the last ones.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.wake_thread(state);
    }

    /// Makes the thread stop after its current batch, and returns the result so far.
    pub(super) fn abandon(&self) -> Result<Written, WriterExit> {
        let mut state = self.lock();
        state.phase = Phase::Ended;
        state.result()
    }

    pub(super) fn is_over_limit(&self) -> bool {
        self.lock().is_over_limit()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().pending_cost == 0
    }

    /// Returns whether everything is written and the writer has not failed.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.pending_cost == 0 && state.exit.is_none()
    }

    /// Adds to the amount written.
    pub(super) fn count_written(&self, records: usize, bytes: usize) {
        let written = &mut self.lock().written;
        written.records += records as u64;
        written.bytes += bytes as u64;
    }

    pub(super) fn is_at_stall_limit(&self) -> bool {
        self.lock().limit >= self.stall_limit
    }

    /// Lets a slow reader fall further behind.
    pub(super) fn raise_limit(&self) {
        let mut state = self.lock();
        state.limit = state.limit.saturating_mul(2).min(self.stall_limit);
    }

    pub(super) fn written(&self) -> Written {
        self.lock().written
    }

    /// Waits until the reader has caught up or writing has ended.
    pub(super) async fn wait_for_capacity(&self) {
        wait_until(&self.capacity, || self.lock().has_capacity().then_some(())).await;
    }

    /// Waits until the writer has failed. Stays pending if everything is written.
    pub(super) async fn failed(&self) -> WriterExit {
        wait_until(&self.end, || self.lock().exit.clone()).await
    }

    /// Waits until everything is written or the writer has failed.
    pub(super) async fn ended(&self) -> Result<Written, WriterExit> {
        wait_until(&self.end, || {
            let state = self.lock();
            (state.exit.is_some() || state.phase == Phase::Ended).then(|| state.result())
        })
        .await
    }

    fn wake_thread(&self, state: MutexGuard<'_, State>) {
        let is_thread_idle = state.is_thread_idle;
        drop(state);
        if is_thread_idle {
            self.work.notify_one();
        }
    }
}

/// The thread's side.
impl Queue {
    /// Blocks until the next batch arrives. `None` ends the thread.
    pub(super) fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.exit.is_some() || state.phase == Phase::Ended {
                return None;
            }
            if let Some(batch) = state.batches.pop_front() {
                return Some(batch);
            }
            if state.phase == Phase::Closing {
                return None;
            }
            state.is_thread_idle = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.is_thread_idle = false;
        }
    }

    /// Counts a range of bytes of `batch` and the records that end in it as written.
    pub(super) fn count_written_range(&self, batch: &Batch, from: usize, to: usize) {
        let records = batch.records_within(to) - batch.records_within(from);
        self.count_written(records, to - from);
    }

    /// Takes back a written batch.
    pub(super) fn recycle(&self, mut batch: Batch) {
        let mut state = self.lock();
        state.pending_cost = state.pending_cost.saturating_sub(batch.cost());
        if state.pending_cost == 0 {
            state.limit = INITIAL_LIMIT.min(self.stall_limit);
        }
        if state.spare.len() < MAX_SPARE_BATCHES && batch.is_reusable() {
            batch.clear();
            state.spare.push(batch);
        }
        let has_capacity = state.has_capacity();
        drop(state);
        if has_capacity {
            self.capacity.notify_waiters();
        }
    }

    /// Ends writing and discards all batches. The first reason is kept.
    pub(super) fn fail(&self, exit: WriterExit) {
        let mut state = self.lock();
        state.exit.get_or_insert(exit);
        state.batches.clear();
        state.pending_cost = 0;
        self.wake_thread(state);
        self.capacity.notify_waiters();
        self.end.notify_waiters();
    }

    /// Marks the thread as ended.
    pub(super) fn end(&self) {
        self.lock().phase = Phase::Ended;
        self.capacity.notify_waiters();
        self.end.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_over_limit(&self) -> bool {
        self.pending_cost > self.limit
    }

    fn has_capacity(&self) -> bool {
        self.pending_cost <= self.limit / 2 || self.exit.is_some() || self.phase == Phase::Ended
    }

    fn result(&self) -> Result<Written, WriterExit> {
        self.exit.clone().map_or(Ok(self.written), Err)
    }
}

/// Checks `condition` now and after every notification until it returns a value.
///
/// The notification is registered before the check, so that none is lost between the check and the wait.
async fn wait_until<T>(notify: &Notify, mut condition: impl FnMut() -> Option<T>) -> T {
    loop {
        let notified = notify.notified();
        if let Some(value) = condition() {
            return value;
        }
        notified.await;
    }
}
