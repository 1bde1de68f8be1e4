//! The limits of the process.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use signal_hook::consts::SIGXFSZ;

/// The next step after a write beyond the limit of file sizes.
pub(crate) const FILE_SIZE_HINT: &str = "raise the limit of file sizes (ulimit -f), then start again";

/// The next step if no descriptor is free.
pub(crate) const OPEN_FILES_HINT: &str = "raise the limit of open files (ulimit -n)";

/// The next step if no descriptor is free for one more socket.
pub(crate) const SOCKETS_HINT: &str =
    "raise the limit of open files (ulimit -n), or use --source notifications, which needs one socket";

/// The next step if the process cannot start for another reason.
pub(crate) const PROCESS_HINT: &str = "check the limits of the process (ulimit -a) and the free memory";

/// Lets a write beyond the limit of file sizes (`ulimit -f`) fail like one on a full disk. By default the signal SIGXFSZ
/// ends the process, possibly within a line (OUT-46).
pub fn ignore_file_size_signal() {
    // A handler replaces the default action. Its flag is not read: the write returns an error.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Checks that eight descriptors are free: the runtime panics without them.
pub(crate) fn check_open_files() -> io::Result<()> {
    const PAIRS: usize = 4;
    (0..PAIRS).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>().map(drop)
}
