//! Writes to standard error that do not block for long. A thread writes: a console in which text is selected accepts nothing,
//! nor does a full pipe.

use std::io::{self, Write as _};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use terminal_size::terminal_size_of;
use winapi_util::console::Console;

/// The minimum time that the thread gets to write a text.
const MIN_TIMEOUT: Duration = Duration::from_millis(20);

/// The text that the thread has to write.
#[derive(Default)]
struct Task {
    text: Option<String>,
    is_being_written: bool,
}

/// Shared with the thread.
#[derive(Default)]
struct Shared {
    task: Mutex<Task>,
    changed: Condvar,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    // Without a thread every text times out. Only a lack of memory has that effect.
    let _ = thread::Builder::new().name("stderr".to_owned()).spawn(write_texts);
    Shared::default()
});

/// Lets a console obey escape sequences. Returns whether the terminal behind standard error does. A terminal without a
/// console, as that of Git Bash, does.
pub(crate) fn enable_escape_sequences() -> bool {
    Console::stderr().map_or(true, |mut console| console.set_virtual_terminal_processing(true).is_ok())
}

/// Writes the text in the background, and waits for it until `timeout`. Returns `false`, and drops the text, if an earlier
/// one still blocks then.
pub(crate) fn write_within(text: &str, timeout: Duration) -> bool {
    let timeout = timeout.max(MIN_TIMEOUT);
    let waited = SHARED.changed.wait_timeout_while(task(), timeout, |task| task.is_busy());
    let (mut task, wait) = waited.unwrap_or_else(PoisonError::into_inner);
    if wait.timed_out() {
        return false;
    }
    task.text = Some(text.to_owned());
    SHARED.changed.notify_all();
    drop(SHARED.changed.wait_timeout_while(task, timeout, |task| task.is_busy()));
    true
}

/// Waits until the terminal has accepted the last text.
pub(crate) fn wait_until_writable() {
    drop(SHARED.changed.wait_while(task(), |task| task.is_busy()));
}

/// Returns `true`: a console has no background processes.
pub(crate) fn is_in_foreground() -> bool {
    true
}

/// Returns the width of the console.
pub(crate) fn columns() -> Option<u16> {
    terminal_size_of(io::stderr()).map(|(width, _)| width.0)
}

impl Task {
    fn is_busy(&self) -> bool {
        self.text.is_some() || self.is_being_written
    }
}

fn task() -> MutexGuard<'static, Task> {
    SHARED.task.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_texts() {
    loop {
        let mut task =
            SHARED.changed.wait_while(task(), |task| task.text.is_none()).unwrap_or_else(PoisonError::into_inner);
        let text = task.text.take().unwrap_or_default();
        task.is_being_written = true;
        drop(task);
        // A closed standard error is no failure.
        let _ = io::stderr().write_all(text.as_bytes());
        self::task().is_being_written = false;
        SHARED.changed.notify_all();
    }
}
