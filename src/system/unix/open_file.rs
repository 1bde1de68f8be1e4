//! Size, position and content of an open file.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use rustix::fs::{FileType, OFlags, SeekFrom, fcntl_getfl, fstat, ftruncate, seek, tell};

use super::stream::BorrowedStream;

/// A file that is open for reading.
pub(crate) struct Reader(File);

impl Reader {
    /// Opens the file for reading, because stdout usually is open for writing only. `None` if this is not permitted, or the
    /// operating system offers no way.
    pub(crate) fn open(out: BorrowedStream<'_>) -> Option<Self> {
        reopen(out).map(Self)
    }

    /// Reads bytes at a position.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, position)
    }
}

/// Returns the size of a regular file.
pub(crate) fn size(out: BorrowedStream<'_>) -> Option<u64> {
    let stat = fstat(out).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file.then(|| u64::try_from(stat.st_size).ok()).flatten()
}

/// Returns the current position in a file.
pub(crate) fn position(out: BorrowedStream<'_>) -> Option<u64> {
    tell(out).ok()
}

/// Returns the position of the next write to a regular file.
pub(crate) fn write_position(out: BorrowedStream<'_>) -> Option<u64> {
    let size = size(out)?;
    let appends = fcntl_getfl(out).ok()?.contains(OFlags::APPEND);
    if appends { Some(size) } else { position(out) }
}

/// Truncates a file, and sets its position to the new end.
pub(crate) fn truncate(out: BorrowedStream<'_>, size: u64) {
    if ftruncate(out, size).is_ok() {
        // The next write of a process that shares the position must not leave a hole.
        let _ = seek(out, SeekFrom::Start(size));
    }
}

/// Returns the path of a regular file, relative to the current folder if it is below that. `None` if the operating system
/// does not tell it.
pub(crate) fn relative_path(file: &File) -> Option<PathBuf> {
    file.metadata().ok().filter(Metadata::is_file)?;
    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    let folder = fs::read_link("/proc/self/cwd").ok()?;
    Some(path.strip_prefix(folder).unwrap_or(&path).to_owned())
}

/// Opens the file behind a descriptor again.
#[cfg(not(target_vendor = "apple"))]
fn reopen(out: BorrowedStream<'_>) -> Option<File> {
    // The link leads to the open file itself, even if that has no name any more.
    File::open(format!("/proc/self/fd/{}", out.as_raw_fd())).ok()
}

/// Opens the file behind a descriptor again. `None` if it has no name any more.
#[cfg(target_vendor = "apple")]
fn reopen(out: BorrowedStream<'_>) -> Option<File> {
    use rustix::fs::{Mode, getpath, open};

    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = open(getpath(out).ok()?, flags, Mode::empty()).ok()?;
    let (ours, found) = (fstat(out).ok()?, fstat(&file).ok()?);
    ((ours.st_dev, ours.st_ino) == (found.st_dev, found.st_ino)).then(|| file.into())
}
