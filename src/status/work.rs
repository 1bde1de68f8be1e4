//! The progress of work that takes time, for the status line (ERR-14).

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::stderr::Stderr;

/// Work in progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Work {
    #[default]
    None,
    /// History, or the messages of an outage, are being read. `listed` is 0 until a snapshot has listed the messages.
    ReadingHistory { read: usize, listed: usize },
    /// Conversations are being listed. `total` is their number, at most the number that a list shows; 0 until it is known.
    Listing { found: usize, total: usize },
    /// This part of a recording was delivered.
    Replaying { percent: u8 },
}

/// The state of one task.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TaskProgress {
    pub(super) work: Work,
    /// The time since when there is work.
    pub(super) since: Option<Instant>,
}

/// Reports the progress of one task. Dropping it ends the work.
#[derive(Debug)]
pub(crate) struct WorkReporter {
    progress: watch::Sender<TaskProgress>,
    stderr: Stderr,
    /// Signals each change to the task that shows the status.
    changed: Arc<Notify>,
}

impl WorkReporter {
    /// Creates a reporter whose receivers show the status line on `stderr`.
    pub(super) fn new(stderr: Stderr, changed: Arc<Notify>) -> Self {
        Self { progress: watch::Sender::default(), stderr, changed }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<TaskProgress> {
        self.progress.subscribe()
    }

    /// Reports the current state.
    pub(crate) fn report(&self, work: Work) {
        let since = self.progress.borrow().since;
        if since.is_none() && work != Work::None {
            self.stderr.request_update();
        }
        let since = (work != Work::None).then(|| since.unwrap_or_else(Instant::now));
        self.progress.send_replace(TaskProgress { work, since });
        self.changed.notify_one();
    }
}

impl Default for WorkReporter {
    /// Creates a reporter without receivers.
    fn default() -> Self {
        Self::new(Stderr::default(), Arc::default())
    }
}
