//! Handles.

use std::io;
use std::os::windows::io::AsHandle;
pub use std::os::windows::io::BorrowedHandle as BorrowedStream;
use std::thread::sleep;
use std::time::Duration;

use crate::system::stream::AsStream;

/// The time between two attempts to write.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

impl<T: AsHandle> AsStream for T {
    fn as_stream(&self) -> BorrowedStream<'_> {
        self.as_handle()
    }
}

/// Waits before the next attempt to write to a non-blocking output. Windows cannot tell when it accepts more.
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail to wait")]
pub(crate) fn wait_until_writable(_: BorrowedStream<'_>) -> io::Result<()> {
    sleep(RETRY_INTERVAL);
    Ok(())
}
