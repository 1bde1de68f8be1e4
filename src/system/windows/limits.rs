//! The limits of the process.

use std::io;

/// The next step after a write beyond the limit of file sizes.
pub(crate) const FILE_SIZE_HINT: &str =
    "use a disk whose file system allows larger files, such as NTFS, then start again";

/// The next step if no handle is free.
pub(crate) const OPEN_FILES_HINT: &str = "close programs that have many files open";

/// The next step if no handle is free for one more socket.
pub(crate) const SOCKETS_HINT: &str =
    "close programs that have many files open, or use --source notifications, which needs one socket";

/// The next step if the process cannot start for another reason.
pub(crate) const PROCESS_HINT: &str = "check the free memory";

/// Does nothing: Windows has no such signal.
pub fn ignore_file_size_signal() {}

/// Accepts: Windows has no such limit.
#[expect(clippy::unnecessary_wraps, reason = "other systems have a limit")]
pub(crate) fn check_open_files() -> io::Result<()> {
    Ok(())
}
